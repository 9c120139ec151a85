import { canonicalJson } from '#base'
import type { Json, JsonObject } from '#base'
import { isObject } from './check.ts'
import type { Sink } from './sink.ts'

/** Checks what objects of one bundle say about each other: translations mirror their target, versions don't differ. */
export function checkBundleContext(objects: readonly Json[], sink: Sink): void {
  let versions: ReadonlyMap<Json, JsonObject[]> | undefined
  for (const [index, object] of objects.entries()) {
    if (!isObject(object) || object['type'] !== 'language-content') continue
    const before = sink.count
    versions ??= byId(objects)
    checkLanguageContent(object, versions.get(object['object_ref'] ?? null) ?? [], sink)
    if (sink.count !== before) sink.at(before, index)
  }
  if (sink.strict) adviseConflicts(objects, sink)
}

function byId(objects: readonly Json[]): ReadonlyMap<Json, JsonObject[]> {
  return Map.groupBy(objects.filter(isObject), (object) => object['id'] ?? null)
}

function checkLanguageContent(content: JsonObject, versions: readonly JsonObject[], sink: Sink): void {
  const wanted = content['object_modified']
  const target = wanted === undefined ? versions[0] : versions.find((version) => version['modified'] === wanted)
  // Another version of the target than the bundle's is elsewhere; nothing can be said about it.
  if (target === undefined || (wanted === undefined && versions.length > 1)) return
  const { contents } = content
  if (!isObject(contents)) return
  for (const language in contents) {
    const before = sink.count
    checkMirror(contents[language] ?? null, target, sink)
    if (sink.count !== before) {
      sink.under(before, language)
      sink.under(before, 'contents')
    }
  }
}

/** A translation has the shape of what it translates; properties that the target lacks are ignored. */
function checkMirror(translation: Json, original: Json, sink: Sink): void {
  if (Array.isArray(original)) {
    if (!Array.isArray(translation)) return notMirrored('a list', sink)
    if (translation.length !== original.length)
      return sink.fail('INVALID_VALUE', `must have the ${original.length} items of the property it translates`, '7.1.1')
    for (const [index, item] of original.entries()) {
      const before = sink.count
      checkMirror(translation[index] ?? null, item, sink)
      if (sink.count !== before) sink.at(before, index)
    }
  } else if (isObject(original)) {
    if (!isObject(translation)) return notMirrored('an object', sink)
    for (const name in translation) {
      if (!Object.hasOwn(original, name)) continue
      const before = sink.count
      checkMirror(translation[name] ?? null, original[name] ?? null, sink)
      if (sink.count !== before) sink.under(before, name)
    }
  } else if (typeof original === 'string' && typeof translation !== 'string') notMirrored('a string', sink)
}

function notMirrored(wanted: string, sink: Sink): void {
  sink.fail('WRONG_TYPE', `must be ${wanted}, like the property it translates`, '7.1.1')
}

function adviseConflicts(objects: readonly Json[], sink: Sink): void {
  const seen = new Map<string, JsonObject>()
  for (const [index, object] of objects.entries()) {
    if (!isObject(object) || typeof object['id'] !== 'string') continue
    const key = `${object['id']} ${typeof object['modified'] === 'string' ? object['modified'] : ''}`
    const known = seen.get(key)
    if (known === undefined) seen.set(key, object)
    else if (canonicalJson(known) !== canonicalJson(object))
      sink.advise('DUPLICATE_OBJECT', 'differs from another object with this id and modified time', '3.6', `[${index}]`)
  }
}
