import { createHash } from 'node:crypto'
import { fromUtf8, type Json, type Millis } from '#base'
import type { Change, Store } from '#store'

/** The quarantine that sources share with submissions. */
const QUARANTINE = 'taxii-quarantine'
/** Marking-definitions that sources sent, keyed by source and id. */
export const DEFINITIONS = 'taxii-source-markings'
/** Objects of one source that may wait, and their bytes: behind that its runs stop until somebody has looked. */
const MAX_WAITING = 10_000
const MAX_WAITING_BYTES = 67_108_864
/** Records read at once. */
const PAGE_RECORDS = 200

/** An object of a source that waits, and why; the quarantine's list shows it beside those that were submitted. */
export interface Waiting {
  /** `source:NAME` where submissions name their collection. */
  collection: string
  org: string
  token: string
  time: Millis
  id: string
  json: string
  code: string
  message: string
}

const prefixOf = (source: string) => `source-${source}-`
const PLACE = /^source:(.+)$/

/** The source of a waiting object; undefined for one that was submitted. */
export const sourceOf = ({ collection }: Pick<Waiting, 'collection'>): string | undefined => PLACE.exec(collection)?.[1]

/** Keeps an object of a source; the same version waits once. */
export function putWaiting(
  source: string,
  { id, key, bytes }: { id: string; key: string; bytes: Uint8Array },
  { code, message, time }: { code: string; message: string; time: Millis },
): Change & { op: 'put' } {
  const hash = createHash('sha256').update(key).update('\0').update(bytes).digest('hex')
  const value: Waiting = {
    collection: `source:${source}`,
    org: `source:${source}`,
    token: '',
    time,
    id,
    json: fromUtf8(bytes),
    code,
    message,
  }
  return {
    op: 'put',
    collection: QUARANTINE,
    key: `${prefixOf(source)}${hash.slice(0, 32)}`,
    value: value as unknown as Json,
    ifAbsent: true,
  }
}

export const deleteWaiting = (key: string): Change => ({ op: 'delete', collection: QUARANTINE, key })

/** What waits of a source, with its key, some at a time. */
export async function* waitingOf(store: Store, source: string): AsyncGenerator<{ key: string; value: Waiting }[]> {
  for (let after: string | undefined; ;) {
    const options = { prefix: prefixOf(source), limit: PAGE_RECORDS, ...(after === undefined ? {} : { after }) }
    const rows = (await store.recordPage<Json>(QUARANTINE, options)) as unknown as { key: string; value: Waiting }[]
    yield rows.filter(({ value }) => sourceOf(value) === source)
    if (rows.length < PAGE_RECORDS) return
    after = rows.at(-1)?.key
  }
}

/** How much of a source waits. */
export class WaitingAmount {
  objects = 0
  bytes = 0

  static async of(store: Store, source: string): Promise<WaitingAmount> {
    const amount = new WaitingAmount()
    for await (const rows of waitingOf(store, source))
      for (const { value } of rows) amount.add(Buffer.byteLength(value.json))
    return amount
  }

  add(bytes: number): void {
    this.objects++
    this.bytes += bytes
  }

  get isFull(): boolean {
    return this.objects > MAX_WAITING || this.bytes > MAX_WAITING_BYTES
  }
}

/** One waiting object of whatever source. */
export async function waitingAt(store: Store, key: string): Promise<Waiting | undefined> {
  const value = (await store.record<Json>(QUARANTINE, key)) as unknown as Waiting | undefined
  return value && sourceOf(value) !== undefined ? value : undefined
}
