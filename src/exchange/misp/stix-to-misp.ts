import type { Json, JsonObject } from '#base'
import type { LossReport } from '../loss.ts'
import { found, objectsOf, textOf, textsOf } from '../fields.ts'
import { attributeOf } from './to-attribute.ts'
import { galaxyOf } from './to-galaxy.ts'
import { entityObjectOf, ruleObjectOf } from './to-entity.ts'
import { objectOfObservables, objectOfPattern } from './to-object.ts'
import { uuidIn } from './ids.ts'
import { labelOf } from './labels.ts'

/** What STIX objects are in MISP. */
export interface MispParts {
  attributes: JsonObject[]
  objects: JsonObject[]
  galaxies: JsonObject[]
}

/** Types that need no counterpart: they are read with the objects that they belong to. */
const READ_WITH_OTHERS = new Set(['marking-definition', 'extension-definition', 'report', 'grouping'])
/** Types that say something of others: the writer of events puts them where these are. */
const SAYING = new Set(['relationship', 'sighting', 'opinion'])
const GALAXY_TYPES = new Set(
  'attack-pattern campaign course-of-action intrusion-set malware threat-actor tool vulnerability location identity'.split(
    ' ',
  ),
)

/**
 * Attributes, objects and galaxies of STIX objects. What came from MISP is told by its labels and becomes what it was;
 * the rest becomes what it is most like. An indicator comes before the observed-data with the same uuid.
 */
export function stixToMisp(stix: readonly JsonObject[], losses: LossReport): MispParts {
  const lookup = new Map(stix.map((one) => [textOf(one, 'id'), one]))
  const observedBy = new Set(
    stix.filter(({ type }) => type === 'observed-data').flatMap((one) => textsOf(one, 'object_refs')),
  )
  const referred = new Set(stix.flatMap(referencesOf))
  const authors = new Set(stix.map((one) => textOf(one, 'created_by_ref')))
  const done = new Set<string>()
  const parts: MispParts = { attributes: [], objects: [], galaxies: [] }
  for (const object of [...stix].sort(
    (a, b) => Number(b['type'] === 'indicator') - Number(a['type'] === 'indicator'),
  )) {
    const id = textOf(object, 'id')
    const type = textOf(object, 'type')
    if (READ_WITH_OTHERS.has(type) || observedBy.has(id) || (type === 'identity' && authors.has(id))) continue
    if (type === 'observed-data' && done.has(uuidIn(id))) continue
    if (SAYING.has(type) || (type === 'note' && labelOf(object, 'name') === undefined)) continue
    if (isObservable(object) && referred.has(id)) continue
    const made = withObserved(toMisp(object, lookup), object, lookup)
    if (made.length === 0) losses.add(id, `MISP has no attribute, object or galaxy for this ${type}`)
    for (const one of made) add(parts, one)
    done.add(uuidIn(id))
  }
  return parts
}

/** What an indicator became, with what the observed-data of the same uuid knows besides; part by part. */
function withObserved(made: JsonObject[], object: JsonObject, lookup: ReadonlyMap<string, JsonObject>): JsonObject[] {
  const uuid = uuidIn(textOf(object, 'id'))
  const observed = object['type'] === 'indicator' ? lookup.get(`observed-data--${uuid}`) : undefined
  if (!observed || made.length === 0) return made
  const seen = fromObserved(observed, lookup)
  const merged = made.map((one) => {
    const same = seen.find((other) => other['uuid'] === one['uuid'])
    return same ? joined(one, same) : one
  })
  const uuids = new Set(made.map((one) => one['uuid']))
  return [...merged, ...seen.filter((one) => one['Attribute'] !== undefined && !uuids.has(one['uuid'] ?? null))]
}

function joined(detecting: JsonObject, seen: JsonObject): JsonObject {
  if (detecting['Attribute'] === undefined) return { ...seen, ...detecting, value: seen['value'] ?? '' }
  const known = objectsOf(detecting, 'Attribute')
  const isKnown = (one: JsonObject) =>
    known.some(
      (other) => other['object_relation'] === one['object_relation'] && textOf(other, 'value') === textOf(one, 'value'),
    )
  const others = objectsOf(seen, 'Attribute').filter((one) => !isKnown(one))
  return { ...seen, ...detecting, Attribute: [...known, ...others] }
}

function add(parts: MispParts, made: JsonObject): void {
  if (made['GalaxyCluster'] !== undefined) {
    const known = parts.galaxies.find(({ type }) => type === made['type'])
    if (known) (known['GalaxyCluster'] as Json[]).push(...(made['GalaxyCluster'] as Json[]))
    else parts.galaxies.push(made)
  } else if (made['Attribute'] !== undefined) parts.objects.push(made)
  else parts.attributes.push(made)
}

function toMisp(object: JsonObject, lookup: ReadonlyMap<string, JsonObject>): JsonObject[] {
  const type = textOf(object, 'type')
  if (type.startsWith('x-misp-object-')) return attributeOf(object, [], lookup)
  if (type === 'x-misp-object') return customObject(object)
  if (type === 'indicator') return fromIndicator(object, lookup)
  if (type === 'observed-data') return fromObserved(object, lookup)
  const labelled = attributeOf(object, [], lookup)
  if (labelled.length > 0) return labelled
  const entity = entityObjectOf(object, lookup)
  if (entity) return [entity]
  if (GALAXY_TYPES.has(type)) return galaxyOf(object)
  return isObservable(object) ? fromObservables(object, [object], lookup) : []
}

function fromIndicator(object: JsonObject, lookup: ReadonlyMap<string, JsonObject>): JsonObject[] {
  const attribute = attributeOf(object, [], lookup)
  if (attribute.length > 0) return attribute
  const rule = ruleObjectOf(object)
  return rule ? [rule] : objectOfPattern(object)
}

function fromObserved(object: JsonObject, lookup: ReadonlyMap<string, JsonObject>): JsonObject[] {
  const observables = found(textsOf(object, 'object_refs'), lookup)
  const attribute = attributeOf(object, observables, lookup)
  return attribute.length > 0 ? attribute : fromObservables(object, observables, lookup)
}

function fromObservables(
  object: JsonObject,
  observables: JsonObject[],
  lookup: ReadonlyMap<string, JsonObject>,
): JsonObject[] {
  return objectOfObservables(object, observables, lookup)
}

function customObject(object: JsonObject): JsonObject[] {
  if (!Array.isArray(object['x_misp_attributes'])) return []
  // Copies: tags are put on them, and the object is the caller's.
  const attributes = objectsOf(object, 'x_misp_attributes').map((one) => ({ ...one }))
  return [
    {
      name: textOf(object, 'x_misp_name'),
      'meta-category': textOf(object, 'x_misp_meta_category'),
      uuid: uuidIn(textOf(object, 'id')),
      Attribute: attributes,
    },
  ]
}

const isObservable = (object: JsonObject) => object['created'] === undefined && object['modified'] === undefined

/** Ids that an observable refers to. */
function referencesOf(object: JsonObject): string[] {
  if (!isObservable(object)) return []
  const lists = Array.isArray(object['body_multipart']) ? (object['body_multipart'] as JsonObject[]) : []
  return [object, ...lists].flatMap((one) =>
    Object.keys(one).flatMap((name) =>
      /_refs?$/.test(name) && name !== 'object_marking_refs' ? textsOf(one, name) : [],
    ),
  )
}
