/**
 * Snapshots: an author's signed list of the logs that one reader may mirror, whole or as the change since an earlier
 * one. `all` is the hash of the whole list either way, so a delta that was applied to the wrong list shows.
 * @see docs/wire.md, Snapshot
 */
import { type Hash, type JsonObject, type LogId, type MemberId, type Millis, utf8 } from '#base'
import { LogError } from './error.ts'
import { domainHash } from './frames.ts'
import type { Signer } from './keys.ts'
import { type Envelope, signStatement, verifyStatement } from './statement.ts'
import { SNAPSHOT_FRESH_MS } from './statement-fields.ts'

/** How far ahead of the reader's clock a snapshot's time may be, in ms. */
export const SNAPSHOT_AHEAD_MS = 60_000

/** Size and root of one log. */
export interface LogRow {
  log: LogId
  size: number
  root: Hash
}

/**
 * What a peer may mirror of an author. `via` names the member that carries it to the reader and may hold each of these logs
 * itself; `more: true` says that the list is not complete: the change since this one goes on with it.
 */
export interface Snapshot extends JsonObject {
  type: 'snapshot'
  author: MemberId
  reader: MemberId
  sequence: number
  time: Millis
  expires: Millis
  charters: Record<string, Hash>
  logs: (JsonObject & LogRow)[]
  all: Hash
}

/** A snapshot that holds only what changed since another. */
export interface SnapshotDelta extends Snapshot {
  since: number
  removed: LogId[]
}

/** What `signSnapshot` needs. */
export interface SnapshotInput {
  author: MemberId
  reader: MemberId
  /** Sequence of the last snapshot for this reader, 0 before the first. */
  previousSequence: number
  time: Millis
  charters: Readonly<Record<string, Hash>>
  /** The complete list, in any order. */
  logs: readonly LogRow[]
  /** The snapshot that the reader has; the answer is then a delta to it. */
  since?: { sequence: number; logs: readonly LogRow[] }
  via?: MemberId
  more?: boolean
}

/** Signs a snapshot, or a delta, with the node key. @throws LogError STATEMENT_INVALID */
export function signSnapshot(input: SnapshotInput, signer: Signer): Envelope<Snapshot> {
  const { author, reader, previousSequence, time, charters, since, via, more } = input
  const complete = sorted(input.logs)
  const base = {
    author,
    reader,
    sequence: Math.max(previousSequence + 1, time),
    time,
    expires: time + SNAPSHOT_FRESH_MS,
    charters: { ...charters },
    all: allHash(complete),
    ...(via === undefined ? {} : { via }),
    ...(more ? { more: true as const } : {}),
  }
  const fields = since
    ? { ...base, logs: changed(since.logs, complete), since: since.sequence, removed: removed(since.logs, complete) }
    : { ...base, logs: complete }
  return signStatement('snapshot', fields, [signer]) as unknown as Envelope<Snapshot>
}

/** What the reader knows when a snapshot arrives. */
export interface SnapshotContext {
  author: MemberId
  reader: MemberId
  /** Keys of the author's nodes. */
  publicKeys: readonly Uint8Array[]
  now: Millis
  /** The last accepted one: its sequence, and its complete list. */
  last?: { sequence: number; logs?: readonly LogRow[] }
  /** The member that carried it here; absent: it came from its author. */
  via?: MemberId | undefined
  /** Also one that has expired is opened: it tells what there was at its time, and counts for nothing else. */
  isOldTaken?: boolean
}

/** An accepted snapshot with the complete list after it. */
export interface OpenedSnapshot {
  snapshot: Snapshot
  /** The complete list, ascending by log. */
  logs: LogRow[]
  /** Rows that differ from the reader's list before. */
  changed: LogRow[]
  removed: LogId[]
}

/**
 * Checks a snapshot in this order: signature, author, reader and carrier, clock, sequence, base of the delta, hash of the list.
 * @throws LogError SIGNATURE_INVALID, STATEMENT_INVALID, KEY_INVALID, SNAPSHOT_FOREIGN, SNAPSHOT_EXPIRED, SNAPSHOT_AHEAD,
 * SNAPSHOT_REPLAYED, SNAPSHOT_BASE (ask for the full one)
 */
export function openSnapshot(envelope: unknown, context: SnapshotContext): OpenedSnapshot {
  const snapshot = verifyStatement<Snapshot | SnapshotDelta>(envelope, 'snapshot', context.publicKeys)
  if (snapshot.author !== context.author) throw refused('SNAPSHOT_FOREIGN', `is of the author ${snapshot.author}`)
  if (snapshot.reader !== context.reader) throw refused('SNAPSHOT_FOREIGN', `is for the reader ${snapshot.reader}`)
  // What was signed for a carrier leaves out what the carrier may not see: it never stands for the author's own word.
  if (snapshot['via'] !== context.via)
    throw refused(
      'SNAPSHOT_FOREIGN',
      snapshot['via'] === undefined ? 'names no carrier' : `is carried by ${String(snapshot['via'])}`,
    )
  if (snapshot.time > context.now + SNAPSHOT_AHEAD_MS)
    throw refused('SNAPSHOT_AHEAD', `is ${snapshot.time - context.now} ms ahead of this node's clock`)
  if (context.now >= snapshot.expires && !context.isOldTaken)
    throw refused('SNAPSHOT_EXPIRED', `expired ${context.now - snapshot.expires} ms ago; ask for a new one`)
  if (context.last && snapshot.sequence <= context.last.sequence)
    throw refused('SNAPSHOT_REPLAYED', `has sequence ${snapshot.sequence} after ${context.last.sequence}`)
  const before = context.last?.logs ?? []
  const logs = isDelta(snapshot) ? applied(snapshot, context) : snapshot.logs.map(toRow)
  if (allHash(logs) !== snapshot.all)
    throw refused('SNAPSHOT_BASE', 'does not give the list whose hash it names; ask for the full one')
  return { snapshot, logs, changed: changed(before, logs), removed: removed(before, logs) }
}

/** Hash of a complete list of logs, as canonical JSON: made at each publication for each reader, so it is written out here. */
export function allHash(logs: readonly LogRow[]): Hash {
  const rows = sorted(logs).map(
    ({ log, size, root }) =>
      `{"log":${JSON.stringify(log)},"root":${JSON.stringify(root)},"size":${JSON.stringify(size)}}`,
  )
  return domainHash('logs', utf8(`[${rows.join()}]`))
}

function applied(delta: SnapshotDelta, context: SnapshotContext): LogRow[] {
  if (context.last?.logs === undefined || delta.since !== context.last.sequence)
    throw refused(
      'SNAPSHOT_BASE',
      `is a change since ${delta.since}, which this node does not have; ask for the full one`,
    )
  const rows = new Map(context.last.logs.map((row) => [row.log, row]))
  for (const log of delta.removed) rows.delete(log)
  for (const row of delta.logs) rows.set(row.log, toRow(row))
  return sorted([...rows.values()])
}

function changed(before: readonly LogRow[], after: readonly LogRow[]): LogRow[] {
  const known = new Map(before.map((row) => [row.log, row]))
  return after.filter((row) => {
    const old = known.get(row.log)
    return old === undefined || old.size !== row.size || old.root !== row.root
  })
}

function removed(before: readonly LogRow[], after: readonly LogRow[]): LogId[] {
  const kept = new Set(after.map((row) => row.log))
  return sorted(before.filter((row) => !kept.has(row.log))).map((row) => row.log)
}

/**
 * The list that a reader of `before` is told next on its way to `after`, so that no one snapshot has more than `most`
 * changes; `more` where it is not yet `after`. Both lists ascend by log.
 */
export function nextList(
  before: readonly LogRow[],
  after: readonly LogRow[],
  most: number,
): { logs: readonly LogRow[]; more: boolean } {
  const differing = [...changed(before, after).map((row) => row.log), ...removed(before, after)].sort()
  const cut = differing[most - 1]
  if (cut === undefined || differing.length === most) return { logs: after, more: false }
  return { logs: [...after.filter(({ log }) => log <= cut), ...before.filter(({ log }) => log > cut)], more: true }
}

function sorted(rows: readonly LogRow[]): LogRow[] {
  const copy = rows.map(toRow)
  // They mostly are: looking costs a tenth of sorting.
  const isAscending = copy.every(({ log }, at) => at === 0 || copy[at - 1]!.log < log)
  return isAscending ? copy : copy.sort((a, b) => (a.log < b.log ? -1 : 1))
}

const isDelta = (snapshot: Snapshot): snapshot is SnapshotDelta => snapshot['since'] !== undefined
const toRow = ({ log, size, root }: LogRow): LogRow => ({ log, size, root })
const refused = (code: LogError['code'], what: string) => new LogError(code, `The snapshot ${what}`)
