/**
 * Between markings and the audience of a log. Defaults are written out, so that an alliance which the author joins later
 * sees nothing old: GREEN and AMBER without a community get all alliances of the author as community, AMBER+STRICT as
 * alliances. `releasable_to` keeps its names, but for `orgs`, which are `members`.
 * @see docs/wire.md, Audience; SHARING-RULES section 3
 */
import { isMemberId, isNation, isSlug, toAudience, type Audience } from '#log'
import { isInCommunity, names, sharedAlliances } from './level-audience.ts'
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
  grantees: 'grantees',
} as const satisfies Partial<Record<keyof Audience, CaveatList>>

type ListName = keyof typeof LISTS

const OF_ORGANISATIONS = new Set<ListName>(['members', 'distribution', 'participants', 'grantees'])

/** Names that no register can hold admit nobody and are left out. */
const CAN_STAND: Partial<Record<ListName, (name: string) => boolean>> = {
  alliances: isSlug,
  members: isMemberId,
  grantees: isMemberId,
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
  const since = filled.epochs === undefined ? epochsFor(filled, resolved.level, register) : undefined
  const more = { ...(since && { epochs: since }), ...(drill !== undefined && { drill }) }
  return toAudience({ v: 1, tlp: resolved.level, ...filled, ...more })
}

/**
 * Where an alliance gives new members nothing older, what is published to it says up to which joining. Who is named one by
 * one is meant whenever it joined; of an alliance that gives everything, whoever is a member (`<alliance>:0`).
 */
function epochsFor(
  lists: { readonly [List in ListName]?: readonly string[] },
  level: Level,
  register: Register,
): string[] | undefined {
  if (
    level === 'red' ||
    lists.grantees !== undefined ||
    lists.distribution !== undefined ||
    lists.members !== undefined
  )
    return undefined
  const isBound = (slugs: readonly string[] = []) => slugs.some((slug) => register.joiningEpoch(slug) !== undefined)
  const bound = isBound(lists.alliances) ? lists.alliances : isBound(lists.community) ? lists.community : undefined
  return bound?.map((slug) => `${slug}:${register.joiningEpoch(slug) ?? 0}`)
}

/**
 * The second audience of GREEN that names no community, where the author's charters open it to the cyber-defence
 * community: its organisations outside the author's alliances, one by one, so that nobody is added later.
 */
export function openAudienceOf(
  resolved: Resolved & { level: Level },
  author: string,
  register: Register,
  drill?: string,
): Audience | undefined {
  const { level, caveats } = resolved
  if (
    level !== 'green' ||
    caveats.community !== undefined ||
    caveats.grantees !== undefined ||
    !register.opensGreen(author)
  )
    return undefined
  const own = sharedAlliances([author], register)
  const open = [...register.organisations()].filter(
    (org) =>
      org.cyberCommunity === true &&
      org.id !== author &&
      !isInCommunity(org, own, register) &&
      (caveats.distribution === undefined || names(caveats.distribution, org, register)),
  )
  if (open.length === 0) return undefined
  const distribution = new Set(open.map(({ id }) => id))
  const {
    community: _,
    epochs: __,
    ...audience
  } = audienceOf({ ...resolved, caveats: { ...caveats, distribution } }, author, register, drill)
  return audience
}

/** What audiences mean, which are never changed: the same few are asked about with every request. */
const meanings = new WeakMap<Audience, Resolved & { level: Level }>()

/** The markings that an audience is the canonical form of. */
export function resolvedOf(audience: Audience): Resolved & { level: Level } {
  const known = meanings.get(audience)
  if (known) return known
  const meaning = meaningOf(audience)
  meanings.set(audience, meaning)
  return meaning
}

function meaningOf(audience: Audience): Resolved & { level: Level } {
  const caveats: { [List in CaveatList]?: ReadonlySet<string> } = {}
  for (const [name, caveat] of Object.entries(LISTS) as [ListName, CaveatList][]) {
    const list = audience[name]
    if (list !== undefined) caveats[caveat] = new Set(list)
  }
  return { level: audience.tlp, caveats, isUnknown: false, isConflict: false }
}

/**
 * Without what only writes out what the level says by itself, so that it is no caveat of the object. An epoch never is:
 * no marking can name one, and whoever passes the object on does so under its level.
 */
export function withoutDefaults(given: Resolved, author: string, register: Register): Resolved {
  const { epochs: _, ...bare } = given.caveats
  const resolved = given.caveats.epochs === undefined ? given : { ...given, caveats: bare }
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
  if (name === undefined || caveats[name] !== undefined || caveats.grantees !== undefined) return {}
  const all = sharedAlliances([author], register)
  // Who is in no alliance is a client, and reports to its provider: a list of members would bind before that is asked.
  if (all.length === 0) {
    if (caveats.community === undefined) return { community: [] }
    const isClient = register.org(author)?.clientOf.length !== 0
    return level === 'amber+strict' && !isClient ? { alliances: [] } : {}
  }
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
