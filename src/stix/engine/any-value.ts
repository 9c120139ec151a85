import { JSON_MAX_DEPTH } from '#base'
import type { Json } from '#base'
import { shown, wrongType } from './check.ts'
import { badKey, isDictionaryKey } from './dictionary.ts'
import type { Sink } from './sink.ts'

/** A value that the specification doesn't know, at every depth: no null, no empty list or object, keys of dictionaries. */
export function checkAny(value: Json, sink: Sink): void {
  checkNested(value, sink, 0)
}

function checkNested(value: Json, sink: Sink, depth: number): void {
  if (typeof value !== 'object') return
  if (value === null) return wrongType(sink, 'a value', value, '2')
  if (depth > JSON_MAX_DEPTH) return sink.fail('TOO_DEEP', `is nested deeper than ${JSON_MAX_DEPTH} levels`, '2.3')
  if (Array.isArray(value)) {
    if (value.length === 0) sink.fail('EMPTY_LIST', 'is an empty list; leave the property out', '2.12')
    for (let index = 0; index < value.length; index++) {
      const before = sink.count
      checkNested(value[index] ?? null, sink, depth + 1)
      if (sink.count !== before) sink.at(before, index)
    }
    return
  }
  let empty = true
  for (const key in value) {
    empty = false
    if (!isDictionaryKey(key)) badKey(key, sink)
    else if (sink.strict && key !== key.toLowerCase())
      sink.advise('NAMING', `the key ${shown(key)} should be in lower case`, '2.3')
    const before = sink.count
    checkNested(value[key] ?? null, sink, depth + 1)
    if (sink.count !== before) sink.under(before, key)
  }
  if (empty) sink.fail('EMPTY_OBJECT', 'is an empty object; leave the property out', '2.3')
}
