import { parseJson, type JsonObject } from '#base'
import { ENTRY_HEADER_BYTES } from '#log'
import { conflictingVersions, toStatedVersion } from '#stix'
import { StoreError } from '../errors.ts'
import { read, versions, versionStreamQuery } from '../sql/statements.ts'
import { indexOfKey, LOG_KEY_SPAN } from '../sql/tables.ts'
import type { VersionRow, VersionStream } from '../sql/version-shape.ts'
import type { ObjectRow, ObjectStatus, Page } from '../store.ts'
import type { VersionQuery } from '../version-query.ts'
import type { Connection } from './connection.ts'
import type { Cursors } from './cursor.ts'
import type { LogIndex } from './log-index.ts'
import { MAX_FILTER_VALUES, MAX_PAGE_OBJECTS } from './object-pages.ts'

/**
 * Rows looked at for one page at most, so that each takes under 50 ms: a row that is compared takes 10 to 25 µs. One whose
 * bytes were read for it counts as many more as four times its kilobytes. What no reader may see counts nothing.
 */
const PAGE_WORK_ROWS = 2_000
/** Where the rows lie apart, each is a read of its own. */
const SPARSE_WORK_ROWS = 1_000
const WORK_PER_BYTE = 4 / 1_024
/** Rows of an object that are compared at once; of one that has more, each log is asked for its newest. */
const FEW_ROWS = 32
/** Rows read from one index at once. */
const CHUNK_ROWS = 1_000
/** Rows of one log and status that are compared with each other: a log says the same thing again, or is refused. */
const SAME_VERSION_ROWS = 16
const NO_BYTES = new Uint8Array()
const EQUIVOCATION = 'EQUIVOCATION'

interface Stream {
  by: VersionStream
  fixed: (string | number)[]
}

/** One question's own memory: each object is compared once for a page. */
interface Search {
  query: VersionQuery
  /** Numbers of the logs that may be looked at. */
  logs: ReadonlySet<number>
  statuses: readonly ObjectStatus[]
  newest: Map<string, number>
  conflicts: Map<string, boolean>
  work: number
}

/**
 * Pages of chosen versions. Candidates come in order of arrival from the logs that may be seen; each is compared with the
 * other versions of its object in those logs, which an index finds: most objects have one version, and cost nothing.
 */
export class VersionPages {
  readonly #connection: Connection
  readonly #logs: LogIndex
  readonly #cursors: Cursors

  constructor(connection: Connection, logs: LogIndex, cursors: Cursors) {
    this.#connection = connection
    this.#logs = logs
    this.#cursors = cursors
  }

  page(query: VersionQuery): Page<ObjectRow> {
    const { limit, order = 'oldest', types, ids } = query
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE_OBJECTS)
      throw new StoreError('STORE_BAD_RANGE', `A page has 1 to ${MAX_PAGE_OBJECTS} objects, not ${limit}`)
    if (Math.max(types?.length ?? 0, ids?.length ?? 0) > MAX_FILTER_VALUES)
      throw new StoreError('STORE_TOO_LARGE', `A filter takes at most ${MAX_FILTER_VALUES} values`)
    const cursor = query.cursor === undefined ? undefined : this.#cursors.fromCursor(order, query.cursor)
    return this.#connection.snapshot(() => {
      const { found, reached } = this.#found(query, cursor)
      const next = reached === undefined ? {} : { next: this.#cursors.toCursor(order, reached) }
      return { rows: found.map(([, key]) => this.#objectAt(key)), ...next }
    })
  }

  /** The rows of a page; `reached` tells where the next one goes on. */
  #found(query: VersionQuery, cursor: number | undefined): { found: VersionRow[]; reached?: number } {
    const since = query.since === undefined ? 1 : this.#connection.get(read.firstSince, query.since)?.first
    if (since === undefined) return { found: [] }
    const newest = query.order === 'newest'
    const after = Math.max(since - 1, newest ? 0 : (cursor ?? 0))
    const before = newest ? (cursor ?? Number.MAX_SAFE_INTEGER) : Number.MAX_SAFE_INTEGER
    const search = this.#searchFor(query)
    const mostWork = query.versions === 'latest' ? PAGE_WORK_ROWS : SPARSE_WORK_ROWS
    const found: VersionRow[] = []
    let last: number | undefined
    for (const row of this.#inOrder(this.#streams(search), query, after, before)) {
      if (search.work >= mostWork && last !== undefined) return { found, reached: last }
      if (this.#isWanted(row, search)) {
        if (found.length === query.limit) return { found, reached: (found.at(-1) as VersionRow)[0] }
        found.push(row)
      }
      search.work++
      ;[last] = row
    }
    return { found }
  }

  #searchFor(query: VersionQuery): Search {
    const logs = new Set(query.logs.flatMap((log) => this.#logs.get(log)?.id ?? []))
    const statuses: ObjectStatus[] =
      query.withEvidence && query.versions === 'conflict' ? ['accepted', 'rejected'] : ['accepted']
    return { query, logs, statuses, newest: new Map(), conflicts: new Map(), work: 0 }
  }

  #streams({ query, logs, statuses }: Search): Stream[] {
    const { ids, types, versions: choice } = query
    if (ids) return [...new Set(ids)].map((id) => ({ by: 'id', fixed: [id] }))
    const streams = new Map<string, Stream>()
    for (const log of logs) {
      for (const { type, status } of this.#logs.byId(log).counts) {
        if (!statuses.includes(status as ObjectStatus) || (types && !types.includes(type))) continue
        const isByType = choice === 'latest' && types !== undefined
        const fixed = isByType ? [type, log, status] : [log, status]
        const by = choice === 'latest' ? (isByType ? 'type' : 'log') : choice === 'revoked' ? 'revoked' : 'repeated'
        streams.set(fixed.join(' '), { by, fixed })
      }
    }
    return [...streams.values()]
  }

  /** The rows of all streams, merged by order of arrival, a chunk at a time. */
  *#inOrder(
    streams: readonly Stream[],
    { limit, order }: VersionQuery,
    after: number,
    before: number,
  ): Generator<VersionRow> {
    const newest = order === 'newest'
    const far = newest ? -1 : Number.MAX_SAFE_INTEGER
    let heads = streams.map((stream) => ({ stream, rows: [] as VersionRow[], reached: newest ? before : after }))
    let due = heads
    let chunk = Math.ceil(Math.min(CHUNK_ROWS, 2 * limit) / Math.max(1, streams.length)) + 4
    while (heads.length > 0) {
      for (const head of due) {
        const text = versionStreamQuery(head.stream.by, newest)
        const bounds = newest ? [after, head.reached] : [head.reached, before]
        const rows = this.#connection.arrays<VersionRow>(text, ...head.stream.fixed, ...bounds, chunk)
        head.rows.push(...rows)
        head.reached = rows.length < chunk ? far : (rows.at(-1) as VersionRow)[0]
      }
      const reached = heads.map((head) => head.reached)
      const bound = reached.reduce((a, b) => (newest ? Math.max(a, b) : Math.min(a, b)))
      const isReady = ([seq]: VersionRow) => (newest ? seq >= bound : seq <= bound)
      const ready = heads.flatMap((head) => head.rows.filter(isReady))
      for (const head of heads) head.rows = head.rows.filter((row) => !isReady(row))
      yield* ready.sort(([a], [b]) => (newest ? b - a : a - b))
      heads = heads.filter((head) => head.reached !== far || head.rows.length > 0)
      due = heads.filter((head) => head.reached === bound)
      chunk = Math.min(chunk * 2, CHUNK_ROWS)
    }
  }

  #isWanted(row: VersionRow, search: Search): boolean {
    const [, key, type, status, , , revoked, , code] = row
    const { query, logs, statuses } = search
    if (!logs.has(logOf(key)) || !statuses.includes(status as ObjectStatus)) return false
    if (query.types && !query.types.includes(type)) return false
    if (status === 'rejected' && code !== EQUIVOCATION) return false
    if (query.versions === 'conflict') return this.#isContradicted(row, search)
    return (query.versions === 'latest' || revoked === 1) && this.#isNewest(row, search)
  }

  #isNewest([, key, , , id, , , others]: VersionRow, search: Search): boolean {
    if (others === 0) return true
    const publisher = this.#logs.byId(logOf(key)).head.author
    const name = `${publisher} ${id}`
    let newest = search.newest.get(name)
    if (newest === undefined) {
      newest = this.#newestOf(id, publisher, search)
      search.newest.set(name, newest)
    }
    return newest === key
  }

  /** Key of the newest version that a publisher's logs hold, of those that may be looked at. */
  #newestOf(id: string, publisher: string, search: Search): number {
    let newest: (Rank & { key: number }) | undefined
    for (const row of this.#fewRows(id, search) ?? []) {
      if (row.status !== 'accepted' || this.#logs.byId(row.log).head.author !== publisher) continue
      if (!newest || isAfter(row, newest)) newest = row
    }
    if (newest) return newest.key
    for (const log of this.#logsOf(id, search)) {
      if (this.#logs.byId(log).head.author !== publisher) continue
      const row = this.#connection.get(versions.newestInLog, id, log, 'accepted')
      if (!row) continue
      const found = { key: row.key, modified: row.modified ?? '', revoked: row.revoked ?? 0, seq: row.seq }
      if (!newest || isAfter(found, newest)) newest = found
    }
    return newest?.key ?? -1
  }

  #isContradicted([, , , , id, modified, , others]: VersionRow, search: Search): boolean {
    if (others === 0 || modified === '') return false
    const name = `${id} ${modified}`
    let isConflict = search.conflicts.get(name)
    if (isConflict === undefined) {
      isConflict = this.#contradicts(id, modified, search)
      search.conflicts.set(name, isConflict)
    }
    return isConflict
  }

  /** The rows of an object that may be looked at, where it has few. */
  #fewRows(id: string, { logs }: Search): ObjectVersion[] | undefined {
    const rows = this.#connection.all(versions.rowsOfObject, id, -1, FEW_ROWS)
    if (rows.length === FEW_ROWS) return undefined
    return rows
      .filter(({ log }) => logs.has(log))
      .map(({ modified, revoked, ...row }) => ({ ...row, modified: modified ?? '', revoked: revoked ?? 0 }))
  }

  #contradicts(id: string, modified: string, search: Search): boolean {
    const few = this.#fewRows(id, search)
    const isSaid = (row: ObjectVersion) =>
      row.modified === modified && search.statuses.includes(row.status as ObjectStatus)
    if (few && few.filter(isSaid).length < 2) return false
    const said = []
    for (const log of this.#logsOf(id, search)) {
      const { author } = this.#logs.byId(log).head
      for (const status of search.statuses) {
        for (const row of this.#connection.all(
          versions.sameVersionInLog,
          id,
          log,
          status,
          modified,
          SAME_VERSION_ROWS,
        )) {
          if (row.bytes === null || (status === 'rejected' && row.code !== EQUIVOCATION)) continue
          const json = row.bytes.subarray(ENTRY_HEADER_BYTES)
          search.work += json.length * WORK_PER_BYTE
          said.push(toStatedVersion(author, parseJson(json, { maxBytes: json.length }) as JsonObject))
          if (said.length > 1 && conflictingVersions(said).length > 0) return true
        }
      }
    }
    return false
  }

  /** Numbers of the logs in which an object stands, of those that may be looked at. */
  *#logsOf(id: string, { logs }: Search): Generator<number> {
    let at = this.#connection.get(versions.nextLogOfObject, id, -1)?.log
    while (at !== undefined) {
      if (logs.has(at)) yield at
      at = this.#connection.get(versions.nextLogOfObject, id, at)?.log
    }
  }

  #objectAt(key: number): ObjectRow {
    const row = this.#connection.get(versions.rowAt, key)
    if (!row) throw new StoreError('STORE_DAMAGED', `Entry ${indexOfKey(key)} was there a moment ago`)
    const { head } = this.#logs.byId(logOf(key))
    return {
      log: head.log,
      index: indexOfKey(key),
      publisher: head.author,
      entryTime: row.time ?? 0,
      arrived: row.arrived,
      id: row.id ?? '',
      type: row.type ?? '',
      modified: row.modified ?? '',
      status: row.status as ObjectStatus,
      json: row.bytes?.subarray(ENTRY_HEADER_BYTES) ?? NO_BYTES,
      ...(row.creator === null ? {} : { creator: row.creator }),
      ...(row.pattern_type === null ? {} : { patternType: row.pattern_type }),
      ...(row.revoked === null ? {} : { revoked: row.revoked === 1 }),
      ...(row.code === null ? {} : { code: row.code }),
    }
  }
}

const logOf = (key: number) => Math.floor(key / LOG_KEY_SPAN)

interface Rank {
  modified: string
  revoked: number
  seq: number
}

interface ObjectVersion extends Rank {
  key: number
  log: number
  status: string | null
}

const isAfter = (a: Rank, b: Rank) =>
  a.modified === b.modified ? (a.revoked - b.revoked || a.seq - b.seq) > 0 : a.modified > b.modified
