import type { Json } from '#base'
import { StoreError } from './errors.ts'
import type { Store, StoredRecord } from './store.ts'

/** Most records of one page: more at once would keep the event loop for too long. */
export const MAX_RECORD_PAGE = 10_000
/** Records read at once by whoever goes through all of a collection: few at first, as most prefixes have few. */
const FIRST_RECORDS = 16
const RECORDS_AT_ONCE = 1_000

/** All records of a collection, whatever their number: every engine's `records`, made of its `recordPage`. */
export async function* everyRecord<T extends Json>(
  { recordPage }: Pick<Store, 'recordPage'>,
  collection: string,
  options: { prefix?: string; after?: string } = {},
): AsyncGenerator<StoredRecord<T>, void, undefined> {
  let { after } = options
  for (let limit = FIRST_RECORDS; ; limit = RECORDS_AT_ONCE) {
    const rows = await recordPage<T>(collection, { ...options, ...(after === undefined ? {} : { after }), limit })
    yield* rows
    if (rows.length < limit) return
    after = rows.at(-1)?.key
  }
}

/** Refuses a page that no engine answers in full, instead of a shorter one. @throws StoreError STORE_BAD_RANGE */
export function requireRecordLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_RECORD_PAGE)
    throw new StoreError('STORE_BAD_RANGE', `A page has 1 to ${MAX_RECORD_PAGE} records, not ${limit}`)
}
