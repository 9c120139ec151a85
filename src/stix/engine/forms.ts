/**
 * Forms of text that every object is full of, checked character by character: a regular expression costs several
 * times as much, and these run a dozen times per object.
 */
const DIGIT = 1
const LOWER_HEX = 2
const UPPER_HEX = 4
const LOWER = 8
const BASE64 = 16
const HEX = DIGIT | LOWER_HEX | UPPER_HEX
const NAME = DIGIT | LOWER

const CLASSES = new Uint8Array(128)
for (let code = 0x30; code <= 0x39; code++) CLASSES[code] = DIGIT
for (let code = 0x61; code <= 0x7a; code++) CLASSES[code] = LOWER
for (let code = 0x61; code <= 0x66; code++) CLASSES[code] = LOWER | LOWER_HEX
for (let code = 0x41; code <= 0x46; code++) CLASSES[code] = UPPER_HEX
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/') {
  const code = char.charCodeAt(0)
  CLASSES[code] = (CLASSES[code] ?? 0) | BASE64
}

const HYPHEN = 0x2d
const UNDERSCORE = 0x5f
const UUID_LENGTH = 36
/** `--` and the UUID. */
const ID_TAIL_LENGTH = UUID_LENGTH + 2
const NAME_MIN = 3
const NAME_MAX = 250

const classAt = (text: string, index: number): number => {
  const code = text.charCodeAt(index)
  return code < 128 ? (CLASSES[code] as number) : 0
}

/** Whether a UUID of RFC 4122 (or its successor's versions) stands at `start` and ends the text. */
function isUuidAt(text: string, start: number): boolean {
  if (text.length !== start + UUID_LENGTH) return false
  for (let index = 0; index < UUID_LENGTH; index++) {
    const at = start + index
    if (index === 8 || index === 13 || index === 18 || index === 23) {
      if (text.charCodeAt(at) !== HYPHEN) return false
    } else if ((classAt(text, at) & HEX) === 0) return false
  }
  const version = text.charCodeAt(start + 14)
  if (version < 0x31 || version > 0x38) return false
  // Setting bit 5 leaves digits alone and makes letters lower-case.
  const variant = text.charCodeAt(start + 19) | 0x20
  return variant === 0x38 || variant === 0x39 || variant === 0x61 || variant === 0x62
}

/** Version digit of the UUID that ends an identifier. */
export const uuidVersion = (id: string): string => id.charAt(id.length - 22)

/** The type part of a well-formed identifier `type--UUID`, or undefined. */
export function typeOfId(id: string): string | undefined {
  const end = id.length - ID_TAIL_LENGTH
  if (end < NAME_MIN || id.charCodeAt(end) !== HYPHEN || id.charCodeAt(end + 1) !== HYPHEN) return undefined
  if (!isUuidAt(id, end + 2)) return undefined
  const type = id.slice(0, end)
  return isTypeName(type) ? type : undefined
}

/** Whether `id` is `prefix` (`indicator--`) followed by a UUID. */
export const isIdOf = (id: string, prefix: string): boolean => id.startsWith(prefix) && isUuidAt(id, prefix.length)

/** A type name: lower-case letters, digits and single hyphens, a letter first, 3 to 250 characters. */
export function isTypeName(text: string): boolean {
  return isName(text, HYPHEN, false)
}

/** A property name: lower-case letters, digits and underscores, a letter first, 3 to 250 characters. */
export function isPropertyName(text: string): boolean {
  return isName(text, UNDERSCORE, true)
}

function isName(text: string, separator: number, repeats: boolean): boolean {
  if (text.length < NAME_MIN || text.length > NAME_MAX || (classAt(text, 0) & LOWER) === 0) return false
  for (let index = 1; index < text.length; index++) {
    if ((classAt(text, index) & NAME) !== 0) continue
    if (text.charCodeAt(index) !== separator) return false
    if (!repeats && text.charCodeAt(index - 1) === separator) return false
  }
  return true
}

/** Whether the text is padded base64; unused bits of the last character may be anything. @see RFC 4648 section 4 */
export function isBase64(text: string): boolean {
  if (text.length % 4 !== 0) return false
  let end = text.length
  if (text.endsWith('==')) end -= 2
  else if (text.endsWith('=')) end -= 1
  for (let index = 0; index < end; index++) if ((classAt(text, index) & BASE64) === 0) return false
  return true
}

/** Whether every character from `start` to `end` is a hexadecimal digit. */
export function isHex(text: string, start = 0, end = text.length): boolean {
  for (let index = start; index < end; index++) if ((classAt(text, index) & HEX) === 0) return false
  return true
}

/** Whether the text is a STIX timestamp: `YYYY-MM-DDTHH:mm:ss[.s+]Z`, on the calendar and without leap seconds. */
export function isTimestamp(text: string): boolean {
  const length = text.length
  if (length < 20 || text.charCodeAt(length - 1) !== 0x5a) return false
  if (text.charCodeAt(4) !== HYPHEN || text.charCodeAt(7) !== HYPHEN || text.charCodeAt(10) !== 0x54) return false
  if (text.charCodeAt(13) !== 0x3a || text.charCodeAt(16) !== 0x3a) return false
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2)
  const month = twoDigits(text, 5)
  const day = twoDigits(text, 8)
  // NaN, from anything but digits, fails every comparison.
  if (!(year >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= daysOf(year, month))) return false
  if (!(twoDigits(text, 11) <= 23 && twoDigits(text, 14) <= 59 && twoDigits(text, 17) <= 59)) return false
  if (length === 20) return true
  if (length === 21 || text.charCodeAt(19) !== 0x2e) return false
  for (let index = 20; index < length - 1; index++) if ((classAt(text, index) & DIGIT) === 0) return false
  return true
}

function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 0x30
  const ones = text.charCodeAt(at + 1) - 0x30
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN
}

function daysOf(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}
