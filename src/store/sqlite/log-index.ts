import { read } from '../sql/statements.ts'
import type { Hash, LogId, MemberId } from '#base'
import type { Audience } from '#log'
import type { CountRow, LogRow } from '../sql/tables.ts'
import type { LogHead } from '../store.ts'
import type { Connection } from './connection.ts'
import { OPEN, SUPERSEDED } from './renew.ts'

/** A log as the readers know it: its head, and how many objects of which type and status stand in it. */
export interface IndexedLog {
  id: number
  head: LogHead
  bytes: number
  counts: CountRow[]
}

/**
 * All log heads in memory, refreshed from the database after each commit: the question which logs a reader may see is
 * asked on every request and must not cost a scan.
 */
export class LogIndex {
  readonly #connection: Connection
  readonly #byHash = new Map<LogId, IndexedLog>()
  readonly #byId = new Map<number, IndexedLog>()
  /** Ascending by log id; sorted again when a log is added. */
  #sorted: IndexedLog[] | undefined
  /** Highest sequence number that the heads here cover. */
  last: number
  /** Highest sequence number of what resurfaced. */
  lastResurfaced: number

  constructor(connection: Connection) {
    this.#connection = connection
    this.last = connection.get(read.lastArrival)?.last ?? 0
    this.lastResurfaced = connection.get(read.lastResurfaced)?.seq ?? 0
    for (const row of connection.all(read.allLogs)) this.#put(row)
    for (const row of connection.all(read.allCounts)) this.#byId.get(row.log)?.counts.push(row)
  }

  refresh(ids: readonly number[], last: number, resurfaced: number): void {
    for (const id of ids) {
      const row = this.#connection.get(read.logById, id)
      if (row) this.#put(row).counts = this.#connection.all(read.countsOfLog, id)
    }
    this.last = Math.max(this.last, last)
    this.lastResurfaced = Math.max(this.lastResurfaced, resurfaced)
  }

  get(log: LogId): IndexedLog | undefined {
    return this.#byHash.get(log)
  }

  byId(id: number): IndexedLog {
    return this.#byId.get(id) as IndexedLog
  }

  all(): Iterable<IndexedLog> {
    return this.#byId.values()
  }

  /** Ascending by log id. */
  sorted(): readonly IndexedLog[] {
    this.#sorted ??= [...this.#byId.values()].sort((a, b) => (a.head.log < b.head.log ? -1 : 1))
    return this.#sorted
  }

  #put(row: LogRow): IndexedLog {
    const known = this.#byId.get(row.id)
    const head = toHead(row, known?.head)
    if (known) return Object.assign(known, { head, bytes: row.bytes })
    const added: IndexedLog = { id: row.id, head, bytes: row.bytes, counts: [] }
    this.#byId.set(row.id, added)
    this.#byHash.set(head.log, added)
    this.#sorted = undefined
    return added
  }
}

function toHead(row: LogRow, known: LogHead | undefined): LogHead {
  return {
    log: row.log as LogId,
    author: row.author as MemberId,
    own: row.own === 1,
    audience: known?.audience ?? (JSON.parse(row.audience) as Audience),
    audienceId: row.audience_id as Hash,
    incarnation: row.incarnation,
    size: row.size,
    root: row.root as Hash,
    time: row.time,
    checkpoint: row.checkpoint,
    closed: row.closed !== OPEN,
    ...(row.closed === SUPERSEDED ? { superseded: true } : {}),
    ...(row.drill === null ? {} : { drill: row.drill }),
    arrived: row.arrived,
    bytes: row.bytes,
  }
}
