import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { readRunning } from '../data-directory.ts'
import { NodeError } from '../errors.ts'

const START_LIMIT_MS = 30_000
const STOP_LIMIT_MS = 10_000
const POLL_MS = 25
/** How much of a failed node's output an error quotes. */
const QUOTE_CHARACTERS = 2_000

/** As `bin/noroshi.mjs` starts `serve`. */
const NODE_FLAGS = [
  '--disable-warning=ExperimentalWarning',
  '--max-semi-space-size=2',
  '--heap-growing-percent=50',
  '--expose-gc',
]

/** One node as a process of its own. */
export interface NodeProcess extends AsyncDisposable {
  readonly pid: number
  readonly url: string
  /** Ends the process without warning, as a power cut would. */
  kill(): Promise<void>
}

/**
 * Starts a node as a process of its own and waits until it serves; its output goes to `node.log` in its folder.
 *
 * It has a process group of its own, so that a Ctrl-C reaches the rehearsal alone, which then stops its nodes in order;
 * and it stops when its channel to the rehearsal breaks, however the rehearsal ended.
 *
 * @throws REHEARSAL_FAILED with the end of the process's output
 */
export async function startNodeProcess(
  command: readonly string[],
  dir: string,
  signal?: AbortSignal,
): Promise<NodeProcess> {
  const log = createWriteStream(join(dir, 'node.log'), { flags: 'a' })
  const child = spawn(process.execPath, [...NODE_FLAGS, ...command], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr] as Readable[]) {
    stream.pipe(log, { end: false })
    stream.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(-QUOTE_CHARACTERS)
    })
  }
  // A rehearsal that is itself ended in a hurry leaves no nodes behind.
  const endWithUs = () => child.kill('SIGKILL')
  // Before anybody else listens: their folders are removed afterwards.
  process.prependOnceListener('exit', endWithUs)
  const ended = once(child, 'exit').finally(() => process.off('exit', endWithUs))
  ended.catch(() => undefined)
  const url = await waitUntilServing(child, dir, () => output, signal).catch(async (error: unknown) => {
    child.kill('SIGKILL')
    await ended
    log.end()
    throw error
  })
  return {
    pid: child.pid ?? 0,
    url,
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM')
        const stopped = await Promise.race([ended.then(() => true), sleep(STOP_LIMIT_MS, false, { ref: false })])
        if (!stopped) child.kill('SIGKILL')
        await ended
      }
      log.end()
    },
  }
}

async function waitUntilServing(
  child: ChildProcess,
  dir: string,
  output: () => string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const deadline = Date.now() + START_LIMIT_MS
  for (;;) {
    signal?.throwIfAborted()
    const running = await readRunning(dir)
    if (running?.pid === child.pid && (await isReady(running?.url))) return running?.url ?? ''
    const gone = child.exitCode !== null || child.signalCode !== null
    if (gone || Date.now() > deadline) {
      const what = gone ? 'ended' : `did not serve within ${START_LIMIT_MS / 1000} s`
      throw new NodeError(
        'REHEARSAL_FAILED',
        `The node of ${dir} ${what}. Its last words: ${output().trim() || 'none'}`,
      )
    }
    await sleep(POLL_MS)
  }
}

async function isReady(url: string | undefined): Promise<boolean> {
  if (!url) return false
  try {
    return (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) })).ok
  } catch {
    return false
  }
}
