// What the main thread and the writer thread say to each other.
import type { Hash, Millis } from '#base'
import type { StoreErrorCode } from '../errors.ts'
import type { Change, Outcome } from '../store.ts'

/** A change as it crosses to the writer: JSON values as text, all bytes views of one transferred buffer. */
export type PackedChange =
  | Exclude<Change, { op: 'put' | 'journal' | 'amend' | 'number' }>
  | { op: 'put'; collection: string; key: string; text: string; ifAbsent: boolean }
  | { op: 'journal'; stream: string; time: Millis; text: string }
  | { op: 'amend'; stream: string; sequence: number; time: Millis; text: string }
  | { op: 'number'; records: { collection: string; prefix: string; text: string }[] }

/** One caller's list. */
export interface CommitRequest {
  id: number
  now: Millis
  changes: PackedChange[]
  /** What the changes' bytes are views of; the writer gives it back once it has answered. */
  buffer: ArrayBuffer
}

/** Notes over checkpoints, in order, and the key that signed them: it may change while the store is open. */
export interface Signed {
  notes: string[]
  publicKey: Uint8Array
}

/** A checkpoint to be signed by the main thread, which alone holds the key. */
export interface UnsignedCheckpoint {
  log: Hash
  size: number
  root: Hash
  time: Millis
  charters: readonly (readonly [alliance: string, hash: Hash])[]
}

export interface PackedError {
  code: StoreErrorCode
  message: string
  details: Record<string, unknown>
}

export type ToWriter =
  | ({ kind: 'commit' } & CommitRequest)
  | ({ kind: 'signed' } & Signed)
  | { kind: 'unsigned'; error: PackedError }
  | { kind: 'close' }

export type FromWriter =
  | { kind: 'ready' }
  | { kind: 'refused'; error: PackedError }
  | { kind: 'sign'; checkpoints: UnsignedCheckpoint[] }
  | { kind: 'done'; results: CommitResult[]; logs: number[]; last: number; resurfaced: number }
  | { kind: 'closed' }

export type CommitResult = { id: number; outcomes: Outcome[] } | { id: number; error: PackedError }

export interface WriterData {
  path: string
  /** Whom own logs belong to; absent = no appends. */
  member?: string
  limits?: WriterLimits
}

/** Bounds that tests lower. */
export interface WriterLimits {
  /** Size of the database file at which it counts as a full disk. */
  maxPages?: number
  /** Pages of the write-ahead log at which it is copied into the database. */
  walPages?: number
}
