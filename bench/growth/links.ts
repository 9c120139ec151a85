// One node with many real links: every peer is a process of its own, with its own disk.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  benchFolder,
  type BenchMember,
  cpuSecondsOf,
  createAlliance,
  residentMegabytes,
  sampleObject,
  type Served,
  serve,
  waitUntil,
} from '../large-node.ts'

const PUBLICATIONS = 20
const IDLE_MS = 10_000
const POLL_MS = 500

/** Of one number of links at the hub. */
export interface LinksRow {
  links: number
  /** From the request to publish until the last peer's receipt is there, wall; all processes share this machine. */
  receiptsP50Ms: number
  receiptsP99Ms: number
  /** CPU of the hub per publication, receipts and all. */
  hubCpuMs: number
  hubMegabytes: number
  /** CPU of the hub per second when nothing happens. */
  idleCpuMs: number
}

/** Starts `most` peers one after the other and measures the hub at each of the `counts`. */
export async function measureLinks(counts: readonly number[]): Promise<LinksRow[]> {
  const most = Math.max(...counts)
  const slugs = Array.from({ length: most + 1 }, (_, i) => `member-${i}`)
  const [hub, ...others] = (await createAlliance(benchFolder(), slugs)) as [BenchMember, ...BenchMember[]]
  await using stack = new AsyncDisposableStack()
  const node = stack.use(await serve(hub))
  const rows: LinksRow[] = []
  const up = async () => {
    const { links } = await node.ask<{ links: { state: string }[] }>('/api/v1/links')
    return links.filter(({ state }) => state === 'up').length
  }
  for (const [i, peer] of others.entries()) {
    const other = stack.use(await serve(peer))
    await node.ask('/api/v1/links', { member: peer.slug, address: other.url })
    await other.ask('/api/v1/links', { member: hub.slug, address: node.url })
    if (!counts.includes(i + 1)) continue
    await waitUntil(async () => (await up()) >= i + 1)
    rows.push(await measure(node, hub, i + 1))
  }
  return rows
}

async function measure(node: Served, hub: BenchMember, links: number): Promise<LinksRow> {
  await publish(node, hub, links)
  const times: number[] = []
  const before = cpuSecondsOf(node.pid)
  for (let i = 0; i < PUBLICATIONS; i++) times.push(await publish(node, hub, links))
  const hubCpuMs = ((cpuSecondsOf(node.pid) - before) * 1_000) / PUBLICATIONS
  await sleep(IDLE_MS)
  const idleFrom = cpuSecondsOf(node.pid)
  await sleep(IDLE_MS)
  times.sort((a, b) => a - b)
  return {
    links,
    receiptsP50Ms: times[times.length >> 1]!,
    receiptsP99Ms: times[Math.ceil(times.length * 0.99) - 1]!,
    hubCpuMs,
    hubMegabytes: residentMegabytes(node.pid).now,
    idleCpuMs: ((cpuSecondsOf(node.pid) - idleFrom) * 1_000_000) / IDLE_MS,
  }
}

let made = 0

interface Receipt {
  member: string
  kind: string
  from: number
  size: number
  arrived: number
}

/** Milliseconds until the last receipt had arrived, by the hub's own clock. */
async function publish(node: Served, hub: BenchMember, links: number): Promise<number> {
  const object = {
    ...sampleObject(made++, 0, hub.member),
    id: `malware--${randomUUID()}`,
    type: 'malware',
    is_family: false,
    name: 'growth',
  }
  const begin = Date.now()
  const body = { objects: [object], tlp: 'amber', to: ['alliance:bench'] }
  const { published } = await node.ask<{ published: { log: string; index: number }[] }>('/api/v1/publish', body)
  const { log, index } = published[0]!
  for (;;) {
    await sleep(POLL_MS)
    const { receipts } = await node.ask<{ receipts: Receipt[] }>(`/api/v1/receipts?log=${log}`)
    const ours = receipts.filter(({ kind, from, size }) => kind === 'received' && from <= index && index < size)
    if (new Set(ours.map(({ member }) => member)).size >= links)
      return Math.max(...ours.map(({ arrived }) => arrived)) - begin
  }
}
