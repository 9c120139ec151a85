import type { Json, JsonObject } from '#base'
import { checkAny } from './any-value.ts'
import { type Check, checkBinary, checkHex, compile, isObject, shown, wrongType } from './check.ts'
import type { Property, StructDefinition } from './data-type.ts'
import { isPropertyName, typeOfId } from './forms.ts'
import { compileRules } from './rules.ts'
import type { Sink } from './sink.ts'

/** Compiled property table of an object or structure. */
export interface PropertyTable {
  /** Without a prototype, so that a property named `constructor` finds nothing. */
  checks: Record<string, Check | undefined>
  required: readonly string[]
  recommended: readonly string[]
}

/** Compiles the checks of named properties. */
export function compileProperties(properties: Readonly<Record<string, Property>>): PropertyTable {
  const checks: Record<string, Check | undefined> = Object.create(null)
  for (const [name, property] of Object.entries(properties)) checks[name] = compile(property.type)
  const names = Object.keys(properties)
  return {
    checks,
    required: names.filter((name) => properties[name]?.required === true),
    recommended: names.filter((name) => properties[name]?.recommended === true),
  }
}

/** A check of a structure inside an object; properties it doesn't define are custom ones. */
export function compileStruct(definition: StructDefinition): Check {
  const table = compileProperties(definition.properties)
  const rules = compileRules(definition.rules ?? [], definition.section)
  return (value, sink) => {
    if (!isObject(value)) return wrongType(sink, `an object (${definition.name})`, value, definition.section)
    for (const name in value) {
      const before = sink.count
      const check = table.checks[name]
      if (check === undefined) checkCustomProperty(name, value[name] ?? null, sink)
      else check(value[name] ?? null, sink)
      if (sink.count !== before) sink.under(before, name)
    }
    requirePresent(value, table, definition.name, definition.section, sink)
    for (const rule of rules) rule(value, sink)
  }
}

/** Reports required properties that are missing, and under strict the recommended ones. */
export function requirePresent(
  object: JsonObject,
  table: PropertyTable,
  owner: string,
  section: string,
  sink: Sink,
): void {
  for (const name of table.required)
    if (object[name] === undefined) sink.fail('MISSING_PROPERTY', `is required on ${owner}`, section, name)
  if (!sink.strict) return
  for (const name of table.recommended)
    if (object[name] === undefined) sink.advise('RECOMMENDED', `should be given on ${owner}`, section, name)
}

/** The rules of naming and of values that hold for any property, whoever defined it. */
export function checkUndefinedProperty(name: string, value: Json, sink: Sink): void {
  if (!isPropertyName(name)) badPropertyName(name, sink)
  if (name.endsWith('_hex')) checkHex(value, sink)
  else if (name.endsWith('_bin')) checkBinary(value, sink)
  else checkAny(value, sink)
  if (sink.strict) adviseReferences(name, value, sink)
}

/** Endings of names tell readers the data type; a reference that isn't one leads nowhere. @see STIX 3.1 */
function adviseReferences(name: string, value: Json, sink: Sink): void {
  const isId = (item: Json) => typeof item === 'string' && typeOfId(item) !== undefined
  if (name.endsWith('_ref') && !isId(value))
    sink.advise(
      'INVALID_REFERENCE',
      `should be an identifier, for the name ends in _ref; but is ${shown(value)}`,
      '3.1',
    )
  if (name.endsWith('_refs') && !(Array.isArray(value) && value.every(isId)))
    sink.advise('INVALID_REFERENCE', 'should be a list of identifiers, for the name ends in _refs', '3.1')
}

/** A property that the specification doesn't define: its name and value follow the general rules only. */
export function checkCustomProperty(name: string, value: Json, sink: Sink): void {
  checkUndefinedProperty(name, value, sink)
  if (!sink.strict) return
  if (name.startsWith('x_')) sink.advise('CUSTOM_PROPERTY', 'is a custom property; an extension should hold it', '11.1')
  else
    sink.advise(
      'CUSTOM_PROPERTY',
      `is a custom property; its name should start with x_, or an extension hold it`,
      '11.1',
    )
}

/** Reports a property name of characters that are not allowed, too short or too long. */
function badPropertyName(name: string, sink: Sink): void {
  sink.fail(
    'INVALID_NAME',
    `the property name ${shown(name)} must be 3 to 250 of a-z, 0-9 and _, beginning with a letter`,
    '3.1',
  )
}
