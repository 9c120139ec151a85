// The command line as its users have it: `node bin/noroshi.mjs …` as a process of its own.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const NOROSHI = fileURLToPath(new URL('../../bin/noroshi.mjs', import.meta.url))
const START_LIMIT_MS = 60_000
const STOP_LIMIT_MS = 20_000

/** What a command answered. */
export interface Answer {
  code: number | null
  stdout: string
  stderr: string
}

/** A command that serves until it is stopped. */
export interface Serving extends AsyncDisposable {
  url: string
  /** Ends it as an operator does, and answers its exit code. */
  stop(): Promise<number | null>
}

/** Runs one command to its end. */
export async function noroshi(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Answer> {
  const child = start(args, env)
  const [stdout, stderr] = [textOf(child.stdout), textOf(child.stderr)]
  await once(child, 'close')
  return { code: child.exitCode, stdout: stdout(), stderr: stderr() }
}

/** A command that must succeed. */
export async function good(running: Promise<Answer>): Promise<Answer> {
  const answer = await running
  assert.equal(answer.code, 0, answer.stderr || answer.stdout)
  return answer
}

/** Starts `noroshi serve` on a free port and waits for its address. */
export async function serve(dir: string): Promise<Serving> {
  const child = start(['serve', '--dir', dir, '--port', '0', '--json'])
  const [stdout, stderr] = [textOf(child.stdout), textOf(child.stderr)]
  const ended = once(child, 'close')
  const deadline = Date.now() + START_LIMIT_MS
  while (!stdout().includes('\n')) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGTERM')
      throw new Error(`the node of ${dir} does not serve: ${stderr()}`)
    }
    await sleep(50)
  }
  const { url, pid } = JSON.parse(stdout()) as { url: string; pid: number }
  // The command is the parent of the node: whatever ends this test ends the node itself.
  const endWithUs = () => process.kill(pid, 'SIGKILL')
  process.once('exit', endWithUs)
  const stop = async () => {
    child.kill('SIGTERM')
    const stopped = await Promise.race([ended.then(() => true), sleep(STOP_LIMIT_MS, false, { ref: false })])
    process.off('exit', endWithUs)
    if (!stopped) {
      endWithUs()
      throw new Error(`the node of ${dir} did not stop within ${STOP_LIMIT_MS} ms`)
    }
    return child.exitCode
  }
  return {
    url,
    stop,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) await stop()
    },
  }
}

function start(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { NOROSHI_DIR: _dir, NOROSHI_URL: _url, NOROSHI_TOKEN: _token, ...inherited } = process.env
  const passphrase = 'a passphrase for tests'
  return spawn(process.execPath, [NOROSHI, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...inherited, NOROSHI_LOG: 'warn', NOROSHI_PASSPHRASE: passphrase, ...env },
  })
}

function textOf(stream: NonNullable<ChildProcess['stdout']>): () => string {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  return () => Buffer.concat(chunks).toString('utf8')
}

process.once('SIGTERM', () => process.exit(143))
process.once('SIGINT', () => process.exit(130))
