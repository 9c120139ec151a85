/**
 * Pages of a collection. A page is a function of the collection and of the request alone: nothing is kept between two,
 * so any server answers any page, and rows that are added meanwhile appear after all that were there.
 *
 * Of an object in several entries each version appears once, where it was added first; an unversioned object has a
 * version for each entry. Without `match[version]` only the newest version is shown. @see TAXII 2.1 section 3.4.1
 */
import type { Micros } from '#store'
import type { Filter, VersionFilter } from './query.ts'
import type { Row, RowSource } from './rows.ts'

/** Rows looked at for one page, where the filter leaves out most; then the page ends early, and `next` goes on. */
const MAX_ROWS_SCANNED = 20_000
/** Bytes of one page's objects; a single object may be larger. */
const PAGE_BYTES = 8_388_608
/** Rows of a page's first read; the next is as large as their size allows. */
const FIRST_READ_ROWS = 64
const LEAST_READ_ROWS = 8

/** Rows of one page, and where the next one begins. */
export interface RowPage {
  rows: Row[]
  /** Rows after this time follow; absent = the end. */
  next?: Micros
}

/** The page that a request asks for. */
export async function selectPage(source: RowSource, filter: Filter, maxBytes = PAGE_BYTES): Promise<RowPage> {
  if (filter.isEmpty) return { rows: [] }
  const { limit, ids, types, versions } = filter
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
    })
    for (const row of await matchingRows(source, chunk.rows, versions)) {
      const last = picked.at(-1)
      if (last && (picked.length === limit || bytes + row.json.length > maxBytes))
        return { rows: picked, next: last.added }
      picked.push(row)
      bytes += row.json.length
    }
    const last = chunk.rows.at(-1)
    if (!chunk.more || last === undefined) return { rows: picked }
    after = last.added
    read = {
      rows: read.rows + chunk.rows.length,
      bytes: chunk.rows.reduce((sum, { json }) => sum + json.length, read.bytes),
    }
    if (read.rows >= MAX_ROWS_SCANNED) return { rows: picked, next: after }
  }
}

/** Those of the rows whose versions match. */
async function matchingRows(source: RowSource, rows: readonly Row[], filter: VersionFilter): Promise<readonly Row[]> {
  const shared = new Set<string>()
  for (const row of rows) if (!row.isOnly) shared.add(row.id)
  const isPlain = filter.all || filter.last || filter.first
  if (shared.size === 0 && isPlain) return rows
  const versions = shared.size === 0 ? new Map<string, Versions>() : versionsById(await source.rowsOf([...shared]))
  return rows.filter((row) => {
    const known = versions.get(row.id)
    if (!known) return isPlain || filter.at.has(keyOf(row))
    const key = keyOf(row)
    if (known.addedOf.get(key) !== row.added) return false
    return (
      filter.all || (filter.last && key === known.last) || (filter.first && key === known.first) || filter.at.has(key)
    )
  })
}

interface Versions {
  first: string
  last: string
  /** When each version was added first. */
  addedOf: Map<string, Micros>
}

function versionsById(rows: readonly Row[]): Map<string, Versions> {
  const byId = new Map<string, Versions>()
  for (const row of rows) {
    const key = keyOf(row)
    const known = byId.get(row.id)
    if (!known) {
      byId.set(row.id, { first: key, last: key, addedOf: new Map([[key, row.added]]) })
      continue
    }
    if (key < known.first) known.first = key
    if (key > known.last) known.last = key
    known.addedOf.set(key, Math.min(row.added, known.addedOf.get(key) ?? Infinity))
  }
  return byId
}

/** Key of a row's version: of an unversioned object, when it was added. */
export const keyOf = (row: Row): string => (row.modified === '' ? addedKey(row.added) : row.modified)

function addedKey(added: Micros): string {
  const fraction = String(added % 1_000_000)
    .padStart(6, '0')
    .replace(/0+$/, '')
  const instant = new Date(Math.floor(added / 1_000_000) * 1_000).toISOString().slice(0, 19)
  return fraction === '' ? instant : `${instant}.${fraction}`
}
