import { read } from '../sql/statements.ts'
import type { BodyRow } from '../sql/stream-shape.ts'
import { indexOfKey } from '../sql/tables.ts'
import type { ObjectBody, ObjectQuery, ReaderBounds, Resurfaced, ResurfacedQuery, Side } from '../store.ts'
import type { Connection } from './connection.ts'
import type { LogIndex } from './log-index.ts'

/** Rows read at once. */
const CHUNK_ROWS = 10_000

type Query = Pick<ObjectQuery, 'logs'> & ReaderBounds

/** Versions that became the newest or the oldest again, as a reader may know of them. */
export class ResurfacedVersions {
  readonly #connection: Connection
  readonly #logs: LogIndex

  constructor(connection: Connection, logs: LogIndex) {
    this.#connection = connection
    this.#logs = logs
  }

  /** @see BodyStore.resurfaced */
  page(query: ResurfacedQuery): { rows: Resurfaced[]; more: boolean } {
    const { addedAfter, addedUpTo = Number.MAX_SAFE_INTEGER - 1, limit, sides, types, ids } = query
    if (addedAfter >= this.#logs.lastResurfaced) return { rows: [], more: false }
    const isSeen = this.#knownTo(query)
    const rows: Resurfaced[] = []
    for (let after = addedAfter; ;) {
      const some = this.#connection.all(read.resurfacedFrom, after, addedUpTo + 1, CHUNK_ROWS)
      for (const { seq, gone, side, key, log, id, type, status } of some) {
        if (id === null || type === null || status !== 'accepted' || !sides.includes(side as Side)) continue
        if ((types && !types.includes(type)) || (ids && !ids.includes(id))) continue
        const { head } = this.#logs.byId(log)
        if (!query.logs.includes(head.log) || !isSeen(gone, seq)) continue
        if (rows.length === limit) return { rows, more: true }
        rows.push({ at: seq, side: side as Side, id, log: head.log, index: indexOfKey(key) })
      }
      if (some.length < CHUNK_ROWS) return { rows, more: false }
      after = some.at(-1)?.seq ?? after
    }
  }

  /** Tells of each body when it resurfaced last, as its reader may know. */
  addTo(query: Query, rows: readonly BodyRow[], bodies: readonly ObjectBody[]): void {
    const { addedUpTo = Infinity } = query
    const isSeen = this.#knownTo(query)
    for (const [i, [, key, , , , , others]] of rows.entries()) {
      if (others === 0) continue
      const body = bodies[i] as ObjectBody
      for (const { seq, log, side } of this.#connection.all(read.resurfacedOfEntry, key)) {
        if (seq > addedUpTo || !isSeen(log, seq)) continue
        body.again ??= {}
        body.again[side as Side] = Math.max(seq, body.again[side as Side] ?? 0)
      }
    }
  }

  /** Whether the reader saw the entry that went away, in the log with this number, at that time. */
  #knownTo({ logs, late }: Pick<Query, 'logs' | 'late'>): (log: number, seq: number) => boolean {
    const among = new Set(logs.map((log) => this.#logs.get(log)?.id))
    return (log, seq) => among.has(log) && seq > (late?.get(this.#logs.byId(log).head.log)?.upTo ?? 0)
  }
}
