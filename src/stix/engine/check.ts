import type { Json, JsonObject } from '#base'
import { ENUMERATIONS, VOCABULARIES } from '../types/vocabulary.ts'
import { checkAny } from './any-value.ts'
import type { DataType, Form } from './data-type.ts'
import { compileDictionary, compileHashes } from './dictionary.ts'
import { isBase64, isHex, isTimestamp } from './forms.ts'
import { isLanguageTag } from './language-tag.ts'
import { checkObservables } from './observables.ts'
import { compileReference } from './reference.ts'
import type { Sink } from './sink.ts'
import { compileStruct } from './struct.ts'
import { checkTranslations } from './translations.ts'

/** Reports to the sink what is wrong with a value; paths are relative to the value. */
export type Check = (value: Json, sink: Sink) => void

/** Turns a data type of the tables into its checking function, specialised so that nothing is looked up later. */
export function compile(type: DataType): Check {
  switch (type.kind) {
    case 'string':
      return checkString
    case 'boolean':
      return checkBoolean
    case 'any':
      return checkAny
    case 'binary':
      return checkBinary
    case 'hex':
      return checkHex
    case 'hashes':
      return compileHashes()
    case 'language':
      return checkLanguage
    case 'extensions':
      return checkObject
    case 'observables':
      return checkObservables
    case 'translations':
      return checkTranslations
    case 'timestamp':
      return compileTimestamp(type.precision)
    case 'integer':
      return compileInteger(type.min, type.max)
    case 'float':
      return compileFloat(type.min, type.max)
    case 'vocabulary':
      return compileVocabulary(type.name, VOCABULARIES[type.name])
    case 'enumeration':
      return compileEnumeration(type.name, ENUMERATIONS[type.name])
    case 'reference':
      return compileReference(type.to)
    case 'list':
      return compileList(compile(type.of))
    case 'dictionary':
      return compileDictionary(compile(type.of))
    case 'either':
      return compileEither(type.types, type.described)
    case 'form':
      return compileForm(type.form)
    case 'struct':
      return compileStruct(type.definition)
  }
}

/** A value as messages show it: short, whatever it is. */
export function shown(value: Json): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  if (typeof value !== 'string') return String(value)
  return value.length > 80 ? `'${value.slice(0, 80)}…'` : `'${value}'`
}

/** Reports a value of the wrong JSON type. */
export function wrongType(sink: Sink, wanted: string, value: Json, section: string): void {
  if (value === null) sink.fail('NULL_VALUE', `is null, which STIX has no use for; leave the property out`, section)
  else sink.fail('WRONG_TYPE', `must be ${wanted}, but is ${shown(value)}`, section)
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function checkString(value: Json, sink: Sink): void {
  if (typeof value !== 'string') wrongType(sink, 'a string', value, '2.15')
}

function checkBoolean(value: Json, sink: Sink): void {
  if (typeof value !== 'boolean') wrongType(sink, 'true or false', value, '2.2')
}

function checkObject(value: Json, sink: Sink): void {
  if (!isObject(value)) wrongType(sink, 'an object', value, '2.3')
  else if (!hasKeys(value)) sink.fail('EMPTY_OBJECT', 'is an empty object; leave the property out', '2.3')
}

/** Whether an object has any property, without listing them. */
export function hasKeys(value: JsonObject): boolean {
  for (const _ in value) return true
  return false
}

/** Padded base64. @see STIX 2.1 */
export function checkBinary(value: Json, sink: Sink): void {
  if (typeof value !== 'string') wrongType(sink, 'a base64 string', value, '2.1')
  else if (!isBase64(value)) sink.fail('INVALID_VALUE', `is not base64 (RFC 4648): ${shown(value)}`, '2.1')
}

/** Pairs of hexadecimal digits. @see STIX 2.8 */
export function checkHex(value: Json, sink: Sink): void {
  if (typeof value !== 'string') wrongType(sink, 'a hexadecimal string', value, '2.8')
  else if (value.length % 2 !== 0 || !isHex(value))
    sink.fail('INVALID_VALUE', `must be an even number of hexadecimal digits, but is ${shown(value)}`, '2.8')
  else if (sink.strict && value !== value.toLowerCase())
    sink.advise('INVALID_VALUE', `should be in lower case, but is ${shown(value)}`, '2.8')
}

function checkLanguage(value: Json, sink: Sink): void {
  if (typeof value !== 'string') wrongType(sink, 'a language code', value, '3.2')
  else if (!isLanguageTag(value))
    sink.fail('INVALID_LANGUAGE', `is not an RFC 5646 language code: ${shown(value)}`, '3.2')
}

function compileTimestamp(precision: 'milliseconds' | 'seconds' | undefined): Check {
  return (value, sink) => {
    if (typeof value !== 'string') wrongType(sink, 'a timestamp', value, '2.16')
    else if (!isTimestamp(value))
      sink.fail('INVALID_TIMESTAMP', `is not a timestamp (YYYY-MM-DDTHH:mm:ss[.s+]Z): ${shown(value)}`, '2.16')
    else if (precision === undefined) return
    else if (precision === 'milliseconds') {
      if (value.length < 24)
        sink.fail('INVALID_TIMESTAMP', `must be precise to the millisecond, but is ${shown(value)}`, '3.2')
    } else if (/\.0*[1-9]/.test(value))
      sink.fail('INVALID_TIMESTAMP', `must be precise to the second, but is ${shown(value)}`, '6.7.6')
  }
}

function compileInteger(min: number, max: number): Check {
  const range = max === Number.MAX_SAFE_INTEGER ? `at least ${min}` : `from ${min} to ${max}`
  return (value, sink) => {
    if (typeof value !== 'number' || !Number.isInteger(value)) wrongType(sink, 'an integer', value, '2.10')
    else if (value < min || value > max) sink.fail('OUT_OF_RANGE', `must be ${range}, but is ${value}`, '2.10')
  }
}

function compileFloat(min: number, max: number): Check {
  const range = max === Number.MAX_VALUE ? `at least ${min}` : `from ${min} to ${max}`
  return (value, sink) => {
    if (typeof value !== 'number' || !Number.isFinite(value)) wrongType(sink, 'a number', value, '2.6')
    else if (value < min || value > max) sink.fail('OUT_OF_RANGE', `must be ${range}, but is ${value}`, '2.6')
  }
}

/** How words are written that open lists gain: without capitals, spaces and underscores. */
export const HYPHENATED = /^[^A-Z\s_]+$/

function compileVocabulary(name: string, words: ReadonlySet<string>): Check {
  return (value, sink) => {
    if (typeof value !== 'string') wrongType(sink, `a word of ${name}`, value, '2.14')
    else if (sink.strict && !words.has(value)) {
      sink.advise('NOT_IN_VOCABULARY', `${shown(value)} is not in the suggested vocabulary ${name}`, '2.14')
      if (!HYPHENATED.test(value))
        sink.advise('NAMING', `${shown(value)} should be in lower case, with hyphens between words`, '2.14')
    }
  }
}

function compileEnumeration(name: string, words: ReadonlySet<string>): Check {
  return (value, sink) => {
    if (typeof value !== 'string') wrongType(sink, `a word of ${name}`, value, '2.4')
    else if (!words.has(value))
      sink.fail('NOT_IN_ENUMERATION', `must be one of ${[...words].join(', ')}, but is ${shown(value)}`, '2.4')
  }
}

function compileList(check: Check): Check {
  return (value, sink) => {
    if (!Array.isArray(value)) return wrongType(sink, 'a list', value, '2.12')
    if (value.length === 0) return sink.fail('EMPTY_LIST', 'is an empty list; leave the property out', '2.12')
    for (let index = 0; index < value.length; index++) {
      const before = sink.count
      check(value[index] ?? null, sink)
      if (sink.count !== before) sink.at(before, index)
    }
  }
}

const JSON_TYPES: Partial<Record<DataType['kind'], (value: Json) => boolean>> = {
  integer: (value) => typeof value === 'number',
  list: (value) => Array.isArray(value),
}

/** The first type whose JSON type fits decides; nothing fits is one finding. */
function compileEither(types: readonly DataType[], described: string): Check {
  const choices = types.map((type) => ({
    fits: JSON_TYPES[type.kind] ?? ((value: Json) => typeof value === 'string'),
    check: compile(type),
  }))
  return (value, sink) => {
    const choice = choices.find(({ fits }) => fits(value))
    if (choice === undefined) wrongType(sink, described, value, '2.3')
    else choice.check(value, sink)
  }
}

function compileForm(form: Form): Check {
  return (value, sink) => {
    if (typeof value !== 'string') return wrongType(sink, `a string: ${form.described}`, value, '2.15')
    if (form.matches(value) || (form.defangable === true && sink.root['defanged'] === true)) return
    sink.fail('INVALID_VALUE', `must be ${form.described}, but is ${shown(value)}`, form.section)
  }
}
