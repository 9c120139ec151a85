import { parsePattern } from '#stix'

/** One equality of a pattern. */
export interface Comparison {
  /** `file:hashes.SHA-256`: names as they are, without quotes and without the items of lists. */
  key: string
  /** Items of the lists on the way, in order. */
  items: number[]
  value: string
}

/** Equalities of a pattern about one observation, and whether each of them has to hold. */
export interface Comparisons {
  all: Comparison[]
  joined: 'and' | 'or'
}

type Expression = ReturnType<typeof parsePattern>['expression']
type Comparing = Extract<Expression, { kind: 'observation' }>['comparison']

/** The equalities of a pattern; undefined where it holds anything else, such as a sequence, a range or a negation. */
export function comparisonsOf(pattern: string): Comparisons | undefined {
  let expression: Expression
  try {
    expression = parsePattern(pattern).expression
  } catch {
    return undefined
  }
  if (expression.kind !== 'observation') return undefined
  const all: Comparison[] = []
  const kinds = new Set<'and' | 'or'>()
  if (!collect(expression.comparison, all, kinds) || kinds.size > 1) return undefined
  return { all, joined: kinds.has('or') ? 'or' : 'and' }
}

function collect(node: Comparing, all: Comparison[], kinds: Set<'and' | 'or'>): boolean {
  if (node.kind === 'and' || node.kind === 'or') {
    kinds.add(node.kind)
    return node.operands.every((operand) => collect(operand, all, kinds))
  }
  if (node.kind !== 'test' || node.negated || !['=', 'ISSUBSET'].includes(node.operator)) return false
  const [literal] = node.values
  if (literal === undefined) return false
  const names = node.path.filter((step) => typeof step === 'string')
  const items = node.path.filter((step) => typeof step === 'number')
  all.push({ key: `${node.object}:${names.join('.')}`, items, value: String(literal.value) })
  return true
}
