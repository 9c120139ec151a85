import { fromUtf8, type Json } from '#base'
import type { Change, Store } from '#store'
import type { WritableCollection } from '#taxii'
import type { RawObject } from './raw-objects.ts'
import type { TaxiiReader } from './taxii-reader.ts'

const QUARANTINE = 'taxii-quarantine'
/** Text of one page of the list, and records read at once for it. */
const PAGE_BYTES = 4_194_304
const READ_RECORDS = 50

/** What may wait: of one token in one collection, and in one collection; an operator looks through it by hand. */
const TOKEN_BOUND: Amount = { objects: 2_000, bytes: 16_777_216 }
const COLLECTION_BOUND: Amount = { objects: 10_000, bytes: 67_108_864 }

/** An object that nobody has marked, kept for the operator. */
export interface Quarantined {
  collection: string
  org: string
  token: string
  time: number
  id: string
  json: string
}

interface Amount {
  objects: number
  bytes: number
}

/**
 * Submitted objects without a marking, until their operator decides. Changes to one collection's come one after the
 * other: its submissions take turns.
 */
export class TaxiiQuarantine {
  readonly #store: Store
  /** What waits, by collection, and by collection and token. */
  #amounts: Promise<Map<string, Amount>> | undefined

  constructor(store: Store) {
    this.#store = store
  }

  /** Objects that wait, oldest first. */
  async *all(): AsyncGenerator<{ key: string; value: Quarantined }> {
    for await (const { key, value } of this.#store.records<Json>(QUARANTINE))
      yield { key, value: value as unknown as Quarantined }
  }

  /** What waits behind a key, so much that an answer stays small; `next` is the key to go on behind. */
  async page(limit: number, after?: string): Promise<{ rows: { key: string; value: Quarantined }[]; next?: string }> {
    const rows: { key: string; value: Quarantined }[] = []
    let bytes = 0
    for (let from = after; ;) {
      const left = Math.min(READ_RECORDS, limit + 1 - rows.length)
      const options = { limit: left, ...(from === undefined ? {} : { after: from }) }
      const read = await this.#store.recordPage<Json>(QUARANTINE, options)
      for (const { key, value } of read) {
        if (rows.length === limit || bytes > PAGE_BYTES) return { rows, next: (rows.at(-1) as { key: string }).key }
        const one = value as unknown as Quarantined
        rows.push({ key, value: one })
        bytes += one.json.length
      }
      if (read.length < left) return { rows }
      from = read.at(-1)?.key
    }
  }

  async find(key: string): Promise<Quarantined | undefined> {
    return (await this.#store.record<Json>(QUARANTINE, key)) as unknown as Quarantined | undefined
  }

  /** Changes that keep as many of the objects as there is room for; the others must be refused. */
  async keep(
    target: WritableCollection,
    { org, tokenId }: TaxiiReader,
    submission: { id: string; time: number },
    objects: readonly RawObject[],
  ): Promise<{ changes: Change[]; full: RawObject[]; committed: () => void }> {
    const amounts = await this.#load()
    const inAll = { ...amountOf(amounts, target.id) }
    const ofToken = { ...amountOf(amounts, target.id, tokenId) }
    const changes: Change[] = []
    const full: RawObject[] = []
    for (const [i, object] of objects.entries()) {
      const { length } = object.bytes
      if (!hasRoom(inAll, length, COLLECTION_BOUND) || !hasRoom(ofToken, length, TOKEN_BOUND)) {
        full.push(object)
        continue
      }
      add(inAll, 1, length)
      add(ofToken, 1, length)
      const value: Quarantined = {
        collection: target.id,
        org,
        token: tokenId,
        time: submission.time,
        id: String(object.value['id']),
        json: fromUtf8(object.bytes),
      }
      const key = `${submission.id}-${String(i).padStart(6, '0')}`
      changes.push({ op: 'put', collection: QUARANTINE, key, value: value as unknown as Json })
    }
    const committed = () => {
      amounts.set(target.id, inAll)
      amounts.set(`${target.id} ${tokenId}`, ofToken)
    }
    return { changes, full, committed }
  }

  /** The change by which an object's wait ends. */
  async end(key: string, { collection, token, json }: Quarantined): Promise<{ change: Change; committed: () => void }> {
    const amounts = await this.#load()
    const committed = () => {
      for (const amount of [amountOf(amounts, collection), amountOf(amounts, collection, token)])
        add(amount, -1, -Buffer.byteLength(json))
    }
    return { change: { op: 'delete', collection: QUARANTINE, key }, committed }
  }

  #load(): Promise<Map<string, Amount>> {
    this.#amounts ??= this.#count()
    return this.#amounts
  }

  async #count(): Promise<Map<string, Amount>> {
    const amounts = new Map<string, Amount>()
    for await (const { value } of this.all()) {
      const bytes = Buffer.byteLength(value.json)
      add(amountOf(amounts, value.collection), 1, bytes)
      add(amountOf(amounts, value.collection, value.token), 1, bytes)
    }
    return amounts
  }
}

function amountOf(amounts: Map<string, Amount>, collection: string, token?: string): Amount {
  const key = token === undefined ? collection : `${collection} ${token}`
  const known = amounts.get(key) ?? { objects: 0, bytes: 0 }
  amounts.set(key, known)
  return known
}

function add(amount: Amount, objects: number, bytes: number): void {
  amount.objects += objects
  amount.bytes += bytes
}

const hasRoom = (held: Amount, bytes: number, bound: Amount) =>
  held.objects < bound.objects && held.bytes + bytes <= bound.bytes

/** How much may wait, for a refusal's text. */
export const QUARANTINE_BOUND = `${TOKEN_BOUND.objects} objects or ${TOKEN_BOUND.bytes} bytes of one token, and ${COLLECTION_BOUND.objects} objects or ${COLLECTION_BOUND.bytes} bytes of one collection`
