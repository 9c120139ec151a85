/** From what an operator asks for to the copies that the sharing rules give: who is named, which object, what it refers to. */
import {
  type JsonObject,
  type MemberId,
  type Millis,
  parseJson,
  parseTimestamp,
  timestampKey,
  toTimestamp,
} from '#base'
import { type Audience, TLP_LEVELS } from '#log'
import { explain, type Grant, namedIds, type Organisation, type ReleasedTo } from '#policy'
import type { LogHead, ObjectRow, Store } from '#store'
import { formsOf } from './cut-forms.ts'
import { heldReleases } from './embargoes.ts'
import { NodeError } from './errors.ts'
import type { RawObject } from './raw-objects.ts'
import type { GrantedCopy, Release, SharingRules } from './sharing-rules.ts'

/** `until` of a grant without an end: the last instant that a statement can say. */
export const NO_END: Millis = Number.MAX_SAFE_INTEGER

const LOOKUP_ROWS = 1_000
/** Organisations that one grant names. */
export const GRANTEES_MOST = 100

/** What an operator asks for. */
export interface GrantWish {
  object: string
  /** Slugs or ids. */
  to: readonly string[]
  until?: Millis
  /** `modified` of the version. */
  version?: string
}

/** What is asked of the node to judge a wish. */
export interface WishContext {
  store: Store
  rules: SharingRules
  self: MemberId
  now: Millis
  slugOf: (member: MemberId) => string
}

/** A wish whose organisations are known. */
export interface NamedWish {
  object: string
  to: readonly string[]
  until: Millis
  version?: string
}

/** The version that is granted. */
export interface GrantedObject {
  raw: RawObject
  standing: readonly ReleasedTo[]
  /** Named by the grant; absent where later versions are covered too. */
  version: string | undefined
  /** Marking-definitions that the object names and this node published: they go along. */
  definitions: readonly RawObject[]
  /** Releases that are committed together with it. */
  alongside: readonly Release[]
}

/**
 * Checks whom a wish names and until when.
 *
 * @throws GRANT_REFUSED, INPUT_INVALID
 */
export function toWish({ object, to, until, version }: GrantWish, { rules, self, now }: WishContext): NamedWish {
  if (until !== undefined && until <= now) throw new NodeError('INPUT_INVALID', 'until: this instant is over.')
  if (version !== undefined && parseTimestamp(version) === undefined)
    throw new NodeError('INPUT_INVALID', 'version: the "modified" of a version, as in 2026-05-01T08:00:00.000Z.')
  const register = rules.register()
  const ids = to.map((name) => {
    const org = register.org(name.replace(/^(org|member):/, ''))
    if (name.includes(':') && !org)
      throw refused(
        `A grant names organisations one by one, and ${JSON.stringify(name)} is none. To share with more, publish with --to.`,
      )
    if (!org)
      throw refused(`No charter names an organisation ${JSON.stringify(name)}. noroshi alliance members lists them.`)
    if (org.id === self) throw refused(`${org.slug} is this node's own organisation: it has the object.`)
    if (org.kind === 'public')
      throw refused(
        `${org.slug} is public, and a grant never opens anything to the public. Publish it as CLEAR instead.`,
      )
    return org.id
  })
  const wish = { object, to: [...new Set(ids)], until: until ?? NO_END }
  return version === undefined ? wish : { ...wish, version }
}

/**
 * The newest version of an object that this node published.
 *
 * @throws NOT_FOUND, GRANT_REFUSED
 */
export async function objectToGrant(wish: NamedWish, context: WishContext): Promise<GrantedObject> {
  const { store, slugOf } = context
  const heads = new Map((await store.logs()).map((head) => [head.log, head]))
  const rows = await rowsOf(store, [wish.object], [...heads.values()])
  const own = rows.filter(({ log }) => isOriginalLog(heads.get(log)))
  if (own.length === 0) {
    const [other] = rows.filter(({ log }) => heads.get(log)?.own !== true)
    if (other)
      throw refused(
        `${slugOf(other.publisher)} published ${wish.object}, and only its source grants it. Ask ${slugOf(other.publisher)}.`,
      )
    const isHeld = (await heldReleases(store)).some(({ objectId }) => objectId === wish.object)
    if (isHeld) throw refused(`${explain('EMBARGO')} Grant it when the embargo is over.`)
    throw new NodeError('NOT_FOUND', `This node published no ${wish.object} that is in use.`)
  }
  const newest = own.reduce((last, row) => (row.modified > last.modified ? row : last))
  if (wish.version !== undefined && timestampKey(wish.version) !== newest.modified)
    throw refused(
      `The version in use of ${wish.object} is ${newest.modified}Z. Grant that one, or leave --version out.`,
    )
  const forms = (await formsOf(store, [wish.object])).get(wish.object) ?? []
  const cut = forms.length === 0 ? [] : await rowsOf(store, forms, [...heads.values()])
  const standing = [...own.filter(({ modified }) => modified === newest.modified), ...cut]
    .filter(({ log }) => isOriginalLog(heads.get(log)))
    .map(({ log, id }): ReleasedTo => ({
      audience: (heads.get(log) as LogHead).audience,
      ...(id === wish.object ? {} : { form: id }),
    }))
  const value = parseJson(newest.json) as JsonObject
  const isAboveGreen = standing.every(({ audience }) => TLP_LEVELS.indexOf(audience.tlp) > TLP_LEVELS.indexOf('green'))
  const named = isAboveGreen || wish.version !== undefined ? value['modified'] : undefined
  return {
    raw: { bytes: newest.json, value },
    standing,
    version: typeof named === 'string' ? named : undefined,
    definitions: await definitionsOf(value, store, heads),
    alongside: [],
  }
}

/** A version that is being published now, for a grant that covers it. */
export async function objectPublished(
  raw: RawObject,
  { store }: Pick<WishContext, 'store'>,
  publication: { objects: readonly RawObject[]; releases: readonly Release[] },
): Promise<GrantedObject> {
  const id = String(raw.value['id'])
  const heads = new Map((await store.logs({ own: true })).map((head) => [head.log, head]))
  const standing = publication.releases
    .filter(({ objectId, notBefore }) => objectId === id && notBefore === undefined)
    .map((release): ReleasedTo => ({
      audience: release.audience,
      ...(release.id === id ? {} : { form: release.id }),
    }))
  const refs = new Set(markingRefs(raw.value))
  const together = publication.objects.filter(({ value }) => refs.has(String(value['id'])))
  const before = await definitionsOf(raw.value, store, heads)
  const definitions = [
    ...together,
    ...before.filter(({ value }) => !together.some((one) => one.value['id'] === value['id'])),
  ]
  return { raw, standing, version: undefined, definitions, alongside: publication.releases }
}

/**
 * What the grant gives of the object.
 *
 * @throws GRANT_REFUSED where the rules give one of those named nothing, or it needs no grant
 */
export async function wishedCopies(
  wish: NamedWish,
  found: GrantedObject,
  context: WishContext,
): Promise<readonly GrantedCopy[]> {
  const { rules, self, now } = context
  const { raw, standing, version, definitions } = found
  const register = rules.register()
  const orgs = wish.to.flatMap((name) => register.org(name) ?? [])
  const held = await heldByEach(raw.value, orgs, found, context)
  const { releases, answers } = rules.releaseGranted({
    object: raw,
    grant: toGrant(wish, self, version),
    definitions: definitions.map(({ value }) => value),
    standing,
    now,
    heldBy: (id) => held.get(id) ?? new Map<string, string | null>(),
  })
  const no = answers.filter(({ send }) => !send)
  if (no.length > 0) throw refused(no.map((answer) => noTo(answer)).join(' '), { answers: no })
  return releases
}

function noTo({ slug, code, reason }: { slug: string; code: string; reason: string }): string {
  if (code.startsWith('REDACT_REQUIRED'))
    return `${slug}: ${reason} (${code}) If it is a reference, grant what it refers to first.`
  const isEntitled =
    !/^(RECIPIENT|UN|COMMUNITY_CONFLICT|CHANNEL|LEGACY|EMBARGO|REL_|NOT_|RED_NO|STRICT|AMBER_NOT|AMBER_CLIENT_NO|GREEN_PUBLIC|DRILL)/.test(
      code,
    )
  return isEntitled ? `${slug} may have it without a grant: ${reason} (${code})` : `${slug}: ${reason} (${code})`
}

/** The grant as the sharing rules read it. */
function toGrant({ object, to, until }: NamedWish, by: MemberId, version: string | undefined): Grant {
  return {
    object,
    by,
    to,
    ...(version === undefined ? {} : { version }),
    ...(until === NO_END ? {} : { expires: toTimestamp(until) }),
  }
}

/** Under which id each organisation has what the object refers to; null where it may not have it. */
async function heldByEach(
  value: JsonObject,
  orgs: readonly Organisation[],
  { alongside }: GrantedObject,
  { store, rules, self, now }: WishContext,
): Promise<Map<string, Map<string, string | null>>> {
  const register = rules.register()
  const ids = namedIds(value).filter((id) => register.org(id)?.id !== id)
  const byOrg = new Map(orgs.map(({ id }) => [id, new Map<string, string | null>()]))
  if (ids.length === 0) return byOrg
  const heads = await store.logs()
  const headOf = new Map(heads.map((head) => [head.log, head]))
  const forms = await formsOf(store, ids)
  const rows = await rowsOf(store, [...ids, ...[...forms.values()].flat()], heads, EVERY)
  const waiting = new Set((await heldReleases(store)).map(({ objectId }) => objectId))
  for (const id of ids) {
    const formIds = new Set([id, ...(forms.get(id) ?? [])])
    const known = rows.filter((row) => formIds.has(row.id))
    const together = alongside.filter(({ objectId }) => objectId === id)
    if (known.length === 0 && together.length === 0 && !waiting.has(id)) continue
    const places = [
      ...together.flatMap(({ id: form, audience, notBefore }) =>
        notBefore === undefined ? [{ form, audience, author: self }] : [],
      ),
      ...known
        .filter(({ status }) => status === 'accepted')
        .map((row) => ({ form: row.id, ...pick(headOf.get(row.log) as LogHead) })),
    ].sort((a, b) => Number(b.form === id) - Number(a.form === id))
    for (const [org, held] of byOrg) {
      const place = places.find(
        ({ audience, author }) =>
          rules.admits({ audience, author, server: author, reader: org, channel: 'node', register, now }).send,
      )
      held.set(id, place?.form ?? null)
    }
  }
  return byOrg
}

const EVERY = ['accepted', 'quarantined', 'recalled'] as const
const pick = ({ audience, author }: LogHead): { audience: Audience; author: MemberId } => ({ audience, author })

/** Logs of this node's own in which objects stand by their markings: not by a grant, and not for a drill. */
const isOriginalLog = (head: LogHead | undefined) =>
  head?.own === true && head.audience.grantees === undefined && head.audience.drill === undefined

async function definitionsOf(
  value: JsonObject,
  store: Store,
  heads: ReadonlyMap<string, LogHead>,
): Promise<RawObject[]> {
  const ids = markingRefs(value)
  if (ids.length === 0) return []
  const rows = await rowsOf(
    store,
    ids,
    [...heads.values()].filter(({ own }) => own),
  )
  const byId = new Map(rows.map((row) => [row.id, row]))
  return [...byId.values()].map(({ json }) => ({ bytes: json, value: parseJson(json) as JsonObject }))
}

/** Ids of the marking-definitions that an object names, for itself or for parts of it. */
function markingRefs(value: JsonObject): string[] {
  const { object_marking_refs: whole, granular_markings: parts } = value
  const granular = Array.isArray(parts) ? parts.map((part) => (part as JsonObject | null)?.['marking_ref']) : []
  const named = [...(Array.isArray(whole) ? whole : []), ...granular]
  return [...new Set(named.filter((id) => typeof id === 'string'))]
}

async function rowsOf(
  store: Store,
  ids: readonly string[],
  heads: readonly LogHead[],
  statuses: readonly ('accepted' | 'quarantined' | 'recalled')[] = ['accepted'],
): Promise<ObjectRow[]> {
  if (heads.length === 0 || ids.length === 0) return []
  const logs = heads.map(({ log }) => log)
  return (await store.objects({ logs, ids: [...new Set(ids)], statuses, limit: LOOKUP_ROWS })).rows
}

const refused = (message: string, details?: object) =>
  new NodeError('GRANT_REFUSED', message, details ? { details: details as never } : {})
