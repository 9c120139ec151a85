import type { JsonObject, MemberId } from '#base'
import { Definitions } from '#policy'
import { PREDEFINED_MARKINGS } from '#stix'
import type { Store } from '#store'
import type { Heads } from './heads.ts'
import { toObject } from './judge.ts'

/** Ids of one query. */
const IDS_PER_QUERY = 500

/** Marking definitions by which an author's objects are read: the predefined ones, and those that it published. */
export class MarkingDefinitions {
  readonly #store: Store
  readonly #heads: Heads
  readonly #predefined = new Definitions([...PREDEFINED_MARKINGS.values()])
  readonly #known = new Set([...PREDEFINED_MARKINGS.values()].map((marking) => idOf(marking)))

  constructor(store: Store, heads: Heads) {
    this.#store = store
    this.#heads = heads
  }

  /** The definitions that these objects of one author refer to, as far as they are known. */
  async for(author: MemberId, objects: readonly JsonObject[]): Promise<Definitions> {
    const wanted = new Set<string>()
    for (const object of objects) for (const ref of markingRefs(object)) if (!this.#known.has(ref)) wanted.add(ref)
    if (wanted.size === 0) return this.#predefined
    const found = objects.filter((object) => object['type'] === 'marking-definition' && wanted.has(idOf(object)))
    found.push(...(await this.#stored(author, [...wanted])))
    return new Definitions([...PREDEFINED_MARKINGS.values(), ...found])
  }

  async #stored(author: MemberId, ids: string[]): Promise<JsonObject[]> {
    const found: JsonObject[] = []
    if (!this.#heads.has(author)) return found
    for (let at = 0; at < ids.length; at += IDS_PER_QUERY) {
      const slice = ids.slice(at, at + IDS_PER_QUERY)
      const { rows } = await this.#store.objects({
        logs: [],
        author,
        ids: slice,
        types: ['marking-definition'],
        limit: 1_000,
      })
      for (const row of rows) {
        const object = toObject(row.json)
        if (object) found.push(object)
      }
    }
    return found
  }
}

function markingRefs(object: JsonObject): string[] {
  const refs = object['object_marking_refs']
  const granular = object['granular_markings']
  const found = Array.isArray(refs) ? refs : []
  const parts = Array.isArray(granular) ? granular.map((entry) => (entry as JsonObject | null)?.['marking_ref']) : []
  return [...found, ...parts].filter((ref): ref is string => typeof ref === 'string')
}

const idOf = (object: JsonObject): string => (typeof object['id'] === 'string' ? object['id'] : '')
