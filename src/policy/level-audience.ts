/**
 * Row 12: the audience of a level.
 * @see SHARING-RULES section 3
 */
import type { ReasonName } from './reason.ts'
import type { Organisation, Register } from './register.ts'
import type { Resolved } from './resolve.ts'

/** How the recipient is reached: `node` over a link, `client` as an identified organisation over TLS, `open` neither. */
export type Channel = 'node' | 'client' | 'open'

/** One passage of something from a sender to a recipient. */
export interface Passage {
  readonly register: Register
  /** STIX timestamp. */
  readonly now: string
  /** Ids. */
  readonly sender: string
  readonly source: string
  readonly recipient: Organisation
  readonly channel: Channel
  /** A carrier serves it as if the source sent. */
  readonly isCarried: boolean
  /** The sender got it as a client of an organisation other than the source. */
  readonly isViaClient: boolean
  /** The sender's node opens its own GREEN to the cyber-defence community. */
  readonly isGreenOpen: boolean
}

/** Yes or no with its reason. */
export interface Answer {
  readonly send: boolean
  readonly code: ReasonName
}

const yes = (code: ReasonName): Answer => ({ send: true, code })
const no = (code: ReasonName): Answer => ({ send: false, code })

/** Whether the level's audience, then the lists that bind at every level, admit the recipient. */
export function decideLevel(resolved: Resolved, passage: Passage): Answer {
  const own = levelAudience(resolved, passage)
  const answer = own.send ? (boundBy(resolved, passage) ?? own) : own
  return !answer.send && isReport(resolved, passage) ? yes('PROVIDER') : answer
}

/** Whether a list names the organisation, by id or by slug. */
export function names(list: ReadonlySet<string>, org: Organisation, register: Register): boolean {
  return list.has(org.id) || (list.has(org.slug) && register.org(org.slug)?.id === org.id)
}

/** Whether the organisation is a member of any of these alliances. */
export function isMemberOf(org: Organisation, alliances: Iterable<string>, register: Register): boolean {
  for (const slug of alliances) if (register.alliance(slug)?.has(org.id)) return true
  return false
}

/** Whether the organisation is in the community, as an active member or as the direct client of one. */
export function isInCommunity(org: Organisation, community: Iterable<string>, register: Register): boolean {
  const alliances = [...community]
  const isActiveMember = (id: string) => {
    const member = register.org(id)
    return member?.standing === 'active' && isMemberOf(member, alliances, register)
  }
  return isActiveMember(org.id) || org.clientOf.some(isActiveMember)
}

/** Slugs of the alliances to which all of these organisations belong. */
export function sharedAlliances(ids: readonly string[], register: Register): string[] {
  return register.alliances().filter((slug) => ids.every((id) => register.alliance(slug)?.has(id)))
}

function levelAudience(resolved: Resolved, passage: Passage): Answer {
  const isSource = passage.sender === passage.source
  switch (resolved.level) {
    case 'clear':
      return yes('CLEAR')
    case 'green':
      return greenAudience(resolved, passage, isSource)
    case 'amber':
      return isSource ? amberFromSource(resolved, passage) : amberRelayed(passage)
    case 'amber+strict':
      return isSource ? strictFromSource(resolved, passage) : no('STRICT_NO_ONWARD')
    case 'red':
      return isSource && !passage.isCarried ? redFromSource(resolved, passage) : no('RED_NO_ONWARD')
    default:
      return no('UNMARKED')
  }
}

function greenAudience({ caveats }: Resolved, passage: Passage, isSource: boolean): Answer {
  const { register, recipient, sender, source } = passage
  if (recipient.kind === 'public') return no('GREEN_PUBLIC')
  const community = caveats.community ?? sharedAlliances([sender, source], register)
  if (isInCommunity(recipient, community, register)) return yes('COMMUNITY')
  const isOpen = passage.isGreenOpen && isSource && caveats.community === undefined
  return isOpen && recipient.cyberCommunity === true ? yes('GREEN_DEFAULT_COMMUNITY') : no('NOT_IN_COMMUNITY')
}

function amberFromSource(resolved: Resolved, passage: Passage): Answer {
  const answer = strictFromSource(resolved, passage)
  return !answer.send && isOwnClient(passage) ? yes('AMBER_CLIENT') : answer
}

function amberRelayed(passage: Passage): Answer {
  if (passage.isViaClient) return no('AMBER_CLIENT_NO_ONWARD')
  return isOwnClient(passage) ? yes('AMBER_CLIENT') : no('AMBER_NOT_CLIENT')
}

function strictFromSource({ caveats }: Resolved, { register, recipient, sender }: Passage): Answer {
  if (caveats.distribution !== undefined)
    return names(caveats.distribution, recipient, register) ? yes('DIST_LIST') : no('NOT_ON_LIST')
  return sharedAlliances([sender, recipient.id], register).length > 0 ? yes('ALLIANCE') : no('NOT_IN_SCOPE')
}

function redFromSource({ caveats }: Resolved, { register, recipient }: Passage): Answer {
  const isNamed = caveats.participants !== undefined && names(caveats.participants, recipient, register)
  return isNamed ? yes('RED_NAMED') : no('RED_NOT_NAMED')
}

const isOwnClient = ({ recipient, sender }: Passage) => recipient.clientOf.includes(sender)

/** `distribution` and `community`, where given, bind at every level. */
function boundBy({ caveats }: Resolved, { register, recipient }: Passage): Answer | undefined {
  const { distribution, community } = caveats
  if (distribution !== undefined && !names(distribution, recipient, register)) return no('NOT_ON_LIST')
  if (community !== undefined && !isInCommunity(recipient, community, register)) return no('NOT_IN_COMMUNITY')
  return undefined
}

/** The source itself reports to the organisation whose client it is. */
const isReport = ({ level }: Resolved, { register, recipient, sender, source }: Passage) =>
  level !== 'red' && sender === source && register.org(source)?.clientOf.includes(recipient.id) === true
