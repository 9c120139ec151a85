import { isMemberOf, names, type Passage } from './level-audience.ts'
import type { CaveatList } from './marking.ts'
import type { ReasonName } from './reason.ts'
import type { Organisation, Register } from './register.ts'
import type { Resolved } from './resolve.ts'

/** Caveats that restrict whatever the level is, and so must travel with the object. */
export const NOROSHI_LISTS_BINDING = [
  'nations',
  'orgs',
  'alliances',
  'epochs',
  'sectors',
  'kinds',
  'community',
  'distribution',
] as const satisfies readonly CaveatList[]

/** Row 10: the first dimension that refuses the recipient; undefined where all admit it. */
export function releasableTo(
  { caveats, level }: Pick<Resolved, 'caveats' | 'level'>,
  org: Organisation,
  { register, source }: Pick<Passage, 'register' | 'source'>,
): ReasonName | undefined {
  const { nations, orgs, alliances, epochs, sectors, kinds } = caveats
  if (nations !== undefined && (org.nation === null || !nations.has(org.nation))) return 'REL_NATION'
  if (orgs !== undefined && !names(orgs, org, register)) return 'REL_ORG'
  if (alliances !== undefined && !isMemberOf(org, alliances, register)) return 'REL_ALLIANCE'
  if (epochs !== undefined && !isMemberSince(org, epochs, register, level === 'red' ? source : undefined))
    return 'REL_ALLIANCE'
  if (sectors !== undefined && !org.sectors.some((sector) => sectors.has(sector))) return 'REL_SECTOR'
  if (kinds !== undefined && !kinds.has(org.kind)) return 'REL_KIND'
  return undefined
}

/**
 * Member now, and already in the named version of the charter; a client is served as its provider is. Version 0 names
 * whoever is a member. At RED the author has to be a member as well, as AMBER asks it, and clients are its own.
 */
function isMemberSince(org: Organisation, epochs: ReadonlySet<string>, register: Register, author?: string): boolean {
  const ids = [org.id, ...org.clientOf.filter((provider) => author === undefined || provider === author)]
  return [...epochs].some((epoch) => {
    const [alliance = '', version = ''] = epoch.split(':')
    const [now, then] = [register.alliance(alliance), register.epoch(alliance, Number(version))]
    if (author !== undefined && now?.has(author) !== true) return false
    return ids.some((id) => now?.has(id) === true && then?.has(id) === true)
  })
}
