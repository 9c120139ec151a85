/** Rows of the store's tables, the same in every engine. @see README.md, Tables */
export interface Tables {
  meta: { name: string; value: string }
  logs: LogRow
  checkpoints: CheckpointRow
  tiles: { log: number; level: number; tile: number; hashes: Uint8Array }
  entries: EntryRow
  /** One row for each committed batch with entries: its arrival time and its sequence numbers [first, last]. */
  arrivals: { arrived: number; first: number; last: number }
  counts: CountRow
  records: { collection: string; key: string; value: string; digest: Uint8Array }
  resurfaced: ResurfacedRow
  journal: { stream: string; sequence: number; time: number; value: string; digest: Uint8Array }
}

export interface LogRow {
  /** Number of the log inside this store; its entries' keys begin with it. */
  id: number
  log: string
  author: string
  own: number
  audience: string
  audience_id: string
  incarnation: string
  size: number
  root: string
  frontier: Uint8Array
  /** Time of the last entry whose content was held. */
  entry_time: number
  /** Time, text and charters of the newest checkpoint. */
  time: number
  checkpoint: string
  closed: number
  drill: string | null
  arrived: number
  /** Sum of the entries' bytes that are held; a purge takes off. */
  bytes: number
}

export interface CheckpointRow {
  log: number
  size: number
  note: string
  /** Public key that signed it, 32 bytes. */
  key: Uint8Array
  arrived: number
}

export interface EntryRow {
  /** Number of the log × 2^32 + index. */
  key: number
  log: number
  /** Order over all logs in which it was added; `first_seq`, or else this, ascends with the index inside a log. */
  seq: number
  /** Null where only the leaf hash was ever held. */
  kind: number | null
  time: number | null
  arrived: number
  withheld: number | null
  purged: number | null
  reason: string | null
  type: string | null
  id: string | null
  modified: string | null
  creator: string | null
  pattern_type: string | null
  revoked: number | null
  status: string | null
  code: string | null
  /** The encoded entry; null for a stub and after a purge. */
  bytes: Uint8Array | null
  /** 1 when another row has the same id, else 0; null in rows of stores that did not keep it. */
  others: number | null
  /** Number under which it arrived, where `seq` is a later one: it was accepted only then. */
  first_seq: number | null
}

/** A version that became the newest (or oldest) again because another one of its object went away. */
export interface ResurfacedRow {
  seq: number
  /** Number of the log in which the other one stood. */
  log: number
  /** Key of the entry that stands there now. */
  key: number
  side: string
}

export interface CountRow {
  log: number
  type: string
  status: string
  count: number
}

/** Entries of one log: the key of index 0, and what one index adds. */
export const LOG_KEY_SPAN = 2 ** 32

/** Key of an entry's row. */
export const entryKey = (log: number, index: number): number => log * LOG_KEY_SPAN + index

/** Index in its log of the entry with this key. */
export const indexOfKey = (key: number): number => key % LOG_KEY_SPAN

const SEQUENCE_DIGITS = 16

/** A sequence number as a record's key writes it, so that keys sort as numbers do. */
export const sequenceKey = (sequence: number): string => String(sequence).padStart(SEQUENCE_DIGITS, '0')

/** Columns of a log in the order in which they are written. */
export const LOG_COLUMNS = [
  'id', 'log', 'author', 'own', 'audience', 'audience_id', 'incarnation', 'size', 'root', 'frontier', 'entry_time',
  'time', 'checkpoint', 'closed', 'drill', 'arrived', 'bytes',
] as const satisfies (keyof LogRow)[] // prettier-ignore

/** Columns of a new entry in the order in which they are written. */
export const ENTRY_COLUMNS = [
  'key', 'log', 'seq', 'kind', 'time', 'arrived', 'type', 'id', 'modified', 'creator', 'pattern_type', 'revoked',
  'status', 'code', 'bytes', 'others',
] as const satisfies (keyof EntryRow)[] // prettier-ignore
