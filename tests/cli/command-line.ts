// Runs the command line and its nodes as real processes.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export const HOME = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const MAIN = join(HOME, 'src', 'cli', 'main.ts')
const FLAGS = ['--disable-warning=ExperimentalWarning']
const PASSPHRASE = 'correct horse battery staple'
const SERVE_LIMIT_MS = 30_000

export interface Ran {
  code: number | null
  stdout: string
  stderr: string
  /** The lines of stdout as JSON. */
  json: () => Record<string, unknown>[]
}

export interface RunOptions {
  input?: string | Uint8Array
  env?: Record<string, string | undefined>
  flags?: readonly string[]
  /** Wraps the command, such as `prlimit …`. */
  wrapper?: readonly string[]
}

/** Runs one command to its end. */
export async function noroshi(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const child = start(args, options)
  const output = gather(child)
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(options.input ?? '')
  const [code] = (await once(child, 'close')) as [number | null]
  const { stdout, stderr } = output()
  return {
    code,
    stdout,
    stderr,
    json: () =>
      stdout
        .trim()
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Record<string, unknown>),
  }
}

/** A node that serves. */
export interface Served extends AsyncDisposable {
  url: string
  token: string
  dir: string
  pid: number
  log: () => string
  /** Ends the process at once, as a power cut would. */
  kill(): Promise<void>
  /** Asks it to stop; its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
  /** A request with the operator's token. */
  ask(path: string, init?: RequestInit): Promise<Response>
}

/** Starts `noroshi serve` and waits until it answers. */
export async function serve(dir: string, args: readonly string[] = [], options: RunOptions = {}): Promise<Served> {
  const child = start(['serve', '--dir', dir, '--port', '0', '--json', ...args], options)
  const output = gather(child)
  const deadline = Date.now() + SERVE_LIMIT_MS
  while (!output().stdout.includes('\n')) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`serve did not start: ${output().stderr}`)
    await sleep(20)
  }
  const { url, pid } = JSON.parse(output().stdout) as { url: string; pid: number }
  const token = (await readFile(join(dir, 'operator.token'), 'utf8')).trim()
  const ended = once(child, 'close')
  const finish = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) process.kill(pid, signal)
    const [code] = (await ended) as [number | null]
    return code
  }
  return {
    url,
    token,
    dir,
    pid,
    log: () => output().stderr,
    kill: async () => void (await finish('SIGKILL')),
    stop: (signal = 'SIGTERM') => finish(signal),
    ask: (path, init = {}) =>
      fetch(url + path, { ...init, headers: { authorization: `Bearer ${token}`, ...(init.headers as object) } }),
    async [Symbol.asyncDispose]() {
      await finish('SIGTERM')
    },
  }
}

/** A new node's data directory. */
export async function init(dir: string, slug = 'jp-nco', more: readonly string[] = []): Promise<void> {
  const ran = await noroshi([
    'init',
    '--dir',
    dir,
    '--slug',
    slug,
    '--name',
    `Member ${slug}`,
    '--nation',
    'JP',
    '--kind',
    'national-csirt',
    '--port',
    '0',
    ...more,
  ])
  if (ran.code !== 0) throw new Error(ran.stderr)
}

/** A folder of the test's own, removed when disposed. */
export async function folder(): Promise<AsyncDisposable & { path: string; in: (name: string) => string }> {
  const path = await mkdtemp(join(tmpdir(), 'noroshi-test-'))
  return {
    path,
    in: (name) => join(path, name),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}

let serial = 0
/** A UUID that no other call of this process gave. */
export const uuid = (n = serial++): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

/** A valid indicator for an address. */
export function indicator(
  address: string,
  more: Record<string, unknown> = {},
): Record<string, unknown> & { id: string } {
  return {
    type: 'indicator',
    spec_version: '2.1',
    id: `indicator--${uuid()}`,
    created: '2026-01-01T00:00:00.000Z',
    modified: '2026-01-01T00:00:00.000Z',
    name: `Address ${address}`,
    pattern: `[ipv4-addr:value = '${address}']`,
    pattern_type: 'stix',
    valid_from: '2026-01-01T00:00:00Z',
    ...more,
  }
}

function start(args: readonly string[], { env, flags = [], wrapper = [] }: RunOptions): ChildProcess {
  const [command, ...rest] = [...wrapper, process.execPath, ...FLAGS, ...flags, MAIN, ...args] as [string, ...string[]]
  return spawn(command, rest, {
    env: { ...process.env, NOROSHI_PASSPHRASE: PASSPHRASE, NODE_TEST_CONTEXT: undefined, ...env },
  })
}

function gather(child: ChildProcess): () => { stdout: string; stderr: string } {
  const chunks: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] }
  child.stdout?.on('data', (chunk: Buffer) => chunks.stdout.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => chunks.stderr.push(chunk))
  return () => ({ stdout: Buffer.concat(chunks.stdout).toString(), stderr: Buffer.concat(chunks.stderr).toString() })
}
