// Links: no-change sync, publish to twelve peers, first sync of a long log. For the first two, all nodes run in this one
// process, with real stores on disk and real HTTP on loopback, so the figures contain the work of both sides.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { JsonObject } from '#base'
import { openNodes } from '../src/federation/testing/pair.ts'
import { amberFor, indicator } from '../src/federation/testing/objects.ts'
import { type RealNode, until } from '../src/federation/testing/real-node.ts'
import type { Bench } from './bench.ts'
import {
  benchFolder,
  type BenchMember,
  copyOf,
  createAlliance,
  fill,
  residentMegabytes,
  serve,
  waitUntil,
} from './large-node.ts'
import { askSigned } from './signed-ask.ts'

const AUDIENCE = amberFor('pacific')
const PEERS = 12
const PUBLICATIONS = 40
/** Recalls of one sample; the hundredth part of them is one. */
const RECALLS = 100
/** Between two steps, so that one does not wait for what the one before left to do. */
const PAUSE_MS = 20
const SYNC_ENTRIES = 100_000
/** Of a hundred objects. */
const SYNC_INDICATORS = 10

async function world(count: number) {
  const slugs = Array.from({ length: count }, (_, i) => `member-${i}`)
  const opened = await openNodes(slugs)
  return { opened, author: opened.nodes[0] as RealNode, peers: opened.nodes.slice(1) }
}

let made = 0
const object = (author: RealNode): JsonObject => indicator(`bench ${made++}`, author.member.self.member, Date.now())

async function noChangeBytes() {
  const { opened, author, peers } = await world(2)
  for (let i = 0; i < 50; i++) await author.publish(AUDIENCE, [object(author)])
  const { member: from, nodeKey: signer } = (peers[0] as RealNode).member.self
  const asking = { from, signer, to: author.member.self.member, address: author.address }
  const ask = (target: string) => askSigned(asking, target)
  let since = JSON.parse((await ask('/link/v1/logs')).toString()).statement.sequence as number
  const sample = async () => {
    const body = await ask(`/link/v1/logs?since=${since}`)
    since = JSON.parse(body.toString()).statement.sequence
    return body.length
  }
  return { sample, dispose: () => opened[Symbol.asyncDispose]() }
}

/** An author with twelve peers, all links up and one log mirrored everywhere. */
async function linkedPeers() {
  const { opened, author, peers } = await world(PEERS + 1)
  for (const node of opened.nodes) node.federation.start()
  const { log } = await author.publish(AUDIENCE, [object(author)])
  const untilHeld = (size: number) =>
    until(
      'the twelve',
      async () => {
        const sizes = await Promise.all(peers.map(async (peer) => (await peer.store.log(log))?.size ?? 0))
        return sizes.every((held) => held >= size)
      },
      20_000,
    )
  await untilHeld(2)
  await until(
    'all streams',
    () => peers.every((peer) => peer.federation.links().every(({ state }) => state === 'up')),
    20_000,
  )
  return { author, log, untilHeld, dispose: () => opened[Symbol.asyncDispose]() }
}

/** Milliseconds that a step takes at this percentile, out of so many one after the other. */
async function timesOf(count: number, percentile: number, step: (i: number) => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const begin = performance.now()
    await step(i)
    times.push(performance.now() - begin)
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
  times.sort((a, b) => a - b)
  return times[Math.min(times.length - 1, Math.floor(times.length * percentile))] ?? NaN
}

/** Milliseconds from a publication until the last of twelve has it on disk. */
async function publishToPeers(percentile: number) {
  const { author, untilHeld, dispose } = await linkedPeers()
  const publish = async () => untilHeld((await author.publish(AUDIENCE, [object(author)])).size)
  return { sample: () => timesOf(PUBLICATIONS, percentile, publish), dispose }
}

/** Milliseconds from taking an entry back to the last of twelve acknowledgements at its author. */
async function recallAcknowledged(percentile: number) {
  const { author, log, untilHeld, dispose } = await linkedPeers()
  const sample = async () => {
    const objects = Array.from({ length: RECALLS }, () => object(author))
    const { firstIndex, size } = await author.publish(AUDIENCE, objects)
    await untilHeld(size)
    return timesOf(RECALLS, percentile, async (i) => {
      await author.federation.recall(log, firstIndex + i, 'error')
      const isDone = async () => (await author.federation.recallAcks(log, firstIndex + i)).length === PEERS
      await until('twelve acknowledgements', isDone, 20_000)
    })
  }
  return { sample, dispose }
}

/** What one first sync took: wall seconds, and the peak of resident memory at author and reader, MB. */
interface FirstSync {
  seconds: number
  peaks: readonly [author: number, reader: number]
}

/** Authors whose logs are filled, by size; removed when the process ends. */
const authors = new Map<number, Promise<BenchMember[]>>()

/** Two members in one alliance, the first with a log of so many objects, a tenth of them indicators. */
function filledAuthor(entries: number): Promise<BenchMember[]> {
  const made = async () => {
    const members = await createAlliance(benchFolder(), ['bench-a', 'bench-b'])
    await fill(members[0] as BenchMember, entries, SYNC_INDICATORS)
    return members
  }
  const known = authors.get(entries) ?? made()
  authors.set(entries, known)
  return known
}

/** Two node processes: the reader starts with nothing, and is linked to the author. */
async function syncOnce(entries: number): Promise<FirstSync> {
  const [author, empty] = (await filledAuthor(entries)) as [BenchMember, BenchMember]
  const folder = benchFolder()
  await using a = await serve(author)
  await waitUntil(async () => (await a.ask<Armed>('/api/v1/status')).armed.pending === undefined)
  await using b = await serve(copyOf(empty, join(folder, 'reader')))
  const begin = performance.now()
  await b.ask('/api/v1/links', { member: author.slug, address: a.url })
  await waitUntil(async () => (await b.ask<{ entries: number }>('/api/v1/status')).entries > entries)
  const seconds = (performance.now() - begin) / 1_000
  const peaks = [residentMegabytes(a.pid).peak, residentMegabytes(b.pid).peak] as const
  rmSync(folder, { recursive: true, force: true })
  return { seconds, peaks }
}

interface Armed {
  armed: { pending?: unknown }
}

/** Seconds for a million entries, at the rate of that many. */
const firstSync = (entries: number) => async () => ({
  sample: async () => ((await syncOnce(entries)).seconds / entries) * 1_000_000,
})

/** The larger of both sides' peaks. */
const firstSyncMemory = (entries: number) => async () => ({
  sample: async () => Math.max(...(await syncOnce(entries)).peaks),
})

export const benches: Bench[] = [
  {
    name: 'sync-no-change',
    what: 'body of the one answer when nothing is new',
    unit: 'B',
    target: 1_024,
    better: 'lower',
    per: 'wall',
    prepare: noChangeBytes,
  },
  {
    name: 'sync-12-peers-p50',
    what: 'publish → durable at every one of 12 peers, one process, median',
    unit: 'ms',
    target: 50,
    better: 'lower',
    per: 'wall',
    prepare: () => publishToPeers(0.5),
  },
  {
    name: 'sync-12-peers-p99',
    what: 'publish → durable at every one of 12 peers, one process, p99',
    unit: 'ms',
    target: 500,
    better: 'lower',
    per: 'wall',
    prepare: () => publishToPeers(0.99),
  },
  {
    name: 'recall-12-peers-p50',
    what: 'recall → withheld and acknowledged by every one of 12 peers, one process, median',
    unit: 'ms',
    target: 2_000,
    better: 'lower',
    per: 'wall',
    prepare: () => recallAcknowledged(0.5),
  },
  {
    name: 'recall-12-peers-p99',
    what: 'recall → withheld and acknowledged by every one of 12 peers, one process, p99',
    unit: 'ms',
    target: 2_000,
    better: 'lower',
    per: 'wall',
    prepare: () => recallAcknowledged(0.99),
  },
  {
    name: 'sync-first',
    what: `first sync, verified, two node processes: a million entries at the rate of ${SYNC_ENTRIES.toLocaleString('en')}`,
    unit: 's',
    target: 100,
    better: 'lower',
    per: 'wall',
    prepare: firstSync(SYNC_ENTRIES),
  },
  {
    name: 'sync-first-memory',
    what: `peak resident memory of the larger node during a first sync of ${SYNC_ENTRIES.toLocaleString('en')} entries`,
    unit: 'MB',
    target: 400,
    better: 'lower',
    per: 'wall',
    prepare: firstSyncMemory(SYNC_ENTRIES),
  },
  {
    name: 'sync-first-million',
    what: 'first sync of 1,000,000 entries, verified, two node processes',
    unit: 's',
    target: 100,
    better: 'lower',
    per: 'wall',
    byNameOnly: true,
    prepare: firstSync(1_000_000),
  },
  {
    name: 'sync-first-million-memory',
    what: 'peak resident memory of the larger node during a first sync of 1,000,000 entries',
    unit: 'MB',
    target: 400,
    better: 'lower',
    per: 'wall',
    byNameOnly: true,
    prepare: firstSyncMemory(1_000_000),
  },
]
