// What markings say, by sections 1 and 2 of the sharing rules.
import { type Caveat, type Level, LEVELS, type Mark } from './world-plan.ts'

/** What all markings of something say together (section 2, row 4). */
export interface Meaning {
  level?: Level
  nations?: Set<string>
  orgs?: Set<string>
  alliances?: Set<string>
  sectors?: Set<string>
  kinds?: Set<string>
  distribution?: Set<string>
  participants?: Set<string>
  coauthors?: Set<string>
  community?: string
  embargo?: number
  consent?: number
  /** Not understood, or two communities: nobody gets it. */
  closed?: true
}

export const CONSENTS = ['none', 'own-gov', 'gov', 'everyone']
export const SETS = [
  'nations',
  'orgs',
  'alliances',
  'sectors',
  'kinds',
  'distribution',
  'participants',
  'coauthors',
] as const

/** A mark's meaning; embargoes count from `at`. */
export function meaningOf({ tlp, caveats, unknown }: Mark, at: number): Meaning {
  const own: Meaning = { ...(tlp ? { level: tlp } : {}), ...(unknown ? { closed: true } : {}) }
  return caveats.map((caveat) => ofCaveat(caveat, at)).reduce(both, own)
}

function ofCaveat(caveat: Caveat, at: number): Meaning {
  const { releasable_to: to = {}, community, distribution, participants, coauthors, embargo, consent } = caveat
  const meaning: Meaning = {}
  for (const [name, list] of Object.entries({ ...to, distribution, participants, coauthors }))
    if (list) meaning[name as (typeof SETS)[number]] = new Set(list)
  if (community !== undefined) meaning.community = community
  if (embargo !== undefined) {
    meaning.embargo = at + embargo
    // A marking with an embargo but no co-authors exempts nobody.
    meaning.coauthors ??= new Set()
  }
  if (consent !== undefined) meaning.consent = CONSENTS.indexOf(consent)
  return meaning
}

/** Row 4: the strictest level; lists intersect; the later embargo and the narrower consent win. */
export function both(a: Meaning, b: Meaning): Meaning {
  const made: Meaning = {}
  const levels = [a.level, b.level].filter((level) => level !== undefined)
  const [level] = levels.sort((x, y) => LEVELS.indexOf(y) - LEVELS.indexOf(x))
  if (level) made.level = level
  for (const name of SETS) {
    const [x, y] = [a[name], b[name]]
    const set = x && y ? x.intersection(y) : (x ?? y)
    if (set) made[name] = set
  }
  const community = a.community ?? b.community
  if (community !== undefined) made.community = community
  const embargoes = [a.embargo, b.embargo].filter((one) => one !== undefined)
  if (embargoes.length > 0) made.embargo = Math.max(...embargoes)
  const consents = [a.consent, b.consent].filter((one) => one !== undefined)
  if (consents.length > 0) made.consent = Math.min(...consents)
  const contradict = a.community !== undefined && b.community !== undefined && a.community !== b.community
  if (a.closed || b.closed || contradict) made.closed = true
  return made
}
