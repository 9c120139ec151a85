import type { Micros } from '#store'
import { STIX_TYPE } from './media-type.ts'
import { keyOf, type RowPage } from './page.ts'
import { toNext } from './query.ts'
import type { Row } from './rows.ts'
import { fromMicros, fromVersionKey } from './time.ts'

const COMMA = 0x2c
const END = Buffer.from(']}')

/** The envelope of a page: the objects' stored bytes joined, none of them read. @see TAXII 2.1 section 3.7 */
export function joinEnvelope({ rows, next }: RowPage): Buffer {
  if (rows.length === 0) return Buffer.from(JSON.stringify(moreOf(next)))
  const head = Buffer.from(`${JSON.stringify(moreOf(next)).slice(0, -1)},"objects":[`)
  let size = head.length + rows.length - 1 + END.length
  for (const { json } of rows) size += json.length
  const envelope = Buffer.allocUnsafe(size)
  let at = head.copy(envelope)
  for (const [i, { json }] of rows.entries()) {
    if (i > 0) envelope[at++] = COMMA
    envelope.set(json, at)
    at += json.length
  }
  END.copy(envelope, at)
  return envelope
}

/** The manifest of a page. @see TAXII 2.1 section 5.3.1 */
export function manifestOf({ rows, next }: RowPage): string {
  const objects = rows.map((row) => ({
    id: row.id,
    date_added: fromMicros(row.added),
    version: versionOf(row),
    media_type: STIX_TYPE,
  }))
  return JSON.stringify({ ...moreOf(next), ...(objects.length > 0 ? { objects } : {}) })
}

/** The versions of a page. @see TAXII 2.1 section 5.8.1 */
export function versionsOf({ rows, next }: RowPage): string {
  return JSON.stringify({ ...moreOf(next), ...(rows.length > 0 ? { versions: rows.map(versionOf) } : {}) })
}

/** Headers that tell when the first and last row of a page were added. @see TAXII 2.1 section 3.4 */
export function addedHeaders({ rows }: RowPage): Record<string, string> {
  const [first, last] = [rows[0], rows.at(-1)]
  if (!first || !last) return {}
  return {
    'x-taxii-date-added-first': fromMicros(first.added),
    'x-taxii-date-added-last': fromMicros(last.added),
  }
}

/** An object's version as a timestamp. */
export const versionOf = (row: Row): string => fromVersionKey(keyOf(row))

const moreOf = (next: Micros | undefined) => (next === undefined ? { more: false } : { more: true, next: toNext(next) })
