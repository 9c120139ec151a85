import { ipv6Words } from './address.ts'
import type { AtomIndex } from './atom-index.ts'
import { HASH_START_A, HASH_START_B, LOWER, stepA, stepB } from './hash.ts'
import { KEY_KIND } from './key.ts'

/** What a scan says of a line: no JSON object, an event that no atom can match, or one that has to be read. */
export type ScanResult = 'not-json' | 'nothing' | 'read'

const DEPTH_MAX = 64
const DOMAIN_MAX = 260
const EMAIL_MAX = 400
const DIGEST_MIN = 32

// Classes of bytes inside of strings.
const PLAIN = 1
const QUOTE = 2
const BACKSLASH = 3
const CONTROL = 4

// What the characters of a token were, as bits.
const DIGIT = 1
const HEX_LETTER = 2
const OTHER = 4
const DOT = 8
const COLON = 16
const AT = 32
const HIGH = 64

const CLASS = new Uint8Array(256)
const FLAG = new Uint8Array(256)
for (let c = 0; c < 256; c++) {
  const letter = /^[a-z]$/i.test(String.fromCharCode(c))
  if (c < 32) CLASS[c] = CONTROL
  else if (c === 0x22) CLASS[c] = QUOTE
  else if (c === 0x5c) CLASS[c] = BACKSLASH
  else if (c >= 128) [CLASS[c], FLAG[c]] = [PLAIN, HIGH]
  else if (c >= 48 && c <= 57) [CLASS[c], FLAG[c]] = [PLAIN, DIGIT]
  else if (letter) [CLASS[c], FLAG[c]] = [PLAIN, /^[a-f]$/i.test(String.fromCharCode(c)) ? HEX_LETTER : OTHER]
  else if (c === 0x2e) [CLASS[c], FLAG[c]] = [PLAIN, DOT]
  else if (c === 0x3a) [CLASS[c], FLAG[c]] = [PLAIN, COLON]
  else if (c === 0x40) [CLASS[c], FLAG[c]] = [PLAIN, AT]
  else if ('-_+'.includes(String.fromCharCode(c))) [CLASS[c], FLAG[c]] = [PLAIN, OTHER]
}

const FILE_KINDS = new Map<number, readonly number[]>([
  [32, [KEY_KIND['file-md5'], KEY_KIND['cert-md5'], KEY_KIND.ja3]],
  [40, [KEY_KIND['file-sha1'], KEY_KIND['cert-sha1']]],
  [64, [KEY_KIND['file-sha256'], KEY_KIND['cert-sha256']]],
  [128, [KEY_KIND['file-sha512']]],
])

/**
 * Scans a line of JSON in one pass over its bytes, without making objects or strings: checks that it is one JSON object
 * (RFC 8259) and looks every address, name and digest inside its string values up in the index.
 *
 * `nothing` is certain: whatever a format finds in the line stands in it as such a token. `read` may be a false alarm,
 * as it is whenever the scan meets something that it does not take apart itself (escapes, names beyond ASCII, depth).
 */
export class LineScan {
  readonly #index: AtomIndex
  readonly #isArray = new Uint8Array(DEPTH_MAX)
  #bytes: Uint8Array = new Uint8Array(0)
  #end = 0
  #alarm = false

  constructor(index: AtomIndex) {
    this.#index = index
  }

  scan(bytes: Uint8Array, start: number, end: number): ScanResult {
    this.#bytes = bytes
    this.#end = end
    this.#alarm = false
    if (bytes[start] !== 0x7b) return 'not-json'
    const isArray = this.#isArray
    let depth = 0
    isArray[0] = 0
    let at = this.#space(start + 1)
    if (bytes[at] === 0x7d) return this.#space(at + 1) === end ? 'nothing' : 'not-json'
    for (;;) {
      // A member or an item begins here.
      if (isArray[depth] === 0) {
        if (bytes[at] !== 0x22) return 'not-json'
        at = this.#string(at + 1, false)
        if (at < 0) return 'not-json'
        at = this.#space(at)
        if (bytes[at] !== 0x3a) return 'not-json'
        at = this.#space(at + 1)
      }
      if (at >= end) return 'not-json'
      const c = bytes[at]!
      if (c === 0x22) at = this.#string(at + 1, true)
      else if (c === 0x7b || c === 0x5b) {
        if (++depth >= DEPTH_MAX) return 'read'
        isArray[depth] = c === 0x5b ? 1 : 0
        at = this.#space(at + 1)
        if (bytes[at] !== (c === 0x5b ? 0x5d : 0x7d)) continue
        depth--
        at++
      } else at = this.#scalar(at)
      if (at < 0) return 'not-json'
      at = this.#space(at)
      while (at < end && bytes[at] === (isArray[depth] === 1 ? 0x5d : 0x7d)) {
        at = this.#space(at + 1)
        if (--depth < 0) return at !== end ? 'not-json' : this.#alarm ? 'read' : 'nothing'
      }
      if (at >= end || bytes[at] !== 0x2c) return 'not-json'
      at = this.#space(at + 1)
    }
  }

  #space(from: number): number {
    const bytes = this.#bytes
    let at = from
    while (at < this.#end && (bytes[at] === 32 || bytes[at] === 9 || bytes[at] === 13 || bytes[at] === 10)) at++
    return at
  }

  /** End of a number or literal, or −1. */
  #scalar(from: number): number {
    const bytes = this.#bytes
    const c = bytes[from]!
    if (c === 0x74) return this.#literal(from, TRUE)
    if (c === 0x66) return this.#literal(from, FALSE)
    if (c === 0x6e) return this.#literal(from, NULL)
    let at = c === 0x2d ? from + 1 : from
    const first = at
    at = this.#digits(at)
    if (at === first || (bytes[first] === 0x30 && at > first + 1)) return -1
    if (bytes[at] === 0x2e && at < this.#end) {
      const fraction = at + 1
      at = this.#digits(fraction)
      if (at === fraction) return -1
    }
    if (at < this.#end && (bytes[at]! | 32) === 0x65) {
      let exponent = at + 1
      if (bytes[exponent] === 0x2b || bytes[exponent] === 0x2d) exponent++
      at = this.#digits(exponent)
      if (at === exponent) return -1
    }
    return at
  }

  #digits(from: number): number {
    const bytes = this.#bytes
    let at = from
    while (at < this.#end && bytes[at]! >= 48 && bytes[at]! <= 57) at++
    return at
  }

  #literal(from: number, literal: Uint8Array): number {
    if (from + literal.length > this.#end) return -1
    for (let i = 0; i < literal.length; i++) if (this.#bytes[from + i] !== literal[i]) return -1
    return from + literal.length
  }

  /** Byte after the closing quote, or −1. The tokens of a value are looked up. */
  #string(from: number, isValue: boolean): number {
    const bytes = this.#bytes
    const end = this.#end
    const look = isValue && !this.#alarm
    let at = from
    let token = -1
    let flags = 0
    while (at < end) {
      const c = bytes[at]!
      const kind = CLASS[c]!
      if (kind === PLAIN) {
        if (token < 0) {
          token = at
          flags = 0
        }
        flags |= FLAG[c]!
        at++
        continue
      }
      if (look && token >= 0 && this.#token(token, at, flags)) this.#alarm = true
      token = -1
      if (kind === QUOTE) return at + 1
      if (kind === CONTROL) return -1
      if (kind === BACKSLASH) {
        const next = bytes[at + 1]!
        if (at + 1 >= end || !ESCAPES.has(next)) return -1
        if (next === 0x75) {
          if (at + 6 > end || !isHex4(bytes, at + 2)) return -1
          // The escaped character may belong to a name.
          if (isValue) this.#alarm = true
          at += 6
        } else at += 2
      } else at++
    }
    return -1
  }

  #token(from: number, to: number, flags: number): boolean {
    const length = to - from
    if (this.#isOddHost(from, flags)) return true
    if ((flags & (DOT | COLON)) === 0) {
      if (length < DIGEST_MIN || (flags & ~(DIGIT | HEX_LETTER)) !== 0) return false
      const kinds = FILE_KINDS.get(length)
      return kinds !== undefined && this.#digest(from, to, kinds)
    }
    if ((flags & HIGH) !== 0) return true
    if ((flags & COLON) !== 0) return this.#withColons(from, to, flags)
    if ((flags & AT) !== 0) return this.#email(from, to)
    if ((flags & ~(DIGIT | DOT)) === 0) {
      const bits = this.#ipv4(from, to)
      if (bits >= 0)
        return this.#index.mayHaveIpv4(bits) || (this.#index.hasAddressUrls && this.#digest(from, to, URL_HOST))
    }
    return this.#domain(from, to)
  }

  /** After `//` or a percent sign a host may be spelled in ways that only a URL parser reads (`0x7f.1`, `%65vil.example`). */
  #isOddHost(from: number, flags: number): boolean {
    const before = this.#bytes[from - 1]
    if (before === 0x25) return (flags & DOT) !== 0
    if (before !== 0x2f) return false
    const twoBefore = this.#bytes[from - 2]
    if (twoBefore !== 0x2f && twoBefore !== 0x5c) return false
    return (flags & DOT) === 0 || (flags & ~(HEX_LETTER | DIGIT | DOT)) === 0 || this.#bytes[from] === 0x30
  }

  #digest(from: number, to: number, kinds: readonly number[]): boolean {
    let a = HASH_START_A
    let b = HASH_START_B
    for (let i = to - 1; i >= from; i--) {
      const c = LOWER[this.#bytes[i]!]!
      if (c === 0x3a) continue
      a = stepA(a, c)
      b = stepB(b, c)
    }
    return kinds.some((kind) => this.#index.mayHave(a, b, kind))
  }

  /** Bits of a dotted address, or −1. */
  #ipv4(from: number, to: number): number {
    if (to - from < 7 || to - from > 15) return -1
    let bits = 0
    let part = 0
    let digits = 0
    let dots = 0
    for (let i = from; i < to; i++) {
      const c = this.#bytes[i]!
      if (c === 0x2e) {
        if (digits === 0) return -1
        bits = bits * 256 + part
        part = 0
        digits = 0
        dots++
      } else {
        part = part * 10 + c - 48
        digits++
        if (part > 255 || digits > 3) return -1
      }
    }
    return dots === 3 && digits > 0 ? bits * 256 + part : -1
  }

  /** A name and each name above it. */
  #domain(start: number, stop: number): boolean {
    const bytes = this.#bytes
    let from = start
    let to = stop
    while (to > from && bytes[to - 1] === 0x2e) to--
    while (to > from && bytes[from] === 0x2e) from++
    if (to - from > DOMAIN_MAX) return true
    let a = HASH_START_A
    let b = HASH_START_B
    for (let i = to - 1; i >= from; i--) {
      const c = LOWER[bytes[i]!]!
      if (c === 0x2e && this.#index.mayHave(a, b, KEY_KIND.domain)) return true
      a = stepA(a, c)
      b = stepB(b, c)
    }
    return (
      this.#index.mayHave(a, b, KEY_KIND.domain) || (this.#index.hasUrls && this.#index.mayHave(a, b, KEY_KIND.urlHost))
    )
  }

  #email(from: number, to: number): boolean {
    // The local part may go on to the left with a character that separates everything else.
    if (to - from > EMAIL_MAX || LOCAL_PART.has(this.#bytes[from - 1]!)) return true
    const at = this.#bytes.lastIndexOf(0x40, to - 1)
    let end = to
    while (end > at && this.#bytes[end - 1] === 0x2e) end--
    if (this.#digest(from, end, EMAIL)) return true
    const flags = flagsOf(this.#bytes, at + 1, to)
    // In a URL the host follows the user, and an odd one is read as an address.
    if ((flags & ~(DIGIT | DOT)) === 0 || this.#bytes[at + 1] === 0x30) return true
    return this.#domain(at + 1, to)
  }

  /** Tokens with colons: IPv6, host and port, digests in pairs, user and host, clock times. */
  #withColons(start: number, stop: number, flags: number): boolean {
    const bytes = this.#bytes
    let from = start
    let to = stop
    // Leading colons belong to `::1`; a single one, before or behind, is punctuation.
    if (bytes[from] === 0x3a && bytes[from + 1] !== 0x3a) from++
    if (bytes[to - 1] === 0x3a && bytes[to - 2] !== 0x3a) to--
    if (to <= from) return false
    const colon = bytes.indexOf(0x3a, from)
    if (colon < 0 || colon >= to) return this.#token(from, to, flags & ~COLON)
    if ((flags & AT) !== 0) return true
    if ((flags & ~(DIGIT | HEX_LETTER | COLON | DOT)) === 0) {
      const kinds = FILE_KINDS.get(digitsIn(bytes, from, to))
      if (kinds && this.#digest(from, to, kinds)) return true
      if (to - from <= 45) {
        const words = ipv6Words(String.fromCharCode(...bytes.subarray(from, to)))
        if (words) return this.#ipv6(words)
      }
    }
    const second = bytes.indexOf(0x3a, colon + 1)
    if (second >= 0 && second < to) return (flags & DOT) !== 0 && !isClock(bytes, from, to)
    return (
      this.#token(from, colon, flagsOf(bytes, from, colon)) || this.#token(colon + 1, to, flagsOf(bytes, colon + 1, to))
    )
  }

  #ipv6(words: readonly number[]): boolean {
    const mapped = words[0] === 0 && words[1] === 0 && words[2] === 0xffff
    if (mapped && this.#index.mayHaveIpv4(words[3]!)) return true
    // Spellings of an address in a URL differ from the one in the event: with URLs armed, the line is read.
    return this.#index.hasUrls || this.#index.mayHaveNetwork({ family: 6, words, prefix: 128 })
  }
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const TRUE = bytesOf('true')
const FALSE = bytesOf('false')
const NULL = bytesOf('null')
const ESCAPES = new Set(bytesOf('"\\/bfnrtu'))
const LOCAL_PART = new Set(bytesOf("!#$%&'*/=?^`{|}~"))
const URL_HOST = [KEY_KIND.urlHost]
const EMAIL = [KEY_KIND.email]

function isHex4(bytes: Uint8Array, from: number): boolean {
  for (let i = from; i < from + 4; i++) if ((FLAG[bytes[i]!]! & (DIGIT | HEX_LETTER)) === 0) return false
  return true
}

function flagsOf(bytes: Uint8Array, from: number, to: number): number {
  let flags = 0
  for (let i = from; i < to; i++) flags |= FLAG[bytes[i]!]!
  return flags
}

/** Length of a digest once its colons are taken out. */
function digitsIn(bytes: Uint8Array, from: number, to: number): number {
  let digits = 0
  for (let i = from; i < to; i++) if (bytes[i] !== 0x3a) digits++
  return digits
}

/** `2020-06-10T02:50:56.537Z` and `02:50:56.537`: digits around the first colon, and a dot only after the last. */
function isClock(bytes: Uint8Array, from: number, to: number): boolean {
  const colon = bytes.indexOf(0x3a, from)
  const last = bytes.lastIndexOf(0x3a, to - 1)
  const dot = bytes.indexOf(0x2e, from)
  const isDigit = (at: number) => FLAG[bytes[at]!] === DIGIT
  return (
    dot > last &&
    last === colon + 3 &&
    isDigit(colon - 1) &&
    isDigit(colon + 1) &&
    isDigit(colon + 2) &&
    isDigit(last + 1)
  )
}
