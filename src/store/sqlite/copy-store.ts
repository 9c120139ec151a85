import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { backup } from 'node:sqlite'
import { toStoreError } from '../errors.ts'
import type { Connection } from './connection.ts'
import { DATABASE_FILE, openReader, requireFolder } from './open-database.ts'
import { SCHEMA_VERSION } from './schema.ts'

/** Pages copied between two reports of progress: 8 MB. */
const STEP_PAGES = 1_024

/** Version of the tables that this program writes. */
export const STORE_VERSION = SCHEMA_VERSION

/** Bytes that a copy of a folder's store takes at most. @throws StoreError STORE_FOLDER_MISSING, STORE_NEWER, STORE_FOREIGN */
export function storeBytes(folder: string): number {
  return reading(folder, (reader) => Number(reader.pragma('page_count')) * Number(reader.pragma('page_size')))
}

/**
 * Copies a folder's store, as it is at one instant, into another folder; a node may go on writing meanwhile. `progress`
 * hears the share from 0 to 1.
 * @throws StoreError STORE_FOLDER_MISSING, STORE_NEWER, STORE_FOREIGN, STORE_DISK_FULL, STORE_IO
 * @see https://sqlite.org/backup.html
 */
export async function copyStore(folder: string, target: string, progress: (done: number) => void): Promise<void> {
  requireFolder(folder)
  const path = join(target, DATABASE_FILE)
  using reader = openReader(join(folder, DATABASE_FILE))
  try {
    // An open read keeps its view of the database: what is committed meanwhile neither shows nor starts the copy over.
    reader.db.exec('begin; select count(*) from meta')
    await backup(reader.db, path, {
      rate: STEP_PAGES,
      progress: ({ totalPages, remainingPages }) => progress(totalPages === 0 ? 1 : 1 - remainingPages / totalPages),
    })
    reader.db.exec('commit')
  } catch (error) {
    rmSync(path, { force: true })
    throw toStoreError(error, path)
  }
}

function reading<T>(folder: string, read: (reader: Connection) => T): T {
  requireFolder(folder)
  using reader = openReader(join(folder, DATABASE_FILE))
  return read(reader)
}
