import type { Json, LogId } from '#base'
import { ENTRY_HEADER_BYTES } from '#log'
import type { BodyStore, Change, Micros } from '#store'
import { LogRows, type Row, type RowSource } from './rows.ts'

interface Place {
  log: LogId
  index: number
}

interface PlacedEntry {
  modified: string
  json: Uint8Array
}

/** One submitted object version in a writable collection. */
export interface SubmittedRow {
  id: string
  type: string
  /** Version key, '' for an unversioned object. */
  modified: string
  /** Entries in which it stands. */
  places: Place[]
  /** Organisation and token that submitted it. */
  org: string
  token: string
  /** It stood nowhere before: who submitted it may have it recalled. */
  isNew: boolean
}

/** Whose rows are shown. */
export interface RowReader {
  org: string
  mayRead(log: LogId): Promise<boolean>
}

interface KeyedRow extends SubmittedRow {
  added: Micros
}

const KEY_DIGITS = 16
const SCAN_ROWS = 1_000
/** Rows of one object read at a time: the store reads on behind them. */
const OBJECT_ROWS = 8
/** Entries that are read though nobody asked for them, to save another read. */
const NEAR_ENTRIES = 16

const rowsOf = (collection: string) => `taxii-rows/${collection}`
const idsOf = (collection: string) => `taxii-ids/${collection}`
const keyOf = (added: Micros) => String(added).padStart(KEY_DIGITS, '0')

/** Adds a row, in both orders in which rows are read. */
export function putRow(collection: string, added: Micros, row: SubmittedRow): Change[] {
  const value = row as unknown as Json
  return [
    { op: 'put', collection: rowsOf(collection), key: keyOf(added), value },
    { op: 'put', collection: idsOf(collection), key: `${row.id} ${keyOf(added)}`, value },
  ]
}

/** Takes a row out. */
export function deleteRow(collection: string, added: Micros, { id }: SubmittedRow): Change[] {
  return [
    { op: 'delete', collection: rowsOf(collection), key: keyOf(added) },
    { op: 'delete', collection: idsOf(collection), key: `${id} ${keyOf(added)}` },
  ]
}

/** The row of a collection that was added then. */
export const submittedRow = (store: BodyStore, collection: string, added: Micros): Promise<SubmittedRow | undefined> =>
  store.record<Json>(rowsOf(collection), keyOf(added)) as Promise<SubmittedRow | undefined>

/** Rows of one object, ascending. */
export async function rowsOfObject(store: BodyStore, collection: string, id: string): Promise<KeyedRow[]> {
  const found: KeyedRow[] = []
  for (let after: string | undefined; ;) {
    const rows = await store.records<Json>(idsOf(collection), {
      prefix: `${id} `,
      limit: OBJECT_ROWS,
      ...(after === undefined ? {} : { after }),
    })
    for (const { key, value } of rows) found.push(keyed(key.slice(id.length + 1), value))
    if (rows.length < OBJECT_ROWS) return found
    after = rows.at(-1)?.key
  }
}

/** The rows of a writable collection: what its reader submitted, and what it may read anyway. */
export class SubmittedRows implements RowSource {
  readonly #store: BodyStore
  readonly #collection: string
  readonly #reader: RowReader

  constructor(store: BodyStore, collection: string, reader: RowReader) {
    this.#store = store
    this.#collection = collection
    this.#reader = reader
  }

  async rows({ after, limit, ids, types }: Parameters<RowSource['rows']>[0]): Promise<{ rows: Row[]; more: boolean }> {
    const isWanted = (row: KeyedRow) => row.added > after && (!types || types.includes(row.type))
    const found: Row[] = []
    for await (const chunk of ids ? this.#byId(ids) : this.#byTime(after)) {
      for (const row of await this.#withBodies(chunk.filter(isWanted))) found.push(row)
      if (found.length > limit) break
    }
    const more = found.length > limit
    if (more) found.length = limit
    return { rows: found, more }
  }

  async rowsOf(ids: readonly string[]): Promise<Row[]> {
    const found: Row[] = []
    for await (const chunk of this.#byId(ids)) found.push(...(await this.#withBodies(chunk)))
    return found
  }

  async *#byTime(after: Micros): AsyncGenerator<KeyedRow[]> {
    for (let last = keyOf(after); ;) {
      const rows = await this.#store.records<Json>(rowsOf(this.#collection), { after: last, limit: SCAN_ROWS })
      if (rows.length > 0) yield rows.map(({ key, value }) => keyed(key, value))
      if (rows.length < SCAN_ROWS) return
      last = rows.at(-1)?.key ?? last
    }
  }

  async *#byId(ids: readonly string[]): AsyncGenerator<KeyedRow[]> {
    const rows = await Promise.all([...new Set(ids)].map((id) => rowsOfObject(this.#store, this.#collection, id)))
    yield rows.flat().sort((a, b) => a.added - b.added)
  }

  /** The rows that the reader may see, with the bytes of an entry that still stands. */
  async #withBodies(rows: readonly KeyedRow[]): Promise<Row[]> {
    const { org } = this.#reader
    const logs = [...new Set(rows.flatMap(({ places }) => places.map(({ log }) => log)))]
    const admitted = await Promise.all(logs.map((log) => this.#reader.mayRead(log)))
    const mayRead = (log: LogId) => admitted[logs.indexOf(log)] === true
    const readable = rows.map((row) => ({
      row,
      places: row.org === org ? row.places : row.places.filter(({ log }) => mayRead(log)),
    }))
    const entries = await entriesAt(
      this.#store,
      readable.flatMap(({ places }) => places),
    )
    return readable.flatMap(({ row, places }) => {
      const json = places
        .map(({ log, index }) => entries.get(`${log} ${index}`))
        .find((entry) => entry !== undefined)?.json
      const { added, id, type, modified } = row
      return json ? [{ added, id, type, modified, isOnly: false, json }] : []
    })
  }
}

/** What stands in the given places, by `log index`; what was taken back is not there. */
export async function entriesAt(store: BodyStore, places: readonly Place[]): Promise<Map<string, PlacedEntry>> {
  const found = new Map<string, PlacedEntry>()
  for (const [log, some] of Map.groupBy(places, (place) => place.log))
    for (const [from, to] of rangesOf(some.map(({ index }) => index)))
      for (let at = from; at < to;) {
        const entries = await store.entries(log, at, to)
        for (const { index, bytes, object } of entries)
          if (bytes && object?.status === 'accepted')
            found.set(`${log} ${index}`, { modified: object.modified, json: bytes.subarray(ENTRY_HEADER_BYTES) })
        if (entries.length === 0) break
        at = (entries.at(-1)?.index ?? at) + 1
      }
  return found
}

/** Ranges [from, to) that cover the indexes, joined where little lies between them. */
function rangesOf(indexes: readonly number[]): [from: number, to: number][] {
  const ranges: [number, number][] = []
  for (const index of [...new Set(indexes)].sort((a, b) => a - b)) {
    const last = ranges.at(-1)
    if (last && index <= last[1] + NEAR_ENTRIES) last[1] = index + 1
    else ranges.push([index, index + 1])
  }
  return ranges
}

/** Versions of objects that stand in some logs, as `id version-key`. */
export async function versionsIn(
  store: BodyStore,
  ids: readonly string[],
  logs: readonly LogId[],
): Promise<Set<string>> {
  const rows = new LogRows(store, logs)
  return new Set((await rows.rowsOf(ids)).map(({ id, modified }) => `${id} ${modified}`))
}

const keyed = (key: string, value: Json): KeyedRow => ({
  ...(value as unknown as SubmittedRow),
  added: Number(key),
})
