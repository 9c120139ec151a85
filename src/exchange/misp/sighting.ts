import type { JsonObject } from '#base'
import { flagOf, textOf, timeAt } from '../fields.ts'
import { common, type MispContext } from './frame.ts'
import { uuidOf } from './ids.ts'

/**
 * A sighting of an object by an organisation; a false positive becomes an opinion that disagrees. An expiration
 * is none: see `expire`; nor is a sighting of what STIX can't refer to.
 */
export function sightingToStix(
  sighting: JsonObject,
  target: string,
  organisation: string | undefined,
  context: MispContext,
): JsonObject | undefined {
  const type = textOf(sighting, 'type') || '0'
  const at = timeAt(sighting, 'date_sighting') ?? context.at
  const from = organisation === undefined ? context : { ...context, creator: organisation }
  const uuid = uuidOf(sighting['uuid'], target, organisation ?? '', type, at)
  if (type === '1') return { ...common('opinion', uuid, at, from), opinion: 'strongly-disagree', object_refs: [target] }
  if (type !== '0' || target.startsWith('note--') || flagOf(sighting, 'deleted') === true) return undefined
  const seen = at.replace('.000Z', 'Z')
  return {
    ...common('sighting', uuid, at, from),
    first_seen: seen,
    last_seen: seen,
    count: 1,
    sighting_of_ref: target,
    ...(organisation === undefined ? {} : { where_sighted_refs: [organisation] }),
  }
}

/** Ends the validity of an indicator where its sighting says that it has expired; false where it says something else. */
export function expire(indicator: JsonObject, sighting: JsonObject): boolean {
  const at = timeAt(sighting, 'date_sighting')
  if (textOf(sighting, 'type') !== '2' || indicator['type'] !== 'indicator' || at === undefined) return false
  const until = at.replace('.000Z', 'Z')
  if (Date.parse(until) <= Date.parse(textOf(indicator, 'valid_from'))) return false
  const known = Date.parse(textOf(indicator, 'valid_until'))
  if (Number.isFinite(known) && known <= Date.parse(until)) return true
  indicator['valid_until'] = until
  indicator['x_misp_expiration'] = { uuid: textOf(sighting, 'uuid'), date_sighting: textOf(sighting, 'date_sighting') }
  return true
}
