import { canonicalJson, type Hash, type JsonObject, type LogId, parseJson } from '#base'
import { type Audience, audienceId } from '#log'
import { objectColumns } from '#stix'
import type { ObjectRow, Store } from '#store'
import type { Refusal } from './admission.ts'
import { contentOf, KnownVersions, renamed } from './client-submissions.ts'
import { formsOf } from './cut-forms.ts'
import type { RawObject } from './raw-objects.ts'
import type { Release } from './sharing-rules.ts'

/** Object ids looked up in one query, and rows of its page. */
const LOOKUP_IDS = 500
const LOOKUP_ROWS = 1_000

/** One release, and what is known of its object. */
export interface Planned {
  release: Release
  columns: ReturnType<typeof objectColumns>
  audienceId: Hash
  /** Tells its content from others of the same version; for what somebody else submitted. */
  content?: string
  /** The same version in the same log, from an earlier publication. */
  standing?: Place
  /** Own entries of older versions of its object, in whatever form. */
  older: ObjectRow[]
}

/** What identifies an entry. */
export interface Place {
  log: LogId
  index: number
}

/** For whom releases are planned, where that is not the node itself. */
export interface PlanOptions {
  objects?: readonly RawObject[]
  known?: KnownVersions
  random?: (bytes: number) => Uint8Array
  /** Nobody asked for the objects by hand. */
  isAutomatic?: boolean
  /** Versions that a newer one of this node's own has overtaken are left out: what an embargo held may have been narrowed since. */
  onlyNewest?: boolean
  /** Whether this node took a version back. */
  isTakenBack?: (id: string, modified: string) => boolean
}

/**
 * What of the releases is new here; a version that stands with other content is refused. A submitter that may not know
 * of that content is answered as if there were none: what it submitted gets an id of its own.
 */
export async function planReleases(
  store: Store,
  releases: readonly Release[],
  refused: Refusal[],
  {
    objects = [],
    known: seen = new KnownVersions(store),
    random,
    isAutomatic = false,
    onlyNewest = false,
    isTakenBack = () => false,
  }: PlanOptions = {},
): Promise<Planned[]> {
  const own = new Map((await store.logs({ own: true })).map((head) => [head.log, head]))
  const forms = await formsOf(
    store,
    releases.map(({ objectId }) => objectId),
  )
  const ids = [...releases.flatMap(({ id, objectId }) => [id, objectId]), ...[...forms.values()].flat()]
  const known = await knownVersions(store, [...new Set(ids)], [...own.keys()])
  const valueOf = new Map(objects.map(({ bytes, value }) => [bytes, value]))
  const audiences = new Map<Audience, Hash>()
  const planned: Planned[] = []
  for (const release of releases) {
    const value = valueOf.get(release.json) ?? (parseJson(release.json) as JsonObject)
    const columns = objectColumns(value)
    const rows = known.get(release.id) ?? []
    if (onlyNewest && formRows(release).some(({ modified }) => modified > columns.modified)) continue
    const same = rows.filter((row) => row.modified === columns.modified)
    const isSame = (row: ObjectRow) => canonicalJson(parseJson(row.json)) === canonicalJson(value)
    const submitted = await seen.submitted(release.id, columns.modified)
    const content = submitted || random ? contentOf(value) : undefined
    const others = columns.modified === '' ? [] : same.filter((row) => !isSame(row))
    if (others.some((row) => seen.isKnown(row)) || (submitted && submitted.content !== content)) {
      refused.push({ id: release.objectId, ...CONFLICT })
      continue
    }
    const foreign = columns.modified === '' ? [] : (await seen.foreign(release.id, rows)).filter((row) => !isSame(row))
    if (foreign.some((row) => seen.isKnown(row))) {
      refused.push({ id: release.objectId, ...FOREIGN })
      continue
    }
    const to = audiences.get(release.audience) ?? audienceId(release.audience)
    audiences.set(release.audience, to)
    const standing =
      submitted?.places.find((place) => place.to === to) ??
      same.find((row) => seen.isKnown(row) && own.get(row.log)?.audienceId === to && isSame(row))
    const mayBeAgain = standing !== undefined || (columns.modified === '' && !isAutomatic)
    if (!mayBeAgain && isTakenBack(release.id, columns.modified)) {
      refused.push({ id: release.objectId, ...RECALLED })
      continue
    }
    const before =
      standing || columns.modified === ''
        ? []
        : rows.filter((row) => own.get(row.log)?.audienceId === to && seen.isKnown(row))
    const comesTooLate = whyNotAfter(before, columns.modified)
    if (comesTooLate) {
      refused.push({ id: release.objectId, ...comesTooLate })
      continue
    }
    const older = columns.modified === '' ? [] : await olderThan(columns.modified, release)
    const plan = { release, columns, audienceId: to, older, ...(content === undefined ? {} : { content }) }
    if (standing) planned.push({ ...plan, standing })
    else if (foreign.length === 0 || !random) planned.push(plan)
    else {
      const { id, json } = renamed(value, random(16))
      planned.push({ ...plan, release: { ...release, json }, columns: { ...columns, id }, older: [] })
    }
  }
  return inOrderOfVersions(planned)

  function formIds({ id, objectId }: Pick<Release, 'id' | 'objectId'>): Set<string> {
    return new Set([id, objectId, ...(forms.get(objectId) ?? [])])
  }

  function formRows(release: Release): ObjectRow[] {
    return [...formIds(release)].flatMap((form) => known.get(form) ?? [])
  }

  /** Of what others brought nothing: whoever names a hidden object takes nothing of it back. */
  async function olderThan(modified: string, { id, objectId }: Release): Promise<ObjectRow[]> {
    const older: ObjectRow[] = []
    for (const form of formIds({ id, objectId })) {
      const rows = (known.get(form) ?? []).filter((row) => row.modified < modified)
      const foreign = new Set(await seen.foreign(form, rows))
      older.push(...rows.filter((row) => !foreign.has(row)))
    }
    return older
  }
}

/** Why no version follows those that stand before the same readers. */
function whyNotAfter(standing: readonly ObjectRow[], modified: string): Omit<Refusal, 'id'> | undefined {
  if (standing.some((row) => row.modified > modified)) return OVERTAKEN
  return standing.some((row) => row.revoked && row.modified < modified) ? REVOKED : undefined
}

/** Versions of one object for the same readers, the oldest first, in the places that they have: readers refuse a step back. */
function inOrderOfVersions(planned: readonly Planned[]): Planned[] {
  const ordered = [...planned]
  const versions = Map.groupBy(planned.keys(), (i) => `${planned[i]!.release.id} ${planned[i]!.audienceId}`)
  for (const places of versions.values()) {
    if (places.length === 1) continue
    const sorted = places
      .map((i) => planned[i]!)
      .sort((a, b) => Number(a.columns.modified > b.columns.modified) - Number(a.columns.modified < b.columns.modified))
    for (const [at, place] of places.entries()) ordered[place] = sorted[at]!
  }
  return ordered
}

async function knownVersions(
  store: Store,
  ids: readonly string[],
  logs: readonly LogId[],
): Promise<Map<string, ObjectRow[]>> {
  const known = new Map<string, ObjectRow[]>()
  if (logs.length === 0) return known
  for (let from = 0; from < ids.length; from += LOOKUP_IDS) {
    let cursor: string | undefined
    do {
      const page = await store.objects({
        logs,
        ids: ids.slice(from, from + LOOKUP_IDS),
        statuses: ['accepted'],
        limit: LOOKUP_ROWS,
        ...(cursor === undefined ? {} : { cursor }),
      })
      for (const row of page.rows) known.set(row.id, [...(known.get(row.id) ?? []), row])
      cursor = page.next
    } while (cursor !== undefined)
  }
  return known
}

const CONFLICT = {
  code: 'EQUIVOCATION',
  message: 'The same version (id and modified) was published with other content; raise "modified" to publish a change.',
}

const OVERTAKEN = {
  code: 'ROLLBACK',
  message:
    'A newer version stands before the same readers, who refuse an older one; publish one with a later "modified".',
}

const REVOKED = {
  code: 'REVOKED',
  message: 'This object was revoked, and no version follows that; publish it anew under another id.',
}

const RECALLED = {
  code: 'RECALLED',
  message: 'This version was taken back; raise "modified" to publish the object again.',
}

const FOREIGN = {
  code: 'NOT_OWNER',
  message: 'Another organisation brought this object here; only who brought it publishes new versions of it.',
}

/** A form for nobody is left out where the object has another: it would only be kept twice here. */
export function withoutNobodies(releases: readonly Release[]): Release[] {
  const reaches = ({ audience }: Release) =>
    !Object.values(audience).some((list) => Array.isArray(list) && list.length === 0)
  const reached = new Set(releases.filter(reaches).map(({ objectId }) => objectId))
  return releases.filter((release) => reaches(release) || !reached.has(release.objectId))
}

/** Groups cut and packed into commits of at most `size` entries. */
export function batchesOf(groups: readonly (readonly Planned[])[], size: number): Planned[][][] {
  const batches: Planned[][][] = []
  let batch: Planned[][] = []
  let room = size
  for (const group of groups) {
    for (let from = 0; from < group.length;) {
      const part = group.slice(from, from + room)
      batch.push(part)
      from += part.length
      room -= part.length
      if (room > 0) continue
      batches.push(batch)
      batch = []
      room = size
    }
  }
  return batch.length > 0 ? [...batches, batch] : batches
}

/** Refused objects by code and type. */
export function countRefused(
  refused: readonly Refusal[],
  objects: readonly RawObject[],
): Record<string, Record<string, number>> {
  const typeOf = new Map(objects.map(({ value }) => [String(value['id']), String(value['type'])]))
  const counts: Record<string, Record<string, number>> = {}
  for (const { id, code } of refused) {
    const byType = (counts[code] ??= {})
    const type = typeOf.get(id) ?? 'unknown'
    byType[type] = (byType[type] ?? 0) + 1
  }
  return counts
}

/** A list in two: those for which it holds, and the others. */
export function parted<T>(list: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [list.filter(isFirst), list.filter((item) => !isFirst(item))]
}
