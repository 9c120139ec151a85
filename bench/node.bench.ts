// Real node processes: memory of an idle one, and the time from a publication at A to the armed rule at B.
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DrillNetwork, DrillNode, Scenario } from '#drill'
import { openLauncher, readRunning } from '#node'
import type { Bench } from './bench.ts'

const PUBLICATIONS = 100
const IDLE_SETTLE_MS = 3_000
const MEGABYTE = 1_048_576

const member = (slug: string, nation: string) => ({ slug, name: slug, nation, kind: 'national-csirt' })
const TWO_MEMBERS = {
  members: { a: member('bench-a', 'JP'), b: member('bench-b', 'US') },
  alliances: { bench: ['a', 'b'] },
} as unknown as Scenario

async function openNetwork(): Promise<{ network: DrillNetwork; dispose: () => Promise<void>; folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'noroshi-bench-'))
  const launch = await openLauncher({ folder, now: Date.now })
  const network = await launch(TWO_MEMBERS, () => undefined)
  const dispose = async () => {
    await network[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  }
  return { network, dispose, folder }
}

const nodeOf = (network: DrillNetwork, key: string) => network.nodes.get(key) as DrillNode

async function ask<T>({ url, token }: DrillNode, path: string, body?: unknown): Promise<T> {
  const response = await fetch(url + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}

interface Row {
  sequence: number
  value: { id: string; time: number }
}

/** 99th percentile, milliseconds, from the request to publish at A to the moment at which B had armed the indicator. */
async function publishToArmed(network: DrillNetwork): Promise<number> {
  const [a, b] = [nodeOf(network, 'a'), nodeOf(network, 'b')]
  const started = new Map<string, number>()
  for (let i = 0; i < PUBLICATIONS; i++) {
    const id = `indicator--${randomUUID()}`
    const now = new Date().toISOString()
    started.set(id, Date.now())
    const pattern = `[domain-name:value = '${randomUUID()}.example']`
    const indicator = {
      type: 'indicator',
      spec_version: '2.1',
      id,
      created: now,
      modified: now,
      pattern,
      pattern_type: 'stix',
      valid_from: now,
    }
    await ask(a, '/api/v1/publish', { objects: [indicator], tlp: 'amber', to: ['alliance:bench'] })
    await sleep(5)
  }
  const took: number[] = []
  const deadline = Date.now() + 30_000
  for (let after = 0; took.length < PUBLICATIONS && Date.now() < deadline;) {
    const { rows } = await ask<{ rows: Row[] }>(b, `/api/v1/journal?stream=armed&after=${after}&limit=1000`)
    for (const { sequence, value } of rows) {
      after = sequence
      const from = started.get(value.id)
      if (from !== undefined) took.push(value.time - from)
    }
    await sleep(20)
  }
  if (took.length < PUBLICATIONS) throw new Error(`${PUBLICATIONS - took.length} indicators were never armed`)
  took.sort((x, y) => x - y)
  return took[Math.ceil(took.length * 0.99) - 1] ?? NaN
}

/** Resident memory of a process, MB; as the kernel counts it, so Linux alone. */
function residentMegabytes(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return (Number(kilobytes) * 1024) / MEGABYTE
}

export const benches: Bench[] = [
  {
    name: 'armed-at-peer',
    what: 'p99 from publishing an indicator at A to its rule active at B; two node processes, signed links',
    unit: 'ms',
    target: 1_000,
    better: 'lower',
    per: 'wall',
    async prepare() {
      const { network, dispose } = await openNetwork()
      return { sample: () => publishToArmed(network), dispose }
    },
  },
  {
    name: 'node-idle-memory',
    what: 'resident memory of an idle node process with one link',
    unit: 'MB',
    target: 120,
    better: 'lower',
    per: 'wall',
    async prepare() {
      const { dispose, folder } = await openNetwork()
      await sleep(IDLE_SETTLE_MS)
      const running = await readRunning(join(folder, 'a'))
      return { sample: async () => residentMegabytes(running?.pid ?? 0), dispose }
    },
  },
]
