import { createHash, hash } from 'node:crypto'
import { NoroshiError } from './error.ts'
import type { Hash } from './names.ts'

/** Text that should have been hex, base64 or UTF-8, in the one form that is accepted. */
export class EncodingError extends NoroshiError<'ENCODING_HEX' | 'ENCODING_BASE64' | 'ENCODING_UTF8'> {}

const HEX = /^(?:[0-9a-f]{2})*$/
const JOINED_BYTES = 4_096
const HASH = /^[0-9a-f]{64}$/
const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  return view(bytes).toString('hex')
}

/**
 * Bytes of lower-case hex, of exactly `length` bytes where that is given.
 * @throws EncodingError ENCODING_HEX
 */
export function fromHex(text: string, length?: number): Uint8Array {
  if (!HEX.test(text) || (length !== undefined && text.length !== length * 2))
    throw new EncodingError('ENCODING_HEX', `Expected ${size(length)} in lower-case hex, got ${excerpt(text)}`)
  return plain(Buffer.from(text, 'hex'))
}

/** Standard base64, padded. */
export function toBase64(bytes: Uint8Array): string {
  return view(bytes).toString('base64')
}

/**
 * Bytes of standard, padded, canonical base64 (no other spelling of the same bytes), of exactly `length` bytes where
 * that is given.
 * @throws EncodingError ENCODING_BASE64
 */
export function fromBase64(text: string, length?: number): Uint8Array {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text || (length !== undefined && bytes.length !== length))
    throw new EncodingError('ENCODING_BASE64', `Expected ${size(length)} in padded base64, got ${excerpt(text)}`)
  return plain(bytes)
}

/** UTF-8 of a text. */
export function utf8(text: string): Uint8Array {
  return plain(Buffer.from(text, 'utf8'))
}

/**
 * Text of UTF-8 bytes; a byte-order mark is kept, ill-formed bytes are refused.
 * @throws EncodingError ENCODING_UTF8
 */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return DECODER.decode(bytes)
  } catch (cause) {
    throw new EncodingError('ENCODING_UTF8', 'The bytes are not well-formed UTF-8', { cause })
  }
}

/** One array of all the chunks in order. */
export function concat(...chunks: readonly Uint8Array[]): Uint8Array {
  return plain(Buffer.concat(chunks))
}

/** Whether two byte strings are equal. Not constant-time: never for secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return view(a).equals(b)
}

/** SHA-256 of the chunks in order. */
export function sha256(...chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks
  if (chunks.length === 1 && only) return plain(hash('sha256', only, 'buffer'))
  // One call for all of a few short ones costs less than the hasher that takes them one by one.
  if (chunks.reduce((sum, { length }) => sum + length, 0) <= JOINED_BYTES)
    return plain(hash('sha256', Buffer.concat(chunks), 'buffer'))
  const hasher = createHash('sha256')
  for (const chunk of chunks) hasher.update(chunk)
  return plain(hasher.digest())
}

/** SHA-256 of the chunks in order, in lower-case hex. */
export function sha256Hex(...chunks: readonly Uint8Array[]): Hash {
  const [only] = chunks
  if (chunks.length === 1 && only) return hash('sha256', only, 'hex') as Hash
  return toHex(sha256(...chunks)) as Hash
}

/** Whether a value is the lower-case hex of 32 bytes. */
export function isHash(value: unknown): value is Hash {
  return typeof value === 'string' && HASH.test(value)
}

const view = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
const plain = (bytes: Buffer) => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
const size = (length: number | undefined) => (length === undefined ? 'bytes' : `${length} bytes`)
const excerpt = (text: string) => JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text)
