/**
 * What a grant gives: the copy of one object that its source names organisations for, beyond the object's own audience.
 *
 * JP grants its AMBER report on a bank in `trilateral` to TH: one release, the report's own bytes, for the audience
 * `{tlp: amber, grantees: [th]}`. Where a part of the report is kept from TH, its copy is cut, under an id of its own.
 * @see SHARING-RULES section 2, row 11
 */
import { type JsonObject, type Millis, toTimestamp, utf8 } from '#base'
import { PREDEFINED_MARKINGS } from '#stix'
import { type Audience, audienceId } from '#log'
import { admits } from './admits.ts'
import { audienceOf, resolvedOf, withoutDefaults } from './audience.ts'
import { decide, type Decision, type Grant, refusal } from './decide.ts'
import { explain } from './reason.ts'
import { isHosted, type RecipientAnswer } from './recipients.ts'
import { references } from './redaction.ts'
import type { Organisation, Register } from './register.ts'
import { cutRendition, renditionId } from './rendition.ts'
import type { Release, ReleaseObject } from './release.ts'
import type { ReleasedTo } from './released-before.ts'
import { combine, Definitions, type Resolved, resolveMarkings } from './resolve.ts'
import { closeSelectors } from './selector.ts'
import { rank } from './tlp.ts'
import { textOf } from './json-text.ts'

/** One object and the grant for it. */
export interface GrantedRequest {
  readonly object: ReleaseObject
  readonly grant: Grant
  /** Id of the member that published the object. */
  readonly author: string
  readonly register: Register
  /** Marking-definitions beyond TLP's. */
  readonly definitions?: Iterable<JsonObject>
  /** Audiences in which the object stands: they say what it carries beside its bytes, and who needs no grant. */
  readonly standing: readonly ReleasedTo[]
  readonly now: Millis
  /** The node's secret, from which ids of derived renditions come; 32 bytes. */
  readonly secret: Uint8Array
  /**
   * What the object refers to, for one grantee: the id under which that one has it, null where it may not have it, and
   * nothing where it is not known here.
   */
  readonly heldBy: (grantee: string) => ReadonlyMap<string, string | null>
}

/** The copies that a grant gives, and the answer for each organisation that it names. */
export interface GrantedResult {
  /** Empty where the answer for any of them is no: a grant that does not hold, or one that nobody needs. */
  readonly releases: (Release & { readonly grantees: readonly string[] })[]
  readonly answers: RecipientAnswer[]
}

/** Decides what each grantee gets: those who get the same share a log. */
export function releaseGranted(request: GrantedRequest): GrantedResult {
  const { object, grant, author, register, now } = request
  const definitions = new Definitions([...PREDEFINED_MARKINGS.values(), ...(request.definitions ?? [])], register)
  const markings = markingsOf(request, definitions)
  const answers: RecipientAnswer[] = []
  const groups = new Map<string, Shared>()
  for (const name of grant.to) {
    const org = register.org(name)
    const held = org ? request.heldBy(org.id) : new Map<string, string | null>()
    const { resolved, decision } = decideGranted(request, definitions, markings, org, held)
    const entitled = org && decision.send ? entitledBy(request, org) : undefined
    const { send, code } = entitled === undefined ? decision : { send: false, code: entitled }
    answers.push({ member: org?.id ?? name, slug: org?.slug ?? name, send, code, reason: explain(code) })
    if (!send || !org) continue
    const rewrite = rewritten(object.value, decision.redact, held)
    const key = JSON.stringify([markings.indexOf(resolved), decision.redact, [...rewrite]])
    const group = groups.get(key) ?? { resolved, decision, rewrite, grantees: [] }
    group.grantees.push(org)
    groups.set(key, group)
  }
  const releases = answers.every(({ send }) => send) ? [...groups.values()].map(toRelease) : []
  return { releases, answers }

  function toRelease({ resolved, decision, rewrite, grantees }: Shared): GrantedResult['releases'][number] {
    const audience = audienceFor(resolved, grantees, author, register)
    const recipients = grantees.map(({ id, slug }) => {
      const asked = { audience, author, server: author, reader: id, channel: 'node', register, now } as const
      return { member: id, slug, code: admits(asked).code }
    })
    const id = textOf(object.value['id'])
    const shared = { objectId: id, audience, recipients, grantees: grantees.map((one) => one.id) }
    const redact = closeSelectors(object.value, decision.redact)
    if (redact.length === 0 && rewrite.size === 0) return { ...shared, id, json: object.bytes }
    const cut = { id: renditionId(request.secret, id, audienceId(audience)), redact, rewrite }
    return { ...shared, id: cut.id, json: utf8(JSON.stringify(cutRendition(object.value, cut, author))) }
  }
}

/** Grantees who get the same form of the object. */
interface Shared {
  resolved: Resolved & Levelled
  decision: Decision
  rewrite: ReadonlyMap<string, string>
  grantees: Organisation[]
}

type Levelled = Required<Pick<Resolved, 'level'>>

/**
 * What the object carries, by its bytes and by where it stands; the least strict first, which is that of the form with
 * the widest audience: what stands beside it is whole, or has more of it, and is for fewer.
 */
function markingsOf({ object, standing, author, register }: GrantedRequest, definitions: Definitions) {
  const own = resolveMarkings(object.value, definitions)
  return standing
    .map(({ audience }) => combine(own, withoutDefaults(resolvedOf(audience), author, register)))
    .filter((resolved): resolved is Resolved & Levelled => resolved.level !== undefined)
    .sort((a, b) => rank(a.level) - rank(b.level))
}

/** The first of the markings that lets the grantee have it; else why the widest does not. */
function decideGranted(
  request: GrantedRequest,
  definitions: Definitions,
  markings: readonly (Resolved & Levelled)[],
  org: Organisation | undefined,
  held: ReadonlyMap<string, string | null>,
): { resolved: Resolved & Levelled; decision: Decision } {
  const { object, grant, author, register, now } = request
  const [first] = markings
  if (first === undefined) return { resolved: CLOSED, decision: refusal('UNMARKED') }
  if (org === undefined) return { resolved: first, decision: refusal('RECIPIENT_SUSPENDED') }
  const unreleasable = new Set([...held].flatMap(([id, form]) => (form === null ? [id] : [])))
  const answers = markings.map((resolved) => ({
    resolved,
    decision: decide({
      now: toTimestamp(now),
      from: author,
      to: org.id,
      source: author,
      object: object.value,
      register,
      definitions,
      resolved,
      context: { channel: isHosted(org, register) ? 'client' : 'node', grants: [grant], unreleasable },
    }),
  }))
  const { resolved, decision } = answers.find((one) => one.decision.send) ?? (answers[0] as (typeof answers)[number])
  // It is the grant that must open it: a level that has risen since is not covered.
  const isOpened = decision.code === 'SOURCE_GRANT' || !decision.send
  return { resolved, decision: isOpened ? decision : { ...decision, send: false } }
}

const CLOSED: Resolved & Levelled = { level: 'red', caveats: {}, isUnknown: true, isConflict: false }

/** The reason for which the organisation may have the whole object without a grant. */
function entitledBy(
  { standing, author, register, now }: GrantedRequest,
  { id }: Organisation,
): Decision['code'] | undefined {
  for (const { audience, form } of standing) {
    if (form !== undefined) continue
    const { send, code } = admits({ audience, author, server: author, reader: id, channel: 'node', register, now })
    if (send) return code
  }
  return undefined
}

function rewritten(
  object: JsonObject,
  redact: readonly string[],
  held: ReadonlyMap<string, string | null>,
): ReadonlyMap<string, string> {
  const rewrite = new Map<string, string>()
  for (const { selector, id } of references(object)) {
    const form = held.get(id)
    if (typeof form === 'string' && form !== id && !redact.includes(selector)) rewrite.set(selector, form)
  }
  return rewrite
}

/**
 * The audience of a grantees' log: the level and what `releasable_to` says, which a grant does not lift, and the grantees.
 * The community and the lists that it does lift are not told to them; that one of them binds is.
 */
function audienceFor(
  { level, caveats }: Resolved & Levelled,
  grantees: readonly Organisation[],
  author: string,
  register: Register,
): Audience {
  const ids = new Set(grantees.map(({ id }) => id))
  const { community, distribution, participants, embargoUntil: _, coauthors: __, epochs: ___, ...rest } = caveats
  const isBound = community !== undefined || distribution !== undefined
  const marking = {
    level,
    isUnknown: false,
    isConflict: false,
    caveats: {
      ...rest,
      ...(isBound ? { orgs: ids } : {}),
      ...(participants === undefined ? {} : { participants: ids }),
      grantees: ids,
    },
  }
  return audienceOf(marking, author, register)
}
