import { fromBase64, type Json, type JsonObject, type Millis, parseJson, toBase64 } from '#base'
import { objectColumns } from '#stix'
import type { Store } from '#store'
import type { NodeEvents } from './events.ts'
import type { Release } from './sharing-rules.ts'

const COLLECTION = 'embargoes'
/** What was held of objects that were taken back before their embargo ended, without their bytes. */
const DROPPED = 'embargoes-dropped'
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

/** A release that an embargo held when its object was taken back: what is said of the object later stays with its marking. */
export interface DroppedRelease extends Omit<Release, 'json'> {
  /** Of its version. */
  readonly modified: string
}

/** Everything that was taken back under an embargo. */
export async function droppedReleases(store: Store): Promise<DroppedRelease[]> {
  return Array.fromAsync(store.records(DROPPED), ({ value }) => value as unknown as DroppedRelease)
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

  /** Forgets what is held of an object, but for whom it was; answers how many releases that were. */
  async drop(objectId: string): Promise<number> {
    const dropped = this.#work.then(async () => {
      const rows = (
        await Array.fromAsync(this.#o.store.records<{ json: string; objectId: string }>(COLLECTION))
      ).filter(({ value }) => value.objectId === objectId)
      await this.#o.store.commit(
        rows.flatMap(({ key, value: { json, ...release } }) => {
          const { modified } = objectColumns(parseJson(fromBase64(json)) as JsonObject)
          return [
            { op: 'delete' as const, collection: COLLECTION, key },
            { op: 'put' as const, collection: DROPPED, key, value: { ...release, modified } as unknown as Json },
          ]
        }),
      )
      return rows.length
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
