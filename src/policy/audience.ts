/**
 * Between markings and the audience of a log. Defaults are written out, so that an alliance which the author joins later
 * sees nothing old: GREEN and AMBER without a community get all alliances of the author as community, AMBER+STRICT as
 * alliances. `releasable_to` keeps its names, but for `orgs`, which are `members`.
 * @see docs/wire.md, Audience; SHARING-RULES section 3
 */
import { isMemberId, isNation, isSlug, toAudience, type Audience } from '#log'
import { sharedAlliances } from './level-audience.ts'
import type { CaveatList, Caveats } from './marking.ts'
import type { Register } from './register.ts'
import type { Resolved } from './resolve.ts'
import type { Level } from './tlp.ts'

/** Lists of an audience and the caveats that they hold. */
const LISTS = {
  alliances: 'alliances',
  epochs: 'epochs',
  members: 'orgs',
  nations: 'nations',
  sectors: 'sectors',
  kinds: 'kinds',
  community: 'community',
  distribution: 'distribution',
  participants: 'participants',
} as const satisfies Partial<Record<keyof Audience, CaveatList>>

type ListName = keyof typeof LISTS

const OF_ORGANISATIONS = new Set<ListName>(['members', 'distribution', 'participants'])

/** Names that no register can hold admit nobody and are left out. */
const CAN_STAND: Partial<Record<ListName, (name: string) => boolean>> = {
  alliances: isSlug,
  members: isMemberId,
  nations: isNation,
  sectors: isSlug,
  kinds: isSlug,
}

/**
 * The audience of something that this author releases under these markings, defaults written out. An embargo is not in
 * it, nor consent. Organisations are named by id; those that the register does not know are nobody.
 */
export function audienceOf(
  resolved: Resolved & { level: Level },
  author: string,
  register: Register,
  drill?: string,
): Audience {
  const lists: { [List in ListName]?: string[] } = {}
  for (const [name, caveat] of Object.entries(LISTS) as [ListName, CaveatList][]) {
    const list = resolved.caveats[caveat]
    if (list === undefined) continue
    const named = OF_ORGANISATIONS.has(name) ? [...list].flatMap((org) => register.org(org)?.id ?? []) : [...list]
    const canStand = CAN_STAND[name]
    lists[name] = canStand ? named.filter(canStand) : named
  }
  const filled = { ...defaultsOf(resolved, author, register), ...lists }
  return toAudience({ v: 1, tlp: resolved.level, ...filled, ...(drill !== undefined && { drill }) })
}

/** The markings that an audience is the canonical form of. */
export function resolvedOf(audience: Audience): Resolved & { level: Level } {
  const caveats: { [List in CaveatList]?: ReadonlySet<string> } = {}
  for (const [name, caveat] of Object.entries(LISTS) as [ListName, CaveatList][]) {
    const list = audience[name]
    if (list !== undefined) caveats[caveat] = new Set(list)
  }
  return { level: audience.tlp, caveats, isUnknown: false, isConflict: false }
}

/** Whether a list only writes out what the level says by itself, so that it is no caveat of the object. */
export function withoutDefaults(resolved: Resolved, author: string, register: Register): Resolved {
  const { caveats } = resolved
  const name = caveats.distribution === undefined ? defaultList(resolved.level) : undefined
  if (name === undefined || caveats[name] === undefined) return resolved
  const all = sharedAlliances([author], register)
  if (!all.every((slug) => caveats[name]?.has(slug))) return resolved
  const others: { -readonly [Name in keyof Caveats]: Caveats[Name] } = { ...caveats }
  delete others[name]
  return { ...resolved, caveats: others }
}

function defaultsOf(
  { level, caveats }: Resolved,
  author: string,
  register: Register,
): { [List in ListName]?: string[] } {
  const name = caveats.distribution === undefined || level === 'green' ? defaultList(level) : undefined
  if (name === undefined || caveats[name] !== undefined) return {}
  const all = sharedAlliances([author], register)
  const isInside = name === 'community' && level === 'amber' && isSubset(caveats.alliances, all)
  return isInside ? {} : { [name]: all }
}

const isSubset = (list: ReadonlySet<string> | undefined, all: readonly string[]) =>
  list !== undefined && [...list].every((slug) => all.includes(slug))

/** Where the level's own audience is written out. */
function defaultList(level: Level | undefined): 'community' | 'alliances' | undefined {
  if (level === 'green' || level === 'amber') return 'community'
  return level === 'amber+strict' ? 'alliances' : undefined
}
