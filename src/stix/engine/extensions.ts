import type { Json, JsonObject } from '#base'
import { ENUMERATIONS } from '../types/vocabulary.ts'
import { type Check, hasKeys, isObject, shown, wrongType } from './check.ts'
import type { StructDefinition } from './data-type.ts'
import { isIdOf, isTypeName } from './forms.ts'
import type { Sink } from './sink.ts'
import { checkUndefinedProperty, compileStruct } from './struct.ts'

const DEFINITION_PREFIX = 'extension-definition--'
const NAME_FORM =
  'must be the id of an extension-definition, or of a-z, 0-9 and single hyphens, at most 250 of them, ending in -ext'
const NEW_OBJECT_TYPES: ReadonlySet<Json> = new Set(['new-sdo', 'new-sco', 'new-sro'])

/** A check of `extensions`: predefined ones by their tables, defined ones by the rules of 7.3, others as custom ones. */
export function compileExtensions(
  predefined: Readonly<Record<string, StructDefinition>>,
  options: { standardType: boolean; observable: boolean },
): Check {
  const checks = new Map(Object.entries(predefined).map(([name, definition]) => [name, compileStruct(definition)]))
  return (value, sink) => {
    if (!isObject(value)) return wrongType(sink, 'a dictionary of extensions', value, '3.2')
    let empty = true
    for (const key in value) {
      empty = false
      const before = sink.count
      const extension = value[key] ?? null
      const check = checks.get(key)
      if (check !== undefined) check(extension, sink)
      else if (key.startsWith(DEFINITION_PREFIX)) checkDefined(key, extension, options.standardType, sink)
      else checkUndefined(key, extension, options.observable, sink)
      if (sink.count !== before) sink.under(before, key)
    }
    if (empty) sink.fail('EMPTY_OBJECT', 'is an empty dictionary; leave the property out', '2.3')
  }
}

/** Kinds of extension that an object declares: `new-sdo`, `toplevel-property-extension`, … */
export function declaresExtension(object: JsonObject, kinds: ReadonlySet<Json>): boolean {
  const extensions = object['extensions']
  if (!isObject(extensions)) return false
  return Object.values(extensions).some(
    (extension) => isObject(extension) && kinds.has(extension['extension_type'] ?? ''),
  )
}

/** An extension under the id of its extension-definition. */
function checkDefined(key: string, value: Json, standardType: boolean, sink: Sink): void {
  if (!isIdOf(key, DEFINITION_PREFIX))
    sink.fail('INVALID_EXTENSION', `${shown(key)} is not the identifier of an extension-definition`, '2.9')
  if (!isObject(value)) return wrongType(sink, 'an object (extension)', value, '7.3')
  const kind = value['extension_type']
  if (kind === undefined) sink.fail('MISSING_PROPERTY', 'is required on a defined extension', '3.2', 'extension_type')
  else if (typeof kind !== 'string' || !ENUMERATIONS['extension-type-enum'].has(kind))
    sink.fail(
      'NOT_IN_ENUMERATION',
      `must be one of ${[...ENUMERATIONS['extension-type-enum']].join(', ')}, but is ${shown(kind)}`,
      '10.5',
      'extension_type',
    )
  else if (standardType && NEW_OBJECT_TYPES.has(kind))
    sink.fail('INVALID_EXTENSION', `${kind} must not redefine a type of the specification`, '7.3', 'extension_type')
  checkMembers(value, sink)
}

function checkMembers(extension: JsonObject, sink: Sink): void {
  for (const name in extension) {
    if (name === 'extension_type') continue
    const before = sink.count
    checkUndefinedProperty(name, extension[name] ?? null, sink)
    if (sink.count !== before) sink.under(before, name)
  }
}

/** An extension that neither the specification nor an extension-definition defines: the deprecated custom form. */
function checkUndefined(key: string, value: Json, observable: boolean, sink: Sink): void {
  if (!isTypeName(key) || !key.endsWith('-ext'))
    sink.fail('INVALID_NAME', `the extension ${shown(key)} ${NAME_FORM}`, '11.3.1')
  if (!isObject(value)) return wrongType(sink, 'an object (extension)', value, '3.2')
  if (!hasKeys(value)) sink.fail('EMPTY_OBJECT', 'needs at least one property', '11.3.1')
  checkMembers(value, sink)
  if (!sink.strict) return
  sink.advise('CUSTOM_PROPERTY', 'is a custom extension; the id of an extension-definition should be its key', '11.3')
  if (!observable)
    sink.advise('INVALID_EXTENSION', 'is a custom extension, which is meant for observable objects only', '11.3')
  if (!key.startsWith('x-')) sink.advise('NAMING', 'is a custom extension; its name should start with x-', '11.3.1')
}
