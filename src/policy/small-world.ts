/**
 * The small world that the tests of this part share: JP in two alliances, US and PH in `trilateral`, PH and TH in
 * `asean-japan`, clients of some, one outsider and the public.
 */
import type { JsonObject } from '#base'
import { TLP_2_MARKINGS, TLP_LEVELS } from '#stix'
import { NOROSHI_EXTENSION } from './marking.ts'
import { type Organisation, type Register, toRegister } from './register.ts'
import { textOf } from './json-text.ts'
import type { Level } from './tlp.ts'

/** Id of an organisation of the small world. */
export const idOf = (slug: string): string => `identity--${uuidOf(slug)}`

/** A UUID that stands for a name. */
export function uuidOf(name: string): string {
  const hex = Buffer.from(name).toString('hex').padEnd(32, '0').slice(0, 32)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
}

/** An organisation, a national CSIRT unless said otherwise. */
export function org(slug: string, nation: string | null, more: Partial<Organisation> = {}): Organisation {
  return {
    id: idOf(slug),
    slug,
    nation,
    kind: 'national-csirt',
    sectors: ['government'],
    standing: 'active',
    ...more,
    clientOf: (more.clientOf ?? []).map(idOf),
  }
}

/** The alliances of the small world. */
export const ALLIANCES: Readonly<Record<string, readonly string[]>> = {
  trilateral: ['jp', 'us', 'ph'],
  'asean-japan': ['jp', 'ph', 'th'],
}

/** The organisations of the small world. */
export const ORGANISATIONS: readonly Organisation[] = [
  org('jp', 'JP'),
  org('us', 'US'),
  org('ph', 'PH'),
  org('th', 'TH'),
  org('de', 'DE', { cyberCommunity: true }),
  org('jp-telco', 'JP', { kind: 'company', sectors: ['telecom'], clientOf: ['jp'] }),
  org('us-bank', 'US', { kind: 'company', sectors: ['financial'], clientOf: ['us'] }),
  org('ph-bank', 'PH', { kind: 'company', sectors: ['financial'], clientOf: ['ph'] }),
  org('ph-shop', 'PH', { kind: 'company', sectors: ['retail'], clientOf: ['ph-bank'] }),
  org('world', null, { kind: 'public', sectors: [] }),
]

/** The register of the small world, with some organisations changed. */
export function smallWorld(changes: Readonly<Record<string, Partial<Organisation>>> = {}): Register {
  return toRegister({
    organisations: ORGANISATIONS.map((known) => ({ ...known, ...changes[known.slug] })),
    alliances: new Map(Object.entries(ALLIANCES).map(([slug, members]) => [slug, new Set(members)])),
  })
}

/** Id of the TLP 2.0 marking of a level. */
export const tlp = (level: Level): string => textOf(TLP_2_MARKINGS[TLP_LEVELS.indexOf(level)]?.['id'])

/** An object whose id is a text. */
export type Identified = JsonObject & { id: string }

/** A marking-definition with Noroshi's extension. */
export function caveat(name: string, extension: JsonObject): Identified {
  return {
    type: 'marking-definition',
    spec_version: '2.1',
    id: `marking-definition--${uuidOf(name)}`,
    created: '2026-01-01T00:00:00.000Z',
    extensions: { [NOROSHI_EXTENSION]: { extension_type: 'property-extension', ...extension } },
  }
}

/** An indicator under these markings. */
export function indicator(name: string, markings: readonly string[], more: JsonObject = {}): Identified {
  return {
    type: 'indicator',
    spec_version: '2.1',
    id: `indicator--${uuidOf(name)}`,
    created: '2026-01-01T00:00:00.000Z',
    modified: '2026-01-01T00:00:00.000Z',
    created_by_ref: idOf('jp'),
    name: `name of ${name}`,
    description: `description of ${name}`,
    pattern: "[ipv4-addr:value = '192.0.2.1']",
    pattern_type: 'stix',
    valid_from: '2026-01-01T00:00:00Z',
    object_marking_refs: [...markings],
    ...more,
  }
}
