// One log that grows: the disk, the memory and the start of its node, a page, a publication, and the first sync of a peer.
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import {
  inBenchFolder,
  type BenchMember,
  copyOf,
  createAlliance,
  diskMegabytes,
  fill,
  residentMegabytes,
  sampleObject,
  type Served,
  serve,
  waitUntil,
} from '../large-node.ts'

/** Of a hundred objects. */
const INDICATORS = 10
const SAMPLES = 5
const POLL_MS = 250

/** Of one number of entries, in one log. */
export interface EntriesRow {
  entries: number
  /** Commits of a thousand, straight into the store. */
  filledPerSecond: number
  diskMegabytes: number
  /** Until the node serves; indicators go on being armed. */
  startMs: number
  /** Resident once all is armed. */
  megabytes: number
  /** A TAXII page of a thousand objects. */
  pageMs: number
  /** One more object by the API: on disk, and answered. */
  publishMs: number
  /** A peer that starts with nothing: wall, entries a second, and its peak of resident memory. */
  firstSyncSeconds: number
  syncedPerSecond: number
  readerMegabytes: number
}

export const measureEntries = (entries: number): Promise<EntriesRow> =>
  inBenchFolder((folder) => measureIn(folder, entries))

async function measureIn(folder: string, entries: number): Promise<EntriesRow> {
  const [author, empty] = (await createAlliance(folder, ['bench-a', 'bench-b'])) as [BenchMember, BenchMember]
  let begin = performance.now()
  await fill(author, entries, INDICATORS)
  const filledPerSecond = entries / seconds(begin)
  const disk = diskMegabytes(author.dir)
  begin = performance.now()
  await using a = await serve(author)
  const startMs = seconds(begin) * 1_000
  await waitUntil(
    async () => (await a.ask<{ armed: { pending?: unknown } }>('/api/v1/status')).armed.pending === undefined,
    POLL_MS,
  )
  const { now: megabytes } = residentMegabytes(a.pid)
  const pageMs = await pageOf(a)
  const publishMs = await publishOf(a, author)
  await using b = await serve(copyOf(empty, join(folder, 'reader')))
  begin = performance.now()
  await b.ask('/api/v1/links', { member: author.slug, address: a.url })
  await waitUntil(async () => (await b.ask<{ entries: number }>('/api/v1/status')).entries > entries, POLL_MS)
  const firstSyncSeconds = seconds(begin)
  const { peak: readerMegabytes } = residentMegabytes(b.pid)
  const sync = { firstSyncSeconds, syncedPerSecond: entries / firstSyncSeconds, readerMegabytes }
  return { entries, filledPerSecond, diskMegabytes: disk, startMs, megabytes, pageMs, publishMs, ...sync }
}

const seconds = (begin: number) => (performance.now() - begin) / 1_000

async function medianMs(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < SAMPLES; i++) {
    const begin = performance.now()
    await work()
    times.push(seconds(begin) * 1_000)
  }
  return times.sort((x, y) => x - y)[SAMPLES >> 1] ?? NaN
}

function pageOf(node: Served): Promise<number> {
  let next = ''
  return medianMs(async () => {
    const page = await node.ask<{ objects: unknown[]; next?: string }>(
      `/taxii2/_node/collections/everything/objects/?limit=1000${next}`,
    )
    if (page.objects.length !== 1_000) throw new Error(`A page of ${page.objects.length} objects`)
    next = page.next === undefined ? '' : `&next=${encodeURIComponent(page.next)}`
  })
}

const publishOf = (node: Served, author: BenchMember): Promise<number> =>
  medianMs(() => {
    const object = { ...sampleObject(0, 0, author.member), id: `malware--${randomUUID()}` }
    return node.ask('/api/v1/publish', { objects: [object], tlp: 'amber', to: ['alliance:bench'] })
  })
