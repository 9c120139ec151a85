import type { Json, Millis } from '#base'
import type { RecallReason } from '#log'
import type { ObjectColumns, Store } from '#store'

const COLLECTION = 'taken-back'

/** Versions of objects that this node took back: kept after their content is gone, and looked up at each publication. */
export class TakenBack {
  readonly #store: Store
  #keys: Promise<Set<string>> | undefined

  constructor(store: Store) {
    this.#store = store
  }

  /** Remembers a version; not one of which another version took the place. */
  async remember({ id, modified }: ObjectColumns, reason: RecallReason, time: Millis): Promise<void> {
    if (reason === 'superseded') return
    const key = keyOf(id, modified)
    const keys = await this.#read()
    await this.#store.commit([{ op: 'put', collection: COLLECTION, key, value: { time, reason } as Json }])
    keys.add(key)
  }

  /** Whether a version was taken back: it is not published again, by whoever brings it. */
  async has(): Promise<(id: string, modified: string) => boolean> {
    const keys = await this.#read()
    return (id, modified) => keys.has(keyOf(id, modified))
  }

  #read(): Promise<Set<string>> {
    this.#keys ??= Array.fromAsync(this.#store.records(COLLECTION), ({ key }) => key).then((keys) => new Set(keys))
    return this.#keys
  }
}

const keyOf = (id: string, modified: string) => `${id} ${modified}`
