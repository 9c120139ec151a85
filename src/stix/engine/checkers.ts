import type { JsonObject } from '#base'
import { checkBundle } from './bundle.ts'
import { shown, wrongType } from './check.ts'
import { DEFINITIONS } from './definitions.ts'
import { isTypeName } from './forms.ts'
import { compileObject, type ObjectCheck } from './object.ts'
import { adviseIdentifier } from './identifier-advice.ts'
import type { Sink } from './sink.ts'

/** Compiled custom types kept; a hostile stream of new type names must not grow the table. */
const CUSTOM_TYPES_KEPT = 256
const checkers = new Map<string, ObjectCheck>()
let customTypes = 0

/** Checks an object of any type, also a bundle: finds out its type and runs that type's checker. */
export function checkObject(object: JsonObject, sink: Sink): void {
  const type = object['type']
  if (typeof type !== 'string') return checkTypeless(object, sink)
  if (type === 'bundle') return checkBundle(object, sink)
  const checker = checkers.get(type) ?? compileChecker(type)
  if (object['spec_version'] === '2.0' && sink.container === undefined) return checkForeignVersion(object, type, sink)
  checker(object, sink)
  if (sink.strict) adviseIdentifier(object, type, sink)
}

function checkTypeless(object: JsonObject, sink: Sink): void {
  const before = sink.count
  if (object['type'] === undefined) sink.fail('MISSING_PROPERTY', 'is required on every object', '3.2')
  else wrongType(sink, 'the name of an object type', object['type'], '3.2')
  sink.under(before, 'type')
  checkRest(object, '', sink)
}

/** What every object has is checked also where its type is none, so that its author hears of all faults at once. */
function checkRest(object: JsonObject, type: string, sink: Sink): void {
  compileObject({ type, kind: 'custom', section: '11.2', properties: {} })(object, sink)
}

function compileChecker(type: string): ObjectCheck {
  const definition = DEFINITIONS.get(type)
  if (definition !== undefined) return remember(type, compileObject(definition))
  if (!isTypeName(type)) return checkBadType
  const checker = compileObject({ type, kind: 'custom', section: '11.2', properties: {} })
  return customTypes++ < CUSTOM_TYPES_KEPT ? remember(type, checker) : checker
}

function remember(type: string, checker: ObjectCheck): ObjectCheck {
  checkers.set(type, checker)
  return checker
}

function checkBadType(object: JsonObject, sink: Sink): void {
  sink.fail(
    'INVALID_NAME',
    `${shown(object['type'] ?? null)} must be 3 to 250 of a-z, 0-9 and single hyphens, beginning with a letter`,
    '3.1',
    'type',
  )
  checkRest(object, String(object['type']), sink)
}

/**
 * An object that says it is of STIX 2.0, as bundles may carry them beside those of 2.1: what both versions have in
 * common is checked, and strict says so.
 */
function checkForeignVersion(object: JsonObject, type: string, sink: Sink): void {
  if (!isTypeName(type)) return checkBadType(object, sink)
  const key = `2.0 ${type}`
  const definition = { type, kind: 'foreign', section: '3.2', properties: {} } as const
  const checker =
    checkers.get(key) ?? (DEFINITIONS.has(type) ? remember(key, compileObject(definition)) : compileObject(definition))
  checker(object, sink)
  if (sink.strict)
    sink.advise('RECOMMENDED', 'is 2.0: only what STIX 2.0 and 2.1 have in common was checked', '3.2', 'spec_version')
}
