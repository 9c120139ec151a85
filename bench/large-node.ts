// Real node processes over stores of any size: filled straight through the store, served by `noroshi serve`.
import { hash, randomBytes } from 'node:crypto'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Json, JsonObject } from '#base'
import { utf8 } from '#base'
import { ENTRY_KIND, statementHash } from '#log'
import { objectColumns } from '#stix'
import { openStore } from '#store'
import { amberFor } from '../src/federation/testing/objects.ts'
import { initDataDirectory, readDataDirectory } from '../src/node/data-directory.ts'
import { demoCharter, type DemoMember } from '../src/node/rehearsal/demo-charters.ts'
import { type NodeProcess, startNodeProcess } from '../src/node/rehearsal/node-process.ts'

const MAIN = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))
const ALLIANCE = 'bench'
const AUDIENCE = amberFor(ALLIANCE)
const BATCH = 1_000
const POLL_MS = 50
const FOLDER = 'noroshi-bench-'
const MEGABYTE = 1_048_576

/** A member whose node can be started. */
export interface BenchMember extends DemoMember {
  dir: string
  token: string
}

/** A node that serves. */
export interface Served extends NodeProcess {
  ask<T>(path: string, body?: unknown, method?: string): Promise<T>
}

/** A folder under the system's for temporary files, removed when this process ends. */
export function benchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), FOLDER))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Work in a folder of its own, which is removed when it is done. */
export async function inBenchFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = benchFolder()
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Members in one alliance, whose data directories hold its charter. */
export async function createAlliance(folder: string, slugs: readonly string[]): Promise<BenchMember[]> {
  const { members, bootstrap } = await foundAlliance(folder, slugs)
  for (const member of members) {
    await using node = await serve(member)
    await bootstrap(node)
  }
  return members
}

/** Members with their data directories, and how a node of theirs is given the charter. */
export async function foundAlliance(folder: string, slugs: readonly string[]) {
  const members = await Promise.all(slugs.map((slug) => createMember(join(folder, slug), slug)))
  const charter = demoCharter(ALLIANCE, members, Date.now())
  const bootstrap = (node: Served) => node.ask('/api/v1/alliances/bootstrap', { charters: [charter] })
  return { members, bootstrap }
}

async function createMember(dir: string, slug: string): Promise<BenchMember> {
  const [kind, nation, name] = ['national-csirt', 'JP', slug]
  await initDataDirectory({ dir, slug, name, nation, kind, port: 0, passphrase: '', demo: true, now: Date.now() })
  const { config, delegations, operatorToken: token } = await readDataDirectory(dir)
  const { member, rootKey } = config
  return { key: slug, member, slug, name, nation, kind, rootKey, delegations, dir, token }
}

/** Starts a member's node as `noroshi serve` does; port 0 is any that is free. */
export async function serve({ dir, token }: BenchMember, port = 0): Promise<Served> {
  const command = [MAIN, 'serve', '--dir', dir, '--port', String(port), '--rehearsal']
  const node = await startNodeProcess(command, dir)
  const ask = async <T>(path: string, body?: unknown, method = 'POST'): Promise<T> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const response = await fetch(node.url + path, {
      headers,
      ...(body === undefined ? {} : { method, body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }
  return Object.assign(node, { ask })
}

/** Asks until an answer satisfies; a node that is at work may take its time. */
export async function waitUntil(holds: () => Promise<boolean>, everyMs = POLL_MS): Promise<void> {
  while (!(await holds())) await sleep(everyMs)
}

/** Megabytes of all files in a folder. */
export function diskMegabytes(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return files.reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0) / MEGABYTE
}

/** Copies a member's data directory, so that a sample can start from the same state. */
export function copyOf(member: BenchMember, dir: string): BenchMember {
  if (existsSync(dir)) rmSync(dir, { recursive: true })
  cpSync(member.dir, dir, { recursive: true })
  return { ...member, dir }
}

/** Fills a stopped member's own log; `indicators` of every 100 objects are indicators. */
export async function fill(author: BenchMember, count: number, indicators: number): Promise<void> {
  const { config, nodeKey } = await readDataDirectory(author.dir)
  await using store = await openStore({
    folder: author.dir,
    signer: { member: config.member, key: nodeKey },
    now: () => Date.now(),
  })
  const [charter] = (await Array.fromAsync(store.records('charters'))).map(({ value }) => value as { charter?: Json })
  const hash = statementHash(charter?.charter as never)
  for (let first = 0; first < count; first += BATCH) {
    const time = Date.now()
    const entries = Array.from({ length: Math.min(BATCH, count - first) }, (_, i) => {
      const object = sampleObject(first + i, indicators, author.member)
      return {
        kind: ENTRY_KIND.object,
        salt: new Uint8Array(randomBytes(32)),
        time,
        payload: utf8(JSON.stringify(object)),
        object: { ...objectColumns(object), status: 'accepted' as const },
      }
    })
    const genesis = { salt: new Uint8Array(randomBytes(32)), time, incarnation: new Uint8Array(randomBytes(16)) }
    await store.commit([
      { op: 'append', author: author.member, audience: AUDIENCE, genesis, charters: [[ALLIANCE, hash]], entries },
    ])
  }
}

const STAMP = '2026-01-01T00:00:00.000Z'
const TEXT = 'Seen as the last hop before the targets, behind a relay of rented machines. '.repeat(3)

/** Valid objects of about 550 bytes: indicators of four kinds, malware, relationships and addresses. */
export function sampleObject(n: number, indicators: number, creator: string): JsonObject {
  // As if by chance: ids in order would be kinder to an index than those of the world.
  const hex = hash('sha1', String(n))
  const uuid = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
  const common = { spec_version: '2.1', created_by_ref: creator, created: STAMP, modified: STAMP }
  if ((n * 37) % 100 < indicators)
    return {
      type: 'indicator',
      id: `indicator--${uuid}`,
      ...common,
      name: `Indicator ${n}`,
      description: TEXT,
      indicator_types: ['malicious-activity'],
      pattern: PATTERNS[n % PATTERNS.length]!(n),
      pattern_type: 'stix',
      valid_from: STAMP,
    }
  if (n % 3 === 0)
    return {
      type: 'malware',
      id: `malware--${uuid}`,
      ...common,
      name: `Family ${n}`,
      description: TEXT,
      is_family: true,
    }
  if (n % 3 === 1)
    return {
      type: 'relationship',
      id: `relationship--${uuid}`,
      ...common,
      relationship_type: 'uses',
      description: TEXT,
      source_ref: `intrusion-set--${uuid}`,
      target_ref: `malware--${uuid}`,
    }
  return {
    type: 'campaign',
    id: `campaign--${uuid}`,
    ...common,
    name: `Campaign ${n}`,
    description: TEXT,
    first_seen: STAMP,
  }
}

const PATTERNS: readonly ((n: number) => string)[] = [
  (n) => `[ipv4-addr:value = '${1 + (n >>> 20)}.${(n >>> 16) & 15}.${(n >>> 8) & 255}.${n & 255}']`,
  (n) => `[domain-name:value = 'host-${n}.example.net']`,
  (n) => `[url:value = 'https://host-${n}.example.org/path/${n}']`,
  (n) => `[file:hashes.'SHA-256' = '${n.toString(16).padStart(64, 'a')}']`,
]

/** Resident memory of a process now and at its peak, MB; as the kernel counts it, so Linux alone. */
export function residentMegabytes(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const of = (name: string) => (Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) * 1024) / MEGABYTE
  return { now: of('VmRSS'), peak: of('VmHWM') }
}

/** CPU seconds that a process has used, all its threads, user and system. */
export function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}
