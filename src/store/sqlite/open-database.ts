import { write } from '../sql/statements.ts'
import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StoreError, toStoreError } from '../errors.ts'
import { Connection } from './connection.ts'
import { APPLICATION_ID, PAGE_BYTES, SCHEMA, SCHEMA_VERSION } from './schema.ts'
import { upgrade } from './upgrade.ts'
import { VERSION_INDEXES } from './version-indexes.ts'

/** Name of the database in the data folder. */
export const DATABASE_FILE = 'noroshi.db'
const LOCK_FILE = 'noroshi.db.lock'

/** Pages beyond come from the system's cache, which gives its memory back when others need it. */
const WRITER_CACHE_BYTES = 24 * 1024 * 1024
/** A write-ahead log that has grown beyond is cut back to this when it starts over. */
const WAL_KEPT_BYTES = 64 * 1024 * 1024
const READER_CACHE_BYTES = 16 * 1024 * 1024

/** Name in `meta` of the key that keeps page cursors opaque. */
export const CURSOR_KEY = 'cursor-key'

/**
 * Takes the data folder for this process until disposed. The lock is one of the operating system's (an exclusive SQLite
 * transaction on a file of its own): it falls with its process, however that ends.
 * @throws StoreError STORE_FOLDER_MISSING, STORE_LOCKED
 */
export function lockFolder(folder: string): Disposable {
  requireFolder(folder)
  const lock = new DatabaseSync(join(folder, LOCK_FILE), { timeout: 0 })
  try {
    lock.exec('pragma journal_mode = delete; begin exclusive')
  } catch (error) {
    lock.close()
    const fault = toStoreError(error, LOCK_FILE)
    if (fault.code !== 'STORE_LOCKED') throw fault
    throw new StoreError(
      'STORE_LOCKED',
      `Another process has the data folder ${folder} open. Stop that node first, or name another folder`,
      { cause: error },
    )
  }
  return { [Symbol.dispose]: () => lock.close() }
}

/**
 * The one connection that writes; creates the tables in an empty folder.
 * @throws StoreError STORE_FOREIGN, STORE_NEWER, STORE_DAMAGED, STORE_DISK_FULL, STORE_IO
 */
export function openWriter(path: string, maxPages?: number): Connection {
  return opened(path, () => {
    const connection = new Connection(path, { readOnly: false, cacheBytes: WRITER_CACHE_BYTES })
    try {
      const fresh = isFresh(connection)
      if (!fresh) requireOurs(connection, path)
      const { db } = connection
      if (fresh) db.exec(`pragma page_size = ${PAGE_BYTES}`)
      db.exec('pragma journal_mode = wal; pragma synchronous = full; pragma secure_delete = on')
      db.exec(`pragma journal_size_limit = ${WAL_KEPT_BYTES}`)
      db.exec('pragma wal_autocheckpoint = 0; pragma trusted_schema = off; pragma cell_size_check = on')
      if (fresh) createTables(connection)
      else upgrade(connection, path)
      db.exec(VERSION_INDEXES)
      if (maxPages !== undefined) db.exec(`pragma max_page_count = ${maxPages}`)
      return connection
    } catch (error) {
      connection[Symbol.dispose]()
      throw error
    }
  })
}

/**
 * A connection that only reads, beside the writer or on a folder at rest.
 * @throws StoreError STORE_FOLDER_MISSING, STORE_FOREIGN, STORE_NEWER, STORE_DAMAGED, STORE_IO
 */
export function openReader(path: string): Connection {
  return opened(path, () => {
    const connection = new Connection(path, { readOnly: true, cacheBytes: READER_CACHE_BYTES })
    try {
      requireOurs(connection, path)
      connection.db.exec('pragma query_only = on; pragma trusted_schema = off; pragma cell_size_check = on')
      return connection
    } catch (error) {
      connection[Symbol.dispose]()
      throw error
    }
  })
}

/** @throws StoreError STORE_FOLDER_MISSING */
export function requireFolder(folder: string): void {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new StoreError('STORE_FOLDER_MISSING', `There is no data folder ${folder}. Create it with "noroshi init"`)
}

function opened(path: string, open: () => Connection): Connection {
  try {
    return open()
  } catch (error) {
    throw toStoreError(error, path)
  }
}

function isFresh(connection: Connection): boolean {
  const tables = connection.db.prepare('select count(*) as count from sqlite_schema').get() as { count: number }
  return tables.count === 0 && connection.pragma('application_id') === 0
}

function requireOurs(connection: Connection, path: string): void {
  if (connection.pragma('application_id') !== APPLICATION_ID)
    throw new StoreError('STORE_FOREIGN', `${path} is a database of another program. Check the data folder`)
  const version = Number(connection.pragma('user_version'))
  if (version > SCHEMA_VERSION)
    throw new StoreError(
      'STORE_NEWER',
      `${path} was written by a newer Noroshi (tables of version ${version}, this one knows ${SCHEMA_VERSION}). ` +
        'Nothing was changed. Start it with that version or a newer one',
    )
}

function createTables(connection: Connection): void {
  connection.db.exec(`begin immediate; ${SCHEMA}
    pragma application_id = ${APPLICATION_ID}; pragma user_version = ${SCHEMA_VERSION};`)
  connection.run(write.putMeta, CURSOR_KEY, randomBytes(16).toString('hex'))
  connection.db.exec('commit')
}
