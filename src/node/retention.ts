import type { Json, JsonObject, LogId, Millis } from '#base'
import type { Recalled } from '#federation'
import type { TlpLevel } from '#log'
import type { LogHead, Store } from '#store'
import type { NodeEvents } from './events.ts'

const COLLECTION = 'retention'
const DAY_MS = 86_400_000
/** Between two looks: retention is counted in days. */
const LOOK_MS = 3_600_000
/** Entries that end in one commit. */
const ENDED_AT_ONCE = 500
/** Entries that end in one run: the next look goes on. */
const ENDED_MOST = 20_000

/** How long this node's own objects of a level are kept, everywhere. */
export interface RetentionRule {
  tlp: TlpLevel
  days: number
}

/** What one rule ends, or would end. */
export interface Ended {
  tlp: TlpLevel
  days: number
  objects: number
}

/** What retention is handed. */
export interface RetentionOptions {
  store: Store
  events: NodeEvents
  now: () => Millis
  expire: (log: LogId, indexes: readonly number[]) => Promise<number>
  onEnded: (entry: Pick<Recalled, 'log' | 'index' | 'object'>) => Promise<void>
}

/**
 * Retention by level: own objects that were published longer ago than their level's rule says end in their logs, and
 * every recipient purges them. Without a rule nothing ends.
 */
export class Retention implements AsyncDisposable {
  readonly #o: RetentionOptions
  #timer: NodeJS.Timeout | undefined
  #work: Promise<unknown> = Promise.resolve()

  constructor(options: RetentionOptions) {
    this.#o = options
  }

  async rules(): Promise<RetentionRule[]> {
    const rows = this.#o.store.records<JsonObject>(COLLECTION)
    return Array.fromAsync(rows, ({ key, value }) => ({ tlp: key as TlpLevel, days: Number(value['days']) }))
  }

  /** Keeps a rule; null takes it away. */
  async set(tlp: TlpLevel, days: number | null): Promise<void> {
    const key = { collection: COLLECTION, key: tlp }
    await this.#o.store.commit([
      days === null ? { op: 'delete', ...key } : { op: 'put', ...key, value: { days } as Json },
    ])
  }

  /** Looks now, and every hour. */
  look(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.look(), LOOK_MS).unref()
    this.run(false).catch((error: unknown) => this.#o.events.failed('ending the retention of objects', error))
  }

  /** Ends what is due by the rules, or by one that is only tried; a dry run counts alone. */
  run(isDryRun: boolean, tried?: RetentionRule): Promise<Ended[]> {
    const run = this.#work.then(() => this.#run(isDryRun, tried))
    this.#work = run.catch(() => undefined)
    return run
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer)
    await this.#work
  }

  async #run(isDryRun: boolean, tried: RetentionRule | undefined): Promise<Ended[]> {
    const rules = (await this.rules()).filter(({ tlp }) => tlp !== tried?.tlp)
    const ended: Ended[] = []
    let left = ENDED_MOST
    for (const { tlp, days } of tried ? [...rules, tried] : rules) {
      let objects = 0
      const own = await this.#o.store.logs({ own: true })
      for (const head of own)
        if (head.audience.tlp === tlp && left > 0) {
          const count = await this.#endOf(head, this.#o.now() - days * DAY_MS, left, isDryRun)
          objects += count
          left -= count
        }
      ended.push({ tlp, days, objects })
    }
    return ended
  }

  /** Entries of a log that were published before an instant: entry times never go down, so the first younger one ends it. */
  async #endOf({ log }: LogHead, before: Millis, most: number, isDryRun: boolean): Promise<number> {
    let count = 0
    for (let cursor: string | undefined; count < most;) {
      const limit = Math.min(ENDED_AT_ONCE, most - count)
      const page = await this.#o.store.objects({
        logs: [log],
        order: 'oldest',
        limit,
        ...(cursor === undefined ? {} : { cursor }),
      })
      const due = page.rows.filter(({ entryTime }) => entryTime < before)
      if (!isDryRun && due.length > 0) {
        await this.#o.expire(
          log,
          due.map(({ index }) => index),
        )
        for (const { index, json: _, ...object } of due) await this.#o.onEnded({ log, index, object })
      }
      count += due.length
      if (due.length < page.rows.length || page.next === undefined) break
      cursor = page.next
    }
    return count
  }
}
