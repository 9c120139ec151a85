/**
 * Pages of a collection. A page is a function of the collection and of the request alone: nothing is kept between two,
 * so any server answers any page, and rows that are added meanwhile appear after all that were there.
 *
 * Of an object in several entries each version appears once, where it was added first; an unversioned object has a
 * version for each entry. Without `match[version]` only the newest version is shown; where that is taken back, the one
 * before it appears again, at that time. @see TAXII 2.1 section 3.4.1
 */
import type { Micros, Side } from '#store'
import type { Filter, VersionFilter } from './query.ts'
import type { Again, Row, RowSource } from './rows.ts'

/** Rows looked at for one page, where the filter leaves out most; then the page ends early, and `next` goes on. */
const MAX_ROWS_SCANNED = 20_000
/** Bytes of one page's objects; a single object may be larger. */
const PAGE_BYTES = 8_388_608
/** Rows of a page's first read; the next is as large as their size allows. */
const FIRST_READ_ROWS = 64
const LEAST_READ_ROWS = 8
/** Resurfaced versions looked at in one turn. */
const AGAIN_ROWS = 1_000
const NONE = { rows: [], more: false } as const
const SIDES: readonly Side[] = ['last', 'first']

/** Rows of one page, and where the next one begins. */
export interface RowPage {
  rows: Row[]
  /** Rows after this time follow; absent = the end. */
  next?: Micros
}

/** The page that a request asks for; where it needs no names (`isNameless`), rows may have none. */
export async function selectPage(
  source: RowSource,
  filter: Filter,
  { maxBytes = PAGE_BYTES, isNameless = false }: { maxBytes?: number; isNameless?: boolean } = {},
): Promise<RowPage> {
  if (filter.isEmpty) return { rows: [] }
  const { limit, ids, types, versions } = filter
  const nameless = isNameless && (versions.all || versions.last || versions.first)
  const sides = versions.all ? [] : SIDES.filter((side) => versions[side])
  const picked: Row[] = []
  let { after } = filter
  let bytes = 0
  let read = { rows: 0, bytes: 0 }
  for (;;) {
    const wanted = Math.max(limit + 1 - picked.length, FIRST_READ_ROWS)
    const room = Math.max(LEAST_READ_ROWS, Math.floor((maxBytes * read.rows) / Math.max(1, read.bytes)))
    const chunk = await source.rows({
      after,
      limit: read.rows === 0 ? FIRST_READ_ROWS : Math.min(wanted, room),
      ids,
      types,
      nameless,
    })
    const until = chunk.more ? chunk.rows.at(-1)?.added : undefined
    const again = sides.length === 0 ? NONE : await source.again({ after, until, limit: AGAIN_ROWS, sides, ids, types })
    const end = again.more ? again.rows.at(-1)?.at : until
    const rows = end === undefined ? chunk.rows : chunk.rows.filter(({ added }) => added <= end)
    for (const row of await matchingRows(source, rows, again.rows, versions)) {
      const last = picked.at(-1)
      if (last && (picked.length === limit || bytes + row.json.length > maxBytes))
        return { rows: picked, next: last.added }
      picked.push(row)
      bytes += row.json.length
    }
    if (end === undefined) return { rows: picked }
    after = end
    read = {
      rows: read.rows + rows.length + again.rows.length,
      bytes: rows.reduce((sum, { json }) => sum + json.length, read.bytes),
    }
    if (read.rows >= MAX_ROWS_SCANNED) return { rows: picked, next: after }
  }
}

/** The rows that match, at the times when they came to match. */
async function matchingRows(
  source: RowSource,
  rows: readonly Row[],
  again: readonly Again[],
  filter: VersionFilter,
): Promise<readonly Row[]> {
  const shared = new Set(again.map(({ id }) => id))
  for (const row of rows) if (!row.isOnly) shared.add(row.id)
  const isPlain = filter.all || filter.last || filter.first
  if (shared.size === 0 && isPlain) return rows
  const byId = Map.groupBy(shared.size === 0 ? [] : await source.rowsOf([...shared]), ({ id }) => id)
  const shown = new Map([...byId].map(([id, all]) => [id, shownRows(all, filter)]))
  const times = [
    ...rows.map((row) => ({ at: row.added, id: row.id, row })),
    ...again.map(({ at, id }) => ({ at, id, row: undefined })),
  ]
  return times
    .sort((a, b) => a.at - b.at)
    .flatMap(({ at, id, row }) => {
      const known = shown.get(id)
      if (known) return known.get(at) ?? []
      return row && (isPlain || filter.at.has(keyOf(row))) ? row : []
    })
}

/**
 * Those of an object's rows that match, by the time at which each came to match: when it was added, or when it became
 * the newest (or oldest) again. So whoever reads on by time meets each one, once.
 */
export function shownRows(rows: readonly Row[], filter: VersionFilter): Map<Micros, Row> {
  const firstAdded = new Map<string, Row>()
  const again = new Map<string, Micros>()
  for (const row of rows) {
    for (const side of SIDES) {
      const name = `${side} ${row.modified}`
      again.set(name, Math.max(again.get(name) ?? 0, row.again?.[side] ?? 0))
    }
    const key = keyOf(row)
    const known = firstAdded.get(key)
    if (!known || row.added < known.added) firstAdded.set(key, row)
  }
  const keys = [...firstAdded.keys()].sort()
  const ends = { first: keys[0], last: keys.at(-1) }
  const shown = new Map<Micros, Row>()
  for (const [key, row] of firstAdded) {
    const times = SIDES.filter((side) => filter[side] && ends[side] === key).map((side) =>
      Math.max(row.added, again.get(`${side} ${row.modified}`) ?? 0),
    )
    if (filter.all || filter.at.has(key)) times.push(row.added)
    const at = Math.min(...times)
    if (times.length > 0) shown.set(at, at === row.added ? row : { ...row, added: at })
  }
  return shown
}

/** Key of a row's version: of an unversioned object, when it was added. */
export const keyOf = (row: Row): string => (row.modified === '' ? addedKey(row.added) : row.modified)

/** A version key made of when an unversioned object was added. */
export function addedKey(added: Micros): string {
  const fraction = String(added % 1_000_000)
    .padStart(6, '0')
    .replace(/0+$/, '')
  const instant = new Date(Math.floor(added / 1_000_000) * 1_000).toISOString().slice(0, 19)
  return fraction === '' ? instant : `${instant}.${fraction}`
}
