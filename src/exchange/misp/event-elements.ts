import type { JsonObject } from '#base'
import { objectsOf, textOf } from '../fields.ts'
import { mispUuid, uuidIn } from './ids.ts'

/** What kind of thing of an event an element is, by the name that analyst data gives it. */
export type ElementKind = 'Event' | 'Attribute' | 'Object' | 'GalaxyCluster' | 'Note' | 'Opinion'

/** One element of an event that something can be said of. */
export interface Element {
  kind: ElementKind
  of: JsonObject
  uuid: string
}

/** The elements of one event, found by the ids of the STIX objects that they were. */
export class EventElements {
  readonly event: JsonObject
  readonly #report: string | undefined
  readonly #byUuid = new Map<string, Element>()
  /** Galaxy of each cluster, by the cluster's uuid. */
  readonly #galaxies = new Map<string, JsonObject>()

  constructor(event: JsonObject, report: JsonObject | undefined) {
    this.event = event
    this.#report = report && textOf(report, 'id')
    for (const one of objectsOf(event, 'Attribute')) this.#keep('Attribute', one)
    for (const one of objectsOf(event, 'Object')) {
      this.#keep('Object', one)
      for (const attribute of objectsOf(one, 'Attribute')) this.#keep('Attribute', attribute)
    }
    for (const galaxy of objectsOf(event, 'Galaxy'))
      for (const cluster of objectsOf(galaxy, 'GalaxyCluster')) {
        this.#keep('GalaxyCluster', cluster)
        this.#galaxies.set(textOf(cluster, 'uuid'), galaxy)
      }
  }

  /** Adds analyst data to an element, so that more can be said of it. */
  say(kind: 'Note' | 'Opinion', one: JsonObject, about: Element): void {
    append(about.of, kind, one)
    this.#keep(kind, one)
  }

  #keep(kind: ElementKind, of: JsonObject): void {
    const uuid = textOf(of, 'uuid')
    if (!this.#byUuid.has(uuid)) this.#byUuid.set(uuid, { kind, of, uuid })
  }

  /** The element that an object became. */
  find(id: string): Element | undefined {
    if (id === this.#report) return { kind: 'Event', of: this.event, uuid: textOf(this.event, 'uuid') }
    return this.#byUuid.get(uuidIn(id)) ?? this.#byUuid.get(mispUuid(id))
  }

  /** The attributes that carry the tags of an object: MISP's objects themselves have none. */
  tagged(id: string): JsonObject[] {
    const element = this.find(id)
    if (element?.kind === 'Attribute') return [element.of]
    return element?.kind === 'Object' ? objectsOf(element.of, 'Attribute') : []
  }

  /** The attribute that stands for an element: itself, or of an object the first that detects. */
  attributeOf(element: Element): JsonObject | undefined {
    if (element.kind === 'Attribute') return element.of
    const attributes = element.kind === 'Object' ? objectsOf(element.of, 'Attribute') : []
    return attributes.find((one) => one['to_ids'] === true) ?? attributes[0]
  }

  /** The galaxy of a cluster, with that cluster alone. */
  galaxyOf({ uuid, of }: Element): JsonObject | undefined {
    const galaxy = this.#galaxies.get(uuid)
    return galaxy && { ...galaxy, GalaxyCluster: [of] }
  }
}

/** Adds one element to a list of another. */
export function append(to: JsonObject, name: string, one: JsonObject): void {
  const list = to[name]
  if (Array.isArray(list)) list.push(one)
  else to[name] = [one]
}
