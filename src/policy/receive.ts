/**
 * What to do with a version of an object that arrived: the first case that matches decides.
 * @see SHARING-RULES section 5
 */
import { canonicalJson, compareTimestamps, type JsonObject, parseTimestamp } from '#base'
import { CAVEAT_LISTS, type Caveats } from './marking.ts'
import { effectiveMarking, type GranularMarking, granularMarkings } from './redaction.ts'
import type { Register } from './register.ts'
import { combine, type Definitions, NOT_UNDERSTOOD, type Resolved, resolveMarkings, UNMARKED } from './resolve.ts'
import { select } from './selector.ts'
import { rank } from './tlp.ts'

/** What a node does with an arrived version. */
export const VERDICTS = [
  'ACCEPT',
  'ACCEPT:DOWNGRADE_BY_OWNER',
  'REJECT:OWNER_CHANGED',
  'REJECT:NOT_OWNER',
  'REJECT:REVOKED',
  'REJECT:ROLLBACK',
  'REJECT:EQUIVOCATION',
  'QUARANTINE:UNKNOWN_MARKING',
  'QUARANTINE:UNMARKED',
] as const

/** What a node does with an arrived version. */
export type Verdict = (typeof VERDICTS)[number]

/** A version that arrived, and the one known from the same publisher. */
export interface ReceiveRequest {
  /** The version known before, or undefined. */
  readonly previous?: JsonObject | undefined
  readonly next: JsonObject
  /** Id of the member that signed the entry. */
  readonly signer: string
  readonly definitions: Definitions
  /** Who is who; absent: every creator is taken for an organisation that signs for itself. */
  readonly register?: Register
  /** Whether both stand in one log; rollback and revocation are judged inside one log alone. Absent: they do. */
  readonly isSameLog?: boolean
  /** What the audience of the next version's log says, and of the previous one's: markings that the bytes don't carry. */
  readonly audience?: Resolved
  readonly previousAudience?: Resolved
}

/** Judges one arrived version. */
export function decideReceive(request: ReceiveRequest): Verdict {
  const { previous, next, definitions } = request
  if (previous !== undefined) {
    if (canonicalJson(previous) === canonicalJson(next)) return 'ACCEPT'
    if (previous['created_by_ref'] !== next['created_by_ref']) return 'REJECT:OWNER_CHANGED'
  }
  if (!isSignedByOwner(request)) return 'REJECT:NOT_OWNER'
  if (previous !== undefined) {
    const isSameLog = request.isSameLog !== false
    if (previous['revoked'] === true && isSameLog) return 'REJECT:REVOKED'
    const order = compareModified(next, previous)
    if (order === -1 && isSameLog) return 'REJECT:ROLLBACK'
    if (order === 0) return 'REJECT:EQUIVOCATION'
  }
  const marked = markedBy(next, definitions, request.audience)
  if (isAnyUnknown(marked)) return 'QUARANTINE:UNKNOWN_MARKING'
  if (marked.resolved.level === undefined) return 'QUARANTINE:UNMARKED'
  if (previous === undefined) return 'ACCEPT'
  const before = markedBy(previous, definitions, request.previousAudience)
  return isLooser(before, marked, next) ? 'ACCEPT:DOWNGRADE_BY_OWNER' : 'ACCEPT'
}

/** The markings of an object and those of its parts. */
interface Marked {
  resolved: Resolved
  granular: readonly GranularMarking[]
}

function markedBy(object: JsonObject, definitions: Definitions, audience: Resolved = UNMARKED): Marked {
  const granular = granularMarkings(object, definitions)
  if (granular === undefined) return { resolved: NOT_UNDERSTOOD, granular: [] }
  return { resolved: combine(resolveMarkings(object, definitions), audience), granular }
}

const isAnyUnknown = ({ resolved, granular }: Marked) =>
  resolved.isUnknown || granular.some((marking) => marking.resolved.isUnknown)

/**
 * A creator that is a charter member or client must be the signer or its client. Others are third parties, republished
 * by whoever signs. Without a register a first object is from its signer's own domain.
 */
function isSignedByOwner({ previous, next, signer, register }: ReceiveRequest): boolean {
  const creator = next['created_by_ref']
  if (typeof creator !== 'string' || creator === signer) return true
  if (register === undefined) return previous === undefined
  const org = register.org(creator)
  return org === undefined || org.clientOf.includes(signer)
}

/** Order of two versions by instant; undefined where one of them is not versioned. */
function compareModified(a: JsonObject, b: JsonObject): -1 | 0 | 1 | undefined {
  const [left, right] = [a['modified'], b['modified']]
  if (typeof left !== 'string' || typeof right !== 'string') return undefined
  if (parseTimestamp(left) && parseTimestamp(right)) return compareTimestamps(left, right)
  return left === right ? 0 : left < right ? -1 : 1
}

/** A lower level, or a caveat removed or widened, for the object or for a part of it that still stands. */
function isLooser(before: Marked, after: Marked, next: JsonObject): boolean {
  if (isWider(before.resolved, after.resolved)) return true
  const selectors = before.granular.flatMap((marking) => marking.selectors)
  return selectors.some((selector) => {
    if (select(next, selector) === undefined) return false
    const was = effectiveMarking(before.resolved, before.granular, selector)
    return isWider(was, effectiveMarking(after.resolved, after.granular, selector))
  })
}

function isWider(before: Resolved, after: Resolved): boolean {
  if (before.level === undefined || after.level === undefined) return false
  return rank(after.level) < rank(before.level) || areCaveatsWider(before, after)
}

function areCaveatsWider({ caveats: before, level }: Resolved, { caveats: after }: Resolved): boolean {
  if (isEmbargoWider(before, after)) return true
  return CAVEAT_LISTS.some((list) => {
    const was = before[list] ?? (list === 'participants' && level === 'red' ? NOBODY : undefined)
    if (was === undefined || list === 'coauthors') return false
    return !(after[list] ?? (was === NOBODY ? NOBODY : undefined))?.isSubsetOf(was)
  })
}

const NOBODY: ReadonlySet<string> = new Set()

/** The embargo ends earlier, or exempts somebody whom it did not. */
function isEmbargoWider(before: Caveats, after: Caveats): boolean {
  if (before.embargoUntil === undefined) return false
  if (after.embargoUntil === undefined || compareTimestamps(after.embargoUntil, before.embargoUntil) < 0) return true
  return !(after.coauthors ?? NOBODY).isSubsetOf(before.coauthors ?? NOBODY)
}
