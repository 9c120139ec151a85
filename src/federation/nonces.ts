import type { KeyId } from '#base'
import type { Change, Store } from '#store'
import { NONCE_SECONDS } from './limits.ts'

const COLLECTION = 'link-nonces'
/** Expired rows deleted along with each new one, so that the collection shrinks without a job of its own. */
const SWEEP = 64

/**
 * Nonces of signed requests, remembered per key for 121 seconds and over a restart: a claim is durable before the
 * request is answered, so that a recorded request can't be replayed at a node that was restarted in between.
 * @see WIRE, Link requests
 */
export class Nonces {
  readonly #store: Store
  readonly #perKey: number
  readonly #counts = new Map<KeyId, number>()
  /** Insertion order is order of expiry. */
  readonly #until = new Map<string, number>()

  private constructor(store: Store, perKey: number) {
    this.#store = store
    this.#perKey = perKey
  }

  static async open(store: Store, perKey: number): Promise<Nonces> {
    const nonces = new Nonces(store, perKey)
    const rows = await Array.fromAsync(store.records<number>(COLLECTION))
    for (const { key, value } of rows.sort((a, b) => a.value - b.value)) nonces.#add(key, value)
    return nonces
  }

  /** `fresh` once the nonce is durable; `replayed` or `flooded` at once. */
  async claim(key: KeyId, nonce: string, nowSeconds: number): Promise<'fresh' | 'replayed' | 'flooded'> {
    const expired = this.#sweep(nowSeconds)
    const id = `${key}/${nonce}`
    if (this.#until.has(id)) return 'replayed'
    if ((this.#counts.get(key) ?? 0) >= this.#perKey) return 'flooded'
    const until = nowSeconds + NONCE_SECONDS
    this.#add(id, until)
    await this.#store.commit([{ op: 'put', collection: COLLECTION, key: id, value: until }, ...expired])
    return 'fresh'
  }

  #add(id: string, until: number): void {
    const key = id.slice(0, id.indexOf('/'))
    this.#until.set(id, until)
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }

  #sweep(nowSeconds: number): Change[] {
    const expired: Change[] = []
    for (const [id, until] of this.#until) {
      if (until > nowSeconds || expired.length >= SWEEP) break
      this.#until.delete(id)
      const key = id.slice(0, id.indexOf('/'))
      const left = (this.#counts.get(key) ?? 1) - 1
      if (left > 0) this.#counts.set(key, left)
      else this.#counts.delete(key)
      expired.push({ op: 'delete', collection: COLLECTION, key: id })
    }
    return expired
  }
}
