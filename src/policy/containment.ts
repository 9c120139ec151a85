/**
 * Whether everybody whom one marking admits is admitted by another too, so that an object under the first may refer to
 * one under the second.
 * @see SHARING-RULES section 4, "every reference's target must lie in an audience that contains this one"
 */
import { compareTimestamps } from '#base'
import type { CaveatList, Caveats } from './marking.ts'
import { names, type Passage } from './level-audience.ts'
import type { Organisation, Register } from './register.ts'
import type { Resolved } from './resolve.ts'
import { decideCaveats, decideMarking, isUnderEmbargo } from './rows.ts'
import { rank } from './tlp.ts'

/** A release's author and moment. */
export interface Moment {
  readonly author: string
  readonly register: Register
  /** STIX timestamp. */
  readonly now: string
}

/** A marking with its defaults written out. */
export interface Bound extends Resolved {
  /** Ids of the organisations outside its community to which the charters open it, being GREEN. */
  readonly openTo?: ReadonlySet<string>
}

/** Whether `wide` admits everybody whom `narrow` admits, through every relay, as the charters are. Doubt counts as no. */
export function contains(wide: Bound, narrow: Bound, moment: Moment): boolean {
  return holds(wide, narrow, moment, false)
}

/**
 * The same under later charters: whoever is admitted by name is admitted by `wide` only as long as the memberships stay
 * that `wide` asks for, so `narrow` has to ask for them too.
 */
export function containsAlways(wide: Bound, narrow: Bound, moment: Moment): boolean {
  return holds(wide, narrow, moment, true)
}

function holds(wide: Bound, narrow: Bound, moment: Moment, isAlways: boolean): boolean {
  if (wide === narrow) return true
  if (wide.isUnknown || wide.isConflict || wide.level === undefined || narrow.level === undefined) return false
  if (rank(wide.level) > rank(narrow.level) || !embargoContains(wide, narrow, moment.now)) return false
  const admits = (org: Organisation) =>
    decideFor(withoutEmbargo(wide), org, moment, isAlways) || isOpenTo(wide, org, moment)
  for (const id of narrow.openTo ?? []) {
    const org = moment.register.org(id)
    if (org && isOpenTo({ ...narrow, level: 'clear' }, { ...org, caveats: true }, moment) && !admits(org)) return false
  }
  if (!areGranted(wide, narrow) && levelContains(wide, narrow) && LISTS.every((list) => implies(narrow, wide, list)))
    return true
  const bounded = boundedBy(narrow, moment.register, isAlways)
  if (bounded === undefined || (isAlways && bounded.length > 0 && !asksMemberships(wide, narrow))) return false
  return bounded.every((org) => !mayReach(narrow, org, moment, isAlways) || admits(org))
}

/** Whether the charters open it to the organisation, and nothing before the level's own audience stands against that. */
function isOpenTo(bound: Bound, org: Organisation, moment: Moment): boolean {
  if (bound.openTo?.has(org.id) !== true || org.standing !== 'active') return false
  return decideMarking(withoutEmbargo(bound), passageTo(org, moment), true).send
}

/** Whether `narrow` asks for every membership that `wide` asks for. Whom a grant names needs no audience of the level. */
function asksMemberships(wide: Resolved, narrow: Resolved): boolean {
  const asks = (list: 'alliances' | 'epochs' | 'community') => implies(narrow, wide, list)
  if (!asks('alliances') || !asks('epochs')) return false
  if (wide.caveats.grantees !== undefined) return true
  const isGranted = narrow.caveats.grantees !== undefined
  if (isGranted && (asksAlliances(wide) || wide.caveats.community !== undefined)) return false
  const isShared = asksAlliances(narrow) || (narrow.level === 'red' && narrow.caveats.epochs !== undefined)
  return asks('community') && (!asksAlliances(wide) || isShared)
}

/** Whether the level, without a list of its own, asks for an alliance that sender and recipient share. */
export const asksAlliances = ({ level, caveats }: Resolved): boolean =>
  (level === 'amber' || level === 'amber+strict') && caveats.distribution === undefined

/** Where one of the two is for grantees, lists and levels say nothing about the other: each of them is asked for. */
const areGranted = (wide: Resolved, narrow: Resolved) =>
  wide.caveats.grantees !== undefined || narrow.caveats.grantees !== undefined

/** Everybody who could be admitted, where the marking names them one by one. Later providers stand on no distribution. */
function boundedBy({ caveats, level }: Resolved, register: Register, isAlways: boolean): Organisation[] | undefined {
  const list =
    caveats.grantees ??
    (isAlways && level !== 'red' ? undefined : caveats.distribution) ??
    caveats.orgs ??
    (level === 'red' ? (caveats.participants ?? NOBODY) : undefined)
  return list && [...list].flatMap((name) => register.org(name) ?? [])
}

const NOBODY: ReadonlySet<string> = new Set()

const LISTS = [
  'nations',
  'orgs',
  'alliances',
  'epochs',
  'sectors',
  'kinds',
  'community',
  'distribution',
] as const satisfies readonly CaveatList[]

/** Whether what the list of `wide` demands follows from the lists of `narrow`. */
function implies(narrow: Resolved, wide: Resolved, list: (typeof LISTS)[number]): boolean {
  const demanded = wide.caveats[list]
  if (demanded === undefined) return true
  if (narrow.caveats[list]?.isSubsetOf(demanded)) return true
  if (list === 'community') return narrow.caveats.alliances?.isSubsetOf(demanded) === true
  // Whoever is a member of an alliance meets the epoch that asks for no more.
  const alliances = narrow.caveats.alliances
  if (wide.level === 'red') return false
  return list === 'epochs' && alliances !== undefined && [...alliances].every((slug) => demanded.has(`${slug}:0`))
}

/**
 * GREEN reaches communities, AMBER alliances and clients: the same lists admit more at a lower level. A distribution list
 * stands for the alliances, so AMBER without one does not contain AMBER with one.
 */
function levelContains(wide: Resolved, narrow: Resolved): boolean {
  if (wide.level === 'clear') return true
  if (wide.level === 'green') return narrow.level !== 'clear' && wide.caveats.community !== undefined
  if (narrow.caveats.distribution !== undefined && wide.caveats.distribution === undefined) return false
  return narrow.level === 'amber' || narrow.level === 'amber+strict'
}

function embargoContains(wide: Resolved, narrow: Resolved, now: string): boolean {
  if (!isUnderEmbargo(wide, now)) return true
  const [until, later] = [wide.caveats.embargoUntil, narrow.caveats.embargoUntil]
  if (until === undefined || later === undefined || compareTimestamps(later, until) < 0) return false
  return (narrow.caveats.coauthors ?? NOBODY).isSubsetOf(wide.caveats.coauthors ?? NOBODY)
}

/** Embargoes are compared apart, by their instants. */
function withoutEmbargo(resolved: Resolved): Resolved {
  const { embargoUntil: _, coauthors: __, ...caveats } = resolved.caveats
  return { ...resolved, caveats }
}

/** Whether the author itself would send it to the organisation, over a link; `isAlways` leaves out its providers of now. */
function decideFor(resolved: Resolved, recipient: Organisation, moment: Moment, isAlways: boolean): boolean {
  const passage = passageTo(recipient, moment)
  const answer = decideMarking(resolved, passage, false)
  if (isAlways && answer.code === 'PROVIDER') return false
  return answer.send && (answer.code === 'TO_SOURCE' || decideCaveats(resolved, passage) === undefined)
}

/**
 * Whether it could ever reach the organisation: what binds at every level admits it, but for standings and memberships,
 * which later charters change. `isAlways` counts everybody as a later provider of the author, who needs no distribution.
 */
function mayReach(resolved: Resolved, org: Organisation, moment: Moment, isAlways: boolean): boolean {
  const {
    alliances: _,
    epochs: __,
    community: ___,
    ...lasting
  }: { -readonly [Name in keyof Caveats]: Caveats[Name] } = withoutEmbargo(resolved).caveats
  const { participants } = lasting
  if (isAlways && resolved.level !== 'red') delete lasting.distribution
  if (resolved.level === 'red' && !(participants && names(participants, org, moment.register))) return false
  const passage = passageTo({ ...org, caveats: true }, moment)
  return decideMarking({ ...resolved, caveats: lasting, level: 'clear' }, passage, false).send
}

const passageTo = (recipient: Organisation, { author, register, now }: Moment): Passage => ({
  register,
  now,
  sender: author,
  source: author,
  recipient,
  channel: 'node',
  isCarried: false,
  isViaClient: false,
  isGreenOpen: false,
})
