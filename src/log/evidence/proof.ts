/**
 * What one file of evidence proves, by signatures and hashes alone. Each kind of proof is a contradiction between things
 * that one member signed, or one signed thing that must not be; whatever else a file says about them is hearsay.
 * @see docs/evidence.md
 */
import {
  canonicalJson,
  compareTimestamps,
  equalBytes,
  fromBase64,
  fromHex,
  type Hash,
  isHash,
  isJsonObject,
  type Json,
  type JsonObject,
  type LogId,
  type MemberId,
  type Millis,
  parseJson,
} from '#base'
import { type CharterStatement, toCharter } from '../charter.ts'
import { type Checkpoint, openCheckpoint, peekCheckpoint } from '../checkpoint.ts'
import { decodeEntry, ENTRY_KIND } from '../entry.ts'
import { LogError } from '../error.ts'
import { isCount } from '../fields.ts'
import { rootsOfPath, verifyInclusion } from '../proofs.ts'
import type { Snapshot } from '../snapshot.ts'
import { type Envelope, parseEnvelope, statementHash, verifyStatement } from '../statement.ts'
import { leafHash } from '../tree.ts'
import type { BookedKey, KeyBook } from './key-book.ts'

/** A size and root that somebody signed: in a checkpoint, or in a snapshot's row of a log. */
export type SignedHead = { note: string } | { snapshot: Envelope; log: LogId }

/** An entry, and the way to the root of a checkpoint over it. */
export interface SignedEntry {
  note: string
  index: number
  /** Base64 of the entry; absent where its content must not travel, then `leaf` stands for it. */
  entry?: string
  leaf?: Hash
  path: Hash[]
}

/** What a file lays before its reader. */
export type Proof =
  /** Two heads of one log that cannot belong to one tree; `path` where their sizes differ. */
  | { type: 'fork'; heads: [SignedHead, SignedHead]; path?: Hash[] }
  /** Two checkpoints of one log: the later one is smaller. */
  | { type: 'rollback'; notes: [string, string] }
  /** Two contents under one id and one `modified`. */
  | { type: 'equivocation'; entries: [SignedEntry, SignedEntry] }
  /** An object that names another member as its creator. */
  | { type: 'forged-author'; entry: SignedEntry }
  /** Two charters of one version, after the same one, and the votes of one member for both. */
  | { type: 'double-vote'; charters: [JsonObject, JsonObject]; votes: [Envelope, Envelope] }
  /** The log holds an entry whose content the holder says it was not given. */
  | { type: 'omission'; entry: SignedEntry }
  /** What only the holder saw. */
  | { type: 'witness'; seen: Json }

/** What a proof shows. */
export interface Finding {
  /** Proved against `accused`; or only what the holder says. */
  isProved: boolean
  accused?: MemberId
  /** In words: what the signatures and hashes show. */
  shown: string[]
  /** What they do not show. */
  open: string[]
}

/** The file does not hold what it says; the message names the place. */
export class ProofFault extends Error {}

interface Head {
  log: LogId
  size: number
  root: Hash
  time: Millis
  key: BookedKey
}

/**
 * What a proof shows under the keys of a book.
 * @throws ProofFault, LogError where something in it does not hold
 */
export function examineProof(proof: Proof, accused: MemberId, book: KeyBook): Finding {
  switch (proof.type) {
    case 'fork':
      return examineFork(proof, accused, book)
    case 'rollback':
      return examineRollback(proof.notes, accused, book)
    case 'equivocation':
      return examineEquivocation(proof.entries, accused, book)
    case 'forged-author':
      return examineForgedAuthor(proof.entry, accused, book)
    case 'double-vote':
      return examineVotes(proof, accused, book)
    case 'omission':
      return examineOmission(proof.entry, accused, book)
    case 'witness':
      return { isProved: false, shown: [], open: ['Only the holder saw this: nothing that the member signed shows it'] }
    default:
      throw new ProofFault('The proof is of a kind that this version does not know')
  }
}

function examineFork({ heads, path }: Extract<Proof, { type: 'fork' }>, accused: MemberId, book: KeyBook): Finding {
  const [first, second] = pair(heads).map((head) => openHead(head as SignedHead, accused, book)) as [Head, Head]
  requireOneLog(first, second)
  const who = book.nameOf(accused)
  const what = `of log ${first.log}`
  if (first.size === second.size) {
    if (first.root === second.root) throw new ProofFault('Both heads have the same root: they agree')
    return proved(
      accused,
      [`${who} signed two different trees of ${first.size} entries ${what}: ${words(first)} and ${words(second)}`],
      [first, second],
    )
  }
  const [older, newer] = first.size < second.size ? [first, second] : [second, first]
  const roots = rootsOfPath(older.size, newer.size, hashes(path))
  if (!roots || !equalBytes(roots.newer, fromHex(newer.root)))
    throw new ProofFault('The path does not lead to the root of the larger head')
  if (equalBytes(roots.older, fromHex(older.root)))
    throw new ProofFault('The larger tree begins with the smaller one: they agree')
  return proved(
    accused,
    [
      `${who} signed a tree of ${newer.size} entries ${what} that does not begin with the ${older.size} entries it signed otherwise: ${words(older)}, ${words(newer)}`,
    ],
    [older, newer],
  )
}

function examineRollback(notes: [string, string], accused: MemberId, book: KeyBook): Finding {
  const [a, b] = pair(notes).map((note) => openNoteOf(note as string, accused, book)) as [Head, Head]
  requireOneLog(a, b)
  const [before, after] = a.time < b.time ? [a, b] : [b, a]
  if (before.time === after.time || before.size <= after.size)
    throw new ProofFault('The later checkpoint is not smaller than the earlier one')
  return proved(
    accused,
    [
      `${book.nameOf(accused)} signed ${before.size} entries of log ${before.log} (${when(before.time)}) and later only ${after.size} (${when(after.time)}): entries went back`,
    ],
    [before, after],
    ['Whether they were taken back on purpose or lost, by a restored backup for example'],
  )
}

function examineEquivocation(entries: [SignedEntry, SignedEntry], accused: MemberId, book: KeyBook): Finding {
  const [a, b] = pair(entries).map((entry) => openObject(entry as SignedEntry, accused, book)) as [Opened, Opened]
  const { id, modified } = a.object
  if (typeof id !== 'string' || typeof modified !== 'string' || typeof b.object['modified'] !== 'string')
    throw new ProofFault('The objects have no id or no `modified`')
  if (id !== b.object['id']) throw new ProofFault('The objects have different ids')
  if (!isSameTime(modified, b.object['modified'])) throw new ProofFault('The objects are different versions')
  if (canonicalJson(a.object) === canonicalJson(b.object)) throw new ProofFault('The objects say the same')
  return proved(
    accused,
    [
      `${book.nameOf(accused)} published two contents of ${id} under the same version ${modified}: entry ${a.index} of log ${a.head.log} and entry ${b.index} of log ${b.head.log}`,
    ],
    [a.head, b.head],
    ['The file holds both objects: it may go no further than their markings allow'],
  )
}

function examineForgedAuthor(entry: SignedEntry, accused: MemberId, book: KeyBook): Finding {
  const { object, head, index } = openObject(entry, accused, book)
  const creator = object['created_by_ref'] as MemberId
  if (creator === accused || typeof creator !== 'string' || !book.member(creator))
    throw new ProofFault('The object names no other member of the alliance as its creator')
  return proved(
    accused,
    [
      `${book.nameOf(accused)} published ${String(object['id'])} in the name of ${book.nameOf(creator)}: entry ${index} of log ${head.log} names that member as its creator`,
    ],
    [head],
    ['The file holds the object: it may go no further than its marking allows'],
  )
}

function examineVotes(
  { charters, votes }: Extract<Proof, { type: 'double-vote' }>,
  accused: MemberId,
  book: KeyBook,
): Finding {
  const [a, b] = pair(charters).map((charter) => toCharter(charter)) as [CharterStatement, CharterStatement]
  if (a.alliance !== b.alliance || a.version !== b.version || a.previous !== b.previous)
    throw new ProofFault('The charters are not of one alliance and version, after the same version')
  const hashesOf = [statementHash(a), statementHash(b)]
  if (hashesOf[0] === hashesOf[1]) throw new ProofFault('Both votes are for the same charter')
  const roots = book.roots(accused)
  for (const [at, value] of pair(votes).entries()) {
    const vote = verifyStatement<JsonObject>(value, 'vote', roots)
    if (vote['member'] !== accused || vote['alliance'] !== a.alliance || vote['charter'] !== hashesOf[at])
      throw new ProofFault(`Vote ${at + 1} is not that member’s vote for charter ${at + 1}`)
  }
  return {
    isProved: true,
    accused,
    shown: [`${book.nameOf(accused)} voted for two different charters of ${a.alliance}, both version ${a.version}`],
    open: [ROOT_COPY],
  }
}

function examineOmission(entry: SignedEntry, accused: MemberId, book: KeyBook): Finding {
  const head = openNoteOf(entry.note, accused, book)
  if (!isHash(entry.leaf)) throw new ProofFault('The entry has no leaf hash')
  requireIncluded(fromHex(entry.leaf), entry, head)
  return {
    isProved: false,
    shown: [
      `${book.nameOf(accused)} signed entry ${entry.index} of log ${head.log}, whose leaf hash is ${entry.leaf}: it exists`,
    ],
    open: [
      'That its content was withheld is the holder’s word: nothing that a member sends says what it did not send. The member answers it with the entry that hashes to that leaf, or the recall that names it',
    ],
  }
}

interface Opened {
  object: JsonObject
  head: Head
  index: number
}

function openObject(signed: SignedEntry, accused: MemberId, book: KeyBook): Opened {
  const head = openNoteOf(signed.note, accused, book)
  if (typeof signed.entry !== 'string') throw new ProofFault('The entry itself is missing')
  const bytes = fromBase64(signed.entry)
  requireIncluded(leafHash(bytes), signed, head)
  const entry = decodeEntry(bytes)
  if (entry.kind !== ENTRY_KIND.object) throw new ProofFault(`Entry ${signed.index} holds no object`)
  const object = parseJson(entry.payload)
  if (!isJsonObject(object)) throw new ProofFault(`Entry ${signed.index} holds no object`)
  return { object, head, index: signed.index }
}

function requireIncluded(leaf: Uint8Array, { index, path }: SignedEntry, head: Head): void {
  if (!isCount(index) || !verifyInclusion(leaf, index, head.size, hashes(path), fromHex(head.root)))
    throw new ProofFault(`Entry ${index} does not lead to the root of its checkpoint`)
}

function openHead(head: SignedHead, accused: MemberId, book: KeyBook): Head {
  if (typeof head !== 'object' || head === null) throw new ProofFault('A head is missing')
  if ('note' in head) return openNoteOf(head.note, accused, book)
  const { statement } = parseEnvelope(head.snapshot)
  const { time } = statement as unknown as Snapshot
  const [snapshot, key] = underKey(book, accused, time, (raw) =>
    verifyStatement<Snapshot>(head.snapshot, 'snapshot', [raw]),
  )
  if (snapshot.author !== accused) throw new ProofFault('The snapshot is of another author')
  const row = snapshot.logs.find(({ log }) => log === head.log)
  if (!row) throw new ProofFault('The snapshot does not name the log')
  return { log: row.log, size: row.size, root: row.root, time, key }
}

function openNoteOf(note: unknown, accused: MemberId, book: KeyBook): Head {
  if (typeof note !== 'string') throw new ProofFault('A checkpoint is missing')
  const { time } = peekCheckpoint(note)
  const [checkpoint, key] = underKey<Checkpoint>(book, accused, time, (publicKey) =>
    openCheckpoint(note, { name: accused, publicKey }),
  )
  const { log, size, root } = checkpoint
  return { log, size, root, time, key }
}

/** What opens under a node key of the member at that time. */
function underKey<T>(book: KeyBook, member: MemberId, at: Millis, open: (key: Uint8Array) => T): [T, BookedKey] {
  for (const key of book.keys(member, 'node', at)) {
    try {
      return [open(key.key), key]
    } catch (cause) {
      if (!(cause instanceof LogError)) throw cause
    }
  }
  const isCompromised = book.all(member).some(({ distrustedFrom }) => distrustedFrom !== undefined)
  throw new ProofFault(
    `Something is not signed by a node key that ${book.nameOf(member)} had ${when(at)}${isCompromised ? '; a key that it called compromised counts for nothing' : ''}`,
  )
}

function proved(accused: MemberId, shown: string[], heads: readonly Head[], more: string[] = []): Finding {
  const open = [...more, KEY_COPY]
  if (heads.some(({ key }) => key.isUnderLaterRoot))
    open.push(
      'The member’s root key was replaced: that its keys are its own rests on the votes of the alliance named below',
    )
  return { isProved: true, accused, shown, open }
}

function requireOneLog(a: Head, b: Head): void {
  if (a.log !== b.log) throw new ProofFault('The heads are of different logs')
}

function isSameTime(a: string, b: string): boolean {
  try {
    return compareTimestamps(a, b) === 0
  } catch {
    return false
  }
}

function pair<T>(values: readonly T[] | undefined): readonly T[] {
  if (!Array.isArray(values) || values.length !== 2) throw new ProofFault('The proof needs two of a kind')
  return values
}

function hashes(path: readonly Hash[] | undefined): Uint8Array[] {
  if (!Array.isArray(path) || path.length > PATH_MOST || !path.every((hash) => isHash(hash)))
    throw new ProofFault('The proof has no path of hashes')
  return path.map((hash) => fromHex(hash, 32))
}

/** Hashes of a path in a tree of 2^53 entries. */
const PATH_MOST = 110
const KEY_COPY = 'Who held the key: whoever had a copy of it could sign this too'
const ROOT_COPY = 'Who held the root key: whoever had a copy of it could vote too'
const when = (time: Millis) => new Date(time).toISOString()
const words = ({ root, time }: Head) => `root ${root.slice(0, 16)}… (${when(time)})`
