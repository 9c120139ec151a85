import { fromBase64, type Json, type Millis, toBase64 } from '#base'
import type { Store } from '#store'
import type { NodeEvents } from './events.ts'
import type { Release } from './sharing-rules.ts'

const COLLECTION = 'embargoes'
/** Releases read and published together, so that whatever ends at one moment does not fill the memory. */
const PUBLISHED_AT_ONCE = 1_000
/** Longest wait of one timer. */
const LOOK_MS = 60_000

/** End of an embargo: keys begin with it, so that the first ones are due first. */
const endOf = (key: string): Millis => Number(key.slice(0, 16))

/** What embargoes are handed. */
export interface EmbargoesOptions {
  store: Store
  events: NodeEvents
  now: () => Millis
  publish: (releases: readonly Release[]) => Promise<unknown>
}

/** Everything that waits for the end of an embargo. */
export async function heldReleases(store: Store): Promise<Omit<Release, 'json'>[]> {
  return Array.fromAsync(store.records(COLLECTION), ({ value }) => value as unknown as Omit<Release, 'json'>)
}

/** Keeps releases until their embargo ends, over restarts; then appends them to their final logs. */
export class Embargoes implements AsyncDisposable {
  readonly #o: EmbargoesOptions
  #timer: NodeJS.Timeout | undefined
  #work: Promise<void> = Promise.resolve()

  constructor(options: EmbargoesOptions) {
    this.#o = options
  }

  /** Keeps releases for later; resolves when they are durable. */
  async hold(releases: readonly Release[]): Promise<void> {
    await this.#o.store.commit(
      releases.map(({ json, ...release }) => ({
        op: 'put' as const,
        collection: COLLECTION,
        key: `${String(release.notBefore ?? 0).padStart(16, '0')} ${release.id} ${JSON.stringify(release.audience)}`,
        value: { ...release, json: toBase64(json) } as unknown as Json,
      })),
    )
    this.look()
  }

  /** Forgets what is held of an object; answers how many releases that were. */
  async drop(objectId: string): Promise<number> {
    const dropped = this.#work.then(async () => {
      const keys: string[] = []
      for await (const { key, value } of this.#o.store.records(COLLECTION))
        if ((value as unknown as Release).objectId === objectId) keys.push(key)
      await this.#o.store.commit(keys.map((key) => ({ op: 'delete' as const, collection: COLLECTION, key })))
      return keys.length
    })
    // Whatever is published at the end of an embargo was not being dropped at that moment.
    this.#work = dropped.then(
      () => undefined,
      () => undefined,
    )
    return dropped
  }

  /** Publishes what is due, and sets the clock for what is next. */
  look(): void {
    clearTimeout(this.#timer)
    this.#work = this.#work
      .then(() => this.#look())
      .catch((error: unknown) => this.#o.events.failed('ending an embargo', error))
  }

  async #look(): Promise<void> {
    for (;;) {
      const rows = await this.#o.store.recordPage<{ json: string }>(COLLECTION, { limit: PUBLISHED_AT_ONCE })
      const now = this.#o.now()
      const due = rows.filter(({ key }) => endOf(key) <= now)
      if (due.length > 0) {
        await this.#o.publish(
          due.map(({ value }) => ({ ...(value as unknown as Release), json: fromBase64(value.json) })),
        )
        await this.#o.store.commit(due.map(({ key }) => ({ op: 'delete' as const, collection: COLLECTION, key })))
      }
      const next = rows[due.length]
      if (next) return this.#wait(endOf(next.key))
      if (rows.length < PUBLISHED_AT_ONCE) return
    }
  }

  #wait(until: Millis): void {
    this.#timer = setTimeout(() => this.look(), Math.min(LOOK_MS, Math.max(0, until - this.#o.now())))
    this.#timer.unref()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer)
    await this.#work
    clearTimeout(this.#timer)
  }
}
