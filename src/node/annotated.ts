/**
 * Where the objects stand that a submission annotates or refers to: a note on what this node holds under AMBER is AMBER,
 * also when it comes alone, and a GREEN report names no object that stands under RED. An object stands in its cut forms
 * as well; often nobody has the whole one. @see SHARING-RULES section 4
 */
import { canonicalJson, parseJson } from '#base'
import { namedIds, type ReleasedBefore, type ReleasedTo } from '#policy'
import { objectColumns } from '#stix'
import type { LogHead, ObjectRow, ObjectStatus, Store } from '#store'
import { formsOf } from './cut-forms.ts'
import { droppedReleases, heldReleases } from './embargoes.ts'
import type { RawObject } from './raw-objects.ts'

/** Ids of one lookup, and rows of its page. */
const LOOKUP_IDS = 500
const LOOKUP_ROWS = 1_000

/** To the node's own people: whatever is or was in use, also where nothing of it may be shown any more. */
const HELD = ['accepted', 'quarantined', 'recalled'] as const
/** To everybody else: what they can read. */
const READABLE = ['accepted'] as const

/**
 * Audiences in which annotated and referred objects stand, own and mirrored, each publisher's newest version.
 *
 * A submission that is not the node's own is judged by the logs that its submitter may see, `within`, and by nothing
 * else: what becomes of a note must not tell a client of an object that is kept from it.
 */
export async function releasedBefore(
  store: Store,
  objects: readonly RawObject[],
  within?: readonly LogHead[],
): Promise<ReleasedBefore> {
  const ids = [...new Set(objects.flatMap(({ value }) => namedIds(value)))]
  const found = new Map<string, ReleasedTo[][]>()
  if (ids.length === 0) return found
  // A grant is for what it names: what annotates that, or refers to it, goes by the object's own audience.
  const logs = (within ?? (await store.logs())).filter(({ own, audience }) => !own || audience.grantees === undefined)
  const heads = new Map(logs.map((head) => [head.log, head]))
  const submitted = Map.groupBy(objects, ({ value }) => String(value['id']))
  // A client that may read a cut form is not told whose form it is.
  const forms = within ? new Map<string, string[]>() : await formsOf(store, ids)
  const lookedUp = [...new Set([...ids, ...[...forms.values()].flat()])]
  const rows = Map.groupBy(await rowsOf(store, lookedUp, [...heads.keys()], within ? READABLE : HELD), ({ id }) => id)
  for (const id of ids) {
    const cut = (forms.get(id) ?? []).flatMap((form) => rows.get(form) ?? [])
    const versions = [...(rows.get(id) ?? []), ...cut.filter(({ log }) => heads.get(log)?.own)]
    const standing = versions.filter((row) => !isReplaced(row, heads.get(row.log), submitted.get(id)))
    const publishers = Map.groupBy(standing, ({ publisher }) => publisher)
    const audiences = [...publishers.values()].map((own) => audiencesOf(id, newestOf(own), heads))
    if (audiences.length > 0) found.set(id, audiences)
  }
  const newestOwn = (id: string) =>
    modifiedOf(
      [id, ...(forms.get(id) ?? [])].flatMap((form) => rows.get(form) ?? []),
      heads,
    )
  if (!within) await addHeld(store, found, new Set(ids), { submitted, newestOwn })
  return found
}

async function rowsOf(
  store: Store,
  ids: readonly string[],
  logs: LogHead['log'][],
  statuses: readonly ObjectStatus[],
): Promise<ObjectRow[]> {
  const rows: ObjectRow[] = []
  for (let from = 0; from < ids.length; from += LOOKUP_IDS) {
    let cursor: string | undefined
    do {
      const page = await store.objects({
        logs,
        ids: ids.slice(from, from + LOOKUP_IDS),
        statuses,
        limit: LOOKUP_ROWS,
        ...(cursor === undefined ? {} : { cursor }),
      })
      rows.push(...page.rows)
      cursor = page.next
    } while (cursor !== undefined)
  }
  return rows
}

/** An own version that the submission holds too, or a newer one of: there its marking is decided anew. */
function isReplaced(row: ObjectRow, head: LogHead | undefined, submitted: readonly RawObject[] = []): boolean {
  return (
    head?.own === true &&
    submitted.some(({ value }) => {
      const { modified } = objectColumns(value)
      if (modified !== row.modified) return modified > row.modified
      return row.json.length > 0 && canonicalJson(parseJson(row.json)) === canonicalJson(value)
    })
  )
}

/** Versions without a time are each other's equals. */
function newestOf<Row extends { modified: string }>(rows: readonly Row[]): Row[] {
  const newest = rows.reduce((latest, { modified }) => (modified > latest ? modified : latest), '')
  return rows.filter(({ modified }) => modified === newest)
}

function audiencesOf(id: string, rows: readonly ObjectRow[], heads: ReadonlyMap<string, LogHead>): ReleasedTo[] {
  const standing = new Map(rows.map((row) => [`${row.id} ${row.log}`, row]))
  return [...standing.values()].flatMap((row) => {
    const audience = heads.get(row.log)?.audience
    return audience ? [{ audience, ...(row.id === id ? {} : { form: row.id }) }] : []
  })
}

/** The newest own version among rows; '' where there is none. */
const modifiedOf = (rows: readonly ObjectRow[], heads: ReadonlyMap<string, LogHead>): string =>
  rows.reduce((newest, { log, modified }) => (heads.get(log)?.own && modified > newest ? modified : newest), '')

/**
 * What an embargo still holds back here, or held when it was taken back: an annotation waits with it. What was taken back
 * gives way to a newer version.
 */
async function addHeld(
  store: Store,
  found: Map<string, ReleasedTo[][]>,
  ids: ReadonlySet<string>,
  { submitted, newestOwn }: { submitted: ReadonlyMap<string, readonly RawObject[]>; newestOwn: (id: string) => string },
): Promise<void> {
  const isAsked = ({ objectId }: { objectId: string }) => ids.has(objectId) && !submitted.has(objectId)
  const waiting = (await heldReleases(store)).filter(isAsked)
  const isHeld = new Set(waiting.map(({ objectId }) => objectId))
  const dropped = (await droppedReleases(store)).filter(
    (one) => isAsked(one) && !isHeld.has(one.objectId) && one.modified >= newestOwn(one.objectId),
  )
  const held = [...waiting, ...[...Map.groupBy(dropped, ({ objectId }) => objectId).values()].flatMap(newestOf)]
  for (const [objectId, releases] of Map.groupBy(held, (release) => release.objectId)) {
    const standing = releases.flatMap(({ id, audience, notBefore }): ReleasedTo[] =>
      notBefore === undefined ? [] : [{ audience, notBefore, ...(id === objectId ? {} : { form: id }) }],
    )
    if (standing.length > 0) found.set(objectId, [...(found.get(objectId) ?? []), standing])
  }
}
