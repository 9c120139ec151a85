/**
 * Strict JSON (I-JSON and narrower): what two implementations could read differently is refused.
 *
 * `{"a":1,"\u0061":2}` is refused (one key twice), so are lone surrogates, a byte-order mark, numbers beyond
 * ±(2^53 − 1), more than 64 levels and more than a mebibyte. Reading is `JSON.parse` plus one pass over the bytes and
 * one over the value; only a refused text is read a second time, by `json-fault.ts`, to say where it is wrong.
 * @see docs/wire.md, JSON
 */
import { JsonError } from './json-error.ts'
import { isUtf8 } from 'node:buffer'
import { explainFault, faultOf } from './json-fault.ts'
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
  requireSize(input, maxBytes)
  const text = typeof input === 'string' ? input : textOf(input)
  const value = nativeParse(text)
  if (value === undefined) throw explainFault(text, maxDepth)
  // Half a surrogate pair comes through an escape, or stands in a string that never was UTF-8.
  const suspect = text.includes('\\u') || (typeof input === 'string' && !input.isWellFormed())
  if (countMembers(value, suspect, maxDepth) !== namesIn(text)) {
    const fault = faultOf(text, maxDepth)
    if (fault) throw fault
  }
  return value
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
    return String(value)
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

function requireSize(input: Uint8Array | string, maxBytes: number): void {
  // A UTF-16 code unit takes at most three bytes of UTF-8: most texts need no counting.
  if (typeof input === 'string' && input.length * 3 <= maxBytes) return
  const bytes = typeof input === 'string' ? Buffer.byteLength(input) : input.length
  if (bytes <= maxBytes) return
  throw new JsonError('JSON_TOO_LARGE', `The JSON text has ${bytes} bytes; at most ${maxBytes} are accepted`, {
    details: { bytes, maxBytes },
  })
}

function textOf(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw notUtf8(bytes)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}

function notUtf8(bytes: Uint8Array): JsonError {
  const wellFormed = Buffer.from(Buffer.from(bytes).toString('utf8'))
  const at = bytes.findIndex((byte, i) => byte !== wellFormed[i])
  const before = Buffer.from(bytes.subarray(0, at < 0 ? bytes.length : at)).toString('utf8')
  const [line, column] = [before.split('\n').length, before.length - before.lastIndexOf('\n')]
  const offset = at < 0 ? bytes.length : at
  const what = 'Bytes that are not well-formed UTF-8'
  return new JsonError('JSON_NOT_UTF8', `${what} at line ${line}, column ${column} (byte ${offset})`, {
    details: { offset, line, column, what },
  })
}

const QUOTE = 0x22
const SPACE = 0x20

/**
 * Number of colons after a quote: at least one for every member in the text, more where a string holds `":` itself.
 * So when the value has as many members, no name stood twice; when it has fewer, the text must be read closely.
 */
function namesIn(text: string): number {
  let names = 0
  for (let at = text.indexOf(':'); at >= 0; at = text.indexOf(':', at + 1)) {
    let before = at - 1
    while (before > 0 && text.charCodeAt(before) <= SPACE) before--
    if (text.charCodeAt(before) === QUOTE) names++
  }
  return names
}

function nativeParse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

/** Number of object members in the value; NaN where it holds a number, string or depth that is refused. */
function countMembers(value: Json, suspect: boolean, depth: number): number {
  if (typeof value === 'number') return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? 0 : NaN
  if (typeof value === 'string') return suspect && !value.isWellFormed() ? NaN : 0
  if (typeof value !== 'object' || value === null) return 0
  if (depth === 0) return NaN
  let members = 0
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const item = value[i] as Json
      if (suspect || typeof item === 'object' || typeof item === 'number')
        members += countMembers(item, suspect, depth - 1)
    }
    return members
  }
  for (const name in value) {
    const item = value[name] as Json
    members++
    if (suspect && !name.isWellFormed()) return NaN
    if (suspect || typeof item === 'object' || typeof item === 'number')
      members += countMembers(item, suspect, depth - 1)
  }
  return members
}

/** Texts that JSON writes as they are: without quotes, backslashes, control characters and surrogates. */
const PLAIN = /^[ !#-[\]-\ud7ff\ue000-\uffff]*$/

function quote(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`
  if (!text.isWellFormed()) throw notAValue(text)
  return JSON.stringify(text)
}

function notAValue(value: unknown): JsonError {
  return new JsonError('JSON_NOT_A_VALUE', `JSON cannot hold ${typeof value} ${String(value).slice(0, 40)}`)
}
