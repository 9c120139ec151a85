import type { Network } from '../atoms/address.ts'
import type { Token } from './value.ts'

/** How one field's value is tested. Texts of tokens are small letters already where `cased` is false. */
export type Match =
  | { kind: 'text'; tokens: readonly Token[]; cased: boolean }
  | { kind: 'regex'; source: string; test: (text: string) => boolean }
  | { kind: 'network'; network: Network }
  | { kind: 'compare'; operator: 'lt' | 'lte' | 'gt' | 'gte'; number: number }
  | { kind: 'exists'; wanted: boolean }
  | { kind: 'null' }
  | { kind: 'field'; other: string; form: Form; cased: boolean }

/** Where in the field's text the value must stand. */
export type Form = 'equals' | 'contains' | 'startswith' | 'endswith'

/** A Sigma rule as a tree of tests; a test without field looks at every value of the event (keywords). */
export type Test =
  | { op: 'and' | 'or'; parts: readonly Test[] }
  | { op: 'least'; count: number; parts: readonly Test[] }
  | { op: 'not'; part: Test }
  | { op: 'match'; field: string | undefined; match: Match }
