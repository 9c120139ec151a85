import { fromHex, type Hash, type LogId, type MemberId, type Millis, toHex } from '#base'
import {
  type Audience,
  type Checkpoint,
  decodeEntry,
  ENTRY_KIND,
  type EntryKind,
  type Frame,
  type Frontier,
  leafHash,
  LogError,
  logIdOf,
  openCheckpoint,
  parseGenesis,
  peekCheckpoint,
  peekEntry,
  verifyConsistency,
} from '#log'
import { CLOCK_AHEAD_MS } from './limits.ts'

/**
 * Everything an author's log must show before an entry counts, as pure checks in this order: the checkpoint's signature
 * by a node key of that time, size and time that don't go back, then the entries: hashed onto the mirror's frontier they
 * must give the signed root.
 * @see WIRE, Checkpoint and Entry
 */
export type Fault =
  | { kind: 'bad-answer'; message: string }
  | { kind: 'bad-signature'; message: string }
  | { kind: 'clock'; message: string }
  | { kind: 'rollback'; message: string }
  | { kind: 'fork'; message: string }

/** An entry that hashes into the signed root. */
export type VerifiedEntry =
  | { index: number; leaf: Uint8Array; bytes: Uint8Array; kind: EntryKind; time: Millis; payload: Uint8Array }
  /** Content withheld by the sender, or bytes that are no entry or too many: only the leaf hash counts. */
  | { index: number; leaf: Uint8Array; bytes?: undefined; why: 'withheld' | 'malformed' }

/** A checkpoint with the note that carries it and the key that signed it. */
export interface SignedCheckpoint extends Checkpoint {
  note: string
  key: Uint8Array
}

/** What a mirror holds of a log. */
export interface MirrorState {
  log: LogId
  author: MemberId
  frontier: Frontier
  /** Time of the newest checkpoint, and of the last entry. */
  checkpointTime: Millis
  entryTime: Millis
  /** Known from the genesis entry. */
  audience?: Audience
  /** The carrier that serves it; absent: its author does. */
  via?: MemberId
}

/** A fault, or what was asked for. */
export type Checked<T> = { ok: true; value: T } | { ok: false; fault: Fault }

/** The checkpoint of a note, under any node key that its author had at the checkpoint's time. */
export function checkCheckpoint(
  note: string,
  expected: { log: LogId; author: MemberId; now: Millis; nodeKeys: (at: Millis) => readonly Uint8Array[] },
): Checked<SignedCheckpoint> {
  let claimed: Checkpoint
  try {
    claimed = peekCheckpoint(note)
  } catch (cause) {
    return fault('bad-answer', `its answer is no checkpoint: ${messageOf(cause)}`)
  }
  if (claimed.log !== expected.log) return fault('bad-answer', `its checkpoint is of log ${claimed.log}`)
  if (claimed.time > expected.now + CLOCK_AHEAD_MS)
    return fault('clock', `its checkpoint is ${claimed.time - expected.now} ms ahead of this node's clock`)
  for (const key of expected.nodeKeys(claimed.time)) {
    try {
      return ok({ ...openCheckpoint(note, { name: expected.author, publicKey: key }), note, key })
    } catch (cause) {
      if (!(cause instanceof LogError)) throw cause
    }
  }
  return fault(
    'bad-signature',
    `its checkpoint of ${claimed.size} entries is not signed by a node key of ${expected.author}`,
  )
}

/** Whether a checkpoint may follow what the mirror holds; an equal size must repeat the root. */
export function checkFollows(mirror: MirrorState, next: Checkpoint): Fault | undefined {
  const { size } = mirror.frontier
  if (next.size < size) return { kind: 'rollback', message: `its checkpoint has ${next.size} entries after ${size}` }
  if (next.size === size && size > 0 && next.root !== toHex(mirror.frontier.root()))
    return { kind: 'fork', message: `its checkpoint has another root for ${size} entries than it signed before` }
  if (next.time < mirror.checkpointTime)
    return { kind: 'rollback', message: `its checkpoint is of an earlier time than the one before` }
  return undefined
}

/**
 * The frames as entries of the log, and the frontier after them: only if they lead to the checkpoint's root.
 * Entries that hash into the root but are malformed inside are kept as their leaf hash would be: inert.
 */
export function checkEntries(
  mirror: MirrorState,
  frames: readonly Frame[],
  checkpoint: Checkpoint,
): Checked<{ entries: VerifiedEntry[]; frontier: Frontier; audience: Audience }> {
  const frontier = mirror.frontier.clone()
  const from = frontier.size
  if (from + frames.length !== checkpoint.size)
    return fault('bad-answer', `it sent ${frames.length} entries where ${checkpoint.size - from} were asked for`)
  const leaves = frames.map((frame) => ('bytes' in frame ? leafHash(frame.bytes) : frame.leaf))
  for (const leaf of leaves) frontier.append(leaf)
  if (toHex(frontier.root()) !== checkpoint.root)
    return fault('fork', `the entries ${from} to ${checkpoint.size} don't give the root of its checkpoint`)
  const audience = mirror.audience ?? audienceOf(mirror, frames[0])
  if (!audience) return fault('bad-answer', 'the log does not begin with the genesis entry that its id names')
  const entries: VerifiedEntry[] = []
  let last = mirror.entryTime
  for (const [offset, frame] of frames.entries()) {
    const index = from + offset
    const leaf = leaves[offset]!
    const read = 'bytes' in frame ? readable(frame.bytes, index, last, checkpoint.time) : undefined
    if (read && 'bytes' in frame) {
      last = read.time
      entries.push({ index, leaf, bytes: frame.bytes, ...read })
    } else entries.push({ index, leaf, why: 'bytes' in frame || frame.isOversized ? 'malformed' : 'withheld' })
  }
  return ok({ entries, frontier, audience })
}

/** Whether an author can prove that the tree it signed first is the beginning of the one it signed second. */
export function provesGrowth(
  first: { size: number; root: Hash },
  second: Checkpoint,
  proof: readonly string[],
): boolean {
  try {
    const path = proof.map((hash) => fromHex(hash, 32))
    return verifyConsistency(first.size, second.size, fromHex(first.root), fromHex(second.root), path)
  } catch {
    return false
  }
}

function readable(bytes: Uint8Array, index: number, last: Millis, until: Millis) {
  try {
    // An object's payload is parsed when it is judged; of all other kinds the payload is checked here.
    const peeked = peekEntry(bytes)
    const entry = peeked.kind === ENTRY_KIND.object ? peeked : { ...decodeEntry(bytes) }
    const isGenesis = entry.kind === ENTRY_KIND.genesis
    // Time that goes back, or lies beyond the checkpoint, is against the format: the entry stays inert.
    const isInOrder = entry.time >= last && entry.time <= until && isGenesis === (index === 0)
    return isInOrder ? { kind: entry.kind, time: entry.time, payload: entry.payload } : undefined
  } catch {
    return undefined
  }
}

function audienceOf(mirror: MirrorState, first: Frame | undefined): Audience | undefined {
  if (mirror.frontier.size > 0 || !first || !('bytes' in first)) return undefined
  try {
    const entry = peekEntry(first.bytes)
    if (entry.kind !== ENTRY_KIND.genesis || logIdOf(first.bytes) !== mirror.log) return undefined
    const genesis = parseGenesis(first.bytes)
    return genesis.author === mirror.author ? genesis.audience : undefined
  } catch {
    return undefined
  }
}

const ok = <T>(value: T): Checked<T> => ({ ok: true, value })
const fault = (kind: Fault['kind'], message: string) => ({ ok: false as const, fault: { kind, message } })
const messageOf = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause))
