import { read } from '../sql/statements.ts'
import { fromHex, type Hash, type Json, type LogId, type Millis, toHex } from '#base'
import { consistencyProof, type Frame, Frontier, hashFromTiles, type HashAt, inclusionProof, TILE_WIDTH } from '#log'
import { StoreError } from '../errors.ts'
import { requireRecordLimit } from '../record-pages.ts'
import { entryKey, indexOfKey } from '../sql/tables.ts'
import type { LogHead, ObjectColumns, ObjectStatus, Store, StoredEntry, StoredRecord } from '../store.ts'
import type { Connection } from './connection.ts'
import type { IndexedLog, LogIndex } from './log-index.ts'

/** Entries answered by one read when the caller names no bound. */
const DEFAULT_READ_BYTES = 8 * 1024 * 1024

/** Entries answered by one read at most. */
const MAX_READ_ENTRIES = 20_000

/** Rows answered by one read of journal or checkpoints when the caller names no bound, and at most. */
const DEFAULT_ROWS = 1_000
const MAX_ROWS = 10_000

const HASH_BYTES = 32
const UNKNOWN_KIND = -1

type EntryRow = NonNullable<(typeof read.entriesByKey)['row']>
type FrameRow = [key: number, bytes: Uint8Array | null]

/** Reads of one SQLite database, on a connection of their own. */
export class Reader {
  readonly #connection: Connection
  readonly #logs: LogIndex

  constructor(connection: Connection, logs: LogIndex) {
    this.#connection = connection
    this.#logs = logs
  }

  logs(filter: { author?: string; own?: boolean } = {}): LogHead[] {
    const heads: LogHead[] = []
    for (const { head } of this.#logs.sorted())
      if ((filter.author ?? head.author) === head.author && (filter.own ?? head.own) === head.own) heads.push(head)
    return heads
  }

  checkpoints(log: LogId, options: { after?: number; limit?: number } = {}) {
    const { id } = this.#require(log)
    return this.#connection
      .all(read.checkpointsOfLog, id, options.after ?? 0, rowLimit(options.limit))
      .map(({ size, note, key, arrived }) => ({ size, note, key, arrived }))
  }

  entries(log: LogId, from: number, to: number, maxBytes = DEFAULT_READ_BYTES): StoredEntry[] {
    const { id, end } = this.#range(log, from, to)
    if (from >= end) return []
    return this.#connection.snapshot(() => {
      const found: StoredEntry[] = []
      const leafAt = this.#leaves(id)
      let bytes = 0
      for (const row of this.#connection.iterate(read.entriesByKey, entryKey(id, from), entryKey(id, end))) {
        bytes += row.bytes?.length ?? HASH_BYTES
        if (bytes > maxBytes && found.length > 0) break
        found.push(toStoredEntry(row, leafAt(indexOfKey(row.key))))
      }
      return found
    })
  }

  frames(log: LogId, from: number, to: number, maxBytes = DEFAULT_READ_BYTES): Frame[] {
    const { id, end } = this.#range(log, from, to)
    if (from >= end) return []
    return this.#connection.snapshot(() => {
      const found: Frame[] = []
      const leafAt = this.#leaves(id)
      let left = maxBytes
      const rows = this.#connection.rows<FrameRow>(read.framesByKey.text, entryKey(id, from), entryKey(id, end))
      for (const [key, bytes] of rows) {
        left -= bytes?.length ?? HASH_BYTES
        if (left < 0 && found.length > 0) break
        found.push(bytes ? { bytes } : { leaf: fromHex(leafAt(indexOfKey(key))) })
      }
      return found
    })
  }

  unaccepted(log: LogId, from: number, to: number): { index: number; status: ObjectStatus; code?: string }[] {
    const { id, end } = this.#range(log, from, to, Infinity)
    return this.#connection
      .all(read.unacceptedByKey, entryKey(id, from), entryKey(id, end))
      .map(({ key, status, code }) => ({
        index: indexOfKey(key),
        status: status as ObjectStatus,
        ...(code === null ? {} : { code }),
      }))
  }

  consistencyProof(log: LogId, first: number, second: number): Hash[] {
    this.#requireSize(log, second)
    return this.#proof(log, (hashAt) => consistencyProof(hashAt, first, second))
  }

  inclusionProof(log: LogId, index: number, size: number): Hash[] {
    this.#requireSize(log, size)
    return this.#proof(log, (hashAt) => inclusionProof(hashAt, index, size))
  }

  root(log: LogId, size: number): Hash {
    const { id, head } = this.#requireSize(log, size)
    if (size === head.size) return head.root
    return this.#connection.snapshot(() => toHex(Frontier.at(this.#hashes(id), size).root()))
  }

  record<T extends Json>(collection: string, key: string): T | undefined {
    const row = this.#connection.get(read.recordAt, collection, key)
    return row && (JSON.parse(row.value) as T)
  }

  recordPage<T extends Json>(
    collection: string,
    options: { prefix?: string; after?: string; limit: number },
  ): StoredRecord<T>[] {
    const { prefix = '', after, limit } = options
    requireRecordLimit(limit)
    // As UTF-8, which is how the database orders text.
    const from = after !== undefined && Buffer.compare(Buffer.from(after), Buffer.from(prefix)) > 0 ? after : prefix
    const rows = this.#connection.all(read.recordsFrom, collection, from, limit + 1)
    const found: StoredRecord<T>[] = []
    for (const { key, value } of rows) {
      if (!key.startsWith(prefix)) break
      if (key !== after && found.length < limit) found.push({ key, value: JSON.parse(value) as T })
    }
    return found
  }

  journal<T extends Json>(
    stream: string,
    options: { after?: number; limit?: number; newestFirst?: boolean } = {},
  ): { sequence: number; time: Millis; value: T }[] {
    const { after = 0, limit, newestFirst = false } = options
    const statement = newestFirst ? read.journalNewest : read.journalAfter
    return this.#connection
      .all(statement, stream, after, rowLimit(limit))
      .map(({ sequence, time, value }) => ({ sequence, time, value: JSON.parse(value) as T }))
  }

  totals(): Awaited<ReturnType<Store['totals']>> {
    const totals = { logs: 0, ownLogs: 0, entries: 0, objects: 0, bytes: 0 }
    for (const { head, counts, bytes } of this.#logs.all()) {
      totals.logs++
      if (head.own) totals.ownLogs++
      totals.entries += head.size
      totals.bytes += bytes
      for (const { count } of counts) totals.objects += count
    }
    return totals
  }

  #proof(log: LogId, prove: (hashAt: HashAt) => Uint8Array[]): Hash[] {
    const { id } = this.#require(log)
    try {
      return this.#connection.snapshot(() => prove(this.#hashes(id)).map((hash) => toHex(hash)))
    } catch (cause) {
      if ((cause as { code?: string }).code !== 'TREE_RANGE') throw cause
      throw new StoreError('STORE_BAD_RANGE', (cause as Error).message, { cause })
    }
  }

  #hashes(id: number): HashAt {
    return hashFromTiles((level, tile) => this.#tile(id, level, tile))
  }

  /** Leaf hashes by index; consecutive ones share a tile. */
  #leaves(id: number): (index: number) => Hash {
    let tile = -1
    let hex = ''
    return (index) => {
      const wanted = Math.floor(index / TILE_WIDTH)
      if (wanted !== tile) {
        hex = toHex(this.#tile(id, 0, wanted))
        tile = wanted
      }
      const at = (index % TILE_WIDTH) * HASH_BYTES * 2
      return hex.slice(at, at + HASH_BYTES * 2)
    }
  }

  #tile(id: number, level: number, tile: number): Uint8Array {
    const row = this.#connection.get(read.tileAt, id, level, tile)
    if (row) return row.hashes
    const { log } = this.#logs.byId(id).head
    throw new StoreError('STORE_DAMAGED', `Tile ${level}/${tile} of log ${log} is missing. Run "noroshi fsck"`)
  }

  /** The range as far as it is there and one read answers it. */
  #range(log: LogId, from: number, to: number, most = MAX_READ_ENTRIES): { id: number; end: number } {
    const { id, head } = this.#require(log)
    if (!isSize(from) || !isSize(to) || from > to)
      throw new StoreError('STORE_BAD_RANGE', `[${from}, ${to}) is no range of entries`)
    return { id, end: Math.min(to, head.size, from + most) }
  }

  #require(log: LogId): IndexedLog {
    const known = this.#logs.get(log)
    if (!known) throw new StoreError('STORE_NO_SUCH_LOG', `There is no log ${log} in this store`)
    return known
  }

  #requireSize(log: LogId, size: number): IndexedLog {
    const known = this.#require(log)
    if (!isSize(size) || size > known.head.size)
      throw new StoreError('STORE_BAD_RANGE', `Log ${log} has ${known.head.size} entries; there is no tree of ${size}`)
    return known
  }
}

function toStoredEntry(row: EntryRow, leaf: Hash): StoredEntry {
  const { key, kind, time, arrived, bytes } = row
  const entry: StoredEntry = { index: indexOfKey(key), kind: kind ?? UNKNOWN_KIND, time: time ?? 0, leaf, arrived }
  if (bytes) entry.bytes = bytes
  const object = toObjectColumns(row)
  if (object) entry.object = object
  return entry
}

function toObjectColumns(row: EntryRow): ObjectColumns | undefined {
  const { id, type, modified, creator, pattern_type: patternType, revoked, status, code } = row
  if (id === null || type === null || modified === null || status === null) return undefined
  const columns: ObjectColumns = { id, type, modified, status: status as ObjectStatus }
  if (creator !== null) columns.creator = creator
  if (patternType !== null) columns.patternType = patternType
  if (revoked !== null) columns.revoked = revoked === 1
  if (code !== null) columns.code = code
  return columns
}

function rowLimit(limit = DEFAULT_ROWS): number {
  if (!Number.isInteger(limit) || limit < 1)
    throw new StoreError('STORE_BAD_RANGE', `A limit is a number of rows from 1, not ${limit}`)
  return Math.min(limit, MAX_ROWS)
}

const isSize = (value: number) => Number.isSafeInteger(value) && value >= 0
