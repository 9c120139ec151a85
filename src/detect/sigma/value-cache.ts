/** Texts longer than this are not kept: they seldom come again. */
export const KEPT_TEXT_MAX = 1_024
/** What an entry takes besides its text and value, in bytes. */
const ENTRY_BYTES = 96

/**
 * Bytes that all caches of an engine may take together. When half of them are spent, every cache drops what was not asked
 * for since the last time: values that keep coming stay, and no input can make the caches grow further.
 */
export class CacheBudget {
  readonly #half: number
  // Caches of groups and rules that are gone must not be held here.
  #caches: WeakRef<Turning>[] = []
  #spent = 0

  constructor(bytes: number) {
    this.#half = bytes / 2
  }

  join(cache: Turning): void {
    this.#caches.push(new WeakRef(cache))
  }

  spend(bytes: number): void {
    this.#spent += bytes
    if (this.#spent <= this.#half) return
    this.#spent = 0
    this.#caches = this.#caches.filter((reference) => {
      const cache = reference.deref()
      cache?.turn()
      return cache !== undefined
    })
  }
}

interface Turning {
  turn: () => void
}

/** What was worked out for texts that telemetry repeats (paths, hashes, names), within a shared budget. */
export class ValueCache<V> {
  readonly #budget: CacheBudget
  #recent = new Map<string, V>()
  #older = new Map<string, V>()

  constructor(budget: CacheBudget) {
    this.#budget = budget
    budget.join(this)
  }

  /** How many texts are known. */
  get size(): number {
    return this.#recent.size + this.#older.size
  }

  get(text: string): V | undefined {
    const known = this.#recent.get(text)
    if (known !== undefined) return known
    const older = this.#older.get(text)
    if (older === undefined) return undefined
    this.#older.delete(text)
    this.#keep(text, older, 0)
    return older
  }

  /** Keeps a value that takes `bytes`; long texts are not kept. */
  set(text: string, value: V, bytes: number): void {
    if (text.length > KEPT_TEXT_MAX) return
    this.#keep(detached(text), value, bytes)
  }

  turn(): void {
    this.#older = this.#recent
    this.#recent = new Map()
  }

  #keep(text: string, value: V, bytes: number): void {
    this.#recent.set(text, value)
    this.#budget.spend(text.length * 2 + ENTRY_BYTES + bytes)
  }
}

/** A copy that does not keep alive the line out of which the text was cut. */
const detached = (text: string): string => JSON.parse(JSON.stringify(text)) as string
