/**
 * Cuts the objects out of a submission without changing a byte of them: a log holds the author's own text.
 *
 * Accepted: one object, a bundle, an array of objects, newline-delimited objects or bundles, and the API's envelope
 * `{"objects": […], "tlp": …}` or `{"bundle": {…}, …}`.
 */
import { fromUtf8, isJsonObject, JSON_MAX_DEPTH, type Json, JsonError, type JsonObject, parseJson } from '#base'
import { NodeError } from './errors.ts'

/** One object of a submission: its text, exactly as submitted, and its value. */
export interface RawObject {
  bytes: Uint8Array
  value: JsonObject
}

/** A submission taken apart. */
export interface Submission {
  objects: RawObject[]
  /** Members of the API's envelope besides its objects. */
  envelope: JsonObject
}

/** Levels of {"bundle": {"objects": […]}} around an object. */
const WRAPPING_DEPTH = 3
/** Members that make a body the API's envelope and no STIX object. */
const ENVELOPE_MEMBERS = new Set(['objects', 'bundle', 'tlp', 'to', 'drill', 'dryRun'])

/**
 * Takes a submission apart.
 *
 * @throws JsonError for what is not strict JSON, INPUT_INVALID for JSON of another shape
 */
export function cutObjects(body: Uint8Array, maxBytes: number): Submission {
  const objects: RawObject[] = []
  let envelope: JsonObject = {}
  const texts = topLevelValues(body)
  for (const text of texts) {
    const value = parseSubmission(text, maxBytes)
    if (Array.isArray(value)) addAll(objects, text, value, 'the array')
    else if (!isJsonObject(value)) throw shapeError('holds a value that is neither an object nor an array')
    else if (texts.length === 1 && isEnvelope(value)) {
      envelope = Object.fromEntries(Object.entries(value).filter(([name]) => name !== 'objects' && name !== 'bundle'))
      const list = value['objects'] ?? (value['bundle'] as JsonObject | undefined)?.['objects'] ?? []
      const outer = listSlice(text)
      if (!Array.isArray(list)) throw shapeError('"objects" is not an array')
      if (outer) addAll(objects, outer, list, '"objects"')
    } else if (value['type'] === 'bundle') {
      const list = value['objects'] ?? []
      if (!Array.isArray(list)) throw shapeError('"objects" of a bundle is not an array')
      const slice = listSlice(text)
      if (slice) addAll(objects, slice, list, 'the bundle')
    } else objects.push({ bytes: text, value })
  }
  return { objects, envelope }
}

/**
 * The texts of a TAXII envelope's objects, each to be judged for itself.
 *
 * @throws JSON_INVALID for what is not JSON at all; undefined for JSON that is no envelope
 */
export function cutEnvelope(body: Uint8Array): Uint8Array[] | undefined {
  let value: unknown
  try {
    value = JSON.parse(fromUtf8(body))
  } catch (cause) {
    throw new NodeError('JSON_INVALID', 'The body is not JSON.', { cause })
  }
  const isList = typeof value === 'object' && value !== null && Array.isArray((value as { objects?: unknown }).objects)
  const list = isList ? listSlice(body) : undefined
  return list && elementSlices(list)
}

/** A submission may nest deeper than an object may by what it wraps around it; then each object is read for itself. */
function parseSubmission(text: Uint8Array, maxBytes: number): Json {
  try {
    return parseJson(text, { maxBytes })
  } catch (error) {
    if (!(error instanceof JsonError) || error.code !== 'JSON_TOO_DEEP') throw error
    const value = parseJson(text, { maxBytes, maxDepth: JSON_MAX_DEPTH + WRAPPING_DEPTH })
    const list = Array.isArray(value) ? text : listSlice(text)
    if (!list) throw error
    for (const object of elementSlices(list)) parseJson(object)
    return value
  }
}

const isEnvelope = (value: JsonObject) =>
  !('type' in value) && Object.keys(value).every((name) => ENVELOPE_MEMBERS.has(name))

function addAll(objects: RawObject[], text: Uint8Array, values: readonly Json[], where: string): void {
  const slices = elementSlices(text)
  values.forEach((value, i) => {
    if (!isJsonObject(value)) throw shapeError(`element ${i} of ${where} is not an object`)
    objects.push({ bytes: slices[i] as Uint8Array, value })
  })
}

const shapeError = (what: string) =>
  new NodeError('INPUT_INVALID', `The submission ${what}; send STIX objects, a bundle, or an array of objects.`)

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a]
const isSpace = (byte: number | undefined) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
const isOpen = (byte: number | undefined) => byte === 0x7b || byte === 0x5b
const isClose = (byte: number | undefined) => byte === 0x7d || byte === 0x5d

/** The JSON texts that stand one after the other, separated by white space. */
function topLevelValues(body: Uint8Array): Uint8Array[] {
  const values: Uint8Array[] = []
  let at = skipSpace(body, 0)
  while (at < body.length) {
    const start = at
    at = isOpen(body[at]) ? endOfValue(body, at) : body.length
    values.push(body.subarray(start, at))
    at = skipSpace(body, at)
  }
  return values
}

/** Slices of the elements of an array's text; the text has been parsed, so it is well-formed. */
function elementSlices(text: Uint8Array): Uint8Array[] {
  const slices: Uint8Array[] = []
  let at = skipSpace(text, skipSpace(text, 0) + 1)
  while (at < text.length && !isClose(text[at])) {
    const end = endOfValue(text, at)
    slices.push(text.subarray(at, end))
    at = skipSpace(text, end)
    if (text[at] === COMMA) at = skipSpace(text, at + 1)
  }
  return slices
}

/** Slices of an object's member values by name. */
function memberSlices(text: Uint8Array): Map<string, Uint8Array> {
  const slices = new Map<string, Uint8Array>()
  let at = skipSpace(text, skipSpace(text, 0) + 1)
  while (at < text.length && !isClose(text[at])) {
    const nameEnd = endOfValue(text, at)
    const name = JSON.parse(fromUtf8(text.subarray(at, nameEnd))) as string
    at = skipSpace(text, nameEnd)
    if (text[at] !== COLON) break
    at = skipSpace(text, at + 1)
    const end = endOfValue(text, at)
    slices.set(name, text.subarray(at, end))
    at = skipSpace(text, end)
    if (text[at] === COMMA) at = skipSpace(text, at + 1)
  }
  return slices
}

/** Slice of the list of objects inside a bundle's or an envelope's text. */
function listSlice(text: Uint8Array): Uint8Array | undefined {
  const members = memberSlices(text)
  const bundle = members.get('bundle')
  const list = members.get('objects') ?? (bundle && memberSlices(bundle).get('objects'))
  return list?.[0] === 0x5b ? list : undefined
}

function skipSpace(text: Uint8Array, at: number): number {
  let next = at
  while (next < text.length && isSpace(text[next])) next++
  return next
}

/** Index behind the value that starts at `at`. */
function endOfValue(text: Uint8Array, at: number): number {
  let depth = 0
  for (let i = at; i < text.length; i++) {
    const byte = text[i]
    if (byte === QUOTE) {
      i = endOfString(text, i)
      if (depth === 0) return i + 1
    } else if (isOpen(byte)) depth++
    else if (isClose(byte)) {
      if (depth === 0) return i
      if (--depth === 0) return i + 1
    } else if (depth === 0 && (byte === COMMA || byte === COLON || isSpace(byte))) return i
  }
  return text.length
}

/** Index of the quote that ends the string which starts at `at`. */
function endOfString(text: Uint8Array, at: number): number {
  let i = at + 1
  while (i < text.length && text[i] !== QUOTE) i += text[i] === BACKSLASH ? 2 : 1
  return i
}
