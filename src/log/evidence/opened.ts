/** Signed things of a file of evidence, opened under the keys of its charters. */
import {
  fromBase64,
  fromHex,
  type Hash,
  isHash,
  isJsonObject,
  type JsonObject,
  type LogId,
  type MemberId,
  type Millis,
  parseJson,
} from '#base'
import { type Checkpoint, openCheckpoint, peekCheckpoint } from '../checkpoint.ts'
import { decodeEntry, ENTRY_KIND } from '../entry.ts'
import { LogError } from '../error.ts'
import { isCount } from '../fields.ts'
import { verifyInclusion } from '../proofs.ts'
import type { Snapshot } from '../snapshot.ts'
import { type Envelope, parseEnvelope, verifyStatement } from '../statement.ts'
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

/** A size and root under a key of the accused. */
export interface Head {
  log: LogId
  size: number
  root: Hash
  time: Millis
  key: BookedKey
}

/** An object of an entry under a signed root. */
export interface Opened {
  object: JsonObject
  head: Head
  index: number
}

/** @throws ProofFault, LogError */
export function openObject(signed: SignedEntry, accused: MemberId, book: KeyBook): Opened {
  const { bytes, head } = openEntry(signed, accused, book)
  const entry = decodeEntry(bytes)
  if (entry.kind !== ENTRY_KIND.object) throw new ProofFault(`Entry ${signed.index} holds no object`)
  const object = parseJson(entry.payload)
  if (!isJsonObject(object)) throw new ProofFault(`Entry ${signed.index} holds no object`)
  return { object, head, index: signed.index }
}

/** An entry's bytes, under a signed root. @throws ProofFault, LogError */
export function openEntry(signed: SignedEntry, accused: MemberId, book: KeyBook): { bytes: Uint8Array; head: Head } {
  const head = openNoteOf(signed.note, accused, book)
  if (typeof signed.entry !== 'string') throw new ProofFault('The entry itself is missing')
  const bytes = fromBase64(signed.entry)
  requireIncluded(leafHash(bytes), signed, head)
  return { bytes, head }
}

/** @throws ProofFault */
export function requireIncluded(leaf: Uint8Array, { index, path }: SignedEntry, head: Head): void {
  if (!isCount(index) || !verifyInclusion(leaf, index, head.size, hashes(path), fromHex(head.root)))
    throw new ProofFault(`Entry ${index} does not lead to the root of its checkpoint`)
}

/** @throws ProofFault, LogError */
export function openHead(head: SignedHead, accused: MemberId, book: KeyBook): Head {
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

/** @throws ProofFault, LogError */
export function openNoteOf(note: unknown, accused: MemberId, book: KeyBook): Head {
  if (typeof note !== 'string') throw new ProofFault('A checkpoint is missing')
  const { time } = peekCheckpoint(note)
  const [checkpoint, key] = underKey<Checkpoint>(book, accused, time, (publicKey) =>
    openCheckpoint(note, { name: accused, publicKey }),
  )
  const { log, size, root } = checkpoint
  return { log, size, root, time, key }
}

/** What opens under a node key of the member at that time. @throws ProofFault */
export function underKey<T>(book: KeyBook, member: MemberId, at: Millis, open: (key: Uint8Array) => T): [T, BookedKey] {
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

/** What convicts, with what it leaves open. */
export function proved(accused: MemberId, shown: string[], heads: readonly Head[], more: string[] = []): Finding {
  const open = [...more, KEY_COPY]
  if (heads.some(({ key }) => key.isUnderLaterRoot))
    open.push(
      'The member’s root key was replaced: that its keys are its own rests on the votes of the alliance named below',
    )
  return { isProved: true, accused, shown, open }
}

/** @throws ProofFault */
export function requireOneLog(a: Head, b: Head): void {
  if (a.log !== b.log) throw new ProofFault('The heads are of different logs')
}

/** @throws ProofFault unless there are two */
export function pair<T>(values: readonly T[] | undefined): readonly T[] {
  if (!Array.isArray(values) || values.length !== 2) throw new ProofFault('The proof needs two of a kind')
  return values
}

/** @throws ProofFault */
export function hashes(path: readonly Hash[] | undefined): Uint8Array[] {
  if (!Array.isArray(path) || path.length > PATH_MOST || !path.every((hash) => isHash(hash)))
    throw new ProofFault('The proof has no path of hashes')
  return path.map((hash) => fromHex(hash, 32))
}

/** Hashes of a path in a tree of 2^53 entries. */
const PATH_MOST = 110
const KEY_COPY = 'Who held the key: whoever had a copy of it could sign this too'
/** An instant for people. */
export const when = (time: Millis): string => new Date(time).toISOString()
