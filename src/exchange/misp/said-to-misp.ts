import type { JsonObject } from '#base'
import { isObject, textOf, textsOf } from '../fields.ts'
import type { LossReport } from '../loss.ts'
import { ANALYST_OPINION, ANALYST_RELATIONSHIP, OPINIONS, PROPOSAL } from './analyst-data.ts'
import { append, type Element, type EventElements } from './event-elements.ts'
import { uuidIn } from './ids.ts'
import { labelOf } from './labels.ts'

type Lookup = ReadonlyMap<string, JsonObject>

/** Adds to an event what a relationship, sighting, opinion or note says of its elements; what has no place is told. */
export function say(object: JsonObject, elements: EventElements, byId: Lookup, losses: LossReport): void {
  const why = saidBy(object, elements, byId)
  if (why !== undefined) losses.add(textOf(object, 'id'), why)
}

/** Why an object has no place; undefined where it has one, or needs none. */
function saidBy(object: JsonObject, elements: EventElements, byId: Lookup): string | undefined {
  switch (object['type']) {
    case 'relationship':
      return object['relationship_type'] === 'based-on' ? undefined : relate(object, elements)
    case 'sighting':
      return sight(object, elements, byId)
    case 'opinion':
      return opine(object, elements, byId)
    case 'note':
      return labelOf(object, 'name') === undefined ? note(object, elements) : undefined
    case 'indicator':
      return expired(object, elements)
    default:
      return undefined
  }
}

function relate(object: JsonObject, elements: EventElements): string | undefined {
  const source = elements.find(textOf(object, 'source_ref'))
  const target = elements.find(textOf(object, 'target_ref'))
  if (!source || !target) return 'one of its ends is no element of the event'
  const uuid = uuidIn(textOf(object, 'id'))
  const kind = textOf(object, 'relationship_type')
  const comment = textOf(object, 'description')
  const isAnalyst = textsOf(object, 'labels').includes(ANALYST_RELATIONSHIP)
  const attribute = elements.attributeOf(source)
  const galaxy = target.kind === 'GalaxyCluster' ? elements.galaxyOf(target) : undefined
  if (!isAnalyst && galaxy && attribute) {
    append(attribute, 'Galaxy', galaxy)
    append(attribute, 'Tag', { name: `misp-galaxy:${textOf(galaxy, 'type')}="${textOf(target.of, 'value')}"` })
  } else if (!isAnalyst && source.kind === 'Object' && (target.kind === 'Object' || target.kind === 'Attribute'))
    append(source.of, 'ObjectReference', {
      uuid,
      object_uuid: source.uuid,
      referenced_uuid: target.uuid,
      relationship_type: kind,
      ...(comment === '' ? {} : { comment }),
    })
  else
    append(source.of, 'Relationship', {
      uuid,
      object_uuid: source.uuid,
      object_type: source.kind,
      related_object_uuid: target.uuid,
      related_object_type: target.kind,
      relationship_type: kind,
      ...(comment === '' ? {} : { comment }),
    })
  return undefined
}

function sight(object: JsonObject, elements: EventElements, byId: Lookup): string | undefined {
  const target = elements.find(textOf(object, 'sighting_of_ref'))
  const attribute = target && elements.attributeOf(target)
  if (!attribute) return 'a sighting of nothing that MISP counts sightings of'
  const where = byId.get(textsOf(object, 'where_sighted_refs')[0] ?? textOf(object, 'created_by_ref'))
  append(attribute, 'Sighting', {
    uuid: uuidIn(textOf(object, 'id')),
    type: '0',
    date_sighting: secondsAt(textOf(object, 'last_seen') || textOf(object, 'created')),
    ...organisationOf(where),
  })
  const count = object['count']
  return typeof count === 'number' && count > 1
    ? `MISP counts each sighting on its own: ${count} became one`
    : undefined
}

const organisationOf = (identity: JsonObject | undefined): JsonObject =>
  identity ? { Organisation: { uuid: uuidIn(textOf(identity, 'id')), name: textOf(identity, 'name') } } : {}

const secondsAt = (time: string) => String(Math.trunc(Date.parse(time) / 1_000) || 0)

/** A bare strong disagreement is MISP's false positive; every other opinion is one there too. */
function opine(object: JsonObject, elements: EventElements, byId: Lookup): string | undefined {
  const isAnalyst = textsOf(object, 'labels').includes(ANALYST_OPINION)
  const isBare = !isAnalyst && object['opinion'] === 'strongly-disagree' && object['explanation'] === undefined
  return onEach(object, elements, (element) => {
    const attribute = elements.attributeOf(element)
    if (isBare && attribute)
      return append(attribute, 'Sighting', {
        uuid: uuidIn(textOf(object, 'id')),
        type: '1',
        date_sighting: secondsAt(textOf(object, 'modified')),
        ...organisationOf(byId.get(textOf(object, 'created_by_ref'))),
      })
    const exact = object['x_misp_opinion']
    const highest = OPINIONS.find(([, word]) => word === object['opinion'])?.[0] ?? 50
    const said = {
      ...analystFrame(object, element),
      opinion: typeof exact === 'number' ? exact : Math.max(0, highest - 10),
      comment: textOf(object, 'explanation'),
    }
    elements.say('Opinion', said, element)
  })
}

function note(object: JsonObject, elements: EventElements): string | undefined {
  const isReport = textsOf(object, 'labels').every((label) => !label.startsWith('misp:'))
  const proposal = object['x_misp_proposal']
  return onEach(object, elements, (element) => {
    if (textsOf(object, 'labels').includes(PROPOSAL) && isObject(proposal))
      append(
        element.kind === 'Object' ? (elements.attributeOf(element) ?? element.of) : element.of,
        'ShadowAttribute',
        {
          ...proposal,
          to_ids: proposal['to_ids'] === 'true' || proposal['to_ids'] === '1',
        },
      )
    else if (isReport && element.kind === 'Event')
      append(element.of, 'EventReport', {
        uuid: uuidIn(textOf(object, 'id')),
        name: textOf(object, 'abstract') || 'Note',
        content: textOf(object, 'content'),
        timestamp: secondsAt(textOf(object, 'modified')),
      })
    else {
      const abstract = textOf(object, 'abstract')
      const said = {
        ...analystFrame(object, element),
        note: abstract === '' ? textOf(object, 'content') : `${abstract}\n\n${textOf(object, 'content')}`,
        ...(object['lang'] === undefined ? {} : { language: textOf(object, 'lang') }),
      }
      elements.say('Note', said, element)
    }
  })
}

/** Fields that all analyst data have. */
function analystFrame(object: JsonObject, { uuid, kind }: Element): JsonObject {
  const plain = (time: string) => time.replace('T', ' ').replace(/(?:\.\d+)?Z$/, '')
  const authors = textsOf(object, 'authors').join(', ')
  return {
    uuid: uuidIn(textOf(object, 'id')),
    object_uuid: uuid,
    object_type: kind,
    created: plain(textOf(object, 'created')),
    modified: plain(textOf(object, 'modified')),
    ...(authors === '' ? {} : { authors }),
  }
}

/** Says something of the first element that an object refers to; the others are told. */
function onEach(object: JsonObject, elements: EventElements, add: (element: Element) => void): string | undefined {
  const refs = textsOf(object, 'object_refs')
  const about = refs.map((id) => elements.find(id)).filter((one) => one !== undefined)
  const [first] = about
  if (!first) return `this ${textOf(object, 'type')} is on nothing that is an element of the event`
  add(first)
  const others = new Set(about.map(({ uuid }) => uuid)).size - 1
  return others === 0 ? undefined : `it is kept on the first of its objects, and not on ${others} more`
}

/** An indicator that an expiration ended has it as a sighting again. */
function expired(object: JsonObject, elements: EventElements): undefined {
  const expiration = object['x_misp_expiration']
  const element = isObject(expiration) ? elements.find(textOf(object, 'id')) : undefined
  const attribute = element && elements.attributeOf(element)
  if (attribute && isObject(expiration)) append(attribute, 'Sighting', { ...expiration, type: '2' })
}
