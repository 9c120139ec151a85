import type { Json } from '#base'
import { VOCABULARIES } from '../types/vocabulary.ts'
import { type Check, isObject, shown, wrongType } from './check.ts'
import { isHex } from './forms.ts'
import type { Sink } from './sink.ts'

const KEY = /^[a-zA-Z0-9_-]{1,250}$/

/** A check of a dictionary's keys and, with `check`, of its values. */
export function compileDictionary(check: Check): Check {
  return (value, sink) => {
    if (!isObject(value)) return wrongType(sink, 'a dictionary', value, '2.3')
    let empty = true
    for (const key in value) {
      empty = false
      const before = sink.count
      if (!KEY.test(key)) badKey(key, sink)
      check(value[key] ?? null, sink)
      if (sink.count !== before) sink.under(before, key)
    }
    if (empty) sink.fail('EMPTY_OBJECT', 'is an empty dictionary; leave the property out', '2.3')
  }
}

/** Whether a text may be the key of a dictionary. @see STIX 2.3 */
export const isDictionaryKey = (key: string): boolean => KEY.test(key)

/** Reports a dictionary key of characters that are not allowed, or too long. */
export function badKey(key: string, sink: Sink): void {
  sink.fail('INVALID_NAME', `the key ${shown(key)} must be of a-z, A-Z, 0-9, - and _, at most 250 of them`, '2.3')
}

/** Digits of each algorithm's hash; the fuzzy ones have forms of their own. */
const HEX_DIGITS: ReadonlyMap<string, number> = new Map([
  ['MD5', 32],
  ['SHA-1', 40],
  ['SHA-256', 64],
  ['SHA-512', 128],
  ['SHA3-256', 64],
  ['SHA3-512', 128],
])
const HASH_KEY = /^[a-zA-Z0-9_-]{3,250}$/
const SSDEEP = /^\d{1,20}:[A-Za-z0-9+/]*:[A-Za-z0-9+/]*$/
const TLSH = /^(?:T1)?[0-9a-fA-F]{70}$/

/** A check of a `hashes` dictionary: names of algorithms, and values in the form of each known one. */
export function compileHashes(): Check {
  return (value, sink) => {
    if (!isObject(value)) return wrongType(sink, 'a dictionary of hashes', value, '2.7')
    let empty = true
    for (const name in value) {
      empty = false
      const before = sink.count
      checkHash(name, value[name] ?? null, sink)
      if (sink.count !== before) sink.under(before, name)
    }
    if (empty) sink.fail('EMPTY_OBJECT', 'is an empty dictionary; leave the property out', '2.7')
  }
}

function checkHash(name: string, value: Json, sink: Sink): void {
  if (!HASH_KEY.test(name))
    sink.fail('INVALID_NAME', `the algorithm ${shown(name)} must be 3 to 250 of a-z, A-Z, 0-9, - and _`, '2.7')
  if (typeof value !== 'string') return wrongType(sink, 'a hash as a string', value, '2.7')
  const digits = HEX_DIGITS.get(name)
  if (digits !== undefined) {
    if (value.length !== digits || !isHex(value))
      sink.fail('INVALID_HASH', `a ${name} hash has ${digits} hexadecimal digits, but this is ${shown(value)}`, '10.7')
  } else if (name === 'SSDEEP' ? !SSDEEP.test(value) : name === 'TLSH' && !TLSH.test(value))
    sink.fail('INVALID_HASH', `is not a ${name} hash: ${shown(value)}`, '10.7')
  else if (sink.strict && !VOCABULARIES['hash-algorithm-ov'].has(name))
    sink.advise('NOT_IN_VOCABULARY', `${shown(name)} is not in the suggested vocabulary hash-algorithm-ov`, '2.7')
}
