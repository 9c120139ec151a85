/**
 * Which cut forms this node published of which of its objects. An object's forms stand under ids of their own in other
 * logs; without this nothing would lead from a newer version, a recall or a later reference to them. An object whose
 * whole form is for nobody is known here by its forms alone.
 *
 * Where and in which version a form stands is in the store's index of objects. A record takes some hundred bytes for each
 * object and audience that got a form, over all its versions.
 * @see WIRE, Order, versions, conflict; SHARING-RULES section 4
 */
import type { Change, ObjectStatus, Store } from '#store'
import type { Release } from './sharing-rules.ts'

const COLLECTION = 'cut-forms'
const EVERY_STATUS: readonly ObjectStatus[] = ['accepted', 'quarantined', 'rejected', 'recalled']
/** Forms looked up at once. */
const LOOKUP_FORMS = 500
const LOOKUP_ROWS = 1_000

/** Whether a release is a cut form of its object. */
export const isCutForm = ({ id, objectId }: Pick<Release, 'id' | 'objectId'>): boolean => id !== objectId

/** Changes that keep which forms are published: for the commit that appends them. */
export function keepForms(releases: readonly Release[]): Change[] {
  const keys = new Set(releases.filter(isCutForm).map(({ id, objectId }) => `${objectId} ${id}`))
  return [...keys].map((key) => ({ op: 'put', collection: COLLECTION, key, value: 1 }))
}

/** Ids of the forms of each object that has any. */
export async function formsOf(store: Store, objectIds: Iterable<string>): Promise<Map<string, string[]>> {
  const forms = new Map<string, string[]>()
  // Most nodes cut nothing: then a large publication asks once.
  if ((await store.recordPage(COLLECTION, { limit: 1 })).length === 0) return forms
  for (const id of new Set(objectIds)) {
    const found: string[] = []
    for await (const { key } of store.records(COLLECTION, { prefix: `${id} ` })) found.push(formOf(key))
    if (found.length > 0) forms.set(id, found)
  }
  return forms
}

/** Forgets forms of which no entry is left: ids of some objects are made from their content. */
export async function forgetPurgedForms(store: Store): Promise<void> {
  let keys: string[] = []
  for await (const { key } of store.records(COLLECTION)) {
    keys.push(key)
    if (keys.length < LOOKUP_FORMS) continue
    await forget(store, keys)
    keys = []
  }
  await forget(store, keys)
}

async function forget(store: Store, keys: readonly string[]): Promise<void> {
  const gone = await withoutEntries(store, keys)
  if (gone.length === 0) return
  await store.commit(gone.map((key) => ({ op: 'delete', collection: COLLECTION, key })))
  // Published again between the look and the deletion: its record went, its entry is there.
  const left = new Set(await withoutEntries(store, gone))
  const again = gone.filter((key) => !left.has(key))
  if (again.length > 0) await store.commit(again.map((key) => ({ op: 'put', collection: COLLECTION, key, value: 1 })))
}

async function withoutEntries(store: Store, keys: readonly string[]): Promise<string[]> {
  const logs = (await store.logs({ own: true })).map(({ log }) => log)
  if (keys.length === 0 || logs.length === 0) return [...keys]
  const held = new Set<string>()
  let cursor: string | undefined
  do {
    const page = await store.objects({
      logs,
      ids: keys.map(formOf),
      statuses: EVERY_STATUS,
      limit: LOOKUP_ROWS,
      ...(cursor === undefined ? {} : { cursor }),
    })
    for (const { id } of page.rows) held.add(id)
    cursor = page.next
  } while (cursor !== undefined)
  return keys.filter((key) => !held.has(formOf(key)))
}

const formOf = (key: string) => key.slice(key.indexOf(' ') + 1)
