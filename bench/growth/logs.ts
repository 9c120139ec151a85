// Many logs between two nodes: an author publishes to as many audiences as there are logs, a reader that starts with nothing mirrors them.
import { randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Json } from '#base'
import { utf8 } from '#base'
import { type Audience, ENTRY_KIND, statementHash } from '#log'
import { objectColumns } from '#stix'
import { openStore } from '#store'
import { amberFor } from '../../src/federation/testing/objects.ts'
import { readDataDirectory } from '../../src/node/data-directory.ts'
import {
  inBenchFolder,
  type BenchMember,
  copyOf,
  cpuSecondsOf,
  createAlliance,
  residentMegabytes,
  sampleObject,
  type Served,
  serve,
  waitUntil,
} from '../large-node.ts'
import { askSigned } from '../signed-ask.ts'

const ALLIANCE = 'bench'
const BATCH = 100
const IDLE_MS = 5_000
const POLL_MS = 250
const SOON_MS = 10
const PUBLICATIONS = 5
/** More than any of the sizes. */
const LOGS_LET = 1_000_000
/** Besides JP, whose members both are: each subset of these makes an audience of its own. */
const NATIONS = [
  'AU',
  'BN',
  'CA',
  'DE',
  'FR',
  'GB',
  'ID',
  'IN',
  'KH',
  'KR',
  'LA',
  'MY',
  'NZ',
  'PH',
  'SG',
  'TH',
  'US',
  'VN',
]

/** Of one number of logs, two entries each. */
export interface LogsRow {
  logs: number
  /** Wall time until the reader, which starts with nothing, holds all of them. */
  firstSyncSeconds: number
  perLogMs: number
  /** CPU of both nodes for it. */
  perLogCpuMs: number
  /** The whole list of logs, signed, as the reader gets it once. */
  listKilobytes: number
  /** Body of the answer when nothing is new, and how long it takes. */
  noChangeBytes: number
  noChangeMs: number
  /** One more publication: until the reader has it on disk; CPU of both nodes. */
  publishMs: number
  publishCpuMs: number
  /** Until a node that holds so many logs serves again. */
  authorStartMs: number
  readerStartMs: number
  authorMegabytes: number
  readerMegabytes: number
  /** CPU of the author per second when nothing happens. */
  idleCpuMs: number
}

export const measureLogs = (logs: number): Promise<LogsRow> => inBenchFolder((folder) => measureIn(folder, logs))

async function measureIn(folder: string, logs: number): Promise<LogsRow> {
  const [author, empty] = (await createAlliance(folder, ['bench-a', 'bench-b'])) as [BenchMember, BenchMember]
  await fillLogs(author, logs)
  const reader = copyOf(empty, join(folder, 'reader'))
  const [a, authorStartMs] = await timed(() => serve(author))
  await using _a = a
  let sync
  {
    await using b = await serve(reader)
    await b.ask(`/api/v1/quotas/${author.slug}`, { logs: LOGS_LET }, 'PATCH')
    sync = await firstSync(a, b, author, logs)
  }
  const [b, readerStartMs] = await timed(() => serve(reader))
  await using _b = b
  await waitUntil(async () => (await linkOf(b)).state === 'up')
  const noChange = await askForNothing(a.url, author, reader)
  const publication = await publishMore(a, b, author)
  const idleFrom = cpuSecondsOf(a.pid)
  await sleep(IDLE_MS)
  const idleCpuMs = ((cpuSecondsOf(a.pid) - idleFrom) * 1_000_000) / IDLE_MS
  const [authorMegabytes, readerMegabytes] = [residentMegabytes(a.pid).now, residentMegabytes(b.pid).now]
  const starts = { authorStartMs, readerStartMs, authorMegabytes, readerMegabytes, idleCpuMs }
  return { logs, ...sync, ...noChange, ...publication, ...starts }
}

async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const begin = performance.now()
  return [await work(), performance.now() - begin]
}

const cpuOf = (...nodes: Served[]) => nodes.reduce((sum, { pid }) => sum + cpuSecondsOf(pid), 0) * 1_000

async function linkOf(node: Served): Promise<{ state: string; lagEntries: number }> {
  const { links } = await node.ask<{ links: { state: string; lagEntries: number }[] }>('/api/v1/links')
  return links[0] ?? { state: 'none', lagEntries: NaN }
}

async function firstSync(a: Served, b: Served, author: BenchMember, logs: number) {
  const [begin, cpu] = [performance.now(), cpuOf(a, b)]
  await b.ask('/api/v1/links', { member: author.slug, address: a.url })
  await waitUntil(async () => {
    const { state, lagEntries } = await linkOf(b)
    return state === 'up' && lagEntries === 0
  }, POLL_MS)
  const ms = performance.now() - begin
  const { logs: held } = await b.ask<{ logs: number }>('/api/v1/status')
  if (held < logs) throw new Error(`The reader holds ${held} of ${logs} logs`)
  return { firstSyncSeconds: ms / 1_000, perLogMs: ms / logs, perLogCpuMs: (cpuOf(a, b) - cpu) / logs }
}

/** What the reader's own request brings and takes while nothing is new. */
async function askForNothing(address: string, author: BenchMember, reader: BenchMember) {
  const { config, nodeKey: signer } = await readDataDirectory(reader.dir)
  const ask = (target: string) => askSigned({ from: config.member, signer, to: author.member, address }, target)
  const sequenceOf = (body: Buffer) =>
    (JSON.parse(body.toString()) as { statement: { sequence: number } }).statement.sequence
  const whole = await ask('/link/v1/logs')
  let [since, bytes] = [sequenceOf(whole), 0]
  const times: number[] = []
  for (let i = 0; i < PUBLICATIONS; i++) {
    const [body, ms] = await timed(() => ask(`/link/v1/logs?since=${since}`))
    since = sequenceOf(body)
    bytes = body.length
    times.push(ms)
  }
  return { listKilobytes: whole.length / 1_024, noChangeBytes: bytes, noChangeMs: median(times) }
}

/** Publishes to an audience of its own and waits for the reader, again and again. */
async function publishMore(a: Served, b: Served, author: BenchMember) {
  const entriesOf = async (node: Served) => (await node.ask<{ entries: number }>('/api/v1/status')).entries
  const publish = async () => {
    const object = { ...sampleObject(0, 0, author.member), id: `malware--${randomUUID()}` }
    const before = await entriesOf(b)
    await a.ask('/api/v1/publish', { objects: [object], tlp: 'amber', to: ['alliance:bench'] })
    await waitUntil(async () => (await entriesOf(b)) > before, SOON_MS)
  }
  await publish()
  const cpu = cpuOf(a, b)
  const times: number[] = []
  for (let i = 0; i < PUBLICATIONS; i++) times.push((await timed(publish))[1])
  return { publishMs: median(times), publishCpuMs: (cpuOf(a, b) - cpu) / PUBLICATIONS }
}

const median = (figures: readonly number[]) => figures.toSorted((x, y) => x - y)[figures.length >> 1] ?? NaN

/** One object in each of so many logs of a stopped member. */
async function fillLogs(author: BenchMember, logs: number): Promise<void> {
  const { config, nodeKey } = await readDataDirectory(author.dir)
  const signer = { member: config.member, key: nodeKey }
  await using store = await openStore({ folder: author.dir, signer, now: () => Date.now() })
  const [charter] = (await Array.fromAsync(store.records('charters'))).map(({ value }) => value as { charter?: Json })
  const charters = [[ALLIANCE, statementHash(charter?.charter as never)]] as [string, never][]
  for (let first = 0; first < logs; first += BATCH) {
    const time = Date.now()
    await store.commit(
      Array.from({ length: Math.min(BATCH, logs - first) }, (_, i) => {
        const object = sampleObject(first + i, 0, author.member)
        const columns = { ...objectColumns(object), status: 'accepted' as const }
        const entry = {
          kind: ENTRY_KIND.object,
          salt: random(32),
          time,
          payload: utf8(JSON.stringify(object)),
          object: columns,
        }
        const genesis = { salt: random(32), time, incarnation: random(16) }
        return {
          op: 'append' as const,
          author: author.member,
          audience: audienceOf(first + i),
          genesis,
          charters,
          entries: [entry],
        }
      }),
    )
  }
}

function audienceOf(n: number): Audience {
  const nations = ['JP', ...NATIONS.filter((_, bit) => ((n >> bit) & 1) === 1)].sort()
  return { ...amberFor(ALLIANCE), nations }
}

const random = (bytes: number) => new Uint8Array(randomBytes(bytes))
