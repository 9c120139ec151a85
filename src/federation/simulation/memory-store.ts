import type { Hash, Json, LogId, Millis } from '#base'
import { fromHex, sha256Hex, toHex, utf8 } from '#base'
import { consistencyProof, inclusionProof, leafHash } from '#log'
import type { Frame, Signer } from '#log'
import {
  type Change,
  type FsckReport,
  type LogHead,
  type ObjectColumns,
  type ObjectQuery,
  type ObjectRow,
  type Outcome,
  type Page,
  type Store,
  StoreError,
  type StoredEntry,
  type StoredRecord,
} from '#store'
import type { MemberId } from '#base'
import type { Timers } from '../api.ts'
import { headOf, type MemoryDisk } from './memory-disk.ts'
import { applyChanges } from './memory-write.ts'
import { encodeLists, readLists } from './memory-journal.ts'
import { hashesOf, rootAt } from './memory-tree.ts'

/** How a disk behaves: as it should, full, failing at its next sync, or saying that it synced what it did not. */
export type DiskMood = 'well' | 'full' | 'failing' | 'lying'

/** What the simulated disk needs of its world. */
export interface MemoryStoreOptions {
  disk: MemoryDisk
  signer: { member: MemberId; key: Signer }
  now: () => Millis
  timers: Timers
  /** Time of one sync, from the seed. */
  syncMs: () => number
  mood?: () => DiskMood
  /** A list of changes waits for its sync. */
  written?: () => void
  /** A list of changes is on the disk: from here on it may be acknowledged. */
  applied?: (changes: readonly Change[], outcomes: readonly Outcome[]) => void
}

interface Waiting {
  changes: readonly Change[]
  done: (outcomes: Outcome[]) => void
  failed: (cause: unknown) => void
}

/** What of the unsynced lists had reached the disk when the process died. */
export interface Reached {
  /** Lists that are there in whole. */
  whole: number
  /** Part of the one after them. */
  part: number
}

/**
 * The store interface over a simulated disk: a commit is on the disk when its sync is over, all or nothing. A crash
 * before that loses it, or leaves it whole though nobody was told, or leaves a torn rest that recovery throws away; its
 * promise never settles, as in a process that is gone.
 */
export class MemoryStore implements Store {
  readonly #options: MemoryStoreOptions
  #waiting: Waiting[] = []
  #syncing: unknown
  #crashed = false
  #hasFailed = false
  /** The disk as of its last true sync, while it lies. */
  #synced: MemoryDisk | undefined

  constructor(options: MemoryStoreOptions) {
    this.#options = options
  }

  /** Lists that wait for their sync. */
  get unsynced(): number {
    return this.#waiting.length
  }

  /** Whether the disk forgot something, of what it said it had synced. */
  get hasLied(): boolean {
    return this.#synced !== undefined
  }

  /** The process dies. Answers how many lists were found whole, and how many bytes of a torn one were thrown away. */
  crash(reached: Reached = { whole: 0, part: 0 }): { kept: number; torn: number } {
    this.#crashed = true
    const waiting = this.#waiting
    this.#waiting = []
    if (this.#syncing !== undefined) this.#options.timers.clear(this.#syncing)
    if (this.#synced) {
      this.#disk.become(this.#synced)
      return { kept: 0, torn: 0 }
    }
    const whole = encodeLists(waiting.slice(0, reached.whole).map(({ changes }) => changes))
    const next = encodeLists(waiting.slice(reached.whole, reached.whole + 1).map(({ changes }) => changes))
    const torn = next.subarray(0, Math.floor(next.length * Math.min(reached.part, 0.99)))
    const lists = readLists(Buffer.concat([whole, torn]))
    for (const changes of lists) this.#apply(changes)
    return { kept: lists.length, torn: torn.length }
  }

  commit(changes: readonly Change[]): Promise<Outcome[]> {
    if (this.#crashed) return new Promise(() => undefined)
    return new Promise((done, failed) => {
      this.#waiting.push({ changes, done, failed })
      this.#options.written?.()
      this.#syncing ??= this.#options.timers.set(this.#options.syncMs(), () => this.#sync())
    })
  }

  async logs(filter: { author?: MemberId; own?: boolean } = {}): Promise<LogHead[]> {
    return [...this.#disk.logs.values()]
      .filter((log) => filter.author === undefined || log.author === filter.author)
      .filter((log) => filter.own === undefined || log.own === filter.own)
      .map(headOf)
      .sort((a, b) => (a.log < b.log ? -1 : 1))
  }

  async log(id: LogId): Promise<LogHead | undefined> {
    const log = this.#disk.logs.get(id)
    return log && headOf(log)
  }

  async checkpoints(id: LogId, options: { after?: number; limit?: number } = {}) {
    return this.#get(id)
      .checkpoints.filter(({ size }) => size > (options.after ?? 0))
      .slice(0, options.limit ?? Infinity)
      .map(({ size, note, arrived }) => ({ size, note, arrived, key: new Uint8Array(32) }))
  }

  async entries(id: LogId, from: number, to: number, maxBytes = Infinity): Promise<StoredEntry[]> {
    const found: StoredEntry[] = []
    let bytes = 0
    const slice = this.#get(id).entries.slice(from, to)
    for (const [offset, entry] of slice.entries()) {
      bytes += entry.bytes?.length ?? 32
      if (found.length > 0 && bytes > maxBytes) break
      found.push({
        index: from + offset,
        kind: entry.kind,
        time: entry.time,
        leaf: toHex(entry.leaf),
        arrived: entry.arrived,
        ...(entry.bytes && !entry.withheld ? { bytes: entry.bytes } : {}),
        ...(entry.object ? { object: entry.object } : {}),
      })
    }
    return found
  }

  async frames(id: LogId, from: number, to: number, maxBytes?: number): Promise<Frame[]> {
    const entries = await this.entries(id, from, to, maxBytes)
    return entries.map(({ bytes, leaf }) => (bytes ? { bytes } : { leaf: fromHex(leaf) }))
  }

  async unaccepted(id: LogId, from: number, to: number) {
    const entries = await this.entries(id, from, to)
    return entries.flatMap(({ index, object }) =>
      !object || object.status === 'accepted'
        ? []
        : { index, status: object.status, ...(object.code === undefined ? {} : { code: object.code }) },
    )
  }

  async consistencyProof(id: LogId, first: number, second: number): Promise<Hash[]> {
    return consistencyProof(hashesOf(this.#get(id)), first, second).map(toHex)
  }

  async inclusionProof(id: LogId, index: number, size: number): Promise<Hash[]> {
    return inclusionProof(hashesOf(this.#get(id)), index, size).map(toHex)
  }

  async root(id: LogId, size: number): Promise<Hash> {
    return rootAt(this.#get(id), size)
  }

  async objects(query: ObjectQuery): Promise<Page<ObjectRow>> {
    const rows = this.#rows(query)
    if (query.order === 'newest') rows.reverse()
    const start = query.cursor === undefined ? 0 : Number(query.cursor)
    const end = start + query.limit
    return { rows: rows.slice(start, end), ...(end < rows.length ? { next: String(end) } : {}) }
  }

  async countObjects(query: Omit<ObjectQuery, 'cursor' | 'limit'>): Promise<{ type: string; count: number }[]> {
    const counts = new Map<string, number>()
    for (const row of this.#rows({ ...query, limit: 0 })) counts.set(row.type, (counts.get(row.type) ?? 0) + 1)
    return [...counts].map(([type, count]) => ({ type, count }))
  }

  async record<T extends Json = Json>(collection: string, key: string): Promise<T | undefined> {
    return this.#disk.records.get(collection)?.get(key) as T | undefined
  }

  async *records<T extends Json = Json>(
    collection: string,
    options: { prefix?: string; after?: string } = {},
  ): AsyncGenerator<StoredRecord<T>, void, undefined> {
    yield* await this.recordPage<T>(collection, { ...options, limit: Infinity })
  }

  async recordPage<T extends Json = Json>(
    collection: string,
    { prefix = '', after = '', limit }: { prefix?: string; after?: string; limit: number },
  ): Promise<StoredRecord<T>[]> {
    const found: StoredRecord<T>[] = []
    for (const [key, value] of this.#disk.records.get(collection) ?? [])
      if (key.startsWith(prefix) && key > after) found.push({ key, value: value as T })
    return found.sort((a, b) => (a.key < b.key ? -1 : 1)).slice(0, limit)
  }

  async journal<T extends Json = Json>(
    stream: string,
    options: { after?: number; limit?: number; newestFirst?: boolean } = {},
  ): Promise<{ sequence: number; time: Millis; value: T }[]> {
    const rows = (this.#disk.journals.get(stream) ?? []).filter((row) => row.sequence > (options.after ?? 0))
    if (options.newestFirst) rows.reverse()
    return rows.slice(0, options.limit ?? Infinity) as { sequence: number; time: Millis; value: T }[]
  }

  async totals(): Promise<{ logs: number; ownLogs: number; entries: number; objects: number; bytes: number }> {
    const logs = [...this.#disk.logs.values()]
    const entries = logs.flatMap((log) => log.entries)
    return {
      logs: logs.length,
      ownLogs: logs.filter((log) => log.own).length,
      entries: entries.length,
      objects: entries.filter((entry) => entry.object).length,
      bytes: entries.reduce((sum, entry) => sum + (entry.bytes?.length ?? 0), 0),
    }
  }

  /** Every entry against its leaf, every checkpoint against its leaves. */
  async fsck(): Promise<FsckReport> {
    const faults: FsckReport['faults'] = []
    for (const log of this.#disk.logs.values()) {
      for (const [index, { bytes, leaf }] of log.entries.entries())
        if (bytes && toHex(leafHash(bytes)) !== toHex(leaf))
          faults.push({ log: log.log, index, kind: 'entry', message: 'The bytes do not give the leaf hash' })
      for (const { size, root, note, digest } of log.checkpoints)
        if (rootAt(log, size) !== root || sha256Hex(utf8(note)) !== digest)
          faults.push({ log: log.log, kind: 'root', message: `The checkpoint of ${size} entries is damaged` })
    }
    const { logs, entries, objects, bytes } = await this.totals()
    return { ok: faults.length === 0, checked: { logs, entries, checkpoints: 0, objects, records: 0, bytes }, faults }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    while (this.#waiting.length > 0)
      await new Promise((resolve) => this.#options.timers.set(1, () => resolve(undefined)))
  }

  #sync(): void {
    this.#syncing = undefined
    const batch = this.#waiting
    this.#waiting = []
    const mood = this.#options.mood?.() ?? 'well'
    if (mood === 'failing') this.#hasFailed = true
    if (mood === 'lying') this.#synced ??= this.#disk.copy()
    if (mood === 'well') this.#synced = undefined
    for (const { changes, done, failed } of batch) {
      try {
        if (this.#hasFailed) throw new StoreError('STORE_FAILED', 'A sync failed: start the node again')
        if (mood === 'full') throw new StoreError('STORE_DISK_FULL', 'The disk is full; nothing of this was kept')
        done(this.#apply(changes))
      } catch (cause) {
        failed(cause)
      }
    }
  }

  #apply(changes: readonly Change[]): Outcome[] {
    const outcomes = applyChanges(this.#options, changes)
    this.#options.applied?.(changes, outcomes)
    return outcomes
  }

  #rows(query: ObjectQuery): ObjectRow[] {
    const rows: ObjectRow[] = []
    const authored = [...this.#disk.logs.values()].filter(({ author }) => author === query.author)
    for (const id of new Set([...query.logs, ...authored.map(({ log }) => log)])) {
      const log = this.#disk.logs.get(id)
      for (const [index, { object, bytes, time, arrived, withheld }] of log?.entries.entries() ?? []) {
        if (!log || !object || !bytes || withheld || !wanted(query, object) || arrived < (query.since ?? 0)) continue
        rows.push({
          ...object,
          log: id,
          index,
          publisher: log.author,
          entryTime: time,
          arrived,
          json: bytes.subarray(46),
        })
      }
    }
    return rows.sort((a, b) => a.arrived - b.arrived)
  }

  #get(id: LogId) {
    const log = this.#disk.logs.get(id)
    if (!log) throw new Error(`The simulated disk has no log ${id}`)
    return log
  }

  get #disk(): MemoryDisk {
    return this.#options.disk
  }
}

function wanted(query: ObjectQuery, object: ObjectColumns): boolean {
  const { statuses = ['accepted'], types, ids, patternTypes } = query
  if (!statuses.includes(object.status) || (types && !types.includes(object.type))) return false
  if (ids && !ids.includes(object.id)) return false
  return !patternTypes || (object.patternType !== undefined && patternTypes.includes(object.patternType))
}
