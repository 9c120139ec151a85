/**
 * Seeded randomness: the same seed gives the same numbers on every machine.
 * @see https://pracrand.sourceforge.net, sfc32
 */
export class Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(...seed: readonly (number | string)[]) {
    let hash = FNV_START
    for (const part of seed) hash = fnv(Buffer.from(`${part}\n`), hash)
    this.#a = hash
    this.#b = Math.imul(hash, 0x9e3779b1)
    this.#c = Math.imul(hash, 0x85ebca6b) ^ seed.length
    for (let i = 0; i < WARM_UP; i++) this.next()
  }

  /** The next 32 bits, unsigned. */
  next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  /** An integer from 0 up to, not including, the limit; 0 where the limit is not above 1. */
  below(limit: number): number {
    return limit > 1 ? this.next() % limit : 0
  }

  /** An integer between both, both included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  /** Whether something happens that happens once in so many times. */
  once(times: number): boolean {
    return this.below(times) === 0
  }

  /** One of the items, each as likely. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }

  /** So many picked items, joined. */
  word(letters: readonly string[] | string, least: number, most: number): string {
    let text = ''
    for (let left = this.between(least, most); left > 0; left--) text += letters[this.below(letters.length)] ?? ''
    return text
  }
}

const WARM_UP = 12
const FNV_START = 0x811c9dc5

/** FNV-1a of bytes, going on from an earlier one. */
export function fnv(bytes: Uint8Array, from: number = FNV_START): number {
  let hash = from
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193)
  return hash >>> 0
}
