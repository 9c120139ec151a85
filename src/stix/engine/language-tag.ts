import { isExtendedLanguage, isLanguage, isRegion, isScript } from '../types/language-subtags.ts'

/** Language, extended languages, script, region; then variants, extensions and private use, which are checked by form. */
const TAG =
  /^([a-z]{2,3})((?:-[a-z]{3}){0,3})(?:-([a-z]{4}))?(?:-([a-z]{2}|\d{3}))?(?:-(?:[a-z\d]{5,8}|\d[a-z\d]{3}))*(?:-[a-wy-z\d](?:-[a-z\d]{2,8})+)*(?:-x(?:-[a-z\d]{1,8})+)?$/
const PRIVATE = /^x(?:-[a-z\d]{1,8})+$/
const GRANDFATHERED = new Set(
  `en-gb-oed i-ami i-bnn i-default i-enochian i-hak i-klingon i-lux i-mingo i-navajo i-pwn i-tao i-tay i-tsu sgn-be-fr
   sgn-be-nl sgn-ch-de art-lojban cel-gaulish no-bok no-nyn zh-guoyu zh-hakka zh-min zh-min-nan zh-xiang`.split(/\s+/),
)
const LONGEST_TAG_CHARACTERS = 250

/** Whether the text is a language tag whose language, script and region are registered. @see RFC 5646 section 2 */
export function isLanguageTag(text: string): boolean {
  if (text.length > LONGEST_TAG_CHARACTERS) return false
  const tag = text.toLowerCase()
  if (tag.length === 2) return isLanguage(tag)
  const parts = TAG.exec(tag)
  if (parts === null) return PRIVATE.test(tag) || GRANDFATHERED.has(tag)
  const [, language = '', extended = '', script, region] = parts
  return (isLanguage(language) && isRegistered(extended, script, region)) || GRANDFATHERED.has(tag)
}

function isRegistered(extended: string, script: string | undefined, region: string | undefined): boolean {
  if (extended !== '' && !extended.slice(1).split('-').every(isExtendedLanguage)) return false
  return (script === undefined || isScript(script)) && (region === undefined || isRegion(region))
}
