// The operator's guide, run as it is written: two members, TLS, one machine.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { folder, HOME } from '../cli/command-line.ts'
import { loopbackCertificate } from './certificate.ts'

type Who = 'jp' | 'us'
interface Block {
  who: Who[]
  serves: boolean
  text: string
}

const INDICATOR = {
  type: 'indicator',
  spec_version: '2.1',
  id: 'indicator--5d1e4c2a-8f3b-4b6e-9a57-0c2d9b1f6e34',
  created: '2026-05-01T00:00:00.000Z',
  modified: '2026-05-01T00:00:00.000Z',
  pattern: "[ipv4-addr:value = '198.51.100.77']",
  pattern_type: 'stix',
  valid_from: '2026-05-01T00:00:00Z',
}

/** Blocks that name who runs them; the first, of each, is what the reader fills in. */
async function blocksOf(page: string): Promise<Block[]> {
  const text = await readFile(join(HOME, 'docs', page), 'utf8')
  return [...text.matchAll(/^```sh ([a-z ]+)\n([\s\S]*?)^```$/gm)].map(([, tags = '', body = '']) => ({
    who: tags.split(' ').filter((tag): tag is Who => tag === 'jp' || tag === 'us'),
    serves: tags.includes('serve'),
    text: body,
  }))
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** On a machine without openssl the certificates come from elsewhere, as the page allows. */
const HAS_OPENSSL = spawnSync('openssl', ['version']).status === 0

class Machine {
  readonly dir: string
  readonly env: Record<string, string>
  node: ChildProcess | undefined

  constructor(dir: string, port: number) {
    this.dir = dir
    this.env = {
      NOROSHI_DIR: join(dir, 'data'),
      NOROSHI_PASSPHRASE: 'nine words that nobody would guess',
      HOST: '127.0.0.1',
      PORT: String(port),
      SAN: 'IP:127.0.0.1',
    }
  }

  /** Runs a block as the page has it, but that `npx noroshi` is the one of this checkout. */
  async run(text: string, env: Record<string, string> = {}): Promise<string> {
    const child = this.#shell(text, env)
    let out = ''
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (out += String(chunk)))
    const [code] = (await once(child, 'close')) as [number]
    assert.equal(code, 0, `${text}\n${out}`)
    return out
  }

  async certify(): Promise<void> {
    const { cert, key } = loopbackCertificate()
    await writeFile(join(this.dir, 'chain.pem'), cert)
    await writeFile(join(this.dir, 'key.pem'), key)
  }

  serve(text: string): void {
    this.node = this.#shell(`exec ${text}`, {})
  }

  #shell(text: string, env: Record<string, string>): ChildProcess {
    const script = text.replaceAll('npx noroshi', `${process.execPath} ${join(HOME, 'bin', 'noroshi.mjs')}`)
    return spawn('bash', ['--norc', '--noprofile', '-euo', 'pipefail', '-c', script], {
      cwd: this.dir,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], HOME: this.dir, ...this.env, ...env },
    })
  }
}

test('the guide leads two operators from nothing to a shared signal over TLS', async () => {
  await using home = await folder()
  const machines = {
    jp: new Machine(home.in('jp'), await freePort()),
    us: new Machine(home.in('us'), await freePort()),
  }
  try {
    for (const machine of Object.values(machines)) {
      await mkdir(machine.dir)
      await writeFile(join(machine.dir, 'indicator.json'), JSON.stringify(INDICATOR))
    }
    const blocks = await blocksOf('operator.md')
    assert.ok(blocks.length >= 12)
    let words = ''
    for (const { who, serves, text } of blocks.slice(2)) {
      for (const one of who) {
        const machine = machines[one]
        if (serves) {
          machine.serve(text.trim())
          continue
        }
        if (text.includes('doctor')) await until(() => machine.run('npx noroshi status'))
        if (text.includes('join '))
          await copyFile(join(machines.jp.dir, 'invitation.txt'), join(machine.dir, 'invitation.txt'))
        if (text.includes('objects ')) await until(async () => assert.match(await machine.run(text), /indicator--5d1e/))
        if (text.includes(' who ')) await until(() => machine.run('npx noroshi status | grep -q up'))
        const isCertificate = text.includes('openssl')
        if (isCertificate && !HAS_OPENSSL) await machine.certify()
        const out = isCertificate && !HAS_OPENSSL ? '' : await machine.run(text, { WORDS: words })
        if (isCertificate) {
          const other = one === 'jp' ? machines.us : machines.jp
          await copyFile(join(machine.dir, 'chain.pem'), join(other.dir, 'peer.pem'))
        }
        if (text.includes('join ')) words = /^ {2}([a-z]+(?: [a-z]+){3})$/m.exec(out)?.[1] ?? ''
        if (text.includes('doctor')) assert.doesNotMatch(out, /✘/)
        if (text.includes('requests')) assert.ok(out.includes(words) && words !== '', out)
        if (text.includes('--dry-run')) assert.match(out, /us-cisa/)
      }
    }
    await until(async () => assert.match(await machines.jp.run(`npx noroshi who ${INDICATOR.id}`), /us-cisa +holds it/))
  } finally {
    for (const { node } of Object.values(machines)) node?.kill('SIGTERM')
    for (const { node } of Object.values(machines)) if (node && node.exitCode === null) await once(node, 'close')
  }
})

/** Nodes start, links come up: what the reader would wait for. */
async function until(works: () => Promise<unknown>): Promise<void> {
  const deadline = Date.now() + 60_000
  for (;;) {
    try {
      await works()
      return
    } catch (error) {
      if (Date.now() > deadline) throw error
      await sleep(300)
    }
  }
}
