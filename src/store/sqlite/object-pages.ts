import { bodyQuery, read, streamQuery } from '../sql/statements.ts'
import { ENTRY_HEADER_BYTES } from '#log'
import { StoreError } from '../errors.ts'
import {
  type BodyRow,
  ID_SLOTS,
  type NarrowRow,
  type StreamBy,
  type StreamRow,
  type TextRow,
  toSlots,
  type WideRow,
  type Width,
} from '../sql/stream-shape.ts'
import { indexOfKey, LOG_KEY_SPAN } from '../sql/tables.ts'
import type {
  LateAdmission,
  ObjectBody,
  ObjectQuery,
  ObjectRow,
  ObjectStatus,
  ObjectText,
  Page,
  ReaderBounds,
} from '../store.ts'
import type { Connection } from './connection.ts'
import type { Cursors } from './cursor.ts'
import type { ResurfacedVersions } from './resurfaced-versions.ts'
import { type LatePart, partsWithin, readLate, shownAt } from './late-streams.ts'
import type { LogIndex } from './log-index.ts'

/** Objects on one page at most. */
export const MAX_PAGE_OBJECTS = 10_000

/** Values of one filter at most. */
export const MAX_FILTER_VALUES = 1_000
const MAX_PATTERN_TYPES = 16

const DEFAULT_STATUSES: readonly ObjectStatus[] = ['accepted']
const NO_BYTES = new Uint8Array()
const NEVER_LATE: ReadonlyMap<number, LateAdmission> = new Map()
const FAR = Number.MAX_SAFE_INTEGER

/** A range of one index, in order of arrival. */
interface Stream {
  by: StreamBy
  fixed: (string | number)[]
  /** The log, where the reader was admitted to it late. */
  late?: { part: LatePart; admission: LateAdmission }
}

/** A query with its bounds of sequence numbers, both exclusive. */
interface Scan {
  newest: boolean
  after: number
  before: number
  patternTypes: readonly string[]
  /** Further conditions, where the index does not hold them. */
  admits: ((row: NarrowRow) => boolean) | undefined
  /** By number of the log. */
  late: ReadonlyMap<number, LateAdmission>
}

type Query = Omit<ObjectQuery, 'cursor' | 'limit'> & ReaderBounds

/**
 * Pages of objects. A page costs the same at any depth: it is read by range from an index for each (log, status), or
 * (type, log, status), or some ids, and the ranges are merged by order of arrival.
 */
export class ObjectPages {
  readonly #connection: Connection
  readonly #logs: LogIndex
  readonly #cursors: Cursors
  readonly #resurfaced: ResurfacedVersions

  constructor(connection: Connection, logs: LogIndex, cursors: Cursors, resurfaced: ResurfacedVersions) {
    this.#connection = connection
    this.#logs = logs
    this.#cursors = cursors
    this.#resurfaced = resurfaced
  }

  page(query: ObjectQuery): Page<ObjectRow> {
    const { rows, more } = this.#page<WideRow>(query, 'wide')
    const last = more ? rows.at(-1) : undefined
    const next = last && this.#cursors.toCursor(query.order ?? 'oldest', last[0])
    return { rows: rows.map((row) => this.#toObjectRow(row)), ...(next === undefined ? {} : { next }) }
  }

  bodies(query: ObjectQuery & ReaderBounds): { rows: ObjectBody[]; more: boolean } {
    const { rows, more } = this.#page<BodyRow>(query, 'body')
    const bodies = rows.map((row) => this.#toBody(row))
    if (query.ids) this.#resurfaced.addTo(query, rows, bodies)
    return { rows: bodies, more }
  }

  texts(query: ObjectQuery & ReaderBounds): { rows: ObjectText[]; more: boolean } {
    if (query.ids) return this.bodies(query)
    const { rows, more } = this.#page<TextRow>(query, 'text')
    return {
      rows: rows.map(([added, , others, id, bytes]) => ({
        added,
        id: id ?? '',
        type: '',
        modified: '',
        isOnly: others === 0,
        json: bytes?.subarray(ENTRY_HEADER_BYTES) ?? NO_BYTES,
      })),
      more,
    }
  }

  #page<Row extends StreamRow>(query: ObjectQuery & ReaderBounds, width: Width): { rows: Row[]; more: boolean } {
    const { limit, order = 'oldest', addedAfter = 0 } = query
    requireLimit(limit)
    const newest = order === 'newest'
    const cursor = query.cursor === undefined ? undefined : this.#cursors.fromCursor(order, query.cursor)
    const since = this.#firstSequenceSince(query.since)
    if (since === undefined) return { rows: [], more: false }
    const scan: Scan = {
      newest,
      after: Math.max(since - 1, addedAfter, newest ? 0 : (cursor ?? 0)),
      before: newest ? (cursor ?? Number.MAX_SAFE_INTEGER) : (query.addedUpTo ?? Number.MAX_SAFE_INTEGER - 1) + 1,
      patternTypes: toSlots(query.patternTypes ?? []),
      admits: query.ids && this.#admission(query),
      late: this.#lateOf(query),
    }
    const rows = this.#connection.snapshot(() =>
      scan.late.size > 0 && query.ids
        ? this.#lateById<Row>(query.ids, scan, limit + 1)
        : this.#merged<Row>(this.#streams(query, scan), scan, limit + 1, width),
    )
    const more = rows.length > limit
    if (more) rows.pop()
    return { rows, more }
  }

  counts(query: Omit<ObjectQuery, 'cursor' | 'limit'>): { type: string; count: number }[] {
    const counts = new Map<string, number>()
    const add = (type: string, count: number) => counts.set(type, (counts.get(type) ?? 0) + count)
    if (query.ids || query.patternTypes || query.since !== undefined) this.#countRows(query, add)
    else this.#countIndexed(query, add)
    return [...counts].map(([type, count]) => ({ type, count })).sort((a, b) => (a.type < b.type ? -1 : 1))
  }

  #countIndexed(query: Omit<ObjectQuery, 'cursor' | 'limit'>, add: (type: string, count: number) => void): void {
    const { types, statuses = DEFAULT_STATUSES } = query
    for (const log of new Set(query.logs))
      for (const { type, status, count } of this.#logs.get(log)?.counts ?? [])
        if (statuses.includes(status as ObjectStatus) && (!types || types.includes(type))) add(type, count)
  }

  /** Page by page over the narrow rows: no bytes are read, and memory stays bounded. */
  #countRows(query: Omit<ObjectQuery, 'cursor' | 'limit'>, add: (type: string, count: number) => void): void {
    const since = this.#firstSequenceSince(query.since)
    if (since === undefined) return
    const admits = query.ids && this.#admission(query)
    const scan: Scan = {
      newest: false,
      after: since - 1,
      before: Number.MAX_SAFE_INTEGER,
      patternTypes: toSlots(query.patternTypes ?? []),
      admits,
      late: NEVER_LATE,
    }
    this.#connection.snapshot(() => {
      for (const stream of this.#streams(query, scan)) {
        let after = scan.after
        for (;;) {
          const raw = this.#read<NarrowRow>(stream, { ...scan, after }, 'narrow', MAX_PAGE_OBJECTS)
          for (const row of raw) if (!admits || admits(row)) add(row[2], 1)
          if (raw.length < MAX_PAGE_OBJECTS) break
          after = (raw.at(-1) as NarrowRow)[0]
        }
      }
    })
  }

  #streams(query: Query, scan: Scan): Stream[] {
    const { statuses = DEFAULT_STATUSES, ids } = query
    requireFilter(query.types, MAX_FILTER_VALUES)
    requireFilter(ids, MAX_FILTER_VALUES)
    requireFilter(query.patternTypes, MAX_PATTERN_TYPES)
    if (ids) return idStreams([...new Set(ids)])
    // Only indicators have a pattern type.
    const types = query.types ?? (query.patternTypes ? ['indicator'] : undefined)
    const streams = new Map<string, Stream>()
    for (const hash of query.logs) {
      const log = this.#logs.get(hash)
      for (const { type, status } of log?.counts ?? []) {
        if (!log || !statuses.includes(status as ObjectStatus) || (types && !types.includes(type))) continue
        const fixed = types ? [type, log.id, status] : [log.id, status]
        const stream: Stream = { by: types ? 'type' : 'log', fixed }
        const admission = scan.late.get(log.id)
        if (!admission) streams.set(fixed.join(' '), stream)
        else
          for (const part of partsWithin(admission, scan))
            streams.set(`${part} ${fixed.join(' ')}`, { ...stream, late: { part, admission } })
      }
    }
    return [...streams.values()]
  }

  #merged<Row extends StreamRow>(streams: Stream[], scan: Scan, limit: number, width: Width): Row[] {
    const [only] = streams
    if (!only) return []
    if (streams.length === 1 && !scan.admits) return this.#read<Row>(only, scan, width, limit)
    const cut = this.#cutOf(streams, scan, limit)
    const within = scan.newest ? { ...scan, after: cut.last - 1 } : { ...scan, before: cut.last + 1 }
    const rows = cut.streams.flatMap((stream) => this.#admitted<Row>(stream, within, width))
    return rows.sort((a, b) => (scan.newest ? b[0] - a[0] : a[0] - b[0])).slice(0, limit)
  }

  /** The streams that have rows on the page, and the sequence number of its last row. */
  #cutOf(streams: Stream[], scan: Scan, limit: number): { last: number; streams: Stream[] } {
    const { newest } = scan
    const isWithin = (seq: number, bound: number) => (newest ? seq >= bound : seq <= bound)
    const heads = streams.map((stream) => ({
      stream,
      found: [] as number[],
      reached: newest ? Infinity : -1,
      done: false,
    }))
    let chunk = Math.ceil(limit / streams.length) * 2 + 4
    let due = heads
    for (;;) {
      for (const head of due) {
        const from = newest
          ? { before: Math.min(scan.before, head.reached) }
          : { after: Math.max(scan.after, head.reached) }
        const raw = this.#read<NarrowRow>(head.stream, { ...scan, ...from }, 'narrow', chunk)
        for (const row of raw) if (!scan.admits || scan.admits(row)) head.found.push(row[0])
        head.reached = raw.at(-1)?.[0] ?? head.reached
        head.done = raw.length < chunk
      }
      const open = heads.filter((head) => !head.done)
      const reached = open.map((head) => head.reached)
      const bound = newest ? Math.max(-1, ...reached) : Math.min(Infinity, ...reached)
      const complete = heads.flatMap((head) => head.found.filter((seq) => isWithin(seq, bound)))
      if (complete.length >= limit || open.length === 0) {
        complete.sort((a, b) => (newest ? b - a : a - b))
        const last = complete[Math.min(limit, complete.length) - 1] ?? (newest ? Number.MAX_SAFE_INTEGER : 0)
        return {
          last,
          streams: heads.flatMap(({ stream, found: [first] }) =>
            first !== undefined && isWithin(first, last) ? stream : [],
          ),
        }
      }
      due = open.filter((head) => head.reached === bound)
      chunk = Math.min(chunk * 2, MAX_PAGE_OBJECTS)
    }
  }

  /** All admitted rows of a stream within the scan's bounds, which are known to hold no more than a page of them. */
  #admitted<Row extends StreamRow>(stream: Stream, scan: Scan, width: Width): Row[] {
    const rows = this.#read<Row>(stream, scan, width, Number.MAX_SAFE_INTEGER)
    return scan.admits ? rows.filter(scan.admits as (row: Row) => boolean) : rows
  }

  #read<Row extends StreamRow>(stream: Stream, scan: Scan, width: Width, limit: number): Row[] {
    const { newest, before, patternTypes } = scan
    let { after } = scan
    if (stream.late) {
      const { part, admission } = stream.late
      if (part !== 'own') {
        const [status, log, type] = stream.fixed.toReversed() as [string, number, string?]
        const along = type === undefined ? { log, status } : { type, log, status }
        if (width === 'wide') throw new StoreError('STORE_BAD_RANGE', 'Late admissions are for bodies and texts')
        return readLate<Row>(this.#connection, part, along, admission, scan, width, limit)
      }
      after = Math.max(after, admission.upTo)
    }
    const text = streamQuery({ by: stream.by, newest, width, slots: patternTypes.length })
    return this.#connection.arrays<Row>(text, ...stream.fixed, after, before, ...patternTypes, limit)
  }

  /** All rows of the objects, ordered as the reader sees them; an object has few. */
  #lateById<Row extends StreamRow>(ids: readonly string[], scan: Scan, limit: number): Row[] {
    const found: [at: number, key: number][] = []
    for (const id of new Set(ids))
      for (let after = 0; ;) {
        const stream: Stream = { by: 'id', fixed: [id] }
        const some = this.#read<NarrowRow>(stream, { ...scan, after, before: FAR }, 'narrow', MAX_PAGE_OBJECTS)
        for (const row of some) {
          if (!scan.admits?.(row)) continue
          const at = shownAt(row[0], row[1], scan.late.get(Math.floor(row[1] / LOG_KEY_SPAN)))
          if (at > scan.after && at < scan.before) found.push([at, row[1]])
        }
        if (some.length < MAX_PAGE_OBJECTS) break
        after = (some.at(-1) as NarrowRow)[0]
      }
    found.sort(([a], [b]) => a - b)
    return found.slice(0, limit).flatMap(([at, key]) =>
      this.#connection.arrays<Row>(bodyQuery(), key).map((row) => {
        row[0] = at
        return row
      }),
    )
  }

  #lateOf({ late, order }: Query): ReadonlyMap<number, LateAdmission> {
    if (!late || late.size === 0) return NEVER_LATE
    if (order === 'newest') throw new StoreError('STORE_BAD_RANGE', 'Late admissions are read from the oldest on')
    return new Map(
      [...late].flatMap(([log, admission]) => {
        const known = this.#logs.get(log)
        return known ? [[known.id, admission]] : []
      }),
    )
  }

  #admission(query: Omit<ObjectQuery, 'cursor' | 'limit'>): (row: NarrowRow) => boolean {
    const logs = new Set(query.logs.flatMap((log) => this.#logs.get(log)?.id ?? []))
    const statuses = new Set<string>(query.statuses ?? DEFAULT_STATUSES)
    const types = query.types && new Set(query.types)
    const { author } = query
    const isAsked = (log: number) =>
      logs.has(log) || (author !== undefined && this.#logs.byId(log)?.head.author === author)
    return ([, key, type, status]) =>
      statuses.has(status) && (!types || types.has(type)) && isAsked(Math.floor(key / LOG_KEY_SPAN))
  }

  /** Undefined when nothing arrived since. */
  #firstSequenceSince(since: number | undefined): number | undefined {
    return since === undefined ? 1 : this.#connection.get(read.firstSince, since)?.first
  }

  #toBody([added, key, type, , id, modified, others, bytes]: BodyRow): ObjectBody {
    return {
      added,
      log: this.#logs.byId(Math.floor(key / LOG_KEY_SPAN)).head.log,
      index: indexOfKey(key),
      type,
      id,
      modified,
      isOnly: others === 0,
      json: bytes?.subarray(ENTRY_HEADER_BYTES) ?? NO_BYTES,
    }
  }

  #toObjectRow(row: WideRow): ObjectRow {
    const [, key, type, status, entryTime, arrived, id, modified, creator, patternType, revoked, code, bytes] = row
    const { head } = this.#logs.byId(Math.floor(key / LOG_KEY_SPAN))
    const object: ObjectRow = {
      log: head.log,
      index: indexOfKey(key),
      publisher: head.author,
      entryTime,
      arrived,
      id,
      type,
      modified,
      status: status as ObjectStatus,
      json: bytes?.subarray(ENTRY_HEADER_BYTES) ?? NO_BYTES,
    }
    if (creator !== null) object.creator = creator
    if (patternType !== null) object.patternType = patternType
    if (revoked !== null) object.revoked = revoked === 1
    if (code !== null) object.code = code
    return object
  }
}

/** Many ids are looked up together: it is the calls that cost, not the rows. */
function idStreams(ids: readonly string[]): Stream[] {
  const [only] = ids
  if (ids.length === 1 && only !== undefined) return [{ by: 'id', fixed: [only] }]
  const streams: Stream[] = []
  for (let at = 0; at < ids.length; at += ID_SLOTS)
    streams.push({
      by: 'ids',
      fixed: Array.from({ length: ID_SLOTS }, (_, i) => ids[Math.min(at + i, ids.length - 1)] as string),
    })
  return streams
}

function requireLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE_OBJECTS)
    throw new StoreError('STORE_BAD_RANGE', `A page has 1 to ${MAX_PAGE_OBJECTS} objects, not ${limit}`)
}

function requireFilter(values: readonly string[] | undefined, max: number): void {
  if (values && values.length > max)
    throw new StoreError('STORE_TOO_LARGE', `This filter takes at most ${max} values, not ${values.length}`)
}
