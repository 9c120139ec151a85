/**
 * The tree of a pattern, in the words of section 9 of STIX 2.1.
 *
 * `[file:size > 10 AND file:name LIKE 'a%'] REPEATS 2 TIMES` is
 * repeats(2, observation(and(test(file, [size], >, 10), test(file, [name], LIKE, 'a%')))).
 */
export interface Pattern {
  readonly text: string
  readonly expression: ObservationNode
}

/** An observation expression: what must be found among the observations, and when. */
export type ObservationNode =
  | { readonly kind: 'observation'; readonly comparison: ComparisonNode }
  | { readonly kind: 'and' | 'or' | 'followedBy'; readonly operands: readonly ObservationNode[] }
  | { readonly kind: 'within'; readonly operand: ObservationNode; readonly seconds: number }
  | { readonly kind: 'repeats'; readonly operand: ObservationNode; readonly times: number }
  | { readonly kind: 'startStop'; readonly operand: ObservationNode; readonly start: string; readonly stop: string }

/** A comparison expression: what one observation must hold. */
export type ComparisonNode =
  | { readonly kind: 'and' | 'or'; readonly operands: readonly ComparisonNode[] }
  | ComparisonTest
  | { readonly kind: 'exists'; readonly object: string; readonly path: readonly PathStep[]; readonly negated: boolean }

/** One object path, one operator, one constant; IN has any number of them. */
export interface ComparisonTest {
  readonly kind: 'test'
  readonly object: string
  readonly path: readonly PathStep[]
  readonly operator: Operator
  readonly negated: boolean
  readonly values: readonly Literal[]
}

export type Operator = '=' | '!=' | '<' | '<=' | '>' | '>=' | 'IN' | 'LIKE' | 'MATCHES' | 'ISSUBSET' | 'ISSUPERSET'

/** A key of an object or dictionary, an index into a list, or any item of a list. */
export type PathStep = string | number | typeof ANY_ITEM

/** The step `[*]`. A symbol, since `'*'` is also a valid key. */
export const ANY_ITEM = Symbol('[*]')

/** `hex` and `binary` hold the bytes as one character per byte (U+0000 to U+00FF), as section 9.6 compares them. */
export type Literal =
  | { readonly type: 'string' | 'timestamp' | 'hex' | 'binary'; readonly value: string }
  | { readonly type: 'integer' | 'float'; readonly value: number }
  | { readonly type: 'boolean'; readonly value: boolean }
