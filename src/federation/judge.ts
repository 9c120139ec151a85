import {
  isJsonObject,
  type JsonObject,
  type LogId,
  type MemberId,
  type Millis,
  parseJson,
  timestampMillis,
  toTimestamp,
} from '#base'
import type { Audience } from '#log'
import {
  combine,
  decide,
  type Definitions,
  type Register,
  type Resolved,
  resolvedOf,
  resolveMarkings,
  withoutDefaults,
} from '#policy'
import { objectColumns, validateObject } from '#stix'
import type { ObjectColumns, ObjectStatus } from '#store'
import { judgeVersions, placeOf, type Version } from './judge-versions.ts'

/** `modified` may be this much later than the entry that carries it. @see WIRE, Order, versions, conflict */
export const MODIFIED_AHEAD_MS = 5 * 60_000

/** Versions of one object that are weighed against each other; more are quarantined, so that a flood costs little. */
export const VERSIONS_MOST = 256

/** Columns that a store's index takes. */
const ID_MAX_CHARS = 256

/** An object as it arrived, before anything is known about it. */
export interface Arrival {
  log: LogId
  index: number
  audience: Audience
  entryTime: Millis
  object: JsonObject
}

/** An arrival that has an id and a type: judged together with the other versions of its object. */
export interface Candidate extends Version {
  entryTime: Millis
  columns: Omit<ObjectColumns, 'status' | 'code'>
  /** Set where the object by itself is not acceptable, whatever else is known. */
  fault?: Verdict
}

/** Where an object may be used, and why not. */
export interface Verdict {
  status: ObjectStatus
  code?: string
}

/** What arrivals are judged by. */
export interface Rules {
  publisher: MemberId
  self: MemberId
  register: Register
  /** The same as far as the publisher can know it, by which it decided to send; absent: all of it. */
  delivered?: Register
  definitions: Definitions
  now: Millis
  /** Whether a drill's content counts here now. */
  acceptsDrill: (drill: string) => boolean
}

/** The object of a payload, read strictly; undefined for anything else. */
export function toObject(payload: Uint8Array): JsonObject | undefined {
  try {
    const value = parseJson(payload)
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/**
 * Looks at one object alone: form, validity, a time of change that lies ahead of its entry. Undefined where it has no id
 * and type: the entry then stands without an object.
 */
export function toCandidate(arrival: Arrival): Candidate | undefined {
  const { log, index, audience, entryTime, object } = arrival
  if (!isName(object['id']) || !isName(object['type'])) return undefined
  const report = validateObject(object, { current: true })
  if (!report.valid) {
    const columns = { id: object['id'], type: object['type'], modified: '' }
    const code = `INVALID:${report.errors[0]?.code ?? 'OBJECT'}`
    return { log, index, audience, entryTime, object, columns, modified: '', fault: { status: 'rejected', code } }
  }
  const columns = objectColumns(object)
  const candidate = { log, index, audience, entryTime, object, columns, modified: columns.modified }
  return isAhead(object, entryTime)
    ? { ...candidate, fault: { status: 'quarantined', code: 'QUARANTINE:MODIFIED_AHEAD' } }
    : candidate
}

/**
 * Verdicts on all known versions of one object of one publisher, by place. The set decides, never the order in which it
 * arrived.
 */
export function judgeObject(candidates: readonly Candidate[], rules: Rules): Map<string, Verdict> {
  const verdicts = new Map<string, Verdict>()
  const weighed: Candidate[] = []
  for (const candidate of inOrder(candidates)) {
    if (candidate.fault) verdicts.set(placeOf(candidate), candidate.fault)
    else if (weighed.length < VERSIONS_MOST) weighed.push(candidate)
    else verdicts.set(placeOf(candidate), { status: 'quarantined', code: 'QUARANTINE:TOO_MANY_VERSIONS' })
  }
  const versions = judgeVersions(weighed, rules)
  for (const candidate of weighed) {
    const place = placeOf(candidate)
    const code = versions.get(place) ?? 'ACCEPT'
    if (code.startsWith('REJECT')) verdicts.set(place, { status: 'rejected', code })
    else if (code.startsWith('QUARANTINE')) verdicts.set(place, { status: 'quarantined', code })
    else verdicts.set(place, deliveryFault(candidate, rules) ?? accepted(code))
  }
  return verdicts
}

/** Whether the publisher was allowed to send this object here, by the rules that it should have asked itself. */
function deliveryFault(candidate: Candidate, rules: Rules): Verdict | undefined {
  const { publisher, self, definitions, now } = rules
  const register = rules.delivered ?? rules.register
  const { drill } = candidate.audience
  if (drill !== undefined && !rules.acceptsDrill(drill)) return { status: 'quarantined', code: 'QUARANTINE:DRILL' }
  const resolved: Resolved = combine(resolveMarkings(candidate.object, definitions), resolvedOf(candidate.audience))
  const { send, code, redact } = decide({
    now: toTimestamp(now),
    from: publisher,
    to: self,
    source: publisher,
    object: candidate.object,
    register,
    definitions,
    resolved,
    bare: withoutDefaults(resolved, publisher, register),
    context: { channel: 'node' },
  })
  if (send && redact.length === 0) return undefined
  return { status: 'quarantined', code: `QUARANTINE:MISDELIVERED:${send ? 'REDACTION' : code}` }
}

function isAhead(object: JsonObject, entryTime: Millis): boolean {
  const modified = object['modified']
  return typeof modified === 'string' && timestampMillis(modified) > entryTime + MODIFIED_AHEAD_MS
}

/** An order that is the same at every member. */
const inOrder = (candidates: readonly Candidate[]) =>
  [...candidates].sort((a, b) => (a.log === b.log ? a.index - b.index : a.log < b.log ? -1 : 1))
const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= ID_MAX_CHARS
const accepted = (code: string): Verdict => (code === 'ACCEPT' ? { status: 'accepted' } : { status: 'accepted', code })
