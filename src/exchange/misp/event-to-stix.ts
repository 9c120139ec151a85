import type { JsonObject } from '#base'
import { OBJECT_ATTRIBUTES_MAX } from '../limits.ts'
import { strictest, tlpMarkingId } from '../markings.ts'
import type { ReadContext } from '../format.ts'
import { ANALYST_RELATIONSHIP, analystDataOf, proposalToStix } from './analyst-data.ts'
import { attributeToStix } from './attribute-to-stix.ts'
import { distributionNotes, keptCloser } from './distribution.ts'
import { flagOf, objectOf, objectsOf, textOf, timeAt } from '../fields.ts'
import {
  dateOf,
  factsOf,
  hasRelation,
  isPublished,
  isReferable,
  levelOf,
  marked,
  markingsOf,
  referrersOf,
} from './event-facts.ts'
import { common, type MispContext, relationship } from './frame.ts'
import { galaxyOfTag, galaxyToStix } from './galaxy.ts'
import { uuidOf } from './ids.ts'
import { objectToStix } from './object-to-stix.ts'
import { expire, sightingToStix } from './sighting.ts'
import { type TagFacts, tagsOf } from './tags.ts'

/** Time of identities that are made, the same in every import, so that each is published once. */
const ORGANISATIONS_SINCE = '2020-01-01T00:00:00.000Z'
/** What an indicator may indicate; anything else it is related to. */
const INDICATED = new Set([
  'attack-pattern',
  'campaign',
  'infrastructure',
  'intrusion-set',
  'malware',
  'threat-actor',
  'tool',
])
/** Objects that are taken into the one that refers to them. */
const PARTS: ReadonlyMap<string, readonly string[]> = new Map([
  ['pe', ['file']],
  ['pe-section', ['pe']],
  ['registry-key-value', ['registry-key']],
])

/** What an event became. */
export interface EventObjects {
  objects: JsonObject[]
  notes: string[]
}

/** The STIX objects of one MISP event: all it holds, and a report that refers to them. */
export function eventToStix(event: JsonObject, context: ReadContext, path: string): EventObjects {
  return new EventReader(event, context, path).read()
}

class EventReader {
  readonly #event: JsonObject
  readonly #path: string
  readonly #context: MispContext
  readonly #tags: TagFacts
  readonly #objects = new Map<string, JsonObject>()
  /** Ids of what each MISP uuid became; the one to refer to comes first. */
  readonly #became = new Map<string, string[]>()
  readonly #siblings: Map<string, JsonObject>
  readonly #takesProposals: boolean
  /** What is said of elements that are known only once all are read. */
  readonly #later: (() => void)[] = []
  /** Names of the objects that refer to each uuid. */
  #referrers: Map<string, string[]> | undefined

  constructor(event: JsonObject, { losses, now, proposals = false }: ReadContext, path: string) {
    this.#event = event
    this.#path = path
    this.#takesProposals = proposals
    this.#tags = tagsOf(event, path, losses)
    const at = timeAt(event, 'timestamp') ?? timeAt(event, 'publish_timestamp') ?? dateOf(event) ?? now
    const level = strictest(this.#tags.levels)
    this.#context = { at, losses, markings: level === undefined ? [] : [tlpMarkingId(level)] }
    const creator = objectOf(event, 'Orgc') ?? objectOf(event, 'Org')
    if (creator) this.#context = { ...this.#context, creator: this.#identity(creator) }
    this.#siblings = new Map(
      objectsOf(event, 'Object')
        .filter((one) => this.#whyLeft(one) === undefined)
        .map((one) => [textOf(one, 'uuid'), this.#withKept(one)]),
    )
  }

  read(): EventObjects {
    objectsOf(this.#event, 'Attribute').forEach((one, index) =>
      this.#attribute(one, `${this.#path}.Attribute[${index}]`),
    )
    objectsOf(this.#event, 'Object').forEach((one, index) => this.#object(one, `${this.#path}.Object[${index}]`))
    this.#galaxies(this.#event, this.#tags, this.#path)
    this.#references()
    const report = this.#report()
    return { objects: [...this.#objects.values(), ...report], notes: distributionNotes(this.#event) }
  }

  #identity(organisation: JsonObject): string {
    const name = textOf(organisation, 'name')
    const frame = common('identity', uuidOf(organisation['uuid'], 'organisation', name), ORGANISATIONS_SINCE, {
      ...this.#context,
      markings: [],
    })
    const { created_by_ref: _, ...own } = frame
    this.#add([
      { ...own, name: name || 'Organisation', identity_class: 'organization', ...marked(this.#context.markings) },
    ])
    return String(frame['id'])
  }

  #add(objects: readonly JsonObject[]): void {
    for (const object of objects)
      if (!this.#objects.has(String(object['id']))) this.#objects.set(String(object['id']), object)
  }

  /** Context of an element with tags of its own: the strictest level of its and the event's. */
  #contextOf(levels: TagFacts['levels']): MispContext {
    const level = strictest([...this.#tags.levels, ...levels])
    return level === undefined ? this.#context : { ...this.#context, markings: [tlpMarkingId(level)] }
  }

  /** Context of what refers to some objects: as strict as the strictest of them. */
  #contextFor(ids: readonly string[]): MispContext {
    return this.#contextOf(ids.flatMap((id) => levelOf(this.#objects.get(id)) ?? []))
  }

  /** Whether the event's own level lets it name an object. */
  #mayName(object: JsonObject): boolean {
    const own = levelOf(object)
    const level = strictest(this.#tags.levels) ?? 'clear'
    return own === undefined || strictest([own, level]) === level
  }

  #whyLeft(element: JsonObject): string | undefined {
    return flagOf(element, 'deleted') === true ? 'it was deleted' : keptCloser(element, this.#event)
  }

  #isLeft(element: JsonObject, path: string): boolean {
    const why = this.#whyLeft(element)
    if (why !== undefined) this.#context.losses.add(path, why)
    return why !== undefined
  }

  /** An object with the attributes that are taken of it. */
  #withKept(object: JsonObject): JsonObject {
    const attributes = objectsOf(object, 'Attribute').slice(0, OBJECT_ATTRIBUTES_MAX)
    return { ...object, Attribute: attributes.filter((one) => this.#whyLeft(one) === undefined) }
  }

  /** Objects that are taken into an object, and those that are taken into them. */
  #partsIn(object: JsonObject, seen = new Set<JsonObject>()): JsonObject[] {
    for (const reference of objectsOf(object, 'ObjectReference')) {
      const part = this.#siblings.get(textOf(reference, 'referenced_uuid'))
      if (!part || seen.has(part) || PARTS.get(textOf(part, 'name'))?.includes(textOf(object, 'name')) !== true)
        continue
      seen.add(part)
      this.#partsIn(part, seen)
    }
    return [...seen]
  }

  #attribute(attribute: JsonObject, path: string): void {
    if (this.#isLeft(attribute, path)) return
    if (textOf(attribute, 'type') === '' || textOf(attribute, 'value') === '')
      return this.#context.losses.add(path, 'it has no type or no value')
    const tags = tagsOf(attribute, path, this.#context.losses)
    const made = attributeToStix(attribute, this.#contextOf(tags.levels))
    if (made.some(({ type }) => String(type).startsWith('x-misp-')))
      this.#context.losses.add(
        path,
        `STIX has no object for ${textOf(attribute, 'type')}; it is kept as a custom object, which detects nothing`,
      )
    if (textOf(attribute, 'comment') !== '' && ['campaign', 'vulnerability'].includes(String(made[0]?.['type'])))
      this.#context.losses.add(path, 'its comment is not kept')
    this.#take(attribute, made, tags, path)
  }

  #object(object: JsonObject, path: string): void {
    const partOf = PARTS.get(textOf(object, 'name'))
    if (textOf(object, 'name') === 'pe-section' && !hasRelation(object, 'name'))
      this.#context.losses.add(
        path,
        'a section without the name that STIX requires; its detections are kept in the pattern',
      )
    if (this.#isLeft(object, path)) return
    const all = objectsOf(object, 'Attribute')
    if (all.length > OBJECT_ATTRIBUTES_MAX)
      this.#context.losses.add(path, `only the first ${OBJECT_ATTRIBUTES_MAX} of its ${all.length} attributes are read`)
    const kept = all
      .slice(0, OBJECT_ATTRIBUTES_MAX)
      .filter((one, index) => !this.#isLeft(one, `${path}.Attribute[${index}]`))
    if (partOf && this.#isReferredBy(object, partOf)) return
    const within = [...kept, ...this.#partsIn(object).flatMap((one) => objectsOf(one, 'Attribute'))]
    const tags = within.map((one) => tagsOf(one, path, this.#context.losses))
    const joined: TagFacts = {
      levels: tags.flatMap(({ levels }) => levels),
      galaxies: tags.flatMap(({ galaxies }) => galaxies),
      labels: [...new Set(tags.flatMap(({ labels }) => labels))],
    }
    const made = objectToStix({ ...object, Attribute: kept }, this.#contextOf(joined.levels), this.#siblings)
    if (made.some(({ type }) => type === 'x-misp-object'))
      this.#context.losses.add(
        path,
        `STIX has no object for the template ${textOf(object, 'name')}; it is kept as a custom object, which detects nothing`,
      )
    this.#take(object, made, joined, path)
    for (const one of kept) {
      this.#became.set(textOf(one, 'uuid'), this.#became.get(textOf(object, 'uuid')) ?? [])
      this.#said(one, this.#became.get(textOf(object, 'uuid'))?.[0], path)
      if (textOf(one, 'comment') !== '' && !made.some(({ type }) => type === 'x-misp-object'))
        this.#context.losses.add(path, `the comment on its ${textOf(one, 'object_relation')} is not kept`)
    }
  }

  #isReferredBy(object: JsonObject, names: readonly string[]): boolean {
    this.#referrers ??= referrersOf(this.#siblings)
    return (this.#referrers.get(textOf(object, 'uuid')) ?? []).some((name) => names.includes(name))
  }

  /** Takes what an element became, with its tags, galaxies and sightings. */
  #take(element: JsonObject, made: readonly JsonObject[], tags: TagFacts, path: string): void {
    for (const object of made)
      if (tags.labels.length > 0 && Array.isArray(object['labels']))
        object['labels'] = [...object['labels'], ...tags.labels]
    this.#add(made.map((object) => ({ ...object, ...marked(markingsOf(made)) })))
    const ids = made.filter(({ type }) => isReferable(String(type))).map(({ id }) => String(id))
    const detecting = ids.find((id) => id.startsWith('indicator--'))
    const main = detecting ?? ids[0]
    this.#became.set(textOf(element, 'uuid'), main === undefined ? [] : [main, ...ids.filter((id) => id !== main)])
    for (const target of this.#galaxies(element, tags, path)) {
      const kind =
        detecting !== undefined && INDICATED.has(target.slice(0, target.indexOf('--'))) ? 'indicates' : 'related-to'
      if (main !== undefined)
        this.#add([relationship(main, kind, target, this.#context.at, this.#contextFor([main, target]))])
    }
    this.#said(element, main, path)
  }

  /** Sightings, notes, opinions, relationships and proposals of an element. */
  #said(element: JsonObject, main: string | undefined, path: string): void {
    objectsOf(element, 'Sighting').forEach((one, index) => this.#sighting(one, main, `${path}.Sighting[${index}]`))
    this.#later.push(() => this.#proposals(element, main, path))
    if (main === undefined) return
    const isLeft = (one: JsonObject, where: string) => this.#isLeft(one, where)
    this.#add(analystDataOf(element, main, this.#contextFor([main]), isLeft, path))
    objectsOf(element, 'Relationship').forEach((one, index) => {
      const where = `${path}.Relationship[${index}]`
      if (!this.#isLeft(one, where)) this.#later.push(() => this.#relate(main, one, 'related_object_uuid', where))
    })
  }

  #sighting(sighting: JsonObject, main: string | undefined, path: string): void {
    const organisation = objectOf(sighting, 'Organisation')
    const by = organisation ? this.#identity(organisation) : this.#context.creator
    const seen = main === undefined ? undefined : sightingToStix(sighting, main, by, this.#contextFor([main]))
    if (seen) return this.#add([seen])
    const target = this.#objects.get(main ?? '')
    if (target && expire(target, sighting)) return
    this.#context.losses.add(path, 'an expiration, or a sighting of nothing that STIX can refer to')
  }

  #galaxies(element: JsonObject, tags: TagFacts, path: string): string[] {
    const galaxies = objectsOf(element, 'Galaxy')
    const known = new Set(
      galaxies.flatMap((one) => objectsOf(one, 'GalaxyCluster').map((cluster) => textOf(cluster, 'tag_name'))),
    )
    const named = galaxies.flatMap((one) =>
      objectsOf(one, 'GalaxyCluster').map(
        (cluster) => `misp-galaxy:${textOf(one, 'type')}="${textOf(cluster, 'value')}"`,
      ),
    )
    const fromTags = tags.galaxies
      .filter((tag) => !known.has(tag) && !named.includes(tag))
      .map(galaxyOfTag)
      .filter((one) => one !== undefined)
    const made = [...galaxies, ...fromTags].flatMap((one, index) =>
      galaxyToStix(one, this.#context, `${path}.Galaxy[${index}]`),
    )
    this.#add(made)
    return made.map(({ id }) => String(id))
  }

  #references(): void {
    for (const object of this.#siblings.values()) {
      objectsOf(object, 'ObjectReference').forEach((reference, index) => {
        const source = this.#became.get(textOf(object, 'uuid'))?.[0]
        if (source?.startsWith('note--') || source === undefined || this.#isPart(reference)) return
        this.#relate(
          source,
          reference,
          'referenced_uuid',
          `${this.#path}.Object(${textOf(object, 'uuid')}).ObjectReference[${index}]`,
        )
      })
    }
  }

  /** A relationship from an object to what became of the uuid that a reference names. */
  #relate(source: string, reference: JsonObject, end: string, path: string): void {
    const target = this.#became.get(textOf(reference, end))?.[0]
    if (target === undefined || target === source)
      return this.#context.losses.add(path, 'it refers to nothing that was taken')
    const kind = textOf(reference, 'relationship_type')
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '')
    const made = relationship(
      source,
      kind.slice(0, 200) || 'related-to',
      target,
      this.#context.at,
      this.#contextFor([source, target]),
    )
    const comment = textOf(reference, 'comment')
    this.#add([
      {
        ...made,
        id: `relationship--${uuidOf(reference['uuid'], source, kind, target)}`,
        ...(comment === '' ? {} : { description: comment }),
        ...(end === 'related_object_uuid' ? { labels: [ANALYST_RELATIONSHIP] } : {}),
      },
    ])
  }

  #isPart(reference: JsonObject): boolean {
    const target = this.#siblings.get(textOf(reference, 'referenced_uuid'))
    return target !== undefined && !this.#became.has(textOf(target, 'uuid'))
  }

  #proposals(element: JsonObject, main: string | undefined, path: string): void {
    objectsOf(element, 'ShadowAttribute').forEach((one, index) => {
      const where = `${path}.ShadowAttribute[${index}]`
      if (main === undefined || !this.#takesProposals)
        this.#context.losses.add(
          where,
          'a proposal that the owner of the event has not accepted; --proposals takes it as a note',
        )
      else if (!this.#isLeft(one, where)) this.#add([proposalToStix(one, main, this.#contextFor([main]))])
    })
  }

  /** The report on all that the event holds, and the notes that refer to it. */
  #report(): JsonObject[] {
    const info = textOf(this.#event, 'info')
    const id = uuidOf(this.#event['uuid'], 'event', info, this.#context.at)
    const isReport = isPublished(this.#event)
    const report = common(isReport ? 'report' : 'grouping', id, this.#context.at, this.#context)
    this.#became.set(textOf(this.#event, 'uuid'), [String(report['id'])])
    this.#said(this.#event, String(report['id']), this.#path)
    for (const say of this.#later) say()
    this.#notes(String(report['id']))
    const refs = [...this.#objects.values()]
      .filter((one) => this.#mayName(one))
      .map((one) => String(one['id']))
      .filter((one) => one !== this.#context.creator)
    if (refs.length === 0) {
      this.#context.losses.add(this.#path, 'the event holds nothing that became STIX')
      return []
    }
    const published = timeAt(this.#event, 'publish_timestamp') ?? this.#context.at
    const text = [info.slice(0, 10_000)].filter(Boolean)
    return [
      {
        ...report,
        name: text[0] ?? 'MISP event',
        ...(isReport
          ? { report_types: ['threat-report'], published: published.replace('.000Z', 'Z') }
          : { context: 'suspicious-activity' }),
        object_refs: refs,
        ...factsOf(this.#event),
        ...(this.#tags.labels.length === 0 ? {} : { labels: [...new Set(this.#tags.labels)] }),
      },
    ]
  }

  /** Annotations find what they annotate; the event's written reports become notes on its report. */
  #notes(report: string): void {
    for (const object of this.#objects.values()) {
      if (object['type'] !== 'note' || !Array.isArray(object['object_refs'])) continue
      if (object['object_refs'].some((ref) => String(ref).includes('--'))) continue
      const targets = object['object_refs'].flatMap((uuid) => this.#became.get(String(uuid)) ?? [])
      object['object_refs'] = targets.length > 0 ? targets : [report]
    }
    objectsOf(this.#event, 'EventReport').forEach((one, index) => {
      const path = `${this.#path}.EventReport[${index}]`
      const content = textOf(one, 'content')
      if (this.#isLeft(one, path)) return
      if (content === '') return this.#context.losses.add(path, 'it has no content')
      const name = textOf(one, 'name')
      const at = timeAt(one, 'timestamp') ?? this.#context.at
      const note = common('note', uuidOf(one['uuid'], 'event report', name, content), at, this.#context)
      this.#add([{ ...note, ...(name === '' ? {} : { abstract: name }), content, object_refs: [report] }])
    })
  }
}
