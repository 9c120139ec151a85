import {
  canonicalJson,
  fromHex,
  type Hash,
  isHash,
  isJsonObject,
  type Json,
  type JsonObject,
  type LogId,
  parseJson,
  toBase64,
  toHex,
} from '#base'
import {
  type Checkpoint,
  type Envelope,
  isPowerOfTwo,
  LogError,
  peekCheckpoint,
  type Proof,
  rootsOfPath,
  type SignedEntry,
  type SignedHead,
} from '#log'
import type { LogHead, Store } from '#store'

const ALL_STATUSES = ['accepted', 'quarantined', 'rejected'] as const
/** Versions of one object looked through for one that contradicts. */
const VERSIONS_MOST = 1_000

/** What two checkpoints of one log prove by themselves; undefined where they may well follow one another. */
export function contradictionOf(one: string, other: string): Proof | undefined {
  const [a, b] = [peeked(one), peeked(other)]
  if (a === undefined || b === undefined || a.log !== b.log) return undefined
  if (a.size === b.size && a.root !== b.root) return { type: 'fork', heads: [{ note: one }, { note: other }] }
  const [before, after] = a.time < b.time ? [a, b] : [b, a]
  if (before.time < after.time && before.size > after.size) return { type: 'rollback', notes: [one, other] }
  return undefined
}

/** What a note says; undefined where it is none: what was kept of a garbled answer may be anything. */
function peeked(note: string): Checkpoint | undefined {
  try {
    return peekCheckpoint(note)
  } catch (cause) {
    if (cause instanceof LogError) return undefined
    throw cause
  }
}

/**
 * The proof that a head does not belong to the tree that is held: its root is another one than the held tree had at that
 * size. `undefined` where it does belong, or is beyond what is held.
 */
export async function forkFrom(
  store: Store,
  held: { note: string; log: LogId; size: number },
  other: { head: SignedHead; size: number; root: Hash },
): Promise<Proof | undefined> {
  if (other.size > held.size || other.size < 1) return undefined
  const root = await store.root(held.log, other.size)
  if (root === other.root) return undefined
  const heads: [SignedHead, SignedHead] = [{ note: held.note }, other.head]
  if (other.size === held.size) return { type: 'fork', heads }
  return { type: 'fork', heads, path: await growthPath(store, held.log, other.size, held.size, root) }
}

/** Of a checkpoint whose signature holds, and that does not follow what is held: the proof that it is of another tree. */
export async function contradictionWith(
  store: Store,
  { log, size, checkpoint }: LogHead,
  note: string,
  kind: string,
): Promise<Proof | undefined> {
  if (kind !== 'fork' && kind !== 'rollback') return undefined
  const { size: claimed, root } = peekCheckpoint(note)
  return forkFrom(store, { note: checkpoint, log, size }, { head: { note }, size: claimed, root })
}

/** The author's own path to its new tree may show that the new one does not begin with what is held. */
export function shownByPath(
  held: LogHead | undefined,
  next: { note: string; size: number; root: Hash },
  path: readonly string[],
): Proof | undefined {
  if (!held || isPowerOfTwo(held.size) || !path.every((hash) => isHash(hash))) return undefined
  const roots = rootsOfPath(
    held.size,
    next.size,
    path.map((hash) => fromHex(hash)),
  )
  if (!roots || toHex(roots.newer) !== next.root || toHex(roots.older) === held.root) return undefined
  return { type: 'fork', heads: [{ note: held.checkpoint }, { note: next.note }], path: path as Hash[] }
}

/** The path that shows what the first entries of a tree come to. */
export async function growthPath(store: Store, log: LogId, first: number, second: number, root: Hash): Promise<Hash[]> {
  const proof = await store.consistencyProof(log, first, second)
  return isPowerOfTwo(first) ? [root, ...proof] : proof
}

/** An entry with its way to the newest checkpoint held; undefined where its bytes are gone. `arrived`: as they came. */
export async function signedEntry(
  store: Store,
  log: LogId,
  index: number,
  arrived?: Uint8Array,
): Promise<SignedEntry | undefined> {
  const head = await store.log(log)
  const bytes = arrived ?? (await store.entries(log, index, index + 1))[0]?.bytes
  if (!head || !bytes || index >= head.size) return undefined
  const path = await store.inclusionProof(log, index, head.size)
  return { note: head.checkpoint, index, entry: toBase64(bytes), path }
}

/** Entries as their author signed them; nothing where their bytes are not held. `arrived`: those that are not kept. */
export async function publishedProof(
  store: Store,
  log: LogId,
  indexes: readonly number[],
  arrived: ReadonlyMap<number, Uint8Array> = new Map(),
): Promise<{ proof?: Json }> {
  const entries = await Promise.all(indexes.map((index) => signedEntry(store, log, index, arrived.get(index))))
  const found = entries.filter((entry) => entry !== undefined)
  return found.length > 0 ? { proof: { type: 'published', entries: found } as unknown as Json } : {}
}

/** The same of an entry whose content was not given. */
export async function signedLeaf(store: Store, log: LogId, index: number): Promise<SignedEntry | undefined> {
  const head = await store.log(log)
  const [entry] = await store.entries(log, index, index + 1)
  if (!head || !entry || index >= head.size) return undefined
  return { note: head.checkpoint, index, leaf: entry.leaf, path: await store.inclusionProof(log, index, head.size) }
}

/** The entry and another one of the same author that says something else under the same id and `modified`. */
export async function equivocationProof(
  store: Store,
  logs: readonly LogId[],
  id: string,
  place: { log: LogId; index: number },
): Promise<Proof | undefined> {
  const { rows } = await store.objects({ logs, ids: [id], statuses: ALL_STATUSES, limit: VERSIONS_MOST })
  const one = rows.find(({ log, index }) => log === place.log && index === place.index)
  const other = one && rows.find(({ modified, json }) => modified === one.modified && !isSameObject(json, one.json))
  if (!one || !other) return undefined
  const entries = await Promise.all([one, other].map(({ log, index }) => signedEntry(store, log, index)))
  const [first, second] = entries
  return first && second ? { type: 'equivocation', entries: [first, second] } : undefined
}

function isSameObject(one: Uint8Array, other: Uint8Array): boolean {
  return canonicalJson(parseJson(one)) === canonicalJson(parseJson(other))
}

/** Members that voted for both charters of a fork, with their votes. */
export function doubleVotes(ours: JsonObject, theirs: JsonObject): { accused: string; proof: Proof }[] {
  const votesOf = (voted: JsonObject) =>
    new Map((voted['votes'] as unknown as Envelope[]).map((vote) => [String(vote.statement['member']), vote]))
  const [first, second] = [votesOf(ours), votesOf(theirs)]
  const charters: [JsonObject, JsonObject] = [ours['charter'] as JsonObject, theirs['charter'] as JsonObject]
  return [...first].flatMap(([accused, vote]) => {
    const other = second.get(accused)
    return other ? [{ accused, proof: { type: 'double-vote' as const, charters, votes: [vote, other] } }] : []
  }) as { accused: string; proof: Proof }[]
}

/** The proofs in what an alarm kept, whom they accuse, and what else was seen. */
export function proofsOf(evidence: Json, peer: string): { accused: string; proof: Proof }[] {
  if (!isJsonObject(evidence)) return [{ accused: peer, proof: { type: 'witness', seen: evidence } }]
  const { proof, ours, theirs, before, now } = evidence
  if (isJsonObject(proof)) return [{ accused: peer, proof: proof as unknown as Proof }]
  if (isJsonObject(ours) && isJsonObject(theirs)) {
    const votes = doubleVotes(ours, theirs)
    if (votes.length > 0) return votes
  }
  if (typeof before === 'string' && typeof now === 'string') {
    const found = contradictionOf(before, now)
    if (found) return [{ accused: peer, proof: found }]
  }
  return [{ accused: peer, proof: { type: 'witness', seen: evidence } }]
}
