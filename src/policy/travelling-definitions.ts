/**
 * Marking-definitions travel with the data: one that carries no level of its own goes into every log that names it.
 * @see SHARING-RULES section 1
 */
import { isJsonObject, type Json, type JsonObject } from '#base'
import { PREDEFINED_MARKINGS } from '#stix'
import type { MarkedSet, Refused } from './marked-set.ts'
import type { Scopes } from './opening.ts'
import { explain } from './reason.ts'
import type { Release } from './release.ts'
import { UNMARKED } from './resolve.ts'

/** A rendition on its way, and the markings that it names. */
export interface Traveller {
  readonly value: JsonObject
  readonly openings: readonly Pick<Release, 'audience' | 'recipients' | 'notBefore'>[]
}

/** The logs into which each definition goes. One of TLP that nothing names is known to the world. */
export function travellingDefinitions(
  definitions: MarkedSet['definitions'],
  travellers: readonly Traveller[],
  scopes: Scopes,
): { releases: Release[]; refused: Refused[] } {
  const wanted = new Map<string, Set<Traveller['openings'][number]>>(definitions.map(({ id }) => [id, new Set()]))
  if (wanted.size > 0)
    for (const { value, openings } of travellers)
      for (const id of markingsNamed(value)) for (const opening of openings) wanted.get(id)?.add(opening)
  const releases: Release[] = []
  const refused: Refused[] = []
  for (const { id, bytes, resolved } of definitions) {
    const openings = [...(wanted.get(id) ?? [])]
    const own =
      resolved.level === undefined && PREDEFINED_MARKINGS.has(id) ? { ...UNMARKED, level: 'clear' as const } : resolved
    if (openings.length === 0 && own.level !== undefined) openings.push(...scopes.openings(scopes.of(own)))
    if (openings.length === 0) refused.push({ id, code: 'UNMARKED', message: explain('UNMARKED') })
    for (const opening of openings) releases.push({ objectId: id, id, json: bytes, ...opening })
  }
  return { releases, refused }
}

function markingsNamed(value: JsonObject): string[] {
  const granular = value['granular_markings']
  const parts = Array.isArray(granular) ? granular.map((entry) => isJsonObject(entry) && entry['marking_ref']) : []
  return [...listOf(value['object_marking_refs']), ...parts].filter((id) => typeof id === 'string')
}

const listOf = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : [])
