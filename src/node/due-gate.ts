import type { Millis } from '#base'
import type { VersionStore } from '#store'

/** Reads that answer objects, or how many there are. */
const READS = [
  'entries',
  'frames',
  'unaccepted',
  'objects',
  'countObjects',
  'bodies',
  'texts',
  'resurfaced',
  'versions',
] as const satisfies readonly (keyof VersionStore)[]

/**
 * Holds every read until what had to end by now has ended: from the instant on nobody is answered with it, by whatever
 * way out, even where the timer that ends it is late. Where the ending fails, so does the read.
 */
export class DueGate {
  readonly #now: () => Millis
  #next: Millis = Infinity
  #settle: () => Promise<void> = () => Promise.resolve()

  constructor(now: () => Millis) {
    this.#now = now
  }

  /** When something ends next, and what ends it; that must read and write past this gate. */
  set(next: Millis, settle: () => Promise<void>): void {
    this.#next = next
    this.#settle = settle
  }

  guard<S extends VersionStore>(store: S): S {
    const reads = READS.map((name) => {
      const read = store[name] as (...asked: unknown[]) => Promise<unknown>
      const late = async (...asked: unknown[]) => {
        if (this.#now() >= this.#next) await this.#settle()
        return read(...asked)
      }
      return [name, late] as const
    })
    return Object.assign({ ...store }, Object.fromEntries(reads))
  }
}
