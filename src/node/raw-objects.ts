/**
 * Cuts the objects out of a submission without changing a byte of them: a log holds the author's own text.
 *
 * Accepted: one object, a bundle, an array of objects, newline-delimited objects or bundles, and the API's envelope
 * `{"objects": […], "tlp": …}` or `{"bundle": {…}, …}`. `BundleReader` reads it, as it does for `noroshi validate`: one
 * grammar, one limit of nesting, the same faults.
 */
import { setImmediate } from 'node:timers/promises'
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
export const cutObjects = (body: Uint8Array): Promise<Submission> => inPieces(objectsOf(body))

/** The same, a piece at each step. */
export function* objectsOf(body: Uint8Array): Steps<Submission> {
  const read: Extract<StreamItem, { kind: 'object' }>[] = []
  let envelope: JsonObject = {}
  const items = yield* itemsOf(body, body.length, (item) => (item.kind === 'fault' ? item.error : undefined))
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
 * @throws JSON_INVALID for what is not JSON at all, INPUT_INVALID where more than `FAULTS_TOLD` elements are no objects
 */
export const cutEnvelope = (body: Uint8Array): Promise<EnvelopeItem[] | undefined> => inPieces(envelopeOf(body))

/** The same, a piece at each step. */
export function* envelopeOf(body: Uint8Array): Steps<EnvelopeItem[] | undefined> {
  let faults = 0
  const items = yield* itemsOf(body, JSON_MAX_BYTES, (item) => {
    if (item.kind === 'bundle' || faultOf(item) === undefined) return undefined
    const cause = item.kind === 'fault' ? item.error : undefined
    if (cause && NO_JSON.has(cause.code))
      return new NodeError('JSON_INVALID', `The body is not JSON: ${cause.message}.`, { cause })
    return ++faults > FAULTS_TOLD ? tooManyFaults(cause) : undefined
  })
  const last = items.pop()
  if (last?.kind !== 'bundle' || last.objects !== items.length) return undefined
  const cut: EnvelopeItem[] = []
  for (const item of items) {
    if (item.kind === 'bundle') continue
    const fault = faultOf(item)
    if (fault === undefined) cut.push(item as Extract<StreamItem, { kind: 'object' }> & RawObject)
    else cut.push({ fault, index: item.index })
  }
  return cut
}

function faultOf(item: Exclude<StreamItem, { kind: 'bundle' }>): string | undefined {
  if (item.kind === 'fault') return item.error.message
  if (!isJsonObject(item.value)) return 'is no JSON object'
  return typeof item.value['id'] === 'string' ? undefined : 'has no id'
}

const tooManyFaults = (cause?: NoroshiError) =>
  new NodeError(
    'INPUT_INVALID',
    `More than ${FAULTS_TOLD} elements of "objects" cannot be read as objects with an id; nothing was taken. Check the program that wrote them.`,
    cause && { cause },
  )

/** Reads piece by piece and stops at the first fault that refuses the whole: a body of faults alone would be long work. */
function* itemsOf(
  body: Uint8Array,
  maxObjectBytes: number,
  refusal: (item: StreamItem) => NoroshiError | undefined,
): Steps<StreamItem[]> {
  const reader = new BundleReader({ maxObjectBytes, isWrapped: true })
  const items: StreamItem[] = []
  const take = (read: readonly StreamItem[]) => {
    for (const item of read) {
      const refused = refusal(item)
      if (refused) throw refused
      items.push(item)
    }
  }
  for (let at = 0; at < body.length; at += PIECE_BYTES) {
    take(reader.push(body.subarray(at, at + PIECE_BYTES)))
    yield
  }
  take(reader.end())
  return items
}

/** Work that can stop after each step. */
type Steps<T> = Generator<undefined, T, undefined>

/** Lets others go on between the steps: eight megabytes of tiny objects are seconds of work. */
async function inPieces<T>(steps: Steps<T>): Promise<T> {
  let since = performance.now()
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
    if (performance.now() - since < STRETCH_MS) continue
    await setImmediate()
    since = performance.now()
  }
}

/** Bytes read between two looks at what came out: telling a fault takes some 5 µs, and few bytes can hold many. */
const PIECE_BYTES = 4_096
/** How long a submission is read before others go on. */
const STRETCH_MS = 10
/** Elements of one envelope whose faults are told one by one; more are no envelope of objects. */
const FAULTS_TOLD = 1_000

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
