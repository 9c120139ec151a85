import type { Property, Rule } from '../engine/data-type.ts'
import {
  BOOLEAN,
  integer,
  listOf,
  optional,
  reference,
  references,
  required,
  STRING,
  TIMESTAMP,
} from '../engine/data-type.ts'
import { EXTERNAL_REFERENCES, GRANULAR_MARKINGS } from './structures.ts'

const MILLISECONDS = { kind: 'timestamp', precision: 'milliseconds' } as const

/** Every common property in its optional form; `type`, `id`, `spec_version` and `extensions` are the engine's. @see STIX 3.2 */
const COMMON = {
  created_by_ref: optional(reference(['identity'])),
  revoked: optional(BOOLEAN),
  labels: optional(listOf(STRING)),
  confidence: optional(integer(0, 100)),
  lang: optional({ kind: 'language' }),
  external_references: optional(EXTERNAL_REFERENCES),
  object_marking_refs: optional(references(['marking-definition'])),
  granular_markings: optional(GRANULAR_MARKINGS),
} satisfies Record<string, Property>

/** Names that no extension may give another meaning to. @see STIX 7.3 */
export const COMMON_NAMES: ReadonlySet<string> = new Set([
  ...Object.keys(COMMON),
  'type',
  'spec_version',
  'id',
  'created',
  'modified',
  'extensions',
  'defanged',
])

/** How a kind of object uses the common properties. @see STIX 3.2, second table */
export interface CommonUse {
  properties: Readonly<Record<string, Property>>
  /** Not in use for this kind: present, they are still of their type, and a warning under strict. */
  notApplicable: readonly string[]
  specVersionRequired: boolean
  rules: readonly Rule[]
}

const VERSIONED: readonly Rule[] = [{ rule: 'order', earlier: 'created', later: 'modified', section: '3.6.1' }]

const versioned: CommonUse = {
  properties: { ...COMMON, created: required(MILLISECONDS), modified: required(MILLISECONDS) },
  notApplicable: [],
  specVersionRequired: true,
  rules: VERSIONED,
}

const loose = { ...COMMON, created: optional(TIMESTAMP), modified: optional(TIMESTAMP) }

const unknown: CommonUse = {
  properties: { ...loose, defanged: optional(BOOLEAN) },
  notApplicable: [],
  specVersionRequired: false,
  rules: VERSIONED,
}

/** Use of the common properties by each kind of object. */
export const COMMON_USE = {
  sdo: versioned,
  sro: versioned,
  sco: {
    properties: { ...loose, defanged: optional(BOOLEAN) },
    notApplicable: [
      'created_by_ref',
      'created',
      'modified',
      'revoked',
      'labels',
      'confidence',
      'lang',
      'external_references',
    ],
    specVersionRequired: false,
    rules: VERSIONED,
  },
  'extension-definition': {
    ...versioned,
    properties: { ...versioned.properties, created_by_ref: required(reference(['identity'])) },
    notApplicable: ['confidence', 'lang', 'extensions'],
  },
  'language-content': { ...versioned, notApplicable: ['lang'] },
  'marking-definition': {
    properties: { ...loose, created: required(MILLISECONDS) },
    notApplicable: ['modified', 'revoked', 'labels', 'confidence', 'lang'],
    specVersionRequired: true,
    rules: VERSIONED,
  },
  /** A type that the specification doesn't define. */
  custom: unknown,
  /** Any type, of an earlier version of STIX. */
  foreign: unknown,
} as const satisfies Record<string, CommonUse>

/** A kind of object, by its use of the common properties. */
export type ObjectKind = keyof typeof COMMON_USE
