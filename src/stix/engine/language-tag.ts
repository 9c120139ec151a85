const TAG =
  /^(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})(?:-[a-z]{4})?(?:-(?:[a-z]{2}|\d{3}))?(?:-(?:[a-z\d]{5,8}|\d[a-z\d]{3}))*(?:-[a-wy-z\d](?:-[a-z\d]{2,8})+)*(?:-x(?:-[a-z\d]{1,8})+)?$/i
const PRIVATE = /^x(?:-[a-z\d]{1,8})+$/i
const GRANDFATHERED = new Set(
  `en-gb-oed i-ami i-bnn i-default i-enochian i-hak i-klingon i-lux i-mingo i-navajo i-pwn i-tao i-tay i-tsu sgn-be-fr
   sgn-be-nl sgn-ch-de art-lojban cel-gaulish no-bok no-nyn zh-guoyu zh-hakka zh-min zh-min-nan zh-xiang`.split(/\s+/),
)
const LONGEST_TAG_CHARACTERS = 250

/** Whether the text is a well-formed language tag. @see RFC 5646 section 2.1 */
export function isLanguageTag(text: string): boolean {
  if (text.length > LONGEST_TAG_CHARACTERS) return false
  return TAG.test(text) || PRIVATE.test(text) || GRANDFATHERED.has(text.toLowerCase())
}
