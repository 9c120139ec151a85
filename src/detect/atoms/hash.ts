/**
 * Hashing of atoms into two 32-bit words.
 *
 * Text is hashed from its end, so that one pass over `a.b.example` yields the hashes of `example`, `b.example` and
 * `a.b.example`: what a subdomain search needs. ASCII capitals count as small letters.
 */

/** First and second word of a running hash before any character. */
export const HASH_START_A = 0x811c9dc5 | 0
export const HASH_START_B = 0x2f0b4c47 | 0

const FACTOR_A = 0x01000193
const FACTOR_B = 0x5bd1e995

/** Small letter for each byte: the identity but for A–Z. */
export const LOWER = Uint8Array.from({ length: 256 }, (_, c) => (c >= 65 && c <= 90 ? c + 32 : c))

/** Next first word after one more (small) character to the left. */
export const stepA = (a: number, c: number): number => Math.imul(a ^ c, FACTOR_A)

/** Next second word after one more (small) character to the left. */
export const stepB = (b: number, c: number): number => {
  const mixed = Math.imul(b ^ c, FACTOR_B)
  return mixed ^ (mixed >>> 15)
}

/** Spreads the bits of one word: the finaliser of MurmurHash3. */
export function mix(word: number): number {
  let h = word
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** Final first word for a kind of atom. */
export const finishA = (a: number, kind: number): number => mix(a ^ Math.imul(kind + 1, 0x9e3779b1)) >>> 0

/** Final second word for a kind of atom. */
export const finishB = (b: number, kind: number): number => mix(b + Math.imul(kind + 1, 0x7feb352d)) >>> 0

/** A hash in its two words. */
export interface Hash64 {
  a: number
  b: number
}

/** Hash of a text and a kind number; only the low byte of each character counts beyond ASCII. */
export function hashText(text: string, kind: number): Hash64 {
  let a = HASH_START_A
  let b = HASH_START_B
  for (let i = text.length - 1; i >= 0; i--) {
    const c = LOWER[text.charCodeAt(i) & 0xff] ?? 0
    a = stepA(a, c)
    b = stepB(b, c)
  }
  return { a: finishA(a, kind), b: finishB(b, kind) }
}

/** Hash of one to four 32-bit words (an address, a network) and a kind number. */
export function hashWords(kind: number, ...words: number[]): Hash64 {
  let a = HASH_START_A
  let b = HASH_START_B
  for (const word of words) {
    a = mix(a ^ word)
    b = mix(Math.imul(b, FACTOR_B) + word)
  }
  return { a: finishA(a, kind), b: finishB(b, kind) }
}
