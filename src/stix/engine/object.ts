import type { Json, JsonObject } from '#base'
import { COMMON_USE, type ObjectKind } from '../types/common.ts'
import { RESERVED_NAMES } from '../types/kinds.ts'
import { type Check, shown, wrongType } from './check.ts'
import type { Property, Rule, StructDefinition } from './data-type.ts'
import { compileExtensions, declaresExtension } from './extensions.ts'
import { isIdOf, isTypeName, typeOfId } from './forms.ts'
import { compileRules } from './rules.ts'
import { checkSelectors } from './selectors.ts'
import type { Sink } from './sink.ts'
import { checkCustomProperty, checkUndefinedProperty, compileProperties, requirePresent } from './struct.ts'

/** One type of STIX object as data; the files of `types/` are tables of these. */
export interface ObjectDefinition {
  /** '' where the object has none. */
  type: string
  kind: ObjectKind
  /** Section of the specification that defines it. */
  section: string
  /** Its own properties; the common ones come from its kind. */
  properties: Readonly<Record<string, Property>>
  rules?: readonly Rule[]
  /** Extensions that the specification predefines for it. */
  extensions?: Readonly<Record<string, StructDefinition>>
}

/** Checks one object of a known type. */
export type ObjectCheck = (object: JsonObject, sink: Sink) => void

const TOPLEVEL: ReadonlySet<Json> = new Set(['toplevel-property-extension'])
const NEW_OBJECTS: ReadonlySet<Json> = new Set(['new-sdo', 'new-sco', 'new-sro'])
const NEW_VERSIONED: ReadonlySet<Json> = new Set(['new-sdo', 'new-sro'])

/** Compiles a definition into its checker: one pass over the object's properties, then the rules between them. */
export function compileObject(definition: ObjectDefinition): ObjectCheck {
  const { type, kind, section } = definition
  const common = COMMON_USE[kind]
  const custom = kind === 'custom' || kind === 'foreign'
  const table = compileProperties({ ...common.properties, ...definition.properties })
  const { checks } = table
  checks['type'] = () => undefined
  checks['id'] = compileId(type)
  checks['spec_version'] = compileSpecVersion(kind === 'foreign' ? '2.0' : '2.1')
  checks['extensions'] = compileExtensions(definition.extensions ?? {}, {
    standardType: !custom,
    observable: kind === 'sco' || custom,
  })
  const rules = compileRules([...common.rules, ...(definition.rules ?? [])], section)
  const notApplicable: readonly string[] = common.notApplicable

  return (object, sink) => {
    sink.root = object
    for (const name in object) {
      const before = sink.count
      const check = checks[name]
      if (check === undefined) checkOther(name, object[name] ?? null, object, custom, sink)
      else check(object[name] ?? null, sink)
      if (sink.count !== before) sink.under(before, name)
    }
    requireCommon(object, common.specVersionRequired, sink)
    requirePresent(object, table, type, section, sink)
    for (const rule of rules) rule(object, sink)
    if (object['granular_markings'] !== undefined) checkSelectors(object, sink)
    if (kind === 'custom') requireOfNewObject(object, sink)
    if (!sink.strict) return
    for (const name of notApplicable) adviseNotApplicable(name, object, type, sink)
    if (!notApplicable.includes('lang')) adviseLanguage(object, sink)
  }
}

function compileId(type: string): Check {
  const prefix = `${type}--`
  return (value, sink) => {
    if (typeof value !== 'string') wrongType(sink, 'an identifier', value, '2.9')
    else if (type === '') {
      if (typeOfId(value) === undefined)
        sink.fail('INVALID_ID', `must be a type, '--' and a UUID (RFC 4122), but is ${shown(value)}`, '2.9')
    } else if (!isIdOf(value, prefix))
      sink.fail(
        'INVALID_ID',
        `must be '${shown(prefix).slice(1, -1)}' and a UUID (RFC 4122), but is ${shown(value)}`,
        '2.9',
      )
  }
}

function compileSpecVersion(version: string): Check {
  return (value, sink) => {
    if (value !== version) sink.fail('INVALID_VALUE', `must be '${version}', but is ${shown(value)}`, '3.2')
  }
}

/** A property that neither the type nor the common table defines. */
function checkOther(name: string, value: Json, object: JsonObject, custom: boolean, sink: Sink): void {
  if (name === 'defanged')
    return sink.fail('FORBIDDEN_PROPERTY', 'must not be used on anything but cyber-observable objects', '3.2')
  if (RESERVED_NAMES.has(name))
    return sink.fail('FORBIDDEN_PROPERTY', 'is reserved for later versions of STIX and must not be used', '3.8')
  if (sink.strict && !custom && !declaresExtension(object, TOPLEVEL)) return checkCustomProperty(name, value, sink)
  checkUndefinedProperty(name, value, sink)
}

/** `id` and `spec_version`; objects of the deprecated container have neither of necessity. */
function requireCommon(object: JsonObject, specVersionRequired: boolean, sink: Sink): void {
  if (sink.container !== undefined) return
  if (object['id'] === undefined) sink.fail('MISSING_PROPERTY', 'is required on every object', '3.2', 'id')
  if (specVersionRequired && object['spec_version'] === undefined)
    sink.fail('MISSING_PROPERTY', "is required, with the value '2.1'", '3.2', 'spec_version')
}

/** What a type that an extension newly defines must have as a domain or relationship object. @see STIX 7.3 */
function requireOfNewObject(object: JsonObject, sink: Sink): void {
  if (declaresExtension(object, NEW_VERSIONED)) {
    for (const name of ['spec_version', 'created', 'modified'])
      if (object[name] === undefined) sink.fail('MISSING_PROPERTY', 'is required on a new object type', '7.3', name)
  }
  const { type } = object
  if (!sink.strict || declaresExtension(object, NEW_OBJECTS) || typeof type !== 'string' || !isTypeName(type)) return
  sink.advise('CUSTOM_TYPE', 'is a custom type; an extension-definition should define it', '11.2', 'type')
  if (!type.startsWith('x-')) sink.advise('NAMING', 'is a custom type; its name should start with x-', '11.2', 'type')
}

/** Properties whose text is in some language. */
const TEXTS = ['name', 'description', 'abstract', 'content', 'explanation', 'objective']

function adviseLanguage(object: JsonObject, sink: Sink): void {
  if (object['lang'] !== undefined || !TEXTS.some((name) => typeof object[name] === 'string')) return
  sink.advise('RECOMMENDED', 'should be given where there is text; without it the text is English', '3.2', 'lang')
}

function adviseNotApplicable(name: string, object: JsonObject, type: string, sink: Sink): void {
  if (object[name] !== undefined) sink.advise('CUSTOM_PROPERTY', `is not in use on ${type}`, '3.2', name)
}
