import { randomInt } from 'node:crypto'
import { read, write } from '../sql/statements.ts'
import type { Millis } from '#base'
import { StoreError } from '../errors.ts'
import { rowDigest } from '../sql/digest.ts'
import { entryKey, LOG_COLUMNS, type LogRow, sequenceKey } from '../sql/tables.ts'
import type { ObjectColumns, Outcome } from '../store.ts'
import { applyAppend } from './append.ts'
import type { Connection } from './connection.ts'
import { LogState, storedHashes } from './log-state.ts'
import type { PackedChange, Signed, UnsignedCheckpoint } from './messages.ts'
import { neighboursOf, type ObjectEntry } from './resurface.ts'
import { applyMirror } from './mirror.ts'
import { applyRenew } from './renew.ts'

/** Logs whose frontier and edge tiles stay in memory between batches; about 20 KB each. */
const MAX_CACHED_LOGS = 512

/** Sequence numbers in a millisecond: they are microseconds since 1970. */
const PER_MILLISECOND = 1_000

/** Largest step where a batch goes over to another log, so that steps don't count what a reader may not see. */
const MAX_STEP = 1_024

/** Numbers that are set aside ahead of the clock: about a second. */
const RESERVED_UNIT = 2 ** 20

/** Entries of one object that are looked at when one of them goes away: its newest. */
const RESURFACE_ROWS = 1_000

/** Stands for a log where a number is no entry's. */
const NO_LOG = -1

/** A new entry's row but for what the batch knows. */
export interface EntryContent {
  kind: number | null
  time: Millis | null
  bytes: Uint8Array | null
  object: ObjectColumns | undefined
}

type AppendOutcome = Extract<Outcome, { op: 'append' }>

/**
 * The changes of one transaction. Whatever it keeps in memory follows the database: after a rollback, `forget`.
 */
export class Batch {
  readonly connection: Connection
  /** Whom the writer may append for. */
  readonly self: string | undefined
  arrived: Millis = 0
  now: Millis = 0
  readonly #logs = new Map<string, LogState>()
  readonly #touched = new Set<LogState>()
  readonly #counts = new Map<string, { log: number; type: string; status: string; count: number }>()
  readonly #sequences = new Map<string, number>()
  readonly #appended: { outcome: AppendOutcome; log: LogState }[] = []
  #arrival = { arrived: 0, last: 0 }
  #sequence = 0
  /** 0 until the batch has an entry. */
  #firstSequence = 0
  /** Log of the entry before. */
  #run = 0
  #lastLog = 0
  #known = false
  /** A purge was in it: its bytes must leave the write-ahead log too. */
  purged = false
  /** Highest sequence number of what resurfaced since the start; 0 = nothing. */
  resurfaced = 0

  constructor(connection: Connection, self: string | undefined) {
    this.connection = connection
    this.self = self
  }

  /** Opens a transaction's worth of work: one arrival time for all of it, never before an earlier one. */
  begin(now: Millis): void {
    if (!this.#known) this.#learn()
    this.now = now
    this.arrived = Math.max(now, this.#arrival.arrived)
    this.#firstSequence = 0
    this.#run = 0
    this.#touched.clear()
    this.#counts.clear()
    this.#appended.length = 0
    this.purged = false
    if (this.#logs.size > MAX_CACHED_LOGS) this.#logs.clear()
  }

  apply(change: PackedChange): Outcome {
    switch (change.op) {
      case 'append': {
        const { outcome, log } = applyAppend(this, change)
        this.#appended.push({ outcome, log })
        return outcome
      }
      case 'mirror':
        return applyMirror(this, change)
      case 'renew':
        return applyRenew(this, change)
      case 'withhold':
        return this.#withhold(change)
      case 'purge':
        return this.#purge(change)
      case 'status':
        return this.#setStatus(change)
      case 'put': {
        const { collection, key, text, ifAbsent } = change
        const statement = ifAbsent ? write.putRecordIfAbsent : write.putRecord
        const changed = this.connection.run(statement, collection, key, text, rowDigest(collection, key, text))
        return { op: 'put', stored: changed > 0 }
      }
      case 'delete':
        this.connection.run(write.deleteRecord, change.collection, change.key)
        return { op: 'delete' }
      case 'number': {
        const added = this.#nextSequence(NO_LOG)
        for (const { collection, prefix, text } of change.records) {
          const key = prefix + sequenceKey(added)
          this.connection.run(write.putRecord, collection, key, text, rowDigest(collection, key, text))
        }
        return { op: 'number', added }
      }
      case 'reserve':
        return { op: 'reserve', first: this.#reserve(change.count) }
      case 'amend': {
        const { stream, sequence, time, text } = change
        const digest = rowDigest(stream, sequence, time, text)
        this.connection.run(write.amendJournal, text, digest, stream, sequence, time)
        this.purged = true
        return { op: 'amend' }
      }
      case 'journal': {
        const { stream, time, text } = change
        const sequence = this.#nextOfJournal(stream)
        const digest = rowDigest(stream, sequence, time, text)
        this.connection.run(write.insertJournal, stream, sequence, time, text, digest)
        return { op: 'journal', sequence }
      }
    }
  }

  /** Own logs that grew, as the checkpoints that must now be signed. */
  unsigned(): UnsignedCheckpoint[] {
    return this.#grownOwn().map((log) => {
      log.row.time = Math.max(this.now, log.row.entry_time, log.row.time)
      log.settleRoot()
      const { row } = log
      return { log: row.log, size: row.size, root: row.root, time: row.time, charters: log.charters }
    })
  }

  /** Writes checkpoints, tiles, log rows and counts; answers the numbers of the logs that changed. */
  finish(signed: Signed | undefined): number[] {
    if (signed)
      for (const [i, log] of this.#grownOwn().entries())
        this.putCheckpoint(log, signed.notes[i] as string, signed.publicKey)
    for (const log of this.#touched) this.#store(log)
    for (const { log, type, status, count } of this.#counts.values())
      if (count !== 0) this.connection.run(write.addCount, log, type, status, count)
    if (this.#firstSequence > 0) {
      this.connection.run(write.putArrival, this.arrived, this.#firstSequence, this.#sequence)
      this.#arrival = { arrived: this.arrived, last: this.#sequence }
    }
    for (const { outcome, log } of this.#appended) {
      outcome.size = log.row.size
      outcome.root = log.row.root
      outcome.time = log.row.time
    }
    return [
      ...new Set([...[...this.#touched].map((log) => log.row.id), ...[...this.#counts.values()].map((c) => c.log)]),
    ]
  }

  /** After a rollback: what is in memory may be ahead of the database. */
  forget(): void {
    this.#logs.clear()
    this.#sequences.clear()
    this.#touched.clear()
    this.#known = false
  }

  /** The log's state, taken up into this batch. */
  log(id: string): LogState | undefined {
    const cached = this.#logs.get(id)
    if (cached) return cached
    const row = this.connection.get(write.logByHash, id)
    return row && this.keep({ ...row })
  }

  /** The member's log for an audience that still takes entries. */
  openLog(author: string, audienceId: string): LogState | undefined {
    for (const state of this.#touched) {
      const { row } = state
      if (row.own && row.author === author && row.audience_id === audienceId && !row.closed) return state
    }
    const row = this.connection.get(write.openLogOf, author, audienceId)
    const state = row && (this.#logs.get(row.log) ?? this.keep({ ...row }))
    return state?.row.closed ? undefined : state
  }

  /** Adds the row of a new log. */
  addLog(row: Omit<LogRow, 'id' | 'arrived'>): LogState {
    const whole: LogRow = { ...row, id: ++this.#lastLog, arrived: this.arrived }
    this.connection.run(write.insertLog, ...LOG_COLUMNS.map((name) => whole[name]))
    return this.keep(whole)
  }

  keep(row: LogRow): LogState {
    const state = new LogState(row, (log, level, tile) => this.connection.get(read.tileAt, log, level, tile)?.hashes)
    this.#logs.set(row.log, state)
    return state
  }

  touch(log: LogState): void {
    this.#touched.add(log)
  }

  /** Adds an entry at the end of a log. */
  addEntry(log: LogState, leaf: Uint8Array, content: EntryContent): void {
    const { kind, time, bytes, object } = content
    const index = log.size
    this.#touched.add(log)
    log.append(leaf)
    log.row.bytes += bytes?.length ?? 0
    if (time !== null) log.row.entry_time = time
    const others = object ? this.#others(object.id) : null
    this.connection.run(
      write.insertEntry,
      entryKey(log.row.id, index),
      log.row.id,
      this.#nextSequence(log.row.id),
      kind,
      time,
      this.arrived,
      object?.type ?? null,
      object?.id ?? null,
      object?.modified ?? null,
      object?.creator ?? null,
      object?.patternType ?? null,
      object?.revoked === undefined ? null : Number(object.revoked),
      object?.status ?? null,
      object?.code ?? null,
      bytes,
      others,
    )
    if (object) this.#count(log.row.id, object.type, object.status, 1)
  }

  putCheckpoint(log: LogState, note: string, key: Uint8Array): void {
    log.row.checkpoint = note
    this.connection.run(write.putCheckpoint, log.row.id, log.size, note, key, this.arrived)
  }

  #setStatus(change: Extract<PackedChange, { op: 'status' }>): Outcome {
    const entry = this.#entry(change)
    if (entry.status === null || entry.type === null || entry.withheld !== null) return { op: 'status' }
    this.connection.run(write.setStatus, change.status, change.code ?? null, entry.key)
    if (change.status === 'accepted' && entry.status !== 'accepted')
      this.connection.run(write.setSequence, this.#nextSequence(NO_LOG), entry.key)
    if (entry.status === 'accepted' && change.status !== 'accepted') this.#resurface(entry)
    this.#count(entry.log, entry.type, entry.status, -1)
    this.#count(entry.log, entry.type, change.status, 1)
    return { op: 'status' }
  }

  #withhold(change: Extract<PackedChange, { op: 'withhold' }>): Outcome {
    const entry = this.#entry(change)
    if (entry.withheld !== null) return { op: 'withhold' }
    const status = entry.status === null ? null : 'recalled'
    this.connection.run(write.setWithheld, change.time, change.reason, status, entry.key)
    if (entry.status === 'accepted') this.#resurface(entry)
    if (entry.status !== null && entry.type !== null) {
      this.#count(entry.log, entry.type, entry.status, -1)
      this.#count(entry.log, entry.type, 'recalled', 1)
    }
    return { op: 'withhold' }
  }

  #purge(change: Extract<PackedChange, { op: 'purge' }>): Outcome {
    if (change.index === 0)
      throw new StoreError('STORE_GENESIS', 'A genesis entry cannot be purged: it is what the log id is made of')
    const entry = this.#entry(change)
    if (entry.purged !== null) return { op: 'purge' }
    if (entry.status === 'accepted') this.#resurface(entry)
    this.connection.run(write.setPurged, change.time, entry.withheld ?? change.time, entry.key)
    this.#free(change.log, entry.length ?? 0)
    if (entry.status !== null && entry.type !== null) this.#count(entry.log, entry.type, entry.status, -1)
    this.purged = true
    return { op: 'purge' }
  }

  #free(id: string, bytes: number): void {
    const log = this.log(id)
    if (!log) return
    // Stores of earlier programs did not count purges: never below nothing.
    log.row.bytes = Math.max(0, log.row.bytes - bytes)
    this.touch(log)
  }

  #entry(at: { log: string; index: number }) {
    const log = this.log(at.log)
    const key = log && at.index < log.size ? entryKey(log.row.id, at.index) : undefined
    const entry = key === undefined ? undefined : this.connection.get(write.entryState, key)
    if (!entry) throw new StoreError('STORE_NO_SUCH_ENTRY', `There is no entry ${at.index} in log ${at.log}`)
    return entry
  }

  /** Microseconds since 1970, ahead of the clock where one entry follows another sooner than that. */
  #nextSequence(log: number): number {
    if (log === this.#run) this.#sequence++
    else this.#sequence = Math.max(this.#sequence, this.arrived * PER_MILLISECOND) + randomInt(1, MAX_STEP)
    this.#run = log
    this.#firstSequence ||= this.#sequence
    return this.#sequence
  }

  /**
   * Numbers that the clock has passed and nobody has, if there are enough; else from the next one on, and then in
   * units, so that how far the numbers run ahead of the clock does not tell how many were set aside.
   */
  #reserve(count: number): number {
    const clock = this.arrived * PER_MILLISECOND
    const first = Math.max(this.#sequence + randomInt(1, MAX_STEP), clock - count)
    this.#sequence = first + count <= clock ? clock : first + Math.ceil(count / RESERVED_UNIT) * RESERVED_UNIT
    this.#run = NO_LOG
    this.#firstSequence ||= first
    return first
  }

  /**
   * An accepted version went away: in each log the newest older version, and the oldest newer one, may now be what
   * readers see as the newest or oldest. Which of them is, depends on the reader; so each gets a number of its own.
   * @see docs/decisions/0021-late-visibility.md
   */
  #resurface(gone: ObjectEntry): void {
    if (gone.others === 0 || gone.id === null) return
    const rows = this.connection.all(write.newestOfId, gone.id, RESURFACE_ROWS)
    const standing = rows.filter(({ key, status }) => status === 'accepted' && key !== gone.key)
    for (const { side, row } of neighboursOf(gone, standing))
      this.connection.run(
        write.insertResurfaced,
        (this.resurfaced = this.#nextSequence(NO_LOG)),
        gone.log,
        row.key,
        side,
      )
  }

  /** The highest sequence number of what is committed. */
  get last(): number {
    if (!this.#known) this.#learn()
    return this.#sequence
  }

  #nextOfJournal(stream: string): number {
    const last = this.#sequences.get(stream) ?? this.connection.get(write.lastOfJournal, stream)?.sequence ?? 0
    this.#sequences.set(stream, last + 1)
    return last + 1
  }

  /** Whether the object has a row already; that one learns that it is no more the only one. */
  #others(id: string): 0 | 1 {
    const newest = this.connection.get(write.newestOfObject, id)
    if (!newest) return 0
    if (newest.others === 0) this.connection.run(write.setOthers, newest.key)
    return 1
  }

  #count(log: number, type: string, status: string, by: number): void {
    const key = `${log} ${status} ${type}`
    const row = this.#counts.get(key)
    if (row) row.count += by
    else this.#counts.set(key, { log, type, status, count: by })
  }

  #grownOwn(): LogState[] {
    return [...this.#touched].filter((log) => log.row.own && log.grown && !log.isRecovered)
  }

  #store(log: LogState): void {
    const id = log.row.id
    for (const tile of log.settle()) this.connection.run(write.putTile, id, tile.level, tile.tile, storedHashes(tile))
    const { size, root, frontier, entry_time, time, checkpoint, closed, bytes } = log.row
    this.connection.run(write.updateLog, size, root, frontier, entry_time, time, checkpoint, closed, bytes, id)
  }

  #learn(): void {
    this.#arrival = this.connection.get(write.lastArrival) ?? { arrived: 0, last: 0 }
    this.#sequence = this.#arrival.last
    this.#lastLog = this.connection.get(write.lastLog)?.id ?? 0
    this.#known = true
  }
}
