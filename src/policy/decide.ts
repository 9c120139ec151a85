/**
 * The one decision: may this object pass from this sender to this recipient, what has to be cut, and what may the
 * recipient do next.
 *
 * AMBER from `jp-nco` to `us-cisa`, both in one alliance: `{send: true, code: 'ALLIANCE', redact: [], onward: 'own-org+clients'}`.
 * @see SHARING-RULES sections 2 to 4
 */
import { compareTimestamps, type JsonObject, parseTimestamp } from '#base'
import type { Channel, Passage } from './level-audience.ts'
import { type ReasonCode, type ReasonName } from './reason.ts'
import { granularMarkings, type Protection, redactionsFor } from './redaction.ts'
import type { Organisation, Register } from './register.ts'
import { firstRequired } from './required-properties.ts'
import { type Definitions, NOT_UNDERSTOOD, type Resolved, resolveMarkings } from './resolve.ts'
import { decideCaveats, decideMarking, type Onward, onwardOf } from './rows.ts'
import { rank } from './tlp.ts'

/** A permission by the source for one object, beyond its audience. */
export interface Grant {
  readonly object: string
  readonly by: string
  readonly to: readonly string[]
  /** `modified` of the version; above GREEN a grant must name it. */
  readonly version?: string
  /** STIX timestamp; at this instant the grant is over. */
  readonly expires?: string
}

/** What surrounds a passage. */
export interface SendContext extends Protection {
  /** Absent: `open`. */
  readonly channel?: Channel
  /** The sender got the object as a client of an organisation other than the source. */
  readonly via?: 'client'
  /** The charter names the sender as carrier, and it serves a mirror verbatim. */
  readonly carrier?: boolean
  /** Policy of the sender's node. */
  readonly greenDefault?: 'community' | 'cyber-defence'
  /** Ids of objects that the recipient may not have. */
  readonly unreleasable?: ReadonlySet<string>
  readonly grants?: readonly Grant[]
}

/** May `object` pass from `from` to `to`? Organisations are named by id or slug. */
export interface SendRequest {
  /** STIX timestamp. */
  readonly now: string
  readonly from: string
  readonly to: string
  /** Who first shared it. */
  readonly source: string
  readonly object: JsonObject
  readonly register: Register
  readonly definitions: Definitions
  readonly context?: SendContext
  /** What the object's markings say, where that is known already or something was added to them. */
  readonly resolved?: Resolved
  /** What of it row 14 takes for caveats, where some of it only writes out what the level says by itself. */
  readonly bare?: Resolved
}

/** The answer; of a no only `send` and `code` mean something. */
export interface Decision {
  readonly send: boolean
  readonly code: ReasonCode
  /** Selectors to cut, by the indices of the original. */
  readonly redact: readonly string[]
  readonly onward: Onward
}

/** Decides one passage of one object; the first row that decides ends it. */
export function decide(request: SendRequest): Decision {
  const { register, object, definitions, context = {} } = request
  const recipient = register.org(request.to)
  if (recipient?.standing !== 'active') return refusal('RECIPIENT_SUSPENDED')
  const granular = granularMarkings(object, definitions)
  const resolved = granular ? (request.resolved ?? resolveMarkings(object, definitions)) : NOT_UNDERSTOOD
  const passage = toPassage(request, recipient, context)
  const isCarriedRed = passage.isCarried && resolved.level === 'red'
  const isGranted =
    !isCarriedRed && context.grants?.some((grant) => holds(grant, request, resolved, recipient)) === true
  const answer = decideMarking(resolved, passage, isGranted)
  if (!answer.send) return refusal(answer.code)
  const onward = onwardOf(resolved, passage)
  if (answer.code === 'TO_SOURCE') return { send: true, code: 'TO_SOURCE', redact: [], onward }
  const redact = redactionsFor(object, resolved, granular ?? [], passage, context, context.unreleasable ?? NONE)
  const required = passage.isCarried ? redact[0] : firstRequired(object, redact)
  if (required !== undefined) return { ...refusal('UNMARKED'), code: `REDACT_REQUIRED:${required}` }
  const legacy = decideCaveats(request.bare ?? resolved, passage)
  return legacy ? refusal(legacy.code) : { send: true, code: codeOf(answer.code), redact, onward }
}

/** A no. */
export const refusal = (code: ReasonName): Decision => ({ send: false, code: codeOf(code), redact: [], onward: 'none' })

/** The code of a reason that has no selector. */
const codeOf = (name: ReasonName): ReasonCode => name as ReasonCode

const NONE: ReadonlySet<string> = new Set()

/** A carrier is answered as if the source sent; the policy of its own node opens nothing of the source's. */
function toPassage(request: SendRequest, recipient: Organisation, context: SendContext): Passage {
  const { register } = request
  const [from, source] = [idOf(request.from, register), idOf(request.source, register)]
  const isCarried = context.carrier === true && from !== source
  return {
    register,
    now: request.now,
    sender: isCarried ? source : from,
    source,
    recipient,
    isCarried,
    channel: context.channel ?? 'open',
    isViaClient: context.via === 'client',
    isGreenOpen: context.greenDefault === 'cyber-defence' && !isCarried,
  }
}

const idOf = (name: string, register: Register): string => register.org(name)?.id ?? name

/** Row 11. */
function holds(grant: Grant, request: SendRequest, resolved: Resolved, recipient: Organisation): boolean {
  const { object, register, now } = request
  const source = register.org(request.source)
  if (source?.standing !== 'active' || recipient.kind === 'public') return false
  if (grant.object !== object['id'] || register.org(grant.by)?.id !== source.id) return false
  if (!grant.to.some((name) => register.org(name)?.id === recipient.id)) return false
  if (grant.version === undefined) {
    if (resolved.level === undefined || rank(resolved.level) > rank('green')) return false
  } else if (!isVersion(object, grant.version)) return false
  if (grant.expires === undefined) return true
  return parseTimestamp(grant.expires) !== undefined && compareTimestamps(now, grant.expires) < 0
}

/** Equal versions are equal instants. */
function isVersion({ modified }: JsonObject, version: string): boolean {
  if (typeof modified !== 'string') return false
  if (modified === version) return true
  const areTimes = parseTimestamp(modified) !== undefined && parseTimestamp(version) !== undefined
  return areTimes && compareTimestamps(modified, version) === 0
}
