/**
 * The rows of SHARING-RULES section 2 that look at markings alone, in order; the first that decides ends it.
 * @see SHARING-RULES section 2
 */
import { compareTimestamps } from '#base'
import { type Answer, decideLevel, names, type Passage } from './level-audience.ts'
import { NOROSHI_LISTS_BINDING, releasableTo } from './releasable-to.ts'
import type { Resolved } from './resolve.ts'
import { rank, toLevel } from './tlp.ts'

/** What the recipient may do next. */
export type Onward = 'world' | 'community' | 'own-org+clients' | 'own-org' | 'none'

const no = (code: Answer['code']): Answer => ({ send: false, code })

/** Rows 2 to 12; `isGranted` tells whether row 11 holds. */
export function decideMarking(resolved: Resolved, passage: Passage, isGranted: boolean): Answer {
  if (resolved.isUnknown) return no('UNKNOWN_MARKING')
  if (resolved.level === undefined) return no('UNMARKED')
  if (resolved.isConflict) return no('COMMUNITY_CONFLICT')
  const { recipient, source } = passage
  if (needsIdentity(resolved, passage) && passage.channel === 'open') return no('CHANNEL')
  if (isAboveCap(resolved, recipient.maxTlp)) return no('RECIPIENT_CAP')
  if (recipient.tlpVersion === 1 && resolved.level === 'amber+strict') return no('LEGACY_TLP')
  if (recipient.id === source) return { send: true, code: 'TO_SOURCE' }
  if (isUnderEmbargo(resolved, passage.now) && !isCoauthor(resolved, passage)) return no('EMBARGO')
  const refusal = releasableTo(resolved, recipient, passage)
  if (refusal !== undefined) return no(refusal)
  if (isGranted || isGrantee(resolved, passage)) return { send: true, code: 'SOURCE_GRANT' }
  return resolved.caveats.grantees === undefined ? decideLevel(resolved, passage) : no('NOT_ON_LIST')
}

/** Row 11 for what stands in a log for grantees: the source named them, and it goes to nobody else. */
function isGrantee({ level, caveats: { grantees } }: Resolved, passage: Passage): boolean {
  const { recipient, register, source, isCarried } = passage
  if (grantees === undefined || !names(grantees, recipient, register)) return false
  if (isCarried && level === 'red') return false
  return register.org(source)?.standing === 'active' && recipient.kind !== 'public'
}

/** Row 14: a recipient that does not know caveats would pass the object on without them. */
export function decideCaveats(resolved: Resolved, passage: Passage): Answer | undefined {
  return passage.recipient.caveats === false && hasBindingCaveat(resolved, passage) ? no('LEGACY_CAVEAT') : undefined
}

/** Whether the embargo still holds; at its instant it is over. */
export function isUnderEmbargo({ caveats: { embargoUntil } }: Resolved, now: string): boolean {
  return embargoUntil !== undefined && compareTimestamps(now, embargoUntil) < 0
}

/** What the recipient may do next with something of this marking. */
export function onwardOf(resolved: Resolved, { now, sender, source, recipient }: Passage): Onward {
  if (isUnderEmbargo(resolved, now)) return 'none'
  switch (resolved.level) {
    case 'clear':
      return 'world'
    case 'green':
      return 'community'
    case 'amber':
      return sender !== source && recipient.clientOf.includes(sender) ? 'own-org' : 'own-org+clients'
    case 'amber+strict':
      return 'own-org'
    default:
      return 'none'
  }
}

const needsIdentity = (resolved: Resolved, passage: Passage) =>
  resolved.level !== 'clear' || resolved.caveats.participants !== undefined || hasBindingCaveat(resolved, passage)

function hasBindingCaveat(resolved: Resolved, { now }: Passage): boolean {
  const { caveats, level } = resolved
  if (NOROSHI_LISTS_BINDING.some((list) => caveats[list] !== undefined)) return true
  return isUnderEmbargo(resolved, now) || (level === 'red' && caveats.participants !== undefined)
}

/** A cap that is no level admits nothing. */
function isAboveCap({ level }: Resolved, maxTlp: string | undefined): boolean {
  if (maxTlp === undefined || level === undefined) return false
  const cap = toLevel(maxTlp)
  return cap === undefined || rank(level) > rank(cap)
}

const isCoauthor = ({ caveats: { coauthors } }: Resolved, { recipient, register }: Passage) =>
  coauthors !== undefined && names(coauthors, recipient, register)
