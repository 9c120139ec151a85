/** Everything random of a simulation comes from here: the same seed gives the same run. */
export class Seeded {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A stream of its own for one purpose, so that what one of them draws moves no other. */
  stream(purpose: string): Seeded {
    let state = this.#state ^ 0x811c9dc5
    for (let i = 0; i < purpose.length; i++) state = Math.imul(state ^ purpose.charCodeAt(i), 0x01000193)
    return new Seeded(state)
  }

  /** From 0 up to, not including, 1 (mulberry32). */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }

  between(from: number, to: number): number {
    return from + Math.floor(this.fraction() * (to - from + 1))
  }

  chance(probability: number): boolean {
    return this.fraction() < probability
  }

  pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.fraction() * items.length)]
    if (item === undefined) throw new Error('Nothing to pick from')
    return item
  }

  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count)
    for (let at = 0; at < count; at += 4) {
      let word = Math.floor(this.fraction() * 4_294_967_296)
      for (let i = at; i < Math.min(at + 4, count); i++, word = Math.floor(word / 256)) bytes[i] = word % 256
    }
    return bytes
  }
}
