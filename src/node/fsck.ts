import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type FsckReport, fsckFolder } from '#store'
import { readConfig } from './data-directory.ts'
import { lockDirectory } from './directory-lock.ts'

const NOTHING: FsckReport = {
  ok: true,
  checked: { logs: 0, entries: 0, checkpoints: 0, objects: 0, records: 0, bytes: 0 },
  faults: [],
}

/**
 * Verifies everything in a data directory; a node that never served has nothing to verify.
 *
 * @throws DATA_DIR_LOCKED while the node runs: what it writes meanwhile would look like faults
 */
export async function fsckDirectory(dir: string, progress?: (done: number) => void): Promise<FsckReport> {
  await readConfig(dir)
  using _lock = lockDirectory(dir)
  return existsSync(join(dir, 'noroshi.db')) ? fsckFolder(dir, progress) : NOTHING
}
