import { classesOf } from './classes.ts'
import { SuffixTrie } from './suffix-trie.ts'

/** Shortest needle that a search by blocks takes. */
export const BLOCK = 3
const LENGTH_MAX = 255
/** From this many needles on, the table of shifts has 15 bits instead of 13. */
const MANY = 100
const NO_CASE = 31

/**
 * Search for many needles at once that skips over text: Wu–Manber with blocks of three bytes.
 *
 * The window is as long as the shortest needle and every needle is entered with its last characters. Where the three
 * bytes under the window's end stand in no needle, the window moves by `length − 2`.
 */
export class SkipSearch {
  readonly #classes: Uint8Array
  readonly #length: number
  /** A block is hashed by the lower five bits of its bytes, which capitals share with small letters. */
  readonly #bits: number
  readonly #shift: Uint8Array
  readonly #trie = new SuffixTrie()

  /** `needles` are ASCII, report their owners, and none is shorter than `BLOCK`. */
  constructor(needles: ReadonlyMap<string, readonly number[]>) {
    this.#classes = classesOf(needles.keys()).classes
    this.#length = Math.min(LENGTH_MAX, ...[...needles.keys()].map((needle) => needle.length))
    this.#bits = needles.size < MANY ? 4 : 5
    this.#shift = new Uint8Array(32 << (2 * this.#bits)).fill(this.#length - BLOCK + 1)
    for (const [needle, owners] of needles) this.#enter(needle, Int32Array.from(new Set(owners)))
  }

  /** Calls `found` for each needle that stands in the bytes, maybe more than once. */
  search(bytes: Uint8Array, found: (owners: Int32Array) => void): void {
    const shift = this.#shift
    const bits = this.#bits
    const { length } = bytes
    let at = this.#length - 1
    while (at < length) {
      const first = bytes[at - 2]! & NO_CASE
      const second = bytes[at - 1]! & NO_CASE
      const move = shift[(((first << bits) ^ second) << bits) ^ (bytes[at]! & NO_CASE)]!
      if (move > 0) at += move
      else {
        this.#trie.walk(bytes, at, this.#classes, found)
        at++
      }
    }
  }

  #enter(needle: string, owners: Int32Array): void {
    const start = needle.length - this.#length
    for (let at = start + BLOCK - 1; at < needle.length; at++) {
      const [first, second, third] = [at - 2, at - 1, at].map((i) => needle.charCodeAt(i) & NO_CASE)
      const block = (((first! << this.#bits) ^ second!) << this.#bits) ^ third!
      this.#shift[block] = Math.min(this.#shift[block]!, needle.length - 1 - at)
    }
    this.#trie.enter(
      Uint8Array.from(needle, (c) => this.#classes[c.charCodeAt(0)]!),
      owners,
    )
  }
}
