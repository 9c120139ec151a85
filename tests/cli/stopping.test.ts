// A rehearsal that is stopped at any moment: it says so at once, and leaves no process and no keys behind.
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { folder, HOME, init } from './command-line.ts'

const BIN = join(HOME, 'bin', 'noroshi.mjs')
const AT_ONCE_MS = 1_000
const STOP_LIMIT_MS = 12_000

/** Starts the command as a terminal would: leader of a process group, whose members a Ctrl-C reaches all at once. */
function start(args: readonly string[], tmp: string): { child: ChildProcess; said: () => string } {
  const env = { ...process.env, TMPDIR: tmp, NODE_TEST_CONTEXT: undefined, NOROSHI_DIR: undefined }
  const child = spawn(process.execPath, [BIN, ...args], { env, cwd: tmp, detached: true })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
  return { child, said: () => text }
}

const ctrlC = (child: ChildProcess) => process.kill(-(child.pid as number), 'SIGINT')

const leftProcesses = (tmp: string) =>
  execFileSync('ps', ['-eo', 'pid,args'])
    .toString()
    .split('\n')
    .filter((line) => line.includes(`${tmp}/`))
const leftFolders = (tmp: string) => readdirSync(tmp).filter((name) => name.startsWith('noroshi-rehearsal-'))

async function until(what: string, holds: () => boolean, limitMs: number): Promise<void> {
  const deadline = Date.now() + limitMs
  while (!holds()) {
    assert.ok(Date.now() < deadline, `${what} within ${limitMs} ms`)
    await sleep(20)
  }
}

const MOMENTS: readonly [when: string, reached: (tmp: string, said: string) => boolean, moreMs: number][] = [
  ['while its nodes are being created', (tmp) => leftFolders(tmp).length > 0, 100],
  ['while its nodes start', (_tmp, said) => said.includes('starting nodes'), 300],
  ['in the middle of the drill', (_tmp, said) => said.includes('wave'), 1_500],
]

for (const command of [['rehearse'], ['drill', 'run', 'router-botnet']]) {
  for (const [when, reached, moreMs] of MOMENTS) {
    test(`Ctrl-C to "${command.join(' ')}" ${when} is answered at once and leaves nothing behind`, async () => {
      await using home = await folder()
      const { child, said } = start(command, home.path)
      const ended = once(child, 'exit')
      await until(when, () => reached(home.path, said()), 60_000)
      await sleep(moreMs)
      ctrlC(child)
      await until(`"Stopping" is said: ${said()}`, () => said().includes('Stopping'), AT_ONCE_MS)
      const [code] = await Promise.race([ended, sleep(STOP_LIMIT_MS, ['still running'])])
      assert.equal(code, 2, said())
      assert.deepEqual(leftProcesses(home.path), [])
      assert.deepEqual(leftFolders(home.path), [])
      assert.doesNotMatch(said(), /\n\s+at |AbortError|Interrupted/)
      assert.equal(said().split('Stopping').length, 2, 'it is said once')
    })
  }
}

test('a second Ctrl-C ends the rehearsal without waiting, and still removes its keys', async () => {
  await using home = await folder()
  const { child, said } = start(['rehearse'], home.path)
  const ended = once(child, 'exit')
  await until('the drill runs', () => said().includes('wave'), 60_000)
  // A node that hangs keeps the rehearsal waiting for its stop.
  const [node] = leftProcesses(home.path).filter((line) => line.includes(' serve '))
  const pid = Number(node?.trim().split(' ')[0])
  process.kill(pid, 'SIGSTOP')
  ctrlC(child)
  await until('"Stopping" is said', () => said().includes('Stopping'), AT_ONCE_MS)
  await sleep(1_200)
  ctrlC(child)
  const [code] = await Promise.race([ended, sleep(AT_ONCE_MS * 2, ['still running'])])
  assert.equal(code, 2, said())
  await until('no process is left', () => leftProcesses(home.path).length === 0, AT_ONCE_MS)
  assert.deepEqual(leftFolders(home.path), [])
})

test('nodes of a rehearsal that was killed stop by themselves', async () => {
  await using home = await folder()
  const { child, said } = start(['rehearse'], home.path)
  await until('the drill runs', () => said().includes('wave'), 60_000)
  process.kill(-(child.pid as number), 'SIGKILL')
  await until('no process is left', () => leftProcesses(home.path).length === 0, STOP_LIMIT_MS)
})

test('a node whose command was killed stops by itself, so that its directory is free', async () => {
  await using home = await folder()
  const dir = join(home.path, 'node')
  await init(dir)
  const { child, said } = start(['serve', '--dir', dir, '--port', '0'], home.path)
  await until(`it serves: ${said()}`, () => existsSync(join(dir, 'running.json')), 30_000)
  child.kill('SIGKILL')
  try {
    await until('no process is left', () => leftProcesses(home.path).length === 0, 30_000)
  } finally {
    for (const line of leftProcesses(home.path)) process.kill(Number(line.trim().split(' ')[0]), 'SIGKILL')
  }
})
