import type { Json, JsonObject } from '#base'
import { isObject } from './check.ts'
import type { Sink } from './sink.ts'

/** Checks that translations have the shape of what they translate. @see STIX 7.1.1 */
export function checkLanguageContent(content: JsonObject, target: JsonObject, sink: Sink): void {
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
