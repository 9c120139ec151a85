import type { Json } from '#base'
import { META_TYPES, SDO_TYPES, SRO_TYPES } from '../types/kinds.ts'
import { isObject, wrongType } from './check.ts'
import type { Sink } from './sink.ts'

const SECTION = '2.13'

/**
 * Checks the deprecated observable container of an observed-data object: cyber-observable objects under local keys,
 * which their references may use, as in STIX 2.0.
 */
export function checkObservables(value: Json, sink: Sink): void {
  if (!isObject(value)) return wrongType(sink, 'a dictionary of observable objects', value, SECTION)
  if (sink.container !== undefined)
    return sink.fail('INVALID_VALUE', 'must not stand inside another container', SECTION)
  const { root } = sink
  sink.container = value
  let empty = true
  for (const key in value) {
    empty = false
    const before = sink.count
    const object = value[key] ?? null
    if (isObject(object)) {
      if (isObservable(object['type'])) sink.checkObject(object, sink)
      else sink.fail('INVALID_VALUE', 'is not a cyber-observable object', SECTION, 'type')
    } else wrongType(sink, 'an observable object', object, SECTION)
    if (sink.count !== before) sink.under(before, key)
  }
  if (empty) sink.fail('EMPTY_OBJECT', 'needs at least one object', SECTION)
  else if (sink.strict) sink.advise('RECOMMENDED', 'is deprecated; use object_refs', SECTION)
  sink.container = undefined
  sink.root = root
}

/** Custom types may be observables; a missing type is the object checker's to report. */
const isObservable = (type: Json | undefined): boolean =>
  typeof type !== 'string' || !(SDO_TYPES.has(type) || SRO_TYPES.has(type) || META_TYPES.has(type) || type === 'bundle')
