import type { Json } from '#base'
import { isObject, shown, wrongType } from './check.ts'
import { isLanguageTag } from './language-tag.ts'
import type { Sink } from './sink.ts'

const SECTION = '7.1.1'
/** Deepest nesting of a translation; deeper than any object that could be translated. */
const DEPTH_LIMIT = 64

/** Checks the `contents` of a language-content object: language codes, and texts in the shape of the target. */
export function checkTranslations(value: Json, sink: Sink): void {
  if (!isObject(value)) return wrongType(sink, 'a dictionary by language code', value, SECTION)
  let empty = true
  for (const language in value) {
    empty = false
    const before = sink.count
    if (!isLanguageTag(language))
      sink.fail('INVALID_LANGUAGE', `${shown(language)} is not an RFC 5646 language code`, SECTION)
    const content = value[language] ?? null
    if (isObject(content)) checkContent(content, sink, 0)
    else wrongType(sink, 'a dictionary of translated properties', content, SECTION)
    if (sink.count !== before) sink.under(before, language)
  }
  if (empty) sink.fail('EMPTY_OBJECT', 'needs at least one language', SECTION)
}

function checkContent(value: Json, sink: Sink, depth: number): void {
  if (depth > DEPTH_LIMIT) return sink.fail('TOO_DEEP', `is nested deeper than ${DEPTH_LIMIT} levels`, SECTION)
  if (value === null) return wrongType(sink, 'a text, list or object', value, SECTION)
  if (typeof value !== 'object') return
  if (Array.isArray(value)) {
    if (value.length === 0) sink.fail('EMPTY_LIST', 'is an empty list', '2.12')
    for (const [index, item] of value.entries()) {
      const before = sink.count
      checkContent(item, sink, depth + 1)
      if (sink.count !== before) sink.at(before, index)
    }
    return
  }
  let empty = true
  for (const name in value) {
    empty = false
    const before = sink.count
    checkContent(value[name] ?? null, sink, depth + 1)
    if (sink.count !== before) sink.under(before, name)
  }
  if (empty) sink.fail('EMPTY_OBJECT', 'is an empty dictionary', '2.3')
}
