/**
 * Strict JSON (I-JSON and narrower): what two implementations could read differently is refused.
 *
 * `{"a":1,"\u0061":2}` is refused (one key twice), so are lone surrogates, a byte-order mark, numbers beyond
 * ±(2^53 − 1), more than 64 levels and more than a mebibyte. Reading is `JSON.parse` plus one pass over the bytes and
 * one over the value; only a refused text is read a second time, by `json-fault.ts`, to say where it is wrong.
 * @see docs/wire.md, JSON
 */
import { JsonError } from './json-error.ts'
import { explainFault } from './json-fault.ts'
import { fromUtf8 } from './bytes.ts'
import type { Json, JsonObject } from './names.ts'

/** Largest JSON text, in bytes, unless the caller says otherwise. */
export const JSON_MAX_BYTES = 1_048_576
/** Most levels of nesting, the outermost array or object counting 1. */
export const JSON_MAX_DEPTH = 64

/** Bounds of one `parseJson`. */
export interface JsonLimits {
  maxBytes?: number
  maxDepth?: number
}

/**
 * The value of a JSON text.
 * @throws JsonError with the byte offset, line and column of the fault
 */
export function parseJson(input: Uint8Array | string, limits: JsonLimits = {}): Json {
  const { maxBytes = JSON_MAX_BYTES, maxDepth = JSON_MAX_DEPTH } = limits
  const bytes = typeof input === 'string' ? Buffer.from(input, 'utf8') : input
  if (bytes.length > maxBytes)
    throw new JsonError('JSON_TOO_LARGE', `The JSON text has ${bytes.length} bytes; at most ${maxBytes} are accepted`, {
      details: { bytes: bytes.length, maxBytes },
    })
  const shape = shapeOf(bytes)
  if (shape.depth <= maxDepth) {
    const text = typeof input === 'string' ? input : textOf(bytes)
    const value = text === undefined ? undefined : nativeParse(text)
    if (value !== undefined && (typeof input !== 'string' || input.isWellFormed())) {
      const members = countMembers(value, shape.suspect)
      if (members === shape.members) return value
    }
  }
  throw explainFault(input, bytes, maxDepth)
}

/**
 * Canonical text of a JSON value: members sorted by UTF-16 code units, shortest numbers, no spaces.
 * @throws JsonError JSON_NOT_A_VALUE for what JSON cannot hold (undefined, NaN, infinities, lone surrogates)
 * @see RFC 8785
 */
export function canonicalJson(value: Json): string {
  if (typeof value === 'string') return quote(value)
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw notAValue(value)
    return JSON.stringify(value)
  }
  if (Array.isArray(value)) {
    let text = '['
    for (let i = 0; i < value.length; i++) text += (i === 0 ? '' : ',') + canonicalJson(value[i] as Json)
    return `${text}]`
  }
  if (typeof value !== 'object') throw notAValue(value)
  let text = '{'
  for (const name of Object.keys(value).sort()) {
    text += `${text === '{' ? '' : ','}${quote(name)}:${canonicalJson(value[name] as Json)}`
  }
  return `${text}}`
}

/** Whether a value is a JSON object: neither null nor an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

interface Shape {
  depth: number
  /** Colons outside strings: one for every member of a well-formed text. */
  members: number
  /** Holds an escape that may be a surrogate, or a number that may be out of range: the value must be looked at. */
  suspect: boolean
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const LONG_NUMBER_DIGITS = 16

/** One pass over the bytes. What it says of ill-formed text does not matter: `JSON.parse` refuses that. */
function shapeOf(bytes: Uint8Array): Shape {
  const end = bytes.length
  let depth = 0
  let deepest = 0
  let members = 0
  let suspect = false
  let digits = 0
  for (let i = 0; i < end; i++) {
    const byte = bytes[i] as number
    if (byte === QUOTE) {
      let inside = bytes[++i] as number
      while (inside !== QUOTE && i < end) {
        if (
          inside === BACKSLASH &&
          ((bytes[++i] as number) | 0x20) === 0x75 &&
          ((bytes[i + 1] as number) | 0x20) === 0x64
        )
          suspect = true
        inside = bytes[++i] as number
      }
      digits = 0
    } else if (byte >= 0x30 && byte <= 0x39) {
      if (++digits >= LONG_NUMBER_DIGITS) suspect = true
    } else if (byte === 0x3a) {
      members++
      digits = 0
    } else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > deepest) deepest = depth
    } else if (byte === 0x7d || byte === 0x5d) {
      depth--
      digits = 0
    } else if (digits > 0) {
      if ((byte | 0x20) === 0x65) suspect = true
      if (byte !== 0x2e) digits = 0
    }
  }
  return { depth: deepest, members, suspect }
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return fromUtf8(bytes)
  } catch {
    return undefined
  }
}

function nativeParse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

/** Number of object members in the value, or −1 where a suspect text holds a refused number or string. */
function countMembers(value: Json, suspect: boolean): number {
  if (typeof value !== 'object' || value === null) return suspect && !isAcceptable(value) ? -1 : 0
  let members = 0
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const item = value[i] as Json
      if (suspect || (typeof item === 'object' && item !== null)) {
        const inner = countMembers(item, suspect)
        if (inner < 0) return -1
        members += inner
      }
    }
    return members
  }
  for (const name in value) {
    members++
    if (suspect && !name.isWellFormed()) return -1
    const item = value[name] as Json
    if (suspect || (typeof item === 'object' && item !== null)) {
      const inner = countMembers(item, suspect)
      if (inner < 0) return -1
      members += inner
    }
  }
  return members
}

function isAcceptable(value: Json): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  return typeof value !== 'number' || Math.abs(value) <= Number.MAX_SAFE_INTEGER
}

function quote(text: string): string {
  if (!text.isWellFormed()) throw notAValue(text)
  return JSON.stringify(text)
}

function notAValue(value: unknown): JsonError {
  return new JsonError('JSON_NOT_A_VALUE', `JSON cannot hold ${typeof value} ${String(value).slice(0, 40)}`)
}
