import { canonicalJson, compareTimestamps, JsonError } from '#base'
import type { JsonObject } from '#base'
import type { Placed } from './bundle-context.ts'
import { isTimestamp, typeOfId } from './forms.ts'
import type { Sink } from './sink.ts'

const SECTION = '3.6'
const UUID_CHARACTERS = 36

/** Checks what the versions of one object have in common, and that none comes after its revocation. */
export function checkVersions(objects: readonly Placed[], sink: Sink): void {
  const first = new Map<string, Placed | Placed[]>()
  for (const placed of objects) {
    const id = placed.object['id']
    if (typeof id !== 'string') continue
    const known = first.get(id)
    if (known === undefined) first.set(id, placed)
    else if (Array.isArray(known)) known.push(placed)
    else first.set(id, [known, placed])
  }
  for (const versions of first.values()) if (Array.isArray(versions)) checkHistory(versions, sink)
}

function checkHistory(versions: readonly Placed[], sink: Sink): void {
  const [original] = versions
  if (original === undefined) return
  const revoked = firstRevocation(versions)
  for (const { object, index } of versions) {
    const before = sink.count
    checkAgainst(original, object, sink)
    const modified = timeOf(object, 'modified')
    if (modified !== undefined && revoked !== undefined && compareTimestamps(revoked, modified) < 0)
      sink.fail('VERSION_CONFLICT', 'is later than the version that revoked this object', SECTION, 'modified')
    if (sink.count !== before) sink.at(before, index)
  }
  if (sink.strict) adviseConflicts(versions, sink)
}

function firstRevocation(versions: readonly Placed[]): string | undefined {
  let first: string | undefined
  for (const { object } of versions) {
    const modified = object['revoked'] === true ? timeOf(object, 'modified') : undefined
    if (modified !== undefined && (first === undefined || compareTimestamps(modified, first) < 0)) first = modified
  }
  return first
}

/** The creator and the time of creation stay, whatever the version. */
function checkAgainst(original: Placed, object: JsonObject, sink: Sink): void {
  const [created, other] = [timeOf(object, 'created'), timeOf(original.object, 'created')]
  const where = `objects.[${original.index}]`
  if (created !== undefined && other !== undefined && compareTimestamps(created, other) !== 0)
    sink.fail('VERSION_CONFLICT', `must be ${other}, as in the version at ${where}`, SECTION, 'created')
  const [creator, before] = [object['created_by_ref'], original.object['created_by_ref']]
  if (typeof creator === 'string' && typeof before === 'string' && creator !== before)
    sink.fail('VERSION_CONFLICT', `must be ${before}, as in the version at ${where}`, SECTION, 'created_by_ref')
}

function timeOf(object: JsonObject, property: string): string | undefined {
  const time = object[property]
  return typeof time === 'string' && isTimestamp(time) ? time : undefined
}

/** Canonical JSON; as it stands where canonical JSON cannot hold it, such as half a surrogate pair. */
function contentOf(object: JsonObject): string {
  try {
    return canonicalJson(object)
  } catch (error) {
    if (error instanceof JsonError) return JSON.stringify(object)
    throw error
  }
}

function adviseConflicts(versions: readonly Placed[], sink: Sink): void {
  const seen = new Map<string, JsonObject>()
  for (const { object, index } of versions) {
    const key = timeOf(object, 'modified') ?? ''
    const known = seen.get(key)
    if (known === undefined) seen.set(key, object)
    else if (contentOf(known) !== contentOf(object))
      sink.advise(
        'DUPLICATE_OBJECT',
        'differs from another object with this id and modified time',
        SECTION,
        `[${index}]`,
      )
  }
}

/** Warns of one creator's UUID on objects of two types; the deterministic ids of observables may coincide. */
export function adviseSharedUuids(objects: readonly Placed[], sink: Sink): void {
  const types = new Map<string, string>()
  for (const { object, index } of objects) {
    const { id, created_by_ref: creator } = object
    const type = typeof id === 'string' ? typeOfId(id) : undefined
    if (typeof id !== 'string' || type === undefined || typeof creator !== 'string') continue
    const key = `${creator} ${id.slice(-UUID_CHARACTERS)}`
    const known = types.get(key)
    if (known === undefined) types.set(key, type)
    else if (known !== type)
      sink.advise('INVALID_ID', `must not have the UUID of its creator's ${known}`, '2.9', `[${index}].id`)
  }
}
