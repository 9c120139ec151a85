import type { Json, JsonObject } from '#base'
import { checkBundleContext, placed } from './bundle-context.ts'
import { isObject, shown, wrongType } from './check.ts'
import { isIdOf, uuidVersion } from './forms.ts'
import type { Sink } from './sink.ts'
import { checkCustomProperty } from './struct.ts'

const SECTION = '8.1'

/** Checks a bundle and every object in it. */
export function checkBundle(bundle: JsonObject, sink: Sink): void {
  for (const name in bundle) {
    const before = sink.count
    const value = bundle[name] ?? null
    if (name === 'id') checkId(value, sink)
    else if (name === 'objects') checkObjects(value, sink)
    else if (name !== 'type') checkCustomProperty(name, value, sink)
    if (sink.count !== before) sink.under(before, name)
  }
  if (bundle['id'] === undefined) sink.fail('MISSING_PROPERTY', 'is required on a bundle', SECTION, 'id')
}

function checkId(value: Json, sink: Sink): void {
  if (typeof value !== 'string') wrongType(sink, 'an identifier', value, '2.9')
  else if (!isIdOf(value, 'bundle--'))
    sink.fail('INVALID_ID', `must be 'bundle--' and a UUID (RFC 4122), but is ${shown(value)}`, '2.9')
  else if (sink.strict && uuidVersion(value) !== '4')
    sink.advise('DETERMINISTIC_ID', `should be a UUIDv4, but is of version ${uuidVersion(value)}`, '2.9')
}

function checkObjects(value: Json, sink: Sink): void {
  if (!Array.isArray(value)) return wrongType(sink, 'a list of objects', value, SECTION)
  if (value.length === 0) return sink.fail('EMPTY_LIST', 'is an empty list; leave the property out', '2.12')
  for (let index = 0; index < value.length; index++) {
    const before = sink.count
    const object = value[index] ?? null
    if (!isObject(object)) wrongType(sink, 'a STIX object', object, SECTION)
    else if (object['type'] === 'bundle')
      sink.fail('INVALID_VALUE', 'is a bundle; a bundle holds STIX objects only', SECTION)
    else sink.checkObject(object, sink)
    if (sink.count !== before) sink.at(before, index)
  }
  checkBundleContext(placed(value), sink)
}
