import type { Json, JsonObject } from '#base'
import { addCustom } from './custom.ts'
import { ENTITY_SHAPES, type EntityShape, RULE_OBJECTS } from './entity-table.ts'
import { objectsOf, textOf } from '../fields.ts'
import { common, indicator, type MispContext, timeIn } from './frame.ts'
import { toStixTime } from './graph.ts'

/** Types whose category is written as a kill chain phase. */
const WITH_PHASE = new Set(['attack-pattern', 'malware', 'tool'])

/** The one STIX object of a MISP object that is not made of observables; undefined for the others. */
export function domainEntity(
  object: JsonObject,
  uuid: string,
  labels: readonly string[],
  context: MispContext,
): JsonObject | undefined {
  const name = textOf(object, 'name')
  if (RULE_OBJECTS.has(name)) return rule(object, uuid, labels, context)
  if (name === 'script') return script(object, uuid, labels, context)
  const shape = ENTITY_SHAPES.get(name)
  return shape && entity(object, uuid, shape, labels, context)
}

function rule(
  object: JsonObject,
  uuid: string,
  labels: readonly string[],
  context: MispContext,
): JsonObject | undefined {
  const shape = RULE_OBJECTS.get(textOf(object, 'name'))
  const attributes = objectsOf(object, 'Attribute')
  const of = (...relations: string[]) => attributes.filter((one) => relations.includes(textOf(one, 'object_relation')))
  const [text] = shape ? of(shape.rule) : []
  if (!shape || !text) return undefined
  const version = of('version')[0]
  const made = indicator(
    { ...object, comment: of('comment').map((one) => textOf(one, 'value'))[0] ?? '' },
    uuid,
    {
      pattern: textOf(text, 'value'),
      language: shape.language,
      ...(version ? { version: textOf(version, 'value') } : {}),
      category: textOf(object, 'meta-category'),
      labels,
    },
    context,
  )
  const name = of(...shape.names)[0]
  const links = of('reference', 'ref')
  if (name) made['name'] = textOf(name, 'value')
  if (links.length > 0)
    made['external_references'] = links.map((link) => ({ source_name: 'url', url: textOf(link, 'value') }))
  addCustom(made, attributes, new Set([shape.rule, ...shape.names, 'reference', 'ref', 'comment', 'version']))
  return made
}

function script(object: JsonObject, uuid: string, labels: readonly string[], context: MispContext): JsonObject {
  const attributes = objectsOf(object, 'Attribute')
  const valueOf = (relation: string) =>
    textOf(attributes.find((one) => textOf(one, 'object_relation') === relation) ?? {}, 'value')
  const type = valueOf('state') === 'Malicious' ? 'malware' : 'tool'
  const description = valueOf('comment')
  const language = type === 'malware' ? valueOf('language') : ''
  const made: JsonObject = {
    ...common(type, uuid, timeIn(object, context), context),
    name: valueOf('filename') || 'script',
    ...(description === '' ? {} : { description }),
    ...(type === 'malware' ? { is_family: false } : {}),
    ...(language === '' ? {} : { implementation_languages: [language] }),
    ...phase(object),
    labels: [...labels],
  }
  addCustom(made, attributes, new Set(['filename', 'comment', ...(language === '' ? [] : ['language'])]))
  return made
}

const phase = (object: JsonObject) => ({
  kill_chain_phases: [{ kill_chain_name: 'misp-category', phase_name: textOf(object, 'meta-category') || 'misc' }],
})

function entity(
  object: JsonObject,
  uuid: string,
  { type, constants, fields }: EntityShape,
  labels: readonly string[],
  context: MispContext,
): JsonObject {
  const made: JsonObject = { ...common(type, uuid, timeIn(object, context), context), labels: [...labels] }
  for (const [name, value] of constants) made[name] = value
  if (WITH_PHASE.has(type)) Object.assign(made, phase(object))
  const contacts = new Map<string, string[]>()
  const rest: JsonObject[] = []
  for (const attribute of objectsOf(object, 'Attribute')) {
    const relation = textOf(attribute, 'object_relation')
    const property = fields.get(relation)?.property
    if (property === '@contact') contacts.set(relation, [...(contacts.get(relation) ?? []), textOf(attribute, 'value')])
    else if (property === undefined || !put(made, property, attribute)) rest.push(attribute)
  }
  addCustom(made, rest)
  if (contacts.size > 0)
    made['contact_information'] = [...contacts]
      .map(([relation, values]) => `${relation}: ${values.join('; ')}`)
      .join(' / ')
  const comment = textOf(object, 'comment')
  if (comment !== '' && made['name'] !== undefined) made['x_misp_object_comment'] = comment
  if (type === 'note') made['object_refs'] = noted(object)
  else if (type !== 'location' && type !== 'malware-analysis')
    made['name'] ??= textOf(object, 'comment') || textOf(object, 'name')
  return made
}

/** Targets of a note; those that have become objects are put in once all of them are known. */
const noted = (object: JsonObject): string[] =>
  objectsOf(object, 'ObjectReference').map((reference) => textOf(reference, 'referenced_uuid'))

/** Writes one attribute to a property; false where it does not fit there. */
function put(made: JsonObject, property: string, attribute: JsonObject): boolean {
  const value = textOf(attribute, 'value')
  if (property.startsWith('@')) return refer(made, property, value)
  if (property.endsWith('[]')) made[property.slice(0, -2)] = [...listOf(made, property.slice(0, -2)), value]
  else if (property.endsWith('+'))
    made[property.slice(0, -1)] = [made[property.slice(0, -1)], value].filter(Boolean).join(' ')
  else if (textOf(attribute, 'type') === 'datetime') {
    const time = toStixTime(value)
    if (time === undefined) return false
    made[property] = time
  } else if (textOf(attribute, 'type') === 'float') {
    const [name = '', factor = '1'] = property.split('*')
    if (value.trim() === '' || !Number.isFinite(Number(value))) return false
    made[name] = Number(value) * Number(factor)
  } else if (made[property] === undefined) made[property] = value
  else return false
  return true
}

const listOf = (made: JsonObject, name: string): Json[] => (Array.isArray(made[name]) ? (made[name] as Json[]) : [])

function refer(made: JsonObject, kind: string, value: string): boolean {
  const known = listOf(made, 'external_references')
  if (kind === '@cve') made['name'] ??= value
  const reference: JsonObject =
    kind === '@url'
      ? { source_name: 'url', url: value }
      : kind === '@cve'
        ? { source_name: 'cve', external_id: value }
        : { source_name: 'capec', external_id: `CAPEC-${value.replace(/^CAPEC-/i, '')}` }
  made['external_references'] = [...known, reference]
  return true
}
