import type { JsonObject } from '#base'
import { toTimestamp } from '#base'
import { TLP_LEVEL_BY_ID, type TlpLabel } from '#stix'
import { flagOf, objectsOf, textOf, timeAt } from '../fields.ts'
import { strictest } from '../markings.ts'

/** Facts of an event that STIX has no property for, so that they come back. */
const EVENT_FACTS = ['analysis', 'threat_level_id', 'extends_uuid', 'date']

/** Those facts as custom properties of its report. */
export function factsOf(event: JsonObject): JsonObject {
  const facts = EVENT_FACTS.map((name): [string, string] => [`x_misp_${name}`, textOf(event, name).slice(0, 100)])
  return Object.fromEntries(facts.filter(([, value]) => value !== ''))
}

/** Markings as a property, where there are any. */
export const marked = (markings: readonly string[]): JsonObject =>
  markings.length === 0 ? {} : { object_marking_refs: [...markings] }

/** Names of the objects that refer to each uuid. */
export function referrersOf(siblings: ReadonlyMap<string, JsonObject>): Map<string, string[]> {
  const referrers = new Map<string, string[]>()
  for (const object of siblings.values())
    for (const reference of objectsOf(object, 'ObjectReference')) {
      const uuid = textOf(reference, 'referenced_uuid')
      const names = referrers.get(uuid) ?? []
      names.push(textOf(object, 'name'))
      referrers.set(uuid, names)
    }
  return referrers
}

/** Level of an object's marking. */
export function levelOf(object: JsonObject | undefined): TlpLabel | undefined {
  const refs = object?.['object_marking_refs']
  const levels = Array.isArray(refs) ? refs.map((ref) => TLP_LEVEL_BY_ID.get(String(ref))) : []
  return strictest(levels.filter((level) => level !== undefined))
}

/** Whether an object has an attribute of a relation. */
export const hasRelation = (object: JsonObject, relation: string) =>
  objectsOf(object, 'Attribute').some((one) => textOf(one, 'object_relation') === relation)

/** Markings of what an element became; observables get those of what observed them. */
export const markingsOf = (made: readonly JsonObject[]): string[] => {
  const refs = made.find((one) => one['object_marking_refs'] !== undefined)?.['object_marking_refs']
  return Array.isArray(refs) ? refs.map(String) : []
}

/** Whether relationships and sightings may refer to a type: not to parts of an observation. */
export const isReferable = (type: string) =>
  /^(?:indicator|observed-data|malware|tool|vulnerability|attack-pattern|course-of-action|identity|location|intrusion-set|note|campaign|x-misp-.*)$/.test(
    type,
  )

/** Time of an event that has its day alone. */
export function dateOf(event: JsonObject): string | undefined {
  const date = textOf(event, 'date')
  const ms = /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : NaN
  return Number.isFinite(ms) && ms >= 0 ? toTimestamp(ms) : undefined
}

/** Whether an event is published: by its flag, or where it has none, by the time of its publication. */
export const isPublished = (event: JsonObject): boolean =>
  flagOf(event, 'published') ?? timeAt(event, 'publish_timestamp') !== undefined
