import type { Hash, Json, LogId, MemberId, Millis } from '#base'
import type { Audience, Frame, Signer } from '#log'

/**
 * Durable state of one node: logs (own and mirrored), records (small keyed state) and journals (append-only).
 *
 * All writes go through `commit`: one list of changes is atomic, several callers' lists share one transaction and one
 * sync (group commit), and the promise resolves only after the sync. Reads see the last commit and never wait for the
 * writer. Every engine (SQLite, later PostgreSQL) implements this and passes `store.contract.ts`.
 */
export interface Store extends AsyncDisposable {
  /** Applies the changes atomically; resolves, after they are on disk, with one outcome for each. */
  commit(changes: readonly Change[]): Promise<Outcome[]>

  /** All log heads, or those of one author, or only own ones; ascending by log id. */
  logs(filter?: { author?: MemberId; own?: boolean }): Promise<LogHead[]>
  log(id: LogId): Promise<LogHead | undefined>
  /** Checkpoints kept for a log, of sizes above `after`, ascending by size; `key` is the public key that signed. */
  checkpoints(
    log: LogId,
    options?: { after?: number; limit?: number },
  ): Promise<{ size: number; note: string; key: Uint8Array; arrived: Millis }[]>
  /** Entries [from, to) of a log, ascending, at most `maxBytes` of bytes but at least one. */
  entries(log: LogId, from: number, to: number, maxBytes?: number): Promise<StoredEntry[]>
  /** Entries [from, to) of a log as frames, ascending, at most `maxBytes` of bytes but at least one. */
  frames(log: LogId, from: number, to: number, maxBytes?: number): Promise<Frame[]>
  /** Objects of entries [from, to) that are not accepted: quarantined, rejected or recalled. */
  unaccepted(log: LogId, from: number, to: number): Promise<{ index: number; status: ObjectStatus; code?: string }[]>
  consistencyProof(log: LogId, first: number, second: number): Promise<Hash[]>
  inclusionProof(log: LogId, index: number, size: number): Promise<Hash[]>
  /** Root of the log's tree of `size` entries; `size` up to the head's. */
  root(log: LogId, size: number): Promise<Hash>

  /** Object versions that stand in the given logs; the caller has asked `policy` which logs those are. */
  objects(query: ObjectQuery): Promise<Page<ObjectRow>>
  /** Rows by (log, index), for counts and joins; same visibility rule as `objects`. */
  countObjects(query: Omit<ObjectQuery, 'cursor' | 'limit'>): Promise<{ type: string; count: number }[]>

  record<T extends Json = Json>(collection: string, key: string): Promise<T | undefined>
  /** All records of a collection, ascending by key, from after `after`; read page by page, so not as of one moment. */
  records<T extends Json = Json>(
    collection: string,
    options?: { prefix?: string; after?: string },
  ): AsyncGenerator<StoredRecord<T>, void, undefined>
  /** The first `limit` of them, at most `MAX_RECORD_PAGE`. @throws StoreError STORE_BAD_RANGE */
  recordPage<T extends Json = Json>(
    collection: string,
    options: { prefix?: string; after?: string; limit: number },
  ): Promise<StoredRecord<T>[]>
  /** Rows of a journal after sequence number `after`, ascending. */
  journal<T extends Json = Json>(
    stream: string,
    options?: { after?: number; limit?: number; newestFirst?: boolean },
  ): Promise<{ sequence: number; time: Millis; value: T }[]>

  /** Totals for status and metrics: cheap, never a scan. */
  totals(): Promise<{ logs: number; ownLogs: number; entries: number; objects: number; bytes: number }>
  /** Reads everything back and checks it; reports progress from 0 to 1. */
  fsck(progress?: (done: number) => void): Promise<FsckReport>
}

/** A record with the key under which it stands in its collection. */
export interface StoredRecord<T extends Json = Json> {
  key: string
  value: T
}

/** A store that also answers lean pages, for ways out that join bytes. */
export interface BodyStore extends Store {
  /** Like `objects`, with less of each row, and as a reader sees it that was admitted late to some logs. */
  bodies(query: ObjectQuery & ReaderBounds): Promise<{ rows: ObjectBody[]; more: boolean }>
  /** The same for whoever needs the objects' bytes alone. */
  texts(query: ObjectQuery & ReaderBounds): Promise<{ rows: ObjectText[]; more: boolean }>
  /** What became the newest or the oldest version again, ascending; `more` tells whether others follow. */
  resurfaced(query: ResurfacedQuery): Promise<{ rows: Resurfaced[]; more: boolean }>
  /** The highest sequence number of what can be read: whatever is added later has a higher one. */
  lastAdded(): Promise<Micros>
}

/**
 * A reader's late admission to a log: entries with sequence numbers up to `upTo` are shown to it at `base` + their
 * index, which the store has set aside (`reserve`); later ones at their own.
 */
export interface LateAdmission {
  upTo: Micros
  base: Micros
  /** Numbers set aside. */
  size: number
}

/** How one reader sees the logs of a query. */
export interface ReaderBounds {
  /** Only rows that were added up to then. */
  addedUpTo?: Micros
  late?: ReadonlyMap<LogId, LateAdmission>
}

/** Which end of an object's versions a row has come to stand at. */
export type Side = 'last' | 'first'

export interface ResurfacedQuery extends ReaderBounds {
  /** Both the row's log and that of the entry that went away must be among these. */
  logs: readonly LogId[]
  sides: readonly Side[]
  types?: readonly string[]
  ids?: readonly string[]
  addedAfter: Micros
  limit: number
}

/** A row that became its object's newest or oldest version again, because another one went away. */
export interface Resurfaced {
  at: Micros
  side: Side
  id: string
  log: LogId
  index: number
}

/** One change; a `commit` applies its list atomically. */
export type Change =
  | AppendChange
  | MirrorChange
  | RenewChange
  /** Stops serving an entry's content on every way out; the bytes stay for the evidence hold. */
  | { op: 'withhold'; log: LogId; index: number; reason: string; time: Millis }
  /** Erases an entry's bytes and salt for good; the leaf hash stays. */
  | { op: 'purge'; log: LogId; index: number; time: Millis }
  /**
   * Sets the status of an object row (after re-judging, releasing from quarantine, …). A row that is accepted now and
   * was not before gets a new sequence number: to whoever reads on by them it is new.
   */
  | { op: 'status'; log: LogId; index: number; status: ObjectStatus; code?: string }
  | { op: 'put'; collection: string; key: string; value: Json; ifAbsent?: boolean }
  | { op: 'delete'; collection: string; key: string }
  | { op: 'journal'; stream: string; time: Millis; value: Json }
  /** Takes something out of a journal row for good, as a purge does; sequence and time stay. */
  | { op: 'amend'; stream: string; sequence: number; time: Millis; value: Json }
  /** Puts records under the next sequence number: each key is its prefix and `sequenceKey` of the number. */
  | { op: 'number'; records: readonly { collection: string; prefix: string; value: Json }[] }
  /** Sets sequence numbers aside, which nothing else gets: all that is there has lower ones, all that follows higher. */
  | { op: 'reserve'; count: number }

/** Appends to the node's own open log for an audience, opening that log first where there is none. */
export interface AppendChange {
  op: 'append'
  author: MemberId
  audience: Audience
  /** Used when the log must be opened: becomes the genesis entry. */
  genesis: {
    salt: Uint8Array
    time: Millis
    incarnation: Uint8Array
    previous?: { log: LogId; size: number; root: Hash }
  }
  /** Charter lines of the checkpoint, ascending by alliance. */
  charters: readonly (readonly [alliance: string, hash: Hash])[]
  entries: readonly NewEntry[]
  /** The size that the log must have, 0 where none is open: something was signed over places in it. */
  at?: number
}

export interface NewEntry {
  kind: number
  salt: Uint8Array
  /** The writer raises it to the log's last entry time if it is lower. */
  time: Millis
  payload: Uint8Array
  object?: ObjectColumns
}

/**
 * Ends an own log here, without an entry in it, and opens the next incarnation of its audience's log where none is open.
 * @see docs/wire.md, Heads
 */
export interface RenewChange {
  op: 'renew'
  log: LogId
  genesis: { salt: Uint8Array; time: Millis; incarnation: Uint8Array }
  charters: AppendChange['charters']
}

/** Extends a mirror by verified entries up to a verified checkpoint; the federation has judged each object. */
export interface MirrorChange {
  op: 'mirror'
  log: LogId
  author: MemberId
  /** Entries of an own log that only a peer still has: they are taken back from there. */
  recovers?: true
  /** Size of the mirror before this change; another size on disk refuses the change. */
  from: number
  /** Entry bytes, or the leaf hash where content is a stub. */
  entries: readonly MirroredEntry[]
  checkpoint: { note: string; size: number; root: Hash; time: Millis; key: Uint8Array }
  audience: Audience
  arrived: Millis
}

export type MirroredEntry =
  | { bytes: Uint8Array; kind: number; time: Millis; object?: ObjectColumns }
  | { leaf: Uint8Array }

/** What `objects` can filter on; all but `status` and `code` are read from the object itself. */
export interface ObjectColumns {
  id: string
  type: string
  /** `timestampKey` of `modified`, or '' for unversioned objects. */
  modified: string
  creator?: string
  /** STIX `pattern_type` of indicators. */
  patternType?: string
  revoked?: boolean
  status: ObjectStatus
  /** Reason code of a quarantine or rejection. */
  code?: string
}

/** accepted: in use; quarantined and rejected: kept inert; recalled: withheld or purged. */
export type ObjectStatus = 'accepted' | 'quarantined' | 'rejected' | 'recalled'

export type Outcome =
  | {
      op: 'append'
      log: LogId
      opened: boolean
      firstIndex: number
      size: number
      root: Hash
      time: Millis
      leaves: Hash[]
    }
  | { op: 'mirror'; log: LogId; size: number }
  /** The log that takes the audience's entries from now on. */
  | { op: 'renew'; log: LogId }
  | { op: 'put'; stored: boolean }
  | { op: 'journal'; sequence: number }
  | { op: 'number'; added: Micros }
  | { op: 'reserve'; first: Micros }
  | { op: 'withhold' | 'purge' | 'status' | 'delete' | 'amend' }

export interface LogHead {
  log: LogId
  author: MemberId
  own: boolean
  audience: Audience
  audienceId: Hash
  incarnation: string
  size: number
  root: Hash
  /** Time of the newest checkpoint. */
  time: Millis
  checkpoint: string
  /** Takes no more entries here. */
  closed: boolean
  /** Closed without an end of its own: another incarnation goes on from it. */
  superseded?: true
  drill?: string
  /** When this node first held the log. */
  arrived: Millis
  /** Bytes of its entries that are held: without stubs, and without what was purged. */
  bytes: number
}

export interface StoredEntry {
  index: number
  kind: number
  time: Millis
  leaf: Hash
  /** Absent where the entry is a stub, withheld or purged: then only the leaf hash may be served. */
  bytes?: Uint8Array
  arrived: Millis
  object?: ObjectColumns
}

export interface ObjectQuery {
  logs: readonly LogId[]
  /** With `ids`: also all logs of this author, which may be many. */
  author?: MemberId
  statuses?: readonly ObjectStatus[]
  types?: readonly string[]
  ids?: readonly string[]
  patternTypes?: readonly string[]
  /** Only rows that arrived at or after. */
  since?: Millis
  /** Only rows that were added after. */
  addedAfter?: Micros
  order?: 'oldest' | 'newest'
  limit: number
  /** Opaque; from the page before. */
  cursor?: string
}

export interface Page<Row> {
  rows: Row[]
  /** Absent on the last page. */
  next?: string
}

/** Microseconds since 1970, an integer. */
export type Micros = number

/** What a way out needs that joins the objects' bytes. */
export interface ObjectBody {
  /** When it was added here, to this reader: unique over all logs, and ascending in the order of commits. */
  added: Micros
  log: LogId
  index: number
  type: string
  id: string
  modified: string
  /** No other entry of this store has the same id, in whatever log and status. */
  isOnly: boolean
  /** When it last became the newest or the oldest version again; only where `ids` were asked for. */
  again?: Partial<Record<Side, Micros>>
  json: Uint8Array
}

/** An object's bytes; its id is there where other rows may have it too, type and version where `ids` were asked for. */
export type ObjectText = Omit<ObjectBody, 'log' | 'index'>

export interface ObjectRow extends ObjectColumns {
  log: LogId
  index: number
  publisher: MemberId
  entryTime: Millis
  arrived: Millis
  /** The object's JSON exactly as published. */
  json: Uint8Array
}

export interface FsckReport {
  ok: boolean
  checked: { logs: number; entries: number; checkpoints: number; objects: number; records: number; bytes: number }
  faults: { log?: LogId; index?: number; kind: string; message: string }[]
}

/** How to open a store. */
export interface StoreOptions {
  /** Folder of the data; the database is a file in it. */
  folder: string
  /** Signs checkpoints of own logs under the member's id; absent = the store is read-only for own logs. */
  signer?: { member: MemberId; key: Signer }
  /** Clock for arrival times. */
  now: () => Millis
}
