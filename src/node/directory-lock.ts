import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { NodeError } from './errors.ts'

/**
 * Locks a data directory for this process until disposed.
 *
 * The lock is an exclusive SQLite transaction on `lock`: the operating system drops it when the process ends, however it
 * ends, so that no stale lock can keep a node from starting.
 *
 * @throws DATA_DIR_LOCKED
 */
export function lockDirectory(dir: string): Disposable {
  const database = new DatabaseSync(join(dir, 'lock'))
  try {
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE')
  } catch (cause) {
    database.close()
    if (!/locked|busy/i.test(String((cause as Error).message))) throw cause
    throw new NodeError('DATA_DIR_LOCKED', `${dir} is in use${runningHint(dir)}.`, { details: { dir }, cause })
  }
  return {
    [Symbol.dispose]() {
      if (database.isOpen) database.close()
    },
  }
}

function runningHint(dir: string): string {
  try {
    const { pid, url } = JSON.parse(readFileSync(join(dir, 'running.json'), 'utf8')) as { pid: number; url: string }
    return ` by process ${pid} at ${url}`
  } catch {
    return ''
  }
}
