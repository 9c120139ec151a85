/**
 * Cuts the objects out of a submission without changing a byte of them: a log holds the author's own text.
 *
 * Accepted: one object, a bundle, an array of objects, newline-delimited objects or bundles, and the API's envelope
 * `{"objects": […], "tlp": …}` or `{"bundle": {…}, …}`. `BundleReader` reads it, as it does for `noroshi validate`: one
 * grammar, one limit of nesting, the same faults.
 */
import { isJsonObject, JSON_MAX_BYTES, type JsonObject, type NoroshiError, parseJson } from '#base'
import { BundleReader, type StreamItem } from '#stix'
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

/** An element of a TAXII envelope: an object to be judged for itself, or why it cannot be read. */
export type EnvelopeItem = RawObject | { fault: string; index: number }

/** Members that make a body the API's envelope and no STIX object. */
const ENVELOPE_MEMBERS = new Set(['objects', 'bundle', 'tlp', 'to', 'drill', 'dryRun'])
/** Faults of what no reader of JSON takes. */
const NO_JSON = new Set<string>(['JSON_SYNTAX', 'JSON_NOT_UTF8', 'STIX_STREAM_SYNTAX', 'STIX_STREAM_TRUNCATED'])

/**
 * Takes a submission apart.
 *
 * @throws JsonError and StixError for what is not strict JSON, INPUT_INVALID for JSON of another shape
 */
export function cutObjects(body: Uint8Array): Submission {
  const read: Extract<StreamItem, { kind: 'object' }>[] = []
  let envelope: JsonObject = {}
  const items = itemsOf(body, body.length, (error) => error)
  for (const item of items) {
    if (item.kind === 'fault') continue
    const { value } = item
    if (item.kind === 'object') {
      if (items.length === 1 && isJsonObject(value) && isEnvelope(value))
        return { objects: [], envelope: besides(value) }
      if (!isJsonObject(value) || value['type'] !== 'bundle') read.push(item)
      else if (Array.isArray(value['objects'])) throw shapeError(`holds a bundle within a list, number ${item.index}`)
      else requireList(value)
    } else if (isJsonObject(value) && isEnvelope(value) && items.length === item.objects + 1) envelope = besides(value)
    else if (!isJsonObject(value) || value['type'] !== 'bundle') {
      // An object of another type, one of whose properties is named like the list of a bundle.
      const bytes = body.subarray(item.from, item.to)
      const whole = {
        ...item,
        kind: 'object',
        index: read.length,
        bytes,
        value: parseJson(bytes, sizeOf(bytes)),
      } as const
      read.splice(read.length - item.objects, item.objects, whole)
    }
  }
  return { objects: read.map(toRawObject), envelope }
}

/**
 * The objects of a TAXII envelope; undefined for JSON that is no envelope.
 *
 * @throws JSON_INVALID for what is not JSON at all
 */
export function cutEnvelope(body: Uint8Array): EnvelopeItem[] | undefined {
  const items = itemsOf(body, JSON_MAX_BYTES, (error) =>
    NO_JSON.has(error.code)
      ? new NodeError('JSON_INVALID', `The body is not JSON: ${error.message}.`, { cause: error })
      : undefined,
  )
  const last = items.pop()
  if (last?.kind !== 'bundle' || last.objects !== items.length) return undefined
  return items.flatMap((item): EnvelopeItem[] => {
    if (item.kind === 'bundle') return []
    if (item.kind === 'fault') return [{ fault: item.error.message, index: item.index }]
    const { bytes, value, index } = item
    return [isJsonObject(value) ? { bytes, value } : { fault: 'is no JSON object', index }]
  })
}

/** Reads piece by piece and stops at the first fault that refuses the whole: a body of faults alone would be long work. */
function itemsOf(
  body: Uint8Array,
  maxObjectBytes: number,
  refusal: (fault: NoroshiError) => NoroshiError | undefined,
): StreamItem[] {
  const reader = new BundleReader({ maxObjectBytes, isWrapped: true })
  const items: StreamItem[] = []
  const take = (read: readonly StreamItem[]) => {
    for (const item of read) {
      const refused = item.kind === 'fault' ? refusal(item.error) : undefined
      if (refused) throw refused
      items.push(item)
    }
  }
  for (let at = 0; at < body.length; at += PIECE_BYTES) take(reader.push(body.subarray(at, at + PIECE_BYTES)))
  take(reader.end())
  return items
}

/** Bytes read between two looks at what came out: telling a fault takes some 20 µs, and few bytes can hold many. */
const PIECE_BYTES = 4_096

const isEnvelope = (value: JsonObject) =>
  !('type' in value) && Object.keys(value).every((name) => ENVELOPE_MEMBERS.has(name))

/** Members of the envelope besides its list, which was read before; what stands in the place of one must be a list. */
function besides({ objects, bundle, ...envelope }: JsonObject): JsonObject {
  if (objects !== undefined && bundle !== undefined) throw shapeError('has "objects" and "bundle"')
  if (objects !== undefined && !Array.isArray(objects)) throw shapeError('has "objects" that are no array')
  if (bundle !== undefined && !isJsonObject(bundle)) throw shapeError('has a "bundle" that is no object')
  if (bundle !== undefined) requireList(bundle)
  return envelope
}

function requireList({ objects = [] }: JsonObject): void {
  if (!Array.isArray(objects)) throw shapeError('has a bundle whose "objects" are no array')
}

function toRawObject({ bytes, value, index }: { bytes: Uint8Array; value: unknown; index: number }): RawObject {
  if (!isJsonObject(value)) throw shapeError(`holds a value that is no object, number ${index}`)
  return { bytes, value }
}

const sizeOf = ({ length }: Uint8Array) => ({ maxBytes: length })

const shapeError = (what: string) =>
  new NodeError('INPUT_INVALID', `The submission ${what}; send STIX objects, a bundle, or an array of objects.`)
