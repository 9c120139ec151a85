import { classesOf } from './classes.ts'
import { SuffixTrie } from './suffix-trie.ts'

/** Shortest needle that a search by blocks takes. */
export const BLOCK = 3
/** Windows longer than this gain nothing and would need more than 16 bits for the places of blocks. */
const WINDOW_MAX = 18
const NO_CASE = 31

/**
 * Search for many needles at once that looks at few bytes of the text.
 *
 * The last `window` characters of a needle, as many as the shortest needle has, hold one of the blocks of three bytes
 * that stand at every `window − 2`nd place of the text. A table says for each block how far behind it needles that hold
 * it may end, and those ends are tried. The places looked at don't depend on what was seen: the processor runs ahead.
 */
export class SkipSearch {
  readonly #classes: Uint8Array
  readonly #window: number
  /** A block is hashed by the lower five bits of its bytes, which capitals share with small letters. */
  readonly #bits: number
  /** For the hash of each block: bit `d` is set where a needle ends `d` bytes behind it. */
  readonly #ends: Uint16Array
  readonly #trie = new SuffixTrie()

  /** `needles` are ASCII, report their owners, and none is shorter than `BLOCK`. */
  constructor(needles: ReadonlyMap<string, readonly number[]>) {
    this.#classes = classesOf(needles.keys()).classes
    this.#window = Math.min(WINDOW_MAX, ...[...needles.keys()].map((needle) => needle.length))
    this.#bits = needles.size < 30 ? 3 : needles.size < 200 ? 4 : 5
    this.#ends = new Uint16Array(32 << (2 * this.#bits))
    for (const [needle, owners] of needles) this.#enter(needle, Int32Array.from(new Set(owners)))
  }

  /** Calls `found` for each needle that stands in the bytes, maybe more than once. */
  search(bytes: Uint8Array, found: (owners: Int32Array) => void): void {
    const ends = this.#ends
    const bits = this.#bits
    const step = this.#window - BLOCK + 1
    const { length } = bytes
    for (let at = BLOCK - 1; at < length; at += step) {
      const first = bytes[at - 2]! & NO_CASE
      const second = bytes[at - 1]! & NO_CASE
      const places = ends[(((first << bits) ^ second) << bits) ^ (bytes[at]! & NO_CASE)]!
      if (places !== 0) this.#try(bytes, at, places, found)
    }
  }

  #try(bytes: Uint8Array, at: number, places: number, found: (owners: Int32Array) => void): void {
    for (let rest = places; rest !== 0; rest &= rest - 1) {
      const end = at + 31 - Math.clz32(rest & -rest)
      if (end < bytes.length) this.#trie.walk(bytes, end, this.#classes, found)
    }
  }

  #enter(needle: string, owners: Int32Array): void {
    const last = needle.length - 1
    for (let at = needle.length - this.#window + BLOCK - 1; at <= last; at++) {
      const [first, second, third] = [at - 2, at - 1, at].map((i) => needle.charCodeAt(i) & NO_CASE)
      const block = (((first! << this.#bits) ^ second!) << this.#bits) ^ third!
      this.#ends[block]! |= 1 << (last - at)
    }
    this.#trie.enter(
      Uint8Array.from(needle, (c) => this.#classes[c.charCodeAt(0)]!),
      owners,
    )
  }
}
