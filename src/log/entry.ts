/**
 * One entry of a log: `u8 version = 1 | u8 kind | 32-byte salt | u64 time | u32 payload length | payload`, big-endian.
 * An object `{}` at 5 ms is 48 bytes: `01 01 <salt> 0000000000000005 00000002 7b7d`.
 * @see docs/wire.md, Entry
 */
import { concat, sha256Hex, type LogId } from '#base'
import { LogError } from './error.ts'
import { isCount } from './fields.ts'
import { domain } from './keys.ts'
import { checkPayload, type Genesis, readGenesis } from './payload.ts'

/** What an entry is. */
export const ENTRY_KIND = { genesis: 0, object: 1, recall: 2, expire: 3, close: 4, statement: 5 } as const

/** Number of an entry's kind. */
export type EntryKind = (typeof ENTRY_KIND)[keyof typeof ENTRY_KIND]

/** Largest payload, in bytes. */
export const PAYLOAD_MAX_BYTES = 1_048_576
/** Bytes before the payload. */
export const ENTRY_HEADER_BYTES = 46

/** A decoded entry. */
export interface Entry {
  kind: EntryKind
  /** 32 random bytes; they go when the content is purged, so that the leaf hash confirms no guess. */
  salt: Uint8Array
  time: number
  payload: Uint8Array
}

/**
 * The bytes of an entry.
 * @throws LogError ENTRY_INVALID
 */
export function encodeEntry(entry: { kind: number; salt: Uint8Array; time: number; payload: Uint8Array }): Uint8Array {
  const { kind, salt, time, payload } = entry
  if (salt.length !== 32) throw invalid(`a salt of ${salt.length} bytes; it must have 32`)
  if (!isCount(time)) throw invalid(`a time that is not allowed; it must be milliseconds from 0 to 2^53 − 1`)
  checkContent(kind, payload)
  const header = Buffer.alloc(ENTRY_HEADER_BYTES)
  header[0] = 1
  header[1] = kind
  header.set(salt, 2)
  header.writeBigUInt64BE(BigInt(time), 34)
  header.writeUInt32BE(payload.length, 42)
  return concat(header, payload)
}

/**
 * Reads and checks an entry.
 * @throws LogError ENTRY_INVALID
 */
export function decodeEntry(bytes: Uint8Array): Entry {
  const { kind, time, payload } = readHeader(bytes)
  checkContent(kind, payload)
  return { kind: kind as EntryKind, salt: bytes.slice(2, 34), time, payload }
}

/**
 * Kind and time of an entry without a look at its payload: for entries that are kept inert, or were checked before.
 * @throws LogError ENTRY_INVALID
 */
export function peekEntry(bytes: Uint8Array): { kind: EntryKind; time: number; payload: Uint8Array } {
  const { kind, time, payload } = readHeader(bytes)
  if (!isKind(kind)) throw invalid(`the unknown kind ${kind}`)
  return { kind, time, payload }
}

/**
 * Id of the log that an entry opens.
 * @throws LogError ENTRY_INVALID unless it is a valid genesis entry
 */
export function logIdOf(genesis: Uint8Array): LogId {
  parseGenesis(genesis)
  return sha256Hex(domain('log'), genesis)
}

/**
 * Author, audience and incarnation from a genesis entry.
 * @throws LogError ENTRY_INVALID, AUDIENCE_INVALID
 */
export function parseGenesis(entry: Uint8Array | Entry): Genesis {
  const { kind, payload } = entry instanceof Uint8Array ? readHeader(entry) : entry
  if (kind !== ENTRY_KIND.genesis) throw invalid(`kind ${kind}; a log begins with a genesis entry (kind 0)`)
  return readGenesis(payload)
}

function readHeader(bytes: Uint8Array): { kind: number; time: number; payload: Uint8Array } {
  if (bytes.length < ENTRY_HEADER_BYTES)
    throw invalid(`${bytes.length} bytes; the header alone has ${ENTRY_HEADER_BYTES}`)
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view[0] !== 1) throw invalid(`the unknown version ${view[0]}`)
  const time = view.readBigUInt64BE(34)
  if (time > BigInt(Number.MAX_SAFE_INTEGER)) throw invalid('a time beyond 2^53 − 1')
  const length = view.readUInt32BE(42)
  if (length !== bytes.length - ENTRY_HEADER_BYTES)
    throw invalid(`${bytes.length - ENTRY_HEADER_BYTES} bytes of payload where its header says ${length}`)
  return { kind: view[1] ?? -1, time: Number(time), payload: bytes.subarray(ENTRY_HEADER_BYTES) }
}

function checkContent(kind: number, payload: Uint8Array): void {
  if (!isKind(kind)) throw invalid(`the unknown kind ${kind}`)
  if (payload.length > PAYLOAD_MAX_BYTES)
    throw invalid(`a payload of ${payload.length} bytes; at most ${PAYLOAD_MAX_BYTES} are accepted`)
  checkPayload(kind, payload)
}

const isKind = (kind: number): kind is EntryKind => Number.isInteger(kind) && kind >= 0 && kind <= 5
const invalid = (what: string) => new LogError('ENTRY_INVALID', `The entry has ${what}`)
