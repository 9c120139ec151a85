import { read } from '../sql/statements.ts'
import { join } from 'node:path'
import { fromHex } from '#base'
import { StoreError, toStoreError } from '../errors.ts'
import { everyRecord } from '../record-pages.ts'
import type { VersionStore } from '../version-query.ts'
import type { Change, Outcome, StoreOptions } from '../store.ts'
import type { Connection } from './connection.ts'
import { Cursors } from './cursor.ts'
import { fsckInThread } from './fsck.ts'
import { LogIndex } from './log-index.ts'
import type { WriterLimits } from './messages.ts'
import { ObjectPages } from './object-pages.ts'
import { CURSOR_KEY, DATABASE_FILE, lockFolder, openReader } from './open-database.ts'
import { pack } from './pack.ts'
import { Reader } from './reader.ts'
import { ResurfacedVersions } from './resurfaced-versions.ts'
import { VersionPages } from './version-pages.ts'
import { WriterLink } from './writer-link.ts'

/**
 * Opens the SQLite store of a folder, for this process alone.
 * @throws StoreError STORE_FOLDER_MISSING, STORE_LOCKED, STORE_FOREIGN, STORE_NEWER, STORE_DAMAGED, STORE_DISK_FULL, STORE_IO
 */
export async function openSqliteStore(options: StoreOptions, limits?: WriterLimits): Promise<VersionStore> {
  const { folder, signer, now } = options
  const path = join(folder, DATABASE_FILE)
  await using opening = new AsyncDisposableStack()
  opening.use(lockFolder(folder))
  const self = signer && { member: signer.member }
  let index: LogIndex | undefined
  let connection: Connection | undefined
  // Closed after the writer, whose last answers are still read back.
  opening.defer(() => connection?.[Symbol.dispose]())
  const writer = opening.use(
    await WriterLink.open({ path, ...self, ...(limits && { limits }) }, signer, (logs, last, resurfaced) =>
      index?.refresh(logs, last, resurfaced),
    ),
  )
  const readOnly = (connection = openReader(path))
  index = guarded(() => new LogIndex(readOnly))
  const cursors = new Cursors(fromHex(guarded(() => readOnly.get(read.readMeta, CURSOR_KEY))?.value ?? '', 16))
  const reader = new Reader(readOnly, index)
  const resurfaced = new ResurfacedVersions(readOnly, index)
  const objects = new ObjectPages(readOnly, index, cursors, resurfaced)
  const versions = new VersionPages(readOnly, index, cursors)
  const resources = opening.move()
  const logs = index

  const commit = async (changes: readonly Change[]): Promise<Outcome[]> => writer.commit(pack(changes), now())
  const asked = async <T>(read: () => T): Promise<T> => {
    if (resources.disposed) throw new StoreError('STORE_CLOSED', 'The store is closed')
    return guarded(read)
  }
  const recordPage: VersionStore['recordPage'] = (collection, page) => asked(() => reader.recordPage(collection, page))
  return {
    commit,
    logs: (filter) => asked(() => reader.logs(filter)),
    log: (id) => asked(() => logs.get(id)?.head),
    checkpoints: (log, page) => asked(() => reader.checkpoints(log, page)),
    entries: (log, from, to, maxBytes) => asked(() => reader.entries(log, from, to, maxBytes)),
    frames: (log, from, to, maxBytes) => asked(() => reader.frames(log, from, to, maxBytes)),
    unaccepted: (log, from, to) => asked(() => reader.unaccepted(log, from, to)),
    consistencyProof: (log, first, second) => asked(() => reader.consistencyProof(log, first, second)),
    inclusionProof: (log, at, size) => asked(() => reader.inclusionProof(log, at, size)),
    root: (log, size) => asked(() => reader.root(log, size)),
    objects: (query) => asked(() => objects.page(query)),
    bodies: (query) => asked(() => objects.bodies(query)),
    texts: (query) => asked(() => objects.texts(query)),
    resurfaced: (query) => asked(() => resurfaced.page(query)),
    lastAdded: () => asked(() => logs.last),
    versions: (query) => asked(() => versions.page(query)),
    countObjects: (query) => asked(() => objects.counts(query)),
    record: (collection, key) => asked(() => reader.record(collection, key)),
    records: (collection, options) => everyRecord({ recordPage }, collection, options),
    recordPage,
    journal: (stream, page) => asked(() => reader.journal(stream, page)),
    totals: () => asked(() => reader.totals()),
    fsck: (progress) => fsckInThread(folder, progress),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

function guarded<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if ((error as { errcode?: number }).errcode === undefined) throw error
    throw toStoreError(error, 'read')
  }
}
