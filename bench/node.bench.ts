// Real node processes: memory of an idle one, and the time from a publication at A to the armed rule at B.
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DrillNetwork, DrillNode, Scenario } from '#drill'
import { openLauncher, readRunning } from '#node'
import type { Bench } from './bench.ts'
import {
  benchFolder,
  type BenchMember,
  cpuSecondsOf,
  createAlliance,
  fill,
  residentMegabytes,
  sampleObject,
  type Served,
  serve,
  waitUntil,
} from './large-node.ts'

const PUBLICATIONS = 100
const IDLE_SETTLE_MS = 3_000
const IDLE_WATCH_MS = 10_000
const LARGE = 1_000_000
/** Of a hundred objects. */
const LARGE_INDICATORS = 10
const MORE_BATCH = 1_000
const MORE_BATCHES = 20

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

/** The node with a million objects, a tenth of them indicators, stopped; filled once for all rows that use it. */
let large: Promise<BenchMember> | undefined
function largeMember(): Promise<BenchMember> {
  large ??= (async () => {
    const [member] = await createAlliance(benchFolder(), ['bench-large', 'bench-other'])
    await fill(member as BenchMember, LARGE, LARGE_INDICATORS)
    return member as BenchMember
  })()
  return large
}

const untilArmed = (node: Served) =>
  waitUntil(
    async () => (await node.ask<{ armed: { pending?: unknown } }>('/api/v1/status')).armed.pending === undefined,
  )

/** Milliseconds until a node of the large store is ready, or until it has armed everything as well. */
async function startLarge(isArmed: boolean): Promise<number> {
  const member = await largeMember()
  const begin = performance.now()
  await using node = await serve(member)
  if (isArmed) await untilArmed(node)
  return performance.now() - begin
}

/** Resident megabytes of the large node after something was done with it. */
const memoryAfter = (work: (node: Served) => Promise<void>) => async () => {
  const member = await largeMember()
  const sample = async () => {
    await using node = await serve(member)
    await untilArmed(node)
    await work(node)
    await sleep(IDLE_SETTLE_MS)
    return residentMegabytes(node.pid).now
  }
  return { sample }
}

/** Every object, page by page, as a TAXII client reads them. */
async function pageThroughAll(node: Served): Promise<void> {
  for (let next = ''; ;) {
    const page = await node.ask<{ more?: boolean; next?: string }>(
      `/taxii2/_node/collections/everything/objects/?limit=1000${next}`,
    )
    if (!page.more) return
    next = `&next=${page.next}`
  }
}

let published = 0
async function publishMore(node: Served): Promise<void> {
  for (let batch = 0; batch < MORE_BATCHES; batch++) {
    const objects = Array.from({ length: MORE_BATCH }, () => {
      const { created_by_ref: _, ...object } = sampleObject(LARGE + published++, LARGE_INDICATORS, '')
      return object
    })
    await node.ask('/api/v1/publish', { objects, tlp: 'amber', to: ['alliance:bench'] })
  }
}

const startRow = (name: string, what: string, target: number, isArmed: boolean): Bench => ({
  name,
  what,
  unit: 'ms',
  target,
  better: 'lower',
  per: 'wall',
  prepare: async () => {
    await largeMember()
    return { sample: () => startLarge(isArmed) }
  },
})

const memoryRow = (name: string, after: string, work: (node: Served) => Promise<void>): Bench => ({
  name,
  what: `resident memory of a node with 1,000,000 objects, ${after}`,
  unit: 'MB',
  target: 400,
  better: 'lower',
  per: 'wall',
  prepare: memoryAfter(work),
})

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
      return { sample: async () => residentMegabytes(running?.pid ?? 0).now, dispose }
    },
  },
  {
    name: 'node-idle-cpu',
    what: 'CPU that an idle node process with one link uses, per second',
    unit: 'ms',
    target: 10,
    better: 'lower',
    per: 'wall',
    async prepare() {
      const { dispose, folder } = await openNetwork()
      await sleep(IDLE_SETTLE_MS)
      const pid = (await readRunning(join(folder, 'a')))?.pid ?? 0
      const sample = async () => {
        const before = cpuSecondsOf(pid)
        await sleep(IDLE_WATCH_MS)
        return ((cpuSecondsOf(pid) - before) / IDLE_WATCH_MS) * 1_000_000
      }
      return { sample, dispose }
    },
  },
  startRow(
    'node-start',
    'start of a node with 1,000,000 objects until it is ready; indicators go on being armed',
    2_000,
    false,
  ),
  startRow('node-start-armed', 'the same until its 100,000 indicators are armed', 5_000, true),
  memoryRow('node-memory', 'armed', async () => undefined),
  memoryRow('node-memory-paged', 'after all of them were paged through', pageThroughAll),
  memoryRow('node-memory-publish', 'after 20,000 more were published', publishMore),
]
