// How organisations stand in the charters that one server knows.
import { ALLIANCES, type AllianceName, type Charter, type Level, LEVELS, ORGS, type Row } from './world-plan.ts'

/** The charters that one server knows. */
export type View = ReadonlyMap<AllianceName, Charter>

/** What a release fixed: which alliances the author stood in, and which cyber defenders were outside of them. */
export interface Fixed {
  alliances: readonly AllianceName[]
  cyber: ReadonlySet<string>
  /** Organisations that were known: lists name nobody else. */
  known: ReadonlySet<string>
}

/** Everything about one organisation that the rules ask. */
export interface Standing {
  slug: string
  nation: string
  kind: string
  sectors: readonly string[]
  isActive: boolean
  cap?: Level
  oldTlp: boolean
  knowsCaveats: boolean | undefined
  cyber: boolean
  clientOf: readonly string[]
}

const isGuest = ({ standing }: Row) => standing === 'observer' || standing === 'candidate'

/** What a charter's rules give a guest. */
const given = (charter: Charter, { standing }: Row) =>
  standing === 'observer' ? charter.observers : standing === 'candidate' ? charter.candidates : undefined

/** Whether an audience that names the alliance means this organisation. */
export function isMember(view: View, alliance: string, slug: string): boolean {
  const charter = view.get(alliance as AllianceName)
  const row = charter?.rows.find(({ member }) => member === slug)
  if (!charter || !row) return false
  return row.standing === 'active' || (isGuest(row) && given(charter, row) !== undefined)
}

/** Views are never changed, so what is read from one stays true. */
const STANDINGS = new WeakMap<View, Map<string, Standing | undefined>>()

export function standingOf(view: View, slug: string): Standing | undefined {
  const known = STANDINGS.get(view) ?? new Map<string, Standing | undefined>()
  STANDINGS.set(view, known)
  if (!known.has(slug)) known.set(slug, readStanding(view, slug))
  return known.get(slug)
}

function readStanding(view: View, slug: string): Standing | undefined {
  const org = ORGS.find((one) => one.slug === slug)
  if (!org) return undefined
  const rows = [...view.values()].flatMap((charter) =>
    charter.rows.filter(({ member }) => member === slug).map((row) => ({ row, charter })),
  )
  const clientOf = [...view.values()].flatMap(({ rows: all }) =>
    all
      .filter((row) => row.clients.includes(slug) && row.standing !== 'left' && !isGuest(row))
      .map(({ member }) => member),
  )
  if (rows.length === 0 && clientOf.length === 0) return undefined
  const caps = rows.flatMap(({ row, charter }) => [
    ...(row.maxTlp ? [row.maxTlp] : []),
    ...(isGuest(row) ? [given(charter, row) ?? ('clear' as const)] : []),
  ])
  const [cap] = caps.sort((a, b) => LEVELS.indexOf(a) - LEVELS.indexOf(b))
  return {
    ...org,
    isActive: clientOf.length > 0 || rows.some(({ row }) => row.standing === 'active' || isGuest(row)),
    ...(cap ? { cap } : {}),
    oldTlp: rows.some(({ row }) => row.oldTlp),
    knowsCaveats: rows.length === 0 ? undefined : !rows.some(({ row }) => row.ignoresCaveats),
    cyber: rows.some(({ row }) => row.cyber),
    clientOf,
  }
}

const isActiveMember = (view: View, alliances: readonly string[], slug: string) =>
  standingOf(view, slug)?.isActive === true && alliances.some((one) => isMember(view, one, slug))

export const inCommunity = (view: View, alliances: readonly string[], to: Standing) =>
  [to.slug, ...to.clientOf].some((slug) => isActiveMember(view, alliances, slug))

export const shared = (view: View, ...slugs: string[]) =>
  ALLIANCES.filter((alliance) => slugs.every((slug) => isMember(view, alliance, slug)))

/** Whether every charter of a member opens GREEN to cyber defenders. */
export const opensGreen = (view: View, slug: string) => {
  const own = shared(view, slug)
  return own.length > 0 && own.every((alliance) => view.get(alliance)?.greenDefault === 'cyber-defence')
}

const KNOWN_TO = new WeakMap<View, Map<string, View>>()

/** Those charters of a view that name the member: it can know no others. */
export function knownTo(view: View, slug: string): View {
  const known = KNOWN_TO.get(view) ?? new Map<string, View>()
  KNOWN_TO.set(view, known)
  const names = ({ rows }: Charter) => rows.some(({ member }) => member === slug)
  const made = known.get(slug) ?? new Map([...view].filter(([, charter]) => names(charter)))
  known.set(slug, made)
  return made
}

/** Cyber defenders outside of an author's alliances, when it releases. */
export function fixedFor(view: View, author: string): Fixed {
  const alliances = shared(view, author)
  const cyber = ORGS.map(({ slug }) => standingOf(view, slug)).filter(
    (org) => org && org.cyber && org.slug !== author && !inCommunity(view, alliances, org),
  )
  const known = new Set(ORGS.map(({ slug }) => slug).filter((slug) => standingOf(view, slug)))
  return {
    alliances,
    known,
    cyber: new Set(opensGreen(view, author) ? cyber.map((org) => (org as Standing).slug) : []),
  }
}

/** Whether the charters of a view let two members have to do with each other. */
export const knowsBoth = (view: View, a: string, b: string): boolean =>
  [...view.values()].some(({ rows }) =>
    [a, b].every((slug) => rows.some(({ member, standing }) => member === slug && standing !== 'left')),
  )
