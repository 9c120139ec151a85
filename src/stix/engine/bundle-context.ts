/**
 * What the objects of one bundle say about each other. Each object was checked by itself before; here stand the rules
 * that need two: a relationship and its ends, an extension and its definition, a translation and its text, the versions
 * of one object.
 */
import type { Json, JsonObject } from '#base'
import { checkExtensionUse, definedExtensions } from './bundle-extensions.ts'
import { checkLanguageContent } from './bundle-translations.ts'
import { adviseSharedUuids, checkVersions } from './bundle-versions.ts'
import { isObject } from './check.ts'
import type { Sink } from './sink.ts'

/** An object and its place in the bundle's list. */
export interface Placed {
  object: JsonObject
  index: number
}

/** Checks the objects of a bundle against each other; findings have paths such as `[3].created`. */
export function checkBundleContext(objects: readonly Placed[], sink: Sink): void {
  const extensions = definedExtensions(objects)
  let known: ReadonlyMap<string, Known> | undefined
  for (const placed of objects) {
    const { object, index } = placed
    const before = sink.count
    if (extensions.size > 0) checkExtensionUse(object, extensions, sink)
    if (object['type'] === 'language-content' || object['relationship_type'] === 'variant-of') {
      known ??= knownObjects(objects)
      if (object['type'] === 'language-content') checkTranslation(object, known, sink)
      else checkVariant(object, known, sink)
    }
    if (sink.count !== before) sink.at(before, index)
  }
  checkVersions(objects, sink)
  if (sink.strict) adviseSharedUuids(objects, sink)
}

/** The objects of a bundle's list with their places. */
export const placed = (objects: readonly Json[]): Placed[] =>
  objects.flatMap((object, index) => (isObject(object) ? [{ object, index }] : []))

/** What the versions of one id are, gathered once so that many references to many versions cost their sum. */
interface Known {
  versions: number
  byModified: Map<Json, JsonObject>
  /** Whether it is a family of malware, where all versions agree. */
  isFamily: boolean | undefined
}

function knownObjects(objects: readonly Placed[]): ReadonlyMap<string, Known> {
  const known = new Map<string, Known>()
  for (const { object } of objects) {
    const { type, id, is_family: family } = object
    if (typeof id !== 'string') continue
    const isFamily = type === 'malware' && typeof family === 'boolean' ? family : undefined
    const entry = known.get(id)
    if (entry === undefined) {
      known.set(id, { versions: 1, byModified: new Map([[object['modified'] ?? null, object]]), isFamily })
      continue
    }
    entry.versions++
    entry.byModified.set(object['modified'] ?? null, object)
    if (entry.isFamily !== isFamily) entry.isFamily = undefined
  }
  return known
}

const get = (known: ReadonlyMap<string, Known>, id: Json | undefined) =>
  typeof id === 'string' ? known.get(id) : undefined

/** The version that a translation names, or the only one; another version may be elsewhere. @see STIX 7.1.1 */
function checkTranslation(content: JsonObject, known: ReadonlyMap<string, Known>, sink: Sink): void {
  const entry = get(known, content['object_ref'])
  const wanted = content['object_modified']
  if (entry === undefined || (wanted === undefined && entry.versions > 1)) return
  const target = wanted === undefined ? entry.byModified.values().next().value : entry.byModified.get(wanted)
  if (target !== undefined) checkLanguageContent(content, target, sink)
}

/** A family of malware is no variant of one instance. @see STIX 4.11.2 */
function checkVariant(relationship: JsonObject, known: ReadonlyMap<string, Known>, sink: Sink): void {
  const source = get(known, relationship['source_ref'])
  const target = get(known, relationship['target_ref'])
  if (source?.isFamily === true && target?.isFamily === false)
    sink.fail(
      'INVALID_RELATIONSHIP',
      'must not be variant-of from a family of malware to an instance',
      '4.11.2',
      'relationship_type',
    )
}
