// A planned object as STIX, with a marker in every property that can hold one.
import { randomUUID } from 'node:crypto'
import { type JsonObject, toTimestamp } from '#base'
import { NOROSHI_EXTENSION } from '#policy'
import { TLP_2_MARKINGS } from '#stix'
import type { Released } from './entitlement.ts'
import { markerId, markerText } from './markers.ts'
import { type Caveat, type Mark, type Thing, type Type, UNKNOWN_MARKING } from './world-plan.ts'

/** Bases of the numbers of marking-definitions: one object has some of its own. */
const DEFINITIONS_OF_ONE = 16
export const definitionId = (n: number, k: number) => {
  const id = markerId('marking-definition', n, 'm')
  return `${id.slice(0, -2)}${(k % DEFINITIONS_OF_ONE).toString(16).padStart(2, '0')}`
}

const TLP_1 = {
  clear: '613f2e26-407d-48c7-9eca-b8e91df99dc9',
  green: '34098fce-860f-48ae-8e50-ebd3cc5e41da',
  amber: 'f88d31f6-486f-44da-b317-01333bde0b82',
  red: '5e57c739-391a-4eb3-b6be-7d15ca92d5ed',
} as Record<string, string>
const TLP_2 = new Map(
  TLP_2_MARKINGS.map((marking) => [String(marking['name']).replace('TLP:', '').toLowerCase(), String(marking['id'])]),
)

interface Around {
  at: number
  idOf: (slug: string) => string
  released: ReadonlyMap<number, Released>
  along: readonly Thing[]
}

/** The STIX id under which a thing is published. */
export const nameOf = ({ type, of, n }: Thing): string => markerId(type, of ?? n)

const PATTERN_PARTS: Record<Type, boolean> = {
  indicator: true,
  malware: false,
  report: false,
  note: false,
  sighting: false,
  relationship: false,
}

/** The object, and before it the marking-definitions that it brings along. */
export function toObjects(thing: Thing, around: Around): JsonObject[] {
  const { n, type, granular, refs, creator } = thing
  const { at, idOf, released, along } = around
  const definitions: JsonObject[] = []
  const refsOf = (mark: Mark): string[] => {
    const ids: string[] = []
    if (mark.tlp) {
      const old = mark.tlp1 ? TLP_1[mark.tlp] : undefined
      ids.push(old ? `marking-definition--${old}` : String(TLP_2.get(mark.tlp)))
    }
    for (const caveat of mark.caveats) {
      const id = definitionId(n, definitions.length)
      definitions.push(definition(id, n, caveat, at, idOf))
      ids.push(id)
    }
    if (mark.unknown) ids.push(UNKNOWN_MARKING)
    return ids
  }
  const target = (ref: number) => nameOf((released.get(ref)?.thing ?? along.find((one) => one.n === ref)) as Thing)
  const named = refs.map(target)
  const time = toTimestamp(at)
  const own = refsOf(thing.mark)
  const base: JsonObject = {
    type,
    spec_version: '2.1',
    id: nameOf(thing),
    created: '2026-01-01T00:00:00.000Z',
    modified: time,
    ...(creator ? { created_by_ref: markerId('identity', n, 'c') } : {}),
    labels: ['plain', markerText(n, 'l')],
    external_references: [{ source_name: 'plain', url: `https://${markerText(n, 'u')}.example/` }],
    ...(own.length > 0 ? { object_marking_refs: own } : {}),
    ...bodyOf(thing, named, time),
  }
  const entries = granular.map(({ part, mark }) => ({
    marking_ref: refsOf(mark)[0] ?? '',
    selectors: [selectorOf(part)],
  }))
  return [...definitions, { ...base, ...(entries.length > 0 ? { granular_markings: entries } : {}) }]
}

const selectorOf = (part: string) =>
  ({ n: 'name', d: 'description', l: 'labels.[1]', u: 'external_references.[0].url', p: 'pattern' })[part] ?? part

function bodyOf({ n, type }: Thing, named: readonly string[], time: string): JsonObject {
  const name = markerText(n, 'n')
  const description = markerText(n, 'd')
  if (PATTERN_PARTS[type])
    return {
      name,
      description,
      pattern: `[domain-name:value = '${markerText(n, 'p')}.example']`,
      pattern_type: 'stix',
      valid_from: '2026-01-01T00:00:00Z',
    }
  switch (type) {
    case 'malware':
      return { name, description, is_family: false }
    case 'report':
      return { name, description, published: time, object_refs: [...named] }
    case 'note':
      return { abstract: name, content: description, object_refs: [...named] }
    case 'sighting':
      return { description, sighting_of_ref: named[0] ?? '' }
    default:
      return { description, relationship_type: 'related-to', source_ref: named[0] ?? '', target_ref: named[1] ?? '' }
  }
}

function definition(id: string, n: number, caveat: Caveat, at: number, idOf: (slug: string) => string): JsonObject {
  const { releasable_to: to, distribution, participants, coauthors, embargo, ...rest } = caveat
  const ids = (slugs: readonly string[]) => slugs.map(idOf)
  return {
    type: 'marking-definition',
    spec_version: '2.1',
    id,
    created: '2026-01-01T00:00:00.000Z',
    name: markerText(n, 'm'),
    extensions: {
      [NOROSHI_EXTENSION]: {
        extension_type: 'property-extension',
        ...rest,
        ...(to ? { releasable_to: { ...to, ...(to.orgs ? { orgs: ids(to.orgs) } : {}) } } : {}),
        ...(distribution ? { distribution: ids(distribution) } : {}),
        ...(participants ? { participants: ids(participants) } : {}),
        ...(coauthors ? { coauthors: ids(coauthors) } : {}),
        ...(embargo === undefined ? {} : { embargo_until: toTimestamp(at + embargo) }),
      },
    },
  }
}

/** An object that is held until far away, and its marking. */
export function heldObjects(until: string): JsonObject[] {
  const id = `marking-definition--${randomUUID()}`
  const base = { spec_version: '2.1', created: '2026-01-01T00:00:00.000Z' }
  const extension = { extension_type: 'property-extension', embargo_until: until }
  return [
    { ...base, type: 'marking-definition', id, name: 'held', extensions: { [NOROSHI_EXTENSION]: extension } },
    {
      ...base,
      type: 'malware',
      id: `malware--${randomUUID()}`,
      modified: '2026-01-01T00:00:00.000Z',
      name: 'held',
      is_family: false,
      object_marking_refs: [String(TLP_2.get('clear')), id],
    },
  ]
}
