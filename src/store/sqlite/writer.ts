import { StoreError, toStoreError } from '../errors.ts'
import type { Outcome } from '../store.ts'
import { Batch } from './batch.ts'
import type { Connection } from './connection.ts'
import { removeSnapshots } from './upgrade.ts'
import type { CommitRequest, CommitResult, PackedError, Signed, UnsignedCheckpoint } from './messages.ts'

/** Lists that may fail before the rest of their batch is committed one by one. */
const MAX_REPEATS = 3

/** Pages of the write-ahead log at which it is copied into the database: 32 MB of 8 KB pages. */
const WAL_PAGES = 4_096

/** Tries to empty the write-ahead log after a purge while a reader still uses it, and the time between them. */
const TRUNCATE_TRIES = 50
const TRUNCATE_PAUSE_MS = 20

/** Has checkpoints signed, in order. */
export type Sign = (checkpoints: UnsignedCheckpoint[]) => Promise<Signed>

/** Pages in the write-ahead log, and how many of them are in the database already. */
interface WalState {
  busy: number
  log: number
  checkpointed: number
}

interface Committed {
  outcomes: Map<CommitRequest, Outcome[]>
  logs: number[]
}

/** A list that cannot be applied; the batch is repeated without it. */
class ListRefused {
  readonly request: CommitRequest
  readonly error: StoreError
  constructor(request: CommitRequest, error: StoreError) {
    this.request = request
    this.error = error
  }
}

/** Commits lists of changes in groups: one transaction, one sync, one checkpoint for each own log that grew. */
export class Writer {
  readonly #connection: Connection
  readonly #batch: Batch
  readonly #sign: Sign
  readonly #walPages: number
  #failed: StoreError | undefined
  #purged = false

  constructor(connection: Connection, self: string | undefined, sign: Sign, walPages = WAL_PAGES) {
    this.#connection = connection
    this.#batch = new Batch(connection, self)
    this.#sign = sign
    this.#walPages = walPages
  }

  /** Commits the lists together; one that is refused leaves the others as they are. */
  async commit(
    requests: readonly CommitRequest[],
  ): Promise<{ results: CommitResult[]; logs: number[]; last: number; resurfaced: number }> {
    const results: CommitResult[] = []
    const logs = new Set<number>()
    let waiting = [...requests]
    for (let repeats = 0; waiting.length > 0; repeats++) {
      const group = repeats < MAX_REPEATS ? waiting : waiting.slice(0, 1)
      try {
        const committed = await this.#transaction(group)
        for (const log of committed.logs) logs.add(log)
        for (const [{ id }, outcomes] of committed.outcomes) results.push({ id, outcomes })
        waiting = waiting.filter((request) => !group.includes(request))
      } catch (cause) {
        const alone = group.length === 1 ? group[0] : undefined
        const refused = cause instanceof ListRefused ? cause.request : alone
        if (refused) {
          const error = cause instanceof ListRefused ? cause.error : toStoreError(cause, 'commit')
          results.push({ id: refused.id, error: packError(error) })
          waiting = waiting.filter((request) => request !== refused)
        } else {
          repeats = MAX_REPEATS
        }
      }
    }
    if (this.#purged) {
      this.#purged = !(await this.#truncateWal())
      removeSnapshots(this.#connection.path)
    }
    return { results, logs: [...logs], last: this.#batch.last, resurfaced: this.#batch.resurfaced }
  }

  /** Copies the write-ahead log into the database when it has grown long; called when the callers have been answered. */
  tidy(): void {
    if (this.#failed) return
    const { log, checkpointed } = this.#checkpointWal('noop') ?? { log: 0, checkpointed: 0 }
    if (log - checkpointed >= this.#walPages) this.#checkpointWal('passive')
  }

  close(): void {
    if (!this.#failed) this.#checkpointWal('truncate')
    this.#connection[Symbol.dispose]()
  }

  async #transaction(requests: readonly CommitRequest[]): Promise<Committed> {
    if (this.#failed) throw this.#failed
    const { db } = this.#connection
    try {
      db.exec('begin immediate')
      this.#batch.begin(arrivalOf(requests))
      const outcomes = new Map(requests.map((request) => [request, this.#apply(request)]))
      const unsigned = this.#batch.unsigned()
      const logs = this.#batch.finish(unsigned.length > 0 ? await this.#sign(unsigned) : undefined)
      db.exec('commit')
      this.#purged ||= this.#batch.purged
      return { outcomes, logs }
    } catch (error) {
      this.#batch.forget()
      try {
        if (db.isTransaction) db.exec('rollback')
      } catch (cause) {
        this.#fail(cause)
      }
      if (isSyncFailure(error)) this.#fail(error)
      throw error
    }
  }

  #apply(request: CommitRequest): Outcome[] {
    try {
      return request.changes.map((change) => this.#batch.apply(change))
    } catch (error) {
      throw new ListRefused(request, toStoreError(error, 'commit'))
    }
  }

  /** After a failed sync nobody knows what is on disk: only a restart, which reads it, may go on. */
  #fail(cause: unknown): void {
    this.#failed = new StoreError(
      'STORE_FAILED',
      'The disk failed to sync; what it holds is unknown. Check the disk, then start the node again',
      { cause },
    )
  }

  #checkpointWal(mode: 'noop' | 'passive' | 'truncate'): WalState | undefined {
    try {
      const row = this.#connection.db.prepare(`pragma wal_checkpoint(${mode})`).get()
      return row as unknown as WalState
    } catch (error) {
      if (isSyncFailure(error)) this.#fail(error)
      return undefined
    }
  }

  async #truncateWal(): Promise<boolean> {
    for (let i = 0; i < TRUNCATE_TRIES; i++) {
      if (this.#checkpointWal('truncate')?.busy === 0) return true
      await new Promise((resolve) => setTimeout(resolve, TRUNCATE_PAUSE_MS))
    }
    return false
  }
}

const FSYNC_FAILED = new Set([1034, 1290])
const isSyncFailure = (error: unknown) => FSYNC_FAILED.has((error as { errcode?: number }).errcode ?? 0)

function arrivalOf(requests: readonly CommitRequest[]): number {
  let latest = 0
  for (const { now, changes } of requests) {
    latest = Math.max(latest, now)
    for (const change of changes) if (change.op === 'mirror') latest = Math.max(latest, change.arrived)
  }
  return latest
}

/** An error in a form that crosses threads. */
export function packError({ code, message, details }: StoreError): PackedError {
  return { code, message, details: JSON.parse(JSON.stringify(details)) as Record<string, unknown> }
}
