import type { JsonObject } from '#base'
import type { EnumerationName, VocabularyName } from '../types/vocabulary.ts'
import type { Sink } from './sink.ts'

/**
 * Data types of STIX section 2 as data. Object definitions in `types/` are written with these words; `check.ts` turns
 * each into a checking function once, at start.
 */
export type DataType =
  | { kind: 'string' | 'boolean' | 'binary' | 'hex' | 'hashes' | 'language' | 'any' | 'extensions' | 'observables' }
  | { kind: 'timestamp'; precision?: 'milliseconds' | 'seconds' }
  | { kind: 'integer' | 'float'; min: number; max: number }
  | { kind: 'vocabulary'; name: VocabularyName }
  | { kind: 'enumeration'; name: EnumerationName }
  | { kind: 'reference'; to: Targets }
  | { kind: 'list'; of: DataType }
  | { kind: 'dictionary'; of: DataType }
  | { kind: 'either'; types: readonly DataType[]; described: string }
  | { kind: 'form'; form: Form }
  | { kind: 'struct'; definition: StructDefinition }
  /** Content per language of a language-content object. */
  | { kind: 'translations' }

/** What a reference may point to: named types, or a class of types, which custom types belong to as well. */
export type Targets = readonly string[] | 'any' | 'sdo' | 'sco' | 'sdo-or-sco' | 'sco-or-sro'

/** A text whose form another standard fixes. */
export interface Form {
  /** What the text has to be, as the end of "must be …". */
  described: string
  section: string
  matches: (text: string) => boolean
  /** Text that has been defanged on purpose (`defanged: true`) is not held to the form. */
  defangable?: boolean
}

/** A property of an object or structure. */
export interface Property {
  type: DataType
  required?: boolean
  /** A SHOULD of the specification: its absence is a warning under strict. */
  recommended?: boolean
}

/** A structure inside an object: an extension, an external reference, a MIME part. */
export interface StructDefinition {
  name: string
  section: string
  properties: Readonly<Record<string, Property>>
  rules?: readonly Rule[]
}

/** Rules between properties of one object or structure. */
export type Rule =
  /** `later` is not before `earlier`; with `strictly` it is after it. */
  | { rule: 'order'; earlier: string; later: string; strictly?: boolean; section?: string }
  | { rule: 'at-least-one'; of: readonly string[] }
  | { rule: 'not-both'; of: readonly [string, string] }
  /** Where `property` is present, each of `needs` is too. */
  | { rule: 'requires'; property: string; needs: readonly string[] }
  | { rule: 'when'; property: string; is: boolean; forbids?: string; requires?: string }
  /** Anything else, in code: returns nothing and reports to the sink. */
  | { rule: 'code'; check: RuleCheck }

/** A rule in code: a named function, so that a reader of the table sees what it is about. */
export type RuleCheck = (object: JsonObject, sink: Sink, section: string) => void

const MAX_INTEGER = Number.MAX_SAFE_INTEGER

export const STRING: DataType = { kind: 'string' }
export const BOOLEAN: DataType = { kind: 'boolean' }
export const TIMESTAMP: DataType = { kind: 'timestamp' }
export const INTEGER: DataType = { kind: 'integer', min: -MAX_INTEGER, max: MAX_INTEGER }
export const COUNT: DataType = { kind: 'integer', min: 0, max: MAX_INTEGER }
export const FLOAT: DataType = { kind: 'float', min: -Number.MAX_VALUE, max: Number.MAX_VALUE }
export const HEX: DataType = { kind: 'hex' }
export const HASHES: DataType = { kind: 'hashes' }
export const ANY: DataType = { kind: 'any' }
export const integer = (min: number, max: number): DataType => ({ kind: 'integer', min, max })
export const float = (min: number, max: number): DataType => ({ kind: 'float', min, max })
export const vocabulary = (name: VocabularyName): DataType => ({ kind: 'vocabulary', name })
export const enumeration = (name: EnumerationName): DataType => ({ kind: 'enumeration', name })
export const reference = (to: Targets): DataType => ({ kind: 'reference', to })
export const references = (to: Targets): DataType => listOf(reference(to))
export const listOf = (of: DataType): DataType => ({ kind: 'list', of })
export const dictionaryOf = (of: DataType): DataType => ({ kind: 'dictionary', of })
export const either = (described: string, ...types: DataType[]): DataType => ({ kind: 'either', types, described })
export const struct = (definition: StructDefinition): DataType => ({ kind: 'struct', definition })
export const form = (described: string, section: string, matches: (text: string) => boolean): DataType => ({
  kind: 'form',
  form: { described, section, matches },
})
/** A form that only text which is not defanged is held to. */
export const liveForm = (described: string, section: string, matches: (text: string) => boolean): DataType => ({
  kind: 'form',
  form: { described, section, matches, defangable: true },
})

export const optional = (type: DataType): Property => ({ type })
export const required = (type: DataType): Property => ({ type, required: true })
export const recommended = (type: DataType): Property => ({ type, recommended: true })
