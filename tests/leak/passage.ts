// Sections 2 and 3 of the sharing rules for one marking and one passage, read from their text. `free` is where the text
// leaves the node a choice.
import { type Meaning, SETS } from './meaning.ts'
import {
  type Fixed,
  inCommunity,
  isMember,
  opensGreen,
  shared,
  type Standing,
  standingOf,
  type View,
} from './standing.ts'
import { type AllianceName, LEVELS, type Server } from './world-plan.ts'

export type May = 'yes' | 'no' | 'free'

/** One passage: who would send what of whose, to whom. */
export interface Passage {
  view: View
  sender: string
  source: Server
  to: string
  fixed: Fixed
  now: number
  /** Over the web, where only what was declared counts; else over a link. */
  isWeb: boolean
  /** The sender's own people, who read through this very program. */
  isOwn?: boolean
  isCarried?: boolean
  /** A grant of the source names the recipient: row 11, which skips row 12 alone. */
  isGranted?: boolean
  /** The object went to a list of participants, for what it refers to, in an earlier step: its log is RED. */
  isRaised?: boolean
}

/** Section 2 in its order, with section 3 as row 12 and row 14. */
export function mayPass(m: Meaning, passage: Passage): May {
  const { view, source, fixed, now, isWeb, isOwn, isRaised } = passage
  const to = standingOf(view, passage.to)
  const isAlone = passage.to === source && standingOf(view, source) === undefined
  if (!to?.isActive) return isAlone ? 'free' : 'no'
  if (m.closed || m.level === undefined) return 'no'
  if (to.cap && LEVELS.indexOf(m.level) > LEVELS.indexOf(to.cap)) return 'no'
  const isLegacy = to.oldTlp && m.level === 'amber+strict'
  if (isLegacy && !isRaised) return 'no'
  const isEmbargoed = m.embargo !== undefined && now < m.embargo
  // What an embargo holds back stands in no log yet, not even for its author.
  if (passage.to === source) return isEmbargoed ? 'free' : 'yes'
  if (isEmbargoed && !m.coauthors?.has(to.slug)) return 'no'
  if (m.nations && !m.nations.has(to.nation)) return 'no'
  if (m.orgs && !m.orgs.has(to.slug)) return 'no'
  if (m.alliances && ![...m.alliances].some((one) => isMember(view, one, to.slug))) return 'no'
  if (m.sectors && !to.sectors.some((sector) => m.sectors?.has(sector))) return 'no'
  if (m.kinds && !m.kinds.has(to.kind)) return 'no'
  const audience = passage.isGranted ? granted(view, source) : ofAudience(m, to, passage)
  if (audience === 'no') return 'no'
  // It named whoever was entitled then: a participant that goes back to TLP 1.0 keeps what it had.
  if (isLegacy) return 'free'
  const knows = isOwn || (to.knowsCaveats ?? !isWeb)
  // Alliances that say what AMBER+STRICT says by itself look like the level's own.
  const isLevels = (list: ReadonlySet<string>) =>
    [fixed.alliances, shared(view, source)].some((all) => all.every((one) => list.has(one)))
  const isOwnList = m.level === 'amber+strict' && m.distribution === undefined && m.alliances && isLevels(m.alliances)
  const binds =
    SETS.some(
      (name) => name !== 'coauthors' && name !== 'participants' && !(isOwnList && name === 'alliances') && m[name],
    ) ||
    isEmbargoed ||
    (m.level === 'red' && m.participants !== undefined)
  if (!knows && binds) return 'no'
  if (!knows && isOwnList) return 'free'
  // A community that says what the level says by itself looks like the level's own.
  if (!knows && m.community !== undefined) return isLevels(new Set([m.community])) ? 'free' : 'no'
  // Alliances that were written out bind where the author is known to stand in more: its level would say more by itself.
  const isWider = shared(view, source).some((one) => !fixed.alliances.includes(one))
  if (!knows && isWider && m.level !== 'clear' && m.level !== 'red') return 'free'
  const isListed = m.orgs ?? m.distribution ?? m.participants ?? m.coauthors
  return isListed && !fixed.known.has(to.slug) ? 'free' : audience
}

/** Row 11 is void while the source is not active; who is named gets it from then on, though not by every way. */
const granted = (view: View, source: string): May => (standingOf(view, source)?.isActive ? 'free' : 'no')

/** Row 12, with the lists that bind at every level. */
function ofAudience(m: Meaning, to: Standing, passage: Passage): May {
  const audience = ofLevel(m, to, passage)
  if (audience === 'no' || (m.distribution && !m.distribution.has(to.slug))) return 'no'
  return m.community !== undefined && !inCommunity(passage.view, [m.community], to) ? 'no' : audience
}

/** Section 3. */
function ofLevel(m: Meaning, to: Standing, { view, sender, source, fixed, isCarried }: Passage): May {
  const isSource = sender === source || isCarried === true
  const isWithin = inCommunity(view, fixed.alliances, to)
  switch (m.level) {
    case 'clear':
      return 'yes'
    case 'green': {
      const named = m.community === undefined ? undefined : [m.community]
      const all = shared(view, sender, source)
      // The author's alliances of then are written out; a relay serves those alone in which both are now.
      const community = named ?? fixed.alliances.filter((one) => isSource || all.includes(one))
      if (inCommunity(view, community, to)) return named && !all.includes(m.community as AllianceName) ? 'free' : 'yes'
      // A cyber defender outside was named; it may read on as a member of an alliance in which both are by now.
      if (!named && fixed.cyber.has(to.slug) && inCommunity(view, all, to)) return 'free'
      const isOpen = sender === source && named === undefined && opensGreen(view, source)
      if (!isOpen || !to.cyber || !fixed.cyber.has(to.slug)) return 'no'
      return to.knowsCaveats === false ? 'free' : 'yes'
    }
    case 'amber': {
      const isClient = to.clientOf.includes(sender)
      // Of an author that stands nowhere no alliance was written out, which leaves its log to nobody.
      if (isClient && fixed.alliances.length === 0 && m.distribution === undefined) return 'free'
      // A relay outside of the alliances that were written out serves its own clients by the level alone, if at all.
      if (sender !== source && !isCarried) return isClient ? (isOrNamed(m, isWithin) ? 'yes' : 'free') : 'no'
      if (m.distribution) return m.distribution.has(to.slug) || to.clientOf.includes(source) ? 'yes' : 'no'
      const isIn = shared(view, source, to.slug).length > 0 || to.clientOf.includes(source)
      return isIn && isOrNamed(m, isWithin) ? 'yes' : 'no'
    }
    case 'amber+strict': {
      if (!isSource) return 'no'
      if (m.distribution) return m.distribution.has(to.slug) ? 'yes' : 'no'
      const isIn = shared(view, source, to.slug).length > 0
      const isThen = fixed.alliances.some((one) => isMember(view, one, to.slug))
      const isFixed = m.alliances !== undefined || isThen
      return isIn && isFixed ? 'yes' : 'no'
    }
    default:
      return sender === source && m.participants?.has(to.slug) ? 'yes' : 'no'
  }
}

/** Joining an alliance later widens nothing old: the author's alliances of then are written out. */
const isOrNamed = (m: Meaning, isWithin: boolean) =>
  m.community !== undefined || m.distribution !== undefined || m.alliances !== undefined || isWithin

export const worse = (a: May, b: May): May =>
  a === 'no' || b === 'no' ? 'no' : a === 'free' || b === 'free' ? 'free' : 'yes'
export const better = (a: May, b: May): May =>
  a === 'yes' || b === 'yes' ? 'yes' : a === 'free' || b === 'free' ? 'free' : 'no'
