import type { Json, JsonObject } from '#base'
import type { FindingCode } from '../report.ts'
import { SAMPLES } from '../sample-objects.ts'

/** One normative statement of the specification, and what the validator makes of it. */
export interface ConformanceRule {
  section: string
  level: 'MUST' | 'SHOULD'
  /** The statement, in short. */
  rule: string
  /** Code of the finding on an object that breaks it; none where it is not checked. */
  code?: FindingCode
  /** Section that the finding names, where it is not the statement's own: that of the data type. */
  reported?: string
  /** Whether it is reported as a warning, though the specification says MUST. */
  eased?: boolean
  /** Why it is not checked, or eased. */
  why?: string
  /** Objects that break it. */
  breaks: readonly Json[]
}

type Checked = [code: FindingCode, ...breaks: Json[]]

/** A MUST and objects that break it. */
export const must = (section: string, rule: string, ...[code, ...breaks]: Checked): ConformanceRule =>
  at({ section, level: 'MUST', rule, code, breaks })

/** A SHOULD and objects that break it. */
export const should = (section: string, rule: string, ...[code, ...breaks]: Checked): ConformanceRule =>
  at({ section, level: 'SHOULD', rule, code, breaks })

/** A MUST that is reported as a warning, and why. */
export const eased = (section: string, rule: string, why: string, ...[code, ...breaks]: Checked): ConformanceRule =>
  at({ section, level: 'MUST', rule, code, eased: true, why, breaks })

/** A statement that one object, or one bundle, cannot show to be broken. */
export const unchecked = (section: string, level: 'MUST' | 'SHOULD', rule: string, why: string): ConformanceRule => ({
  section,
  level,
  rule,
  why,
  breaks: [],
})

/** `4.7>2.16` is a statement of section 4.7 whose finding names section 2.16. */
function at(rule: ConformanceRule): ConformanceRule {
  const [section = '', reported] = rule.section.split('>')
  return reported === undefined ? rule : { ...rule, section, reported }
}

/** The sample of a type after a change. */
export const changed = (type: string, change: JsonObject): JsonObject => ({
  ...structuredClone(SAMPLES[type] ?? {}),
  ...change,
})

/** The sample of a type without some of its properties. */
export function without(type: string, ...names: string[]): JsonObject {
  const object = changed(type, {})
  for (const name of names) delete object[name]
  return object
}

/** The sample of a type with one extension only. */
export const extended = (type: string, name: string, extension: Json): JsonObject =>
  changed(type, { extensions: { [name]: extension } })

/** A bundle of objects. */
export const bundled = (...objects: Json[]): JsonObject => ({
  type: 'bundle',
  id: 'bundle--5d0092c5-5f74-4287-9642-33f4c354e56d',
  objects,
})

/** An identifier of a type. */
export const idOf = (type: string, digit = '1'): string => `${type}--0c7b5b88-8ff7-4a4d-aa9d-00000000000${digit}`
