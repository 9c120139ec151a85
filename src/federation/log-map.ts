import type { LogId } from '#base'

/** Parts of a map: with ten thousand logs, a changed copy copies forty of them. */
const PARTS = 256

/** A map by log that never changes, and of which a changed copy shares all of its parts but one. */
export class LogMap<Value> implements Iterable<[LogId, Value]> {
  readonly size: number
  readonly #parts: readonly (ReadonlyMap<LogId, Value> | undefined)[]

  private constructor(parts: readonly (ReadonlyMap<LogId, Value> | undefined)[], size: number) {
    this.#parts = parts
    this.size = size
  }

  static of<Value>(entries: Iterable<readonly [LogId, Value]> = []): LogMap<Value> {
    const parts = Array.from({ length: PARTS }, (): Map<LogId, Value> | undefined => undefined)
    let size = 0
    for (const [log, value] of entries) {
      const part = (parts[partOf(log)] ??= new Map<LogId, Value>())
      if (!part.has(log)) size++
      part.set(log, value)
    }
    return new LogMap(parts, size)
  }

  get(log: LogId): Value | undefined {
    return this.#parts[partOf(log)]?.get(log)
  }

  has(log: LogId): boolean {
    return this.#parts[partOf(log)]?.has(log) ?? false
  }

  /** This map with one value set. */
  with(log: LogId, value: Value): LogMap<Value> {
    const at = partOf(log)
    const part = new Map(this.#parts[at])
    part.set(log, value)
    return new LogMap(this.#parts.with(at, part), this.size + (this.has(log) ? 0 : 1))
  }

  *[Symbol.iterator](): Iterator<[LogId, Value]> {
    for (const part of this.#parts) if (part) yield* part
  }
}

/** Ids are hashes: their first two digits are spread evenly. */
const partOf = (log: LogId): number => Number.parseInt(log.slice(0, 2), 16) || 0
