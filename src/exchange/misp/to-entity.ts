import type { Json, JsonObject } from '#base'
import { ENTITY_SHAPES, type EntityShape, RULE_OBJECTS } from './entity-table.ts'
import { isObject, objectsOf, textOf, textsOf } from '../fields.ts'
import type { Lookup } from './from-observable.ts'
import { mispUuid, uuidIn } from './ids.ts'
import { labelOf } from './labels.ts'
import { framed, made } from './to-object.ts'

/** The MISP object of an indicator in another language than STIX. */
export function ruleObjectOf(object: JsonObject): JsonObject | undefined {
  const language = textOf(object, 'pattern_type')
  const name = labelOf(object, 'name') ?? [...RULE_OBJECTS].find(([, shape]) => shape.language === language)?.[0]
  const shape = RULE_OBJECTS.get(name ?? '')
  if (!shape || name === undefined || language === 'stix') return undefined
  const version = textOf(object, 'pattern_version')
  const of = (relation: string, type: string, value: string) =>
    value === '' ? [] : [made(object, relation, type, value, false)]
  const attributes = [
    made(object, shape.rule, shape.type, textOf(object, 'pattern'), true),
    ...of(shape.names[0] ?? 'name', 'text', textOf(object, 'name')),
    ...of('comment', 'comment', textOf(object, 'description')),
    ...of('version', 'text', version === '2.1' ? '' : version),
    ...objectsOf(object, 'external_references').flatMap((one) =>
      of(name === 'suricata' ? 'ref' : 'reference', 'link', textOf(one, 'url')),
    ),
    ...customOf(object, undefined),
  ]
  return framed(object, name, 'misc', attributes)
}

/** The MISP object of a domain object that came from one; undefined for the others. */
export function entityObjectOf(object: JsonObject, lookup: Lookup): JsonObject | undefined {
  const name = labelOf(object, 'name') ?? likelyEntity(object)
  if (name === 'script') return scriptOf(object)
  const shape = ENTITY_SHAPES.get(name ?? '')
  if (!shape || name === undefined || shape.type !== object['type']) return undefined
  const result = framed(object, name, 'misc', [...fieldsOf(object, shape), ...customOf(object, shape)])
  if (shape.type === 'note') result['ObjectReference'] = annotated(object, lookup)
  return result
}

/** Template of a domain object that says nothing of MISP. */
function likelyEntity(object: JsonObject): string | undefined {
  if (object['type'] === 'malware-analysis') return 'malware-analysis'
  if (object['type'] === 'location' && object['latitude'] !== undefined) return 'geolocation'
  const isOrganised = object['type'] === 'identity' && labelOf(object, 'galaxy-type') === undefined
  return isOrganised && object['identity_class'] !== 'class' ? 'identity' : undefined
}

function annotated(object: JsonObject, lookup: Lookup): JsonObject[] {
  const uuid = uuidIn(textOf(object, 'id'))
  const targets = new Set(
    textsOf(object, 'object_refs')
      .filter((id) => lookup.size > 0 && !id.startsWith('report--'))
      .map(uuidIn),
  )
  return [...targets].map((target) => ({
    uuid: mispUuid(uuid, target, 'annotates'),
    object_uuid: uuid,
    referenced_uuid: target,
    relationship_type: 'annotates',
  }))
}

function fieldsOf(object: JsonObject, shape: EntityShape): JsonObject[] {
  const taken = new Set<string>()
  return [...shape.fields].flatMap(([relation, { type, property }]) => {
    const [name = '', factor] = property.replace('[]', '').split('*')
    if (property.endsWith('+') || taken.has(property)) return []
    const values =
      property === '@contact'
        ? contactsOf(object, relation)
        : property.startsWith('@')
          ? referencesOf(object, property)
          : [object[name] ?? []].flat()
    if (values.length > 0 && !property.startsWith('@')) taken.add(property)
    return values.map((value) =>
      made(object, relation, type, factor === undefined ? value : Number(value) / Number(factor), false),
    )
  })
}

function contactsOf(object: JsonObject, relation: string): string[] {
  return textOf(object, 'contact_information')
    .split(' / ')
    .flatMap((part) => (part.startsWith(`${relation}: `) ? part.slice(relation.length + 2).split('; ') : []))
}

function referencesOf(object: JsonObject, kind: string): Json[] {
  const references = objectsOf(object, 'external_references')
  if (kind === '@url') return references.flatMap((one) => textOf(one, 'url') || [])
  const source = kind.slice(1)
  const ids = references.filter((one) => textOf(one, 'source_name') === source).map((one) => textOf(one, 'external_id'))
  return source === 'capec' ? ids.map((id) => id.replace(/^CAPEC-/, '')) : ids
}

/** Custom properties that are no relation of a template. */
const OF_WHOLE = new Set(['x_misp_object_comment', 'x_misp_disable_correlation', 'x_misp_expiration'])

/** Attributes of custom properties; names of relations have hyphens where properties have underscores. */
function customOf(object: JsonObject, shape: EntityShape | undefined): JsonObject[] {
  return Object.entries(object).flatMap(([key, value]) => {
    if (!key.startsWith('x_misp_') || OF_WHOLE.has(key)) return []
    const name = key.slice('x_misp_'.length)
    const relation = shape && [...shape.fields.keys()].includes(name) ? name : name.replaceAll('_', '-')
    return [value]
      .flat()
      .map((one) => made(object, relation, isObject(one) ? 'attachment' : customType(relation, one), one, false))
  })
}

/** Types of relations that templates of domain objects have beside the table's. */
function customType(relation: string, value: Json): string {
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)) return 'datetime'
  return CUSTOM_TYPES.get(relation) ?? 'text'
}

const CUSTOM_TYPES: ReadonlyMap<string, string> = new Map([
  ['related-weakness', 'weakness'],
  ['cvss-score', 'float'],
  ['altitude', 'float'],
  ['nationality', 'nationality'],
  ['passport-number', 'passport-number'],
])

function scriptOf(object: JsonObject): JsonObject {
  const of = (relation: string, type: string, values: readonly string[]) =>
    values.map((value) => made(object, relation, type, value, false))
  const attributes = [
    ...of('filename', 'filename', textsOf(object, 'name')),
    ...of('comment', 'text', textsOf(object, 'description')),
    ...of('language', 'text', textsOf(object, 'implementation_languages')),
    ...customOf(object, undefined),
  ]
  return framed(object, 'script', 'misc', attributes)
}
