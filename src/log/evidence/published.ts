/** Proofs by what a member published, and by what it says it holds. */
import {
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
import { decodeEntry, ENTRY_KIND } from '../entry.ts'
import { decodeFrames, type Frame, Possession } from '../frames.ts'
import { type Envelope, parseEnvelope, verifyStatement } from '../statement.ts'
import { leafHash, rootOf } from '../tree.ts'
import type { KeyBook } from './key-book.ts'
import {
  type Finding,
  type Head,
  openEntry,
  openNoteOf,
  ProofFault,
  proved,
  requireIncluded,
  type SignedEntry,
  underKey,
  when,
} from './opened.ts'

const PURGED = 'What the entries held: it was recalled and purged'
/** Entries of one proof. */
const ENTRIES_MOST = 64
/** Characters of a value that people are shown. */
const SHOWN_CHARS = 512

/** What each entry says, under whose signature. @throws ProofFault, LogError */
export function examinePublished(entries: readonly SignedEntry[], accused: MemberId, book: KeyBook): Finding {
  if (!Array.isArray(entries) || entries.length < 1 || entries.length > ENTRIES_MOST)
    throw new ProofFault(`The proof needs 1 to ${ENTRIES_MOST} entries`)
  const heads: Head[] = []
  const shown = entries.map((signed) => {
    const { bytes, head } = openKept(signed, accused, book)
    heads.push(head)
    const content = bytes ? contentOf(bytes) : `content that its holder has purged (leaf ${signed.leaf ?? ''})`
    return `${book.nameOf(accused)} signed entry ${signed.index} of log ${head.log}: ${content}`
  })
  if (entries.every(({ entry }) => entry === undefined)) return { isProved: false, shown, open: [PURGED] }
  return proved(accused, shown, heads, [
    'What it meant by it, and what harm it does: that is for the reader to judge',
    'The file holds what was published: it may go no further than its marking allows',
  ])
}

/** A receipt beside the entries of which it says that they are held. @throws ProofFault, LogError */
export function examineFalseReceipt(
  { receipt, frames: text }: { receipt: Envelope; frames: string },
  accused: MemberId,
  book: KeyBook,
): Finding {
  const { time } = parseEnvelope(receipt).statement as { time: Millis }
  const [received, key] = underKey(book, accused, time, (raw) => verifyStatement<Received>(receipt, 'received', [raw]))
  const { member, log, from, size, root, possession, stubs } = received
  if (member !== accused) throw new ProofFault('The receipt is of another member')
  if (typeof text !== 'string') throw new ProofFault('The entries are missing')
  const frames = decodeFrames(fromBase64(text))
  const leaves = frames.map((frame) => ('bytes' in frame ? leafHash(frame.bytes) : frame.leaf))
  if (frames.length !== size || !equalBytes(rootOf(leaves), fromHex(root)))
    throw new ProofFault('The entries do not give the root that the receipt names')
  const held = new Set(stubs)
  const claimed = frames.slice(from).map((frame, at): Frame => {
    if (held.has(from + at)) return { leaf: leaves[from + at]! }
    if (!('bytes' in frame)) throw new ProofFault(`Entry ${from + at} is missing, which the receipt says is held`)
    return frame
  })
  const prover = new Possession(accused, log)
  prover.add(claimed)
  if (prover.digest() === possession) throw new ProofFault('The receipt holds: it proves possession')
  return proved(
    accused,
    [
      `${book.nameOf(accused)} signed that it holds entries ${from} to ${size - 1} of log ${log} (${when(time)}), with a proof that these entries do not give`,
    ],
    [{ log, size, root, time, key }],
    ['Whether it lied, or its disk was broken', 'The file holds the entries: it may go no further than their markings'],
  )
}

/** An entry, or where its content was purged its leaf hash, under a signed root. */
function openKept(signed: SignedEntry, accused: MemberId, book: KeyBook): { bytes?: Uint8Array; head: Head } {
  if (signed.entry !== undefined || !isHash(signed.leaf)) return openEntry(signed, accused, book)
  const head = openNoteOf(signed.note, accused, book)
  requireIncluded(fromHex(signed.leaf), signed, head)
  return { head }
}

interface Received extends JsonObject {
  type: 'received'
  member: MemberId
  log: LogId
  from: number
  size: number
  root: Hash
  possession: Hash
  stubs: number[]
}

/** What an entry says, for people; never throws for what is in it. */
function contentOf(bytes: Uint8Array): string {
  try {
    const { kind, time, payload } = decodeEntry(bytes)
    const value = parseJson(payload)
    if (!isJsonObject(value)) return `no object (${when(time)})`
    if (kind === ENTRY_KIND.recall) return `a recall of entry ${String(value['index'])} (${when(time)})`
    if (kind !== ENTRY_KIND.object) return `an entry of kind ${kind} (${when(time)})`
    const { id, modified, pattern, created_by_ref: creator } = value
    const parts = [`${text(id)} (${when(time)})`]
    if (modified !== undefined) parts.push(`modified ${text(modified)}`)
    if (creator !== undefined) parts.push(`created by ${text(creator)}`)
    if (pattern !== undefined) parts.push(`pattern ${text(pattern)}`)
    return parts.join(', ')
  } catch (cause) {
    if (cause instanceof Error) return `bytes that are no entry of the format: ${cause.message}`
    throw cause
  }
}

/** In one line and without control characters: it came from the accused. */
const text = (value: Json | undefined): string => {
  const whole = JSON.stringify(value) ?? ''
  return whole.length > SHOWN_CHARS ? `${whole.slice(0, SHOWN_CHARS)}…` : whole
}
