import type { Json, JsonObject } from '#base'
import type { Placed } from './bundle-context.ts'
import { isObject } from './check.ts'
import { definesProperty } from './definitions.ts'
import type { Sink } from './sink.ts'

const SECTION = '7.3.1'

/** What the extension-definitions of one id say, all versions taken together. */
interface Defined {
  types: Set<Json>
  properties: Set<Json>
}

/** The extensions that a bundle defines, by the id of their definition. */
export function definedExtensions(objects: readonly Placed[]): ReadonlyMap<string, Defined> {
  const defined = new Map<string, Defined>()
  for (const { object } of objects) {
    const { type, id, extension_types: types, extension_properties: properties } = object
    if (type !== 'extension-definition' || typeof id !== 'string' || !Array.isArray(types)) continue
    const known = defined.get(id) ?? { types: new Set(), properties: new Set() }
    for (const kind of types) known.types.add(kind)
    if (Array.isArray(properties)) for (const name of properties) known.properties.add(name)
    defined.set(id, known)
  }
  return defined
}

/** Checks that an object uses extensions as their definitions say, where these are in the bundle. */
export function checkExtensionUse(object: JsonObject, defined: ReadonlyMap<string, Defined>, sink: Sink): void {
  const { extensions } = object
  if (!isObject(extensions)) return
  for (const [key, extension] of Object.entries(extensions)) {
    const kind = isObject(extension) ? extension['extension_type'] : undefined
    const types = defined.get(key)?.types
    if (typeof kind === 'string' && types !== undefined && !types.has(kind))
      sink.fail(
        'INVALID_EXTENSION',
        `is ${kind}, but its extension-definition defines ${[...types].join(', ')}`,
        SECTION,
        `extensions.${key}.extension_type`,
      )
  }
  if (sink.strict) adviseUnlisted(object, extensions, defined, sink)
}

/** Warns of properties at the top level that none of the object's extensions adds, where all of these are known. */
function adviseUnlisted(
  object: JsonObject,
  extensions: JsonObject,
  defined: ReadonlyMap<string, Defined>,
  sink: Sink,
): void {
  const { type } = object
  const toplevel = Object.keys(extensions).filter((key) => {
    const extension = extensions[key]
    return isObject(extension) && extension['extension_type'] === 'toplevel-property-extension'
  })
  const lists = toplevel.map((key) => defined.get(key)?.properties ?? new Set<Json>())
  if (typeof type !== 'string' || lists.length === 0 || lists.some((list) => list.size === 0)) return
  for (const name of Object.keys(object))
    if (!definesProperty(type, name) && !lists.some((list) => list.has(name)))
      sink.advise('CUSTOM_PROPERTY', 'is none of the properties that the extensions of this object add', SECTION, name)
}
