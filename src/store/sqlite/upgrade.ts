import {
  chmodSync,
  existsSync,
  openSync,
  closeSync,
  fsyncSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { StoreError } from '../errors.ts'
import type { Connection } from './connection.ts'
import { MIGRATIONS, SCHEMA_VERSION } from './schema.ts'

/** Room that an upgrade needs besides its copy. */
const SPARE_BYTES = 64 * 1024 * 1024

/**
 * Brings the tables of an older version up to this one. A snapshot of the database is put beside it first, so that the
 * version before can be gone back to.
 * @throws StoreError STORE_DISK_FULL when there is no room for the snapshot
 */
export function upgrade(connection: Connection, path: string): void {
  const version = Number(connection.pragma('user_version'))
  if (version >= SCHEMA_VERSION) return
  snapshot(connection, path, version)
  const steps = MIGRATIONS.slice(version - 1).join('; ')
  connection.db.exec(`begin immediate; ${steps}; pragma user_version = ${SCHEMA_VERSION}; commit`)
}

/** Names of the snapshots beside a database, oldest version first. */
function snapshotsOf(path: string): string[] {
  const name = basename(path)
  return readdirSync(dirname(path))
    .filter((other) => other.startsWith(`${name}.v`) && /\.v\d+(-\d+)?\.bak$/.test(other))
    .sort()
}

/** A purge reaches snapshots as well: they go, since what is purged may stand in no file of the folder. */
export function removeSnapshots(path: string): void {
  for (const name of snapshotsOf(path)) rmSync(join(dirname(path), name), { force: true })
}

function snapshot(connection: Connection, path: string, version: number): void {
  const folder = dirname(path)
  const { bavail, bsize } = statfsSync(folder)
  const size = Number(connection.pragma('page_count')) * Number(connection.pragma('page_size'))
  // Twice: the copy, and what the change of the tables writes.
  if (bavail * bsize < 2 * size + SPARE_BYTES)
    throw new StoreError(
      'STORE_DISK_FULL',
      `${path} has tables of version ${version}; a snapshot is made before they are brought to version ${SCHEMA_VERSION}, ` +
        `and needs ${Math.ceil((2 * size + SPARE_BYTES) / 1_048_576)} MiB on this disk. Free space and start again`,
    )
  const name = `${path}.v${version}`
  let target = `${name}.bak`
  for (let again = 2; existsSync(target); again++) target = `${name}-${again}.bak`
  // What a start that was cut off left is no snapshot.
  const part = `${path}.part`
  rmSync(part, { force: true })
  connection.db.prepare('vacuum into ?').run(part)
  chmodSync(part, statSync(path).mode & 0o600)
  const file = openSync(part, 'r')
  fsyncSync(file)
  closeSync(file)
  renameSync(part, target)
}
