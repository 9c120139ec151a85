import type { Json, LogId } from '#base'
import { ENTRY_HEADER_BYTES } from '#log'
import { type BodyStore, type Change, type Micros, type ObjectBody, type ReaderBounds, sequenceKey } from '#store'
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

/** Whose rows are shown, and what of the logs it may see. */
export interface RowReader extends ReaderBounds {
  org: string
  logs: ReadonlySet<LogId>
}

/** A row and the number under which it was added. */
export interface KeyedRow extends SubmittedRow {
  added: Micros
}

/** A row and where its reader sees it, with the places that it may know. */
interface ShownRow {
  at: Micros
  row: KeyedRow
  places: readonly Place[]
}

const SCAN_ROWS = 1_000
/** Entries that are read though nobody asked for them, to save another read. */
const NEAR_ENTRIES = 16
const INDEX_DIGITS = 12

const rowsOf = (collection: string) => `taxii-rows/${collection}`
const idsOf = (collection: string) => `taxii-ids/${collection}`
const placesOf = (collection: string) => `taxii-places/${collection}`
const placeKey = ({ log, index }: Place) => `${log} ${String(index).padStart(INDEX_DIGITS, '0')}`

/** Adds a row under the store's next number, in each order in which rows are read: by time, object, and place. */
export function addRow(collection: string, row: SubmittedRow): Change {
  const value = row as unknown as Json
  const orders = [
    { collection: rowsOf(collection), prefix: '' },
    { collection: idsOf(collection), prefix: `${row.id} ` },
    ...row.places.map((place) => ({ collection: placesOf(collection), prefix: `${placeKey(place)} ` })),
  ]
  return { op: 'number', records: orders.map((order) => ({ ...order, value })) }
}

/** Takes a row out. */
export function deleteRow(collection: string, added: Micros, { id, places }: SubmittedRow): Change[] {
  const number = sequenceKey(added)
  return [
    { op: 'delete', collection: rowsOf(collection), key: number },
    { op: 'delete', collection: idsOf(collection), key: `${id} ${number}` },
    ...places.map((place): Change => ({
      op: 'delete',
      collection: placesOf(collection),
      key: `${placeKey(place)} ${number}`,
    })),
  ]
}

/** Rows of one object, ascending. */
export async function rowsOfObject(store: BodyStore, collection: string, id: string): Promise<KeyedRow[]> {
  const rows = store.records<Json>(idsOf(collection), { prefix: `${id} ` })
  return Array.fromAsync(rows, ({ key, value }) => keyed(key.slice(id.length + 1), value))
}

/** The rows of a writable collection: what its reader submitted, and what it may read anyway. */
export class SubmittedRows implements RowSource {
  readonly #store: BodyStore
  readonly #collection: string
  readonly #reader: RowReader
  readonly #logRows: LogRows

  constructor(store: BodyStore, collection: string, reader: RowReader) {
    this.#store = store
    this.#collection = collection
    this.#reader = reader
    const { late, addedUpTo } = reader
    this.#logRows = new LogRows(store, [...reader.logs], {
      ...(late ? { late } : {}),
      ...(addedUpTo === undefined ? {} : { addedUpTo }),
    })
  }

  async rows({ after, limit, ids, types }: Parameters<RowSource['rows']>[0]): Promise<{ rows: Row[]; more: boolean }> {
    const found: Row[] = []
    for (const stream of ids ? [this.#byId(ids)] : [this.#byTime(after), ...this.#late(after)]) {
      const own: Row[] = []
      for await (const chunk of stream) {
        const wanted = chunk.filter(({ at, row }) => at > after && (!types || types.includes(row.type)))
        for (const row of await this.#withBodies(wanted)) own.push(row)
        if (own.length > limit) break
      }
      found.push(...own)
    }
    found.sort((a, b) => a.added - b.added)
    const more = found.length > limit
    if (more) found.length = limit
    return { rows: found, more }
  }

  async rowsOf(ids: readonly string[]): Promise<Row[]> {
    const again = new Map<string, Row['again']>()
    for (const row of await this.#logRows.rowsOf(ids))
      if (row.again) again.set(`${(row as ObjectBody).log} ${(row as ObjectBody).index}`, row.again)
    const found: Row[] = []
    for await (const chunk of this.#byId(ids)) {
      const shown = new Map(chunk.map((one) => [one.at, one]))
      for (const row of await this.#withBodies(chunk)) {
        const { places = [] } = shown.get(row.added) ?? {}
        found.push({ ...row, again: latest(places.map(({ log, index }) => again.get(`${log} ${index}`))) })
      }
    }
    return found
  }

  again(query: Parameters<RowSource['again']>[0]): ReturnType<RowSource['again']> {
    return this.#logRows.again(query)
  }

  /** Rows that the reader sees where they were added. */
  async *#byTime(after: Micros): AsyncGenerator<ShownRow[]> {
    for (let last = sequenceKey(after); ;) {
      const rows = await this.#store.recordPage<Json>(rowsOf(this.#collection), { after: last, limit: SCAN_ROWS })
      yield this.#shown(rows.map(({ key, value }) => keyed(key, value))).filter(({ at, row }) => at === row.added)
      if (rows.length < SCAN_ROWS) return
      last = rows.at(-1)?.key ?? last
    }
  }

  /** Rows that the reader sees because of logs to which it was admitted late, log by log. */
  *#late(after: Micros): Generator<AsyncGenerator<ShownRow[]>> {
    for (const [log, { base, size }] of this.#reader.late ?? [])
      if (after < base + size - 1) yield this.#lateOf(log, base, after)
  }

  async *#lateOf(log: LogId, base: Micros, after: Micros): AsyncGenerator<ShownRow[]> {
    const prefix = `${log} `
    for (let last = placeKey({ log, index: Math.max(0, after - base) }); ;) {
      const rows = await this.#store.recordPage<Json>(placesOf(this.#collection), {
        prefix,
        after: last,
        limit: SCAN_ROWS,
      })
      const placed = rows.map(({ key, value }) => {
        const [, index = '', added = ''] = key.split(' ')
        return { at: base + Number(index), row: keyed(added, value) }
      })
      const shown = this.#shown(placed.map(({ row }) => row))
      yield shown.filter(({ at, row }) => placed.some((one) => one.at === at && one.row.added === row.added))
      if (rows.length < SCAN_ROWS) return
      last = rows.at(-1)?.key ?? last
    }
  }

  async *#byId(ids: readonly string[]): AsyncGenerator<ShownRow[]> {
    const rows = await Promise.all([...new Set(ids)].map((id) => rowsOfObject(this.#store, this.#collection, id)))
    yield this.#shown(rows.flat()).sort((a, b) => a.at - b.at)
  }

  /** The rows that the reader may see, and where: its own, and those with a place in a log that it may see. */
  #shown(rows: readonly KeyedRow[]): ShownRow[] {
    const { org, logs, late, addedUpTo = Infinity } = this.#reader
    return rows.flatMap((row) => {
      if (row.added > addedUpTo) return []
      if (row.org === org) return [{ at: row.added, row, places: row.places }]
      const places = row.places.filter(({ log }) => logs.has(log))
      const times = places.map(({ log, index }) => {
        const admission = late?.get(log)
        return admission && row.added <= admission.upTo ? admission.base + index : row.added
      })
      return places.length === 0 ? [] : [{ at: Math.min(...times), row, places }]
    })
  }

  /** The rows with the bytes of an entry that still stands. */
  async #withBodies(rows: readonly ShownRow[]): Promise<Row[]> {
    const entries = await entriesAt(
      this.#store,
      rows.flatMap(({ places }) => places),
    )
    return rows.flatMap(({ at, row, places }) => {
      const json = places
        .map(({ log, index }) => entries.get(`${log} ${index}`))
        .find((entry) => entry !== undefined)?.json
      const { id, type, modified } = row
      return json ? [{ added: at, id, type, modified, isOnly: false, json }] : []
    })
  }
}

function latest(all: readonly Row['again'][]): NonNullable<Row['again']> {
  const found: NonNullable<Row['again']> = {}
  for (const again of all)
    for (const side of ['last', 'first'] as const)
      if (again?.[side] !== undefined) found[side] = Math.max(again[side], found[side] ?? 0)
  return found
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
