/**
 * What one file of evidence proves, by signatures and hashes alone. Each kind of proof is a contradiction between things
 * that one member signed, or one signed thing that must not be; whatever else a file says about them is hearsay.
 * @see docs/evidence.md
 */
import {
  canonicalJson,
  compareTimestamps,
  equalBytes,
  fromHex,
  type Hash,
  isHash,
  type Json,
  type JsonObject,
  type MemberId,
} from '#base'
import { type CharterStatement, toCharter } from '../charter.ts'
import { rootsOfPath } from '../proofs.ts'
import { type Envelope, statementHash, verifyStatement } from '../statement.ts'
import type { KeyBook } from './key-book.ts'
import {
  type Finding,
  hashes,
  type Head,
  openHead,
  openNoteOf,
  openObject,
  type Opened,
  pair,
  ProofFault,
  proved,
  requireIncluded,
  requireOneLog,
  type SignedEntry,
  type SignedHead,
  when,
} from './opened.ts'
import { examineFalseReceipt, examinePublished } from './published.ts'

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
  /** Entries as their author signed them: whoever reads them judges what was published. */
  | { type: 'published'; entries: SignedEntry[] }
  /** A receipt whose possession is not that of the entries whose root it names; `frames` of all of them, in base64. */
  | { type: 'false-receipt'; receipt: Envelope; frames: string }
  /** What only the holder saw. */
  | { type: 'witness'; seen: Json }

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
    case 'published':
      return examinePublished(proof.entries, accused, book)
    case 'false-receipt':
      return examineFalseReceipt(proof, accused, book)
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

function isSameTime(a: string, b: string): boolean {
  try {
    return compareTimestamps(a, b) === 0
  } catch {
    return false
  }
}

const ROOT_COPY = 'Who held the root key: whoever had a copy of it could vote too'
const words = ({ root, time }: Head) => `root ${root.slice(0, 16)}… (${when(time)})`
