import { randomBytes } from 'node:crypto'
import { open, readFile, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { fail, type Finding, ok, warn } from './finding.ts'

/** Below that, a busy day may fill the disk. */
const FREE_WARN_BYTES = 5 * 1_073_741_824
/** Below that, the next large publication may not fit. */
const FREE_FAIL_BYTES = 268_435_456
/** A sync that takes longer keeps publications from being durable everywhere within 50 ms. */
const SYNC_WARN_MS = 30
const SYNCS = 9
/** A thousand peers and clients with a stream each, and the files of the store. */
const OPEN_FILES = 4_096

/** Room on the data directory's disk, and how long it takes until a write is really there. */
export async function lookAtDisk(dir: string): Promise<Finding[]> {
  const { bavail, bsize } = await statfs(dir)
  const free = bavail * bsize
  const room = `${(free / 1_073_741_824).toFixed(1)} GiB free`
  const next = 'Free space, or move the data directory to a larger disk while the node is stopped.'
  const space =
    free < FREE_FAIL_BYTES
      ? fail('disk', room, next)
      : free < FREE_WARN_BYTES
        ? warn('disk', room, next)
        : ok('disk', room)
  return [space, await syncs(dir)]
}

async function syncs(dir: string): Promise<Finding> {
  const path = join(dir, 'doctor.probe')
  try {
    const file = await open(path, 'w', 0o600)
    const times: number[] = []
    try {
      for (let i = 0; i < SYNCS; i++) {
        const started = performance.now()
        await file.write(randomBytes(4_096), 0, 4_096, i * 4_096)
        await file.sync()
        times.push(performance.now() - started)
      }
    } finally {
      await file.close()
    }
    const median = times.sort((a, b) => a - b)[SYNCS >> 1]!
    const what = `a synced write takes ${median.toFixed(1)} ms`
    return median > SYNC_WARN_MS
      ? warn('disk', what, 'Every publication waits for one: use a local SSD, not a network file system.')
      : ok('disk', what)
  } catch (error) {
    return fail('disk', `${dir} takes no writes: ${(error as Error).message}`, 'Run the doctor as the node’s own user.')
  } finally {
    await rm(path, { force: true })
  }
}

/** How many files this user's processes may open; Linux alone tells. */
export async function lookAtLimits(): Promise<Finding[]> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1]
  if (soft === undefined) return []
  const what = `${soft} open files allowed`
  return [
    soft === 'unlimited' || Number(soft) >= OPEN_FILES
      ? ok('limits', what)
      : warn('limits', what, `Raise it for the service: LimitNOFILE=${OPEN_FILES * 2} (systemd), or ulimit -n.`),
  ]
}
