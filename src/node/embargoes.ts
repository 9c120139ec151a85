import { fromBase64, type Json, type Millis, toBase64 } from '#base'
import type { Store } from '#store'
import type { NodeEvents } from './events.ts'
import type { Release } from './sharing-rules.ts'

const COLLECTION = 'embargoes'
/** Longest wait of one timer. */
const LOOK_MS = 60_000

/** What embargoes are handed. */
export interface EmbargoesOptions {
  store: Store
  events: NodeEvents
  now: () => Millis
  publish: (releases: readonly Release[]) => Promise<unknown>
}

/** Everything that waits for the end of an embargo. */
export async function heldReleases(store: Store): Promise<Omit<Release, 'json'>[]> {
  const rows: { key: string; value: Json }[] = []
  for (;;) {
    const after = rows.at(-1)?.key
    const page = await store.records<Json>(COLLECTION, after === undefined ? {} : { after })
    if (page.length === 0) return rows.map(({ value }) => value as unknown as Omit<Release, 'json'>)
    rows.push(...page)
  }
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

  /** Publishes what is due, and sets the clock for what is next. */
  look(): void {
    clearTimeout(this.#timer)
    this.#work = this.#work
      .then(() => this.#look())
      .catch((error: unknown) => this.#o.events.failed('ending an embargo', error))
  }

  async #look(): Promise<void> {
    const rows = await this.#o.store.records<{ json: string }>(COLLECTION)
    const due = rows.filter(({ key }) => Number(key.slice(0, 16)) <= this.#o.now())
    if (due.length > 0) {
      await this.#o.publish(
        due.map(({ value }) => ({ ...(value as unknown as Release), json: fromBase64(value.json) })),
      )
      await this.#o.store.commit(due.map(({ key }) => ({ op: 'delete' as const, collection: COLLECTION, key })))
    }
    const next = rows.find(({ key }) => !due.some((one) => one.key === key))
    if (!next) return
    const wait = Math.min(LOOK_MS, Math.max(0, Number(next.key.slice(0, 16)) - this.#o.now()))
    this.#timer = setTimeout(() => this.look(), wait)
    this.#timer.unref()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer)
    await this.#work
    clearTimeout(this.#timer)
  }
}
