import type { Json } from '#base'
import { StoreError } from '../errors.ts'
import type { Change, MirroredEntry, NewEntry } from '../store.ts'
import type { PackedChange } from './messages.ts'

/** Entries of one commit: one list stays one transaction, and its memory is held twice for a moment. */
export const MAX_COMMIT_ENTRIES = 250_000

/** Bytes of all payloads, entries and values of one commit. */
export const MAX_COMMIT_BYTES = 256 * 1024 * 1024

/** Bytes of a record's or journal row's JSON text. */
export const MAX_VALUE_BYTES = 16 * 1024 * 1024

/** Sequence numbers set aside at a time: a day of microseconds, more than a node has entries. */
const MAX_RESERVED = 86_400_000_000

/** Characters of a collection's, record's or stream's name. */
export const MAX_KEY_LENGTH = 1_024

/** A list of changes that shares no memory with the caller's: later changes to the caller's objects change nothing. */
export interface PackedList {
  changes: PackedChange[]
  buffer: ArrayBuffer
  bytes: number
}

/**
 * Copies all bytes of a list into one buffer, so that they cross to the writer without another copy each.
 * @throws StoreError STORE_TOO_LARGE, STORE_BAD_CHANGE
 */
export function pack(changes: readonly Change[]): PackedList {
  const { entries, bytes } = measure(changes)
  if (entries > MAX_COMMIT_ENTRIES || bytes > MAX_COMMIT_BYTES)
    throw new StoreError(
      'STORE_TOO_LARGE',
      `A commit of ${entries} entries and ${bytes} bytes is over the limit of ${MAX_COMMIT_ENTRIES} entries and ` +
        `${MAX_COMMIT_BYTES} bytes. Split it`,
    )
  const buffer = new ArrayBuffer(bytes)
  const target = new Uint8Array(buffer)
  let offset = 0
  const copy = (source: Uint8Array): Uint8Array => {
    target.set(source, offset)
    offset += source.length
    return target.subarray(offset - source.length, offset)
  }
  let textBytes = 0
  const text = (value: Json): string => {
    const json = JSON.stringify(value)
    if (typeof json !== 'string')
      throw new StoreError('STORE_BAD_CHANGE', 'A value to be stored is not JSON: it is undefined or a function')
    if (json.length > MAX_VALUE_BYTES)
      throw new StoreError(
        'STORE_TOO_LARGE',
        `A value of ${json.length} characters is over ${MAX_VALUE_BYTES}. Split it`,
      )
    textBytes += json.length
    return json
  }
  const packed = changes.map((change): PackedChange => {
    switch (change.op) {
      case 'append': {
        const { salt, incarnation } = change.genesis
        return {
          ...change,
          genesis: { ...change.genesis, salt: copy(salt), incarnation: copy(incarnation) },
          entries: change.entries.map((e): NewEntry => ({ ...e, salt: copy(e.salt), payload: copy(e.payload) })),
        }
      }
      case 'mirror':
        return {
          ...change,
          checkpoint: { ...change.checkpoint, key: copy(change.checkpoint.key) },
          entries: change.entries.map((e): MirroredEntry =>
            'bytes' in e ? { ...e, bytes: copy(e.bytes) } : { leaf: copy(e.leaf) },
          ),
        }
      case 'renew': {
        const { salt, incarnation } = change.genesis
        return { ...change, genesis: { ...change.genesis, salt: salt.slice(), incarnation: incarnation.slice() } }
      }
      case 'put': {
        const { op, collection, key, value, ifAbsent = false } = change
        requireName(collection, 'collection')
        requireName(key, 'key')
        return { op, collection, key, ifAbsent, text: text(value) }
      }
      case 'delete':
        requireName(change.collection, 'collection')
        requireName(change.key, 'key')
        return { ...change }
      case 'journal': {
        const { op, stream, time, value } = change
        requireName(stream, 'stream')
        return { op, stream, time, text: text(value) }
      }
      case 'amend': {
        const { op, stream, sequence, time, value } = change
        requireName(stream, 'stream')
        return { op, stream, sequence, time, text: text(value) }
      }
      case 'number':
        return {
          op: 'number',
          records: change.records.map(({ collection, prefix, value }) => {
            requireName(collection, 'collection')
            requireName(prefix, 'prefix')
            return { collection, prefix, text: text(value) }
          }),
        }
      case 'reserve':
        if (!Number.isInteger(change.count) || change.count < 1 || change.count > MAX_RESERVED)
          throw new StoreError('STORE_BAD_CHANGE', `Between 1 and ${MAX_RESERVED} numbers are set aside at a time`)
        return { ...change }
      default:
        return { ...change }
    }
  })
  return { changes: packed, buffer, bytes: bytes + textBytes }
}

function measure(changes: readonly Change[]): { entries: number; bytes: number } {
  let entries = 0
  let bytes = 0
  for (const change of changes) {
    if (change.op === 'append') {
      entries += change.entries.length
      bytes += change.genesis.salt.length + change.genesis.incarnation.length
      for (const entry of change.entries) bytes += entry.salt.length + entry.payload.length
    } else if (change.op === 'mirror') {
      entries += change.entries.length
      bytes += change.checkpoint.key.length
      for (const entry of change.entries) bytes += 'bytes' in entry ? entry.bytes.length : entry.leaf.length
    }
  }
  return { entries, bytes }
}

function requireName(name: string, what: string): void {
  if (name.length > MAX_KEY_LENGTH || !name.isWellFormed() || name.includes('\0'))
    throw new StoreError(
      'STORE_BAD_CHANGE',
      `The ${what} ${JSON.stringify(name.slice(0, 40))} is longer than ${MAX_KEY_LENGTH} characters, or holds a NUL or ` +
        'half a surrogate pair',
    )
}
