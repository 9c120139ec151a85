// One node with many real links: every peer is a process of its own, with its own disk.
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  inBenchFolder,
  type BenchMember,
  cpuSecondsOf,
  foundAlliance,
  residentMegabytes,
  sampleObject,
  type Served,
  serve,
  waitUntil,
} from '../large-node.ts'

const PUBLICATIONS = 20
const IDLE_MS = 5_000
const POLL_MS = 200
/** Peers that start at the same time. */
const TOGETHER = 4

/** Of one number of links at the hub. */
export interface LinksRow {
  links: number
  /** From the request to publish until the last peer's receipt is there, wall; all processes share this machine. */
  receiptsP50Ms: number
  receiptsP99Ms: number
  /** CPU of the hub per publication, receipts and all. */
  hubCpuMs: number
  /** Resident once nothing happens any more. */
  hubMegabytes: number
  /** CPU of the hub per second when nothing happens. */
  idleCpuMs: number
  /** After a kill of the hub: from its start until it serves, and on until every link is up again. */
  againServingMs: number
  againUpMs: number
  /** CPU of the hub from its start until then, and its peak of resident memory. */
  againCpuMs: number
  againMegabytes: number
}

/** Starts as many peers as the largest of the `counts`, and measures the hub at each of them. */
export const measureLinks = (counts: readonly number[]): Promise<LinksRow[]> =>
  inBenchFolder((folder) => measureIn(folder, counts))

async function measureIn(folder: string, counts: readonly number[]): Promise<LinksRow[]> {
  const slugs = Array.from({ length: Math.max(...counts) + 1 }, (_, i) => `member-${i}`)
  const { members, bootstrap } = await foundAlliance(folder, slugs)
  const [hub, ...others] = members as [BenchMember, ...BenchMember[]]
  await using stack = new AsyncDisposableStack()
  const port = await freePort()
  const one = { node: await serve(hub, port) }
  stack.defer(() => one.node[Symbol.asyncDispose]())
  await bootstrap(one.node)
  const rows: LinksRow[] = []
  for (const count of counts.toSorted((a, b) => a - b)) {
    const from = rows.at(-1)?.links ?? 0
    for (let at = from; at < count; at += TOGETHER)
      await Promise.all(
        others.slice(at, Math.min(count, at + TOGETHER)).map(async (peer) => {
          const node = stack.use(await serve(peer))
          await bootstrap(node)
          await one.node.ask('/api/v1/links', { member: peer.slug, address: node.url })
          await node.ask('/api/v1/links', { member: hub.slug, address: one.node.url })
        }),
      )
    await allUp(one.node, count)
    rows.push({ ...(await measure(one.node, hub, count)), ...(await startAgain(one, hub, port, count)) })
  }
  return rows
}

async function allUp(hub: Served, count: number): Promise<void> {
  await waitUntil(async () => {
    const { links } = await hub.ask<{ links: { state: string }[] }>('/api/v1/links')
    return links.filter(({ state }) => state === 'up').length >= count
  })
}

/** Kills the hub and starts it again: all peers come back to it at once. */
async function startAgain(one: { node: Served }, hub: BenchMember, port: number, count: number) {
  await one.node.kill()
  const begin = performance.now()
  one.node = await serve(hub, port)
  const againServingMs = performance.now() - begin
  await allUp(one.node, count)
  const againUpMs = performance.now() - begin
  const [againCpuMs, againMegabytes] = [cpuSecondsOf(one.node.pid) * 1_000, residentMegabytes(one.node.pid).peak]
  await publish(one.node, hub, count)
  return { againServingMs, againUpMs, againCpuMs, againMegabytes }
}

function freePort(): Promise<number> {
  const server = createServer()
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

type Standing = Pick<LinksRow, 'links' | 'receiptsP50Ms' | 'receiptsP99Ms' | 'hubCpuMs' | 'hubMegabytes' | 'idleCpuMs'>

async function measure(node: Served, hub: BenchMember, links: number): Promise<Standing> {
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
