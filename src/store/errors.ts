import { NoroshiError } from '#base'

/** Everything the store can refuse or fail with. @see README.md, Errors */
export type StoreErrorCode =
  | 'STORE_FOLDER_MISSING'
  | 'STORE_FOREIGN'
  | 'STORE_NEWER'
  | 'STORE_LOCKED'
  | 'STORE_DAMAGED'
  | 'STORE_DISK_FULL'
  | 'STORE_IO'
  | 'STORE_FAILED'
  | 'STORE_CLOSED'
  | 'STORE_BUSY'
  | 'STORE_NO_SIGNER'
  | 'STORE_NO_SUCH_LOG'
  | 'STORE_NO_SUCH_ENTRY'
  | 'STORE_LOG_CLOSED'
  | 'STORE_LOG_GROWN'
  | 'STORE_OWN_LOG'
  | 'STORE_MIRROR_SIZE'
  | 'STORE_MIRROR_ROOT'
  | 'STORE_GENESIS'
  | 'STORE_ENTRY_ORDER'
  | 'STORE_TOO_LARGE'
  | 'STORE_BAD_CHANGE'
  | 'STORE_BAD_CURSOR'
  | 'STORE_BAD_RANGE'

/** A refused change, a refused read, or a fault of disk or database; nothing of a rejected commit was kept. */
export class StoreError extends NoroshiError<StoreErrorCode> {}

const SQLITE_ERRORS: readonly (readonly [primary: number, StoreErrorCode, message: string])[] = [
  [
    13,
    'STORE_DISK_FULL',
    'The disk of the data folder is full; nothing of this change was kept. Free space and repeat',
  ],
  [11, 'STORE_DAMAGED', 'The database file is damaged. Stop the node, run "noroshi fsck", restore from a backup'],
  [26, 'STORE_FOREIGN', 'The database file is not a Noroshi store. Check the data folder'],
  [
    10,
    'STORE_IO',
    'The disk of the data folder failed to read or write. Check the disk and its messages in the system log',
  ],
  [8, 'STORE_IO', 'The data folder cannot be written. Check its owner and permissions'],
  [14, 'STORE_IO', 'The database file cannot be opened. Check the owner and permissions of the data folder'],
  [5, 'STORE_LOCKED', 'Another process holds the database. Stop it, or use another data folder'],
]

const NO_SPACE_EXTENDED = new Set([4874, 4618])

/** The StoreError that says what SQLite, or anything else below, failed with. */
export function toStoreError(error: unknown, where: string): StoreError {
  if (error instanceof StoreError) return error
  const { errcode, message } = error as { errcode?: number; message?: string }
  if (typeof errcode !== 'number')
    return new StoreError('STORE_BAD_CHANGE', `${where}: ${message ?? String(error)}`, { cause: error })
  const primary = NO_SPACE_EXTENDED.has(errcode) ? 13 : errcode & 0xff
  const [, code, text] = SQLITE_ERRORS.find(([known]) => known === primary) ?? [
    0,
    'STORE_FAILED' as const,
    'The database refused a statement. This is a fault of the program: please report it',
  ]
  return new StoreError(code, `${text} (${where}: ${message})`, { details: { sqlite: errcode }, cause: error })
}
