// The store: durable publish, pages out of a small and a large store, start and memory of a large one.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openStore, type Store } from '#store'
import { sampleAppend, sampleEntry, sampleMember } from '../src/store/samples.ts'
import { type Bench, cpuSeconds } from './bench.ts'

const BATCH = 1_000
const SMALL = 50_000
const LARGE = 1_000_000
const PAGE = 1_000
const PAGES_PER_SAMPLE = 50
const BATCHES_PER_SAMPLE = 20
const MEMBER = sampleMember('bench')
const TYPES = ['indicator', 'malware', 'attack-pattern', 'identity']

interface Opened extends AsyncDisposable {
  folder: string
  store: Store
}

async function openSample(): Promise<Opened> {
  const folder = mkdtempSync(join(tmpdir(), 'noroshi-bench-'))
  const store = await openStore({ folder, signer: MEMBER, now: () => Date.now() })
  const dispose = async () => {
    await store[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  }
  return { folder, store, [Symbol.asyncDispose]: dispose }
}

/** Entries of about 480 bytes, a quarter of them indicators. */
const entriesFrom = (first: number) =>
  Array.from({ length: BATCH }, (_, i) =>
    sampleEntry(`object ${first + i}`, { type: TYPES[i % TYPES.length] ?? 'indicator', padding: 200 }),
  )

async function fill(store: Store, count: number): Promise<void> {
  for (let first = 0; first < count; first += BATCH)
    await store.commit([sampleAppend(MEMBER.member, entriesFrom(first))])
}

/** Folder with the large store, closed; built once for all rows that use it, removed when the process ends. */
let large: Promise<string> | undefined
function largeFolder(): Promise<string> {
  large ??= (async () => {
    const folder = mkdtempSync(join(tmpdir(), 'noroshi-bench-'))
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
    await using store = await openStore({ folder, signer: MEMBER, now: () => Date.now() })
    await fill(store, LARGE)
    return folder
  })()
  return large
}

/** Pages spread over the whole depth, from cursors taken while walking through once. */
async function pageRate(store: Store): Promise<() => Promise<number>> {
  const logs = (await store.logs()).map(({ log }) => log)
  const cursors: (string | undefined)[] = [undefined]
  for (let cursor: string | undefined; ;) {
    const { next } = await store.objects({ logs, limit: PAGE, ...(cursor && { cursor }) })
    if (next === undefined) break
    cursors.push((cursor = next))
  }
  return async () => {
    let objects = 0
    const seconds = await cpuSeconds(async () => {
      for (let i = 0; i < PAGES_PER_SAMPLE; i++) {
        const cursor = cursors[Math.floor((i * cursors.length) / PAGES_PER_SAMPLE)]
        objects += (await store.objects({ logs, limit: PAGE, ...(cursor && { cursor }) })).rows.length
      }
    })
    return objects / seconds
  }
}

/** Opens the folder in a process of its own; answers milliseconds to the first page and resident megabytes after. */
function probe(folder: string): { ms: number; megabytes: number } {
  const script = fileURLToPath(new URL('./store-probe.ts', import.meta.url))
  const out = execFileSync(process.execPath, ['--disable-warning=ExperimentalWarning', script, folder])
  return JSON.parse(out.toString()) as { ms: number; megabytes: number }
}

const publish: Bench = {
  name: 'store-publish',
  what: `durable publish (fsync, indexed, proven), batches of ${BATCH}`,
  unit: 'objects/s',
  target: 20_000,
  better: 'higher',
  per: 'cpu',
  prepare: async () => {
    const opened = await openSample()
    let first = 0
    const sample = async () => {
      const batches = Array.from({ length: BATCHES_PER_SAMPLE }, () => entriesFrom((first += BATCH)))
      const seconds = await cpuSeconds(async () => {
        for (const entries of batches) await opened.store.commit([sampleAppend(MEMBER.member, entries)])
      })
      return (BATCHES_PER_SAMPLE * BATCH) / seconds
    }
    return { sample, dispose: async () => opened[Symbol.asyncDispose]() }
  },
}

const pageOfSmall: Bench = {
  name: 'store-page-small',
  what: `page of ${PAGE} out of ${SMALL} objects, at any depth`,
  unit: 'objects/s',
  target: 300_000,
  better: 'higher',
  per: 'cpu',
  prepare: async () => {
    const opened = await openSample()
    await fill(opened.store, SMALL)
    return { sample: await pageRate(opened.store), dispose: async () => opened[Symbol.asyncDispose]() }
  },
}

const pageOfLarge: Bench = {
  name: 'store-page-large',
  what: `page of ${PAGE} out of ${LARGE} objects, at any depth`,
  unit: 'objects/s',
  target: 300_000,
  better: 'higher',
  per: 'cpu',
  prepare: async () => {
    const store = await openStore({ folder: await largeFolder(), now: () => Date.now() })
    return { sample: await pageRate(store), dispose: async () => store[Symbol.asyncDispose]() }
  },
}

const startLarge: Bench = {
  name: 'store-start',
  what: `start of a store with ${LARGE} objects, to the first page`,
  unit: 'ms',
  target: 2_000,
  better: 'lower',
  per: 'wall',
  prepare: async () => {
    const folder = await largeFolder()
    return { sample: async () => probe(folder).ms }
  },
}

const memoryLarge: Bench = {
  name: 'store-memory',
  what: `resident memory of a store with ${LARGE} objects, after 100 pages`,
  unit: 'MB',
  target: 400,
  better: 'lower',
  per: 'wall',
  prepare: async () => {
    const folder = await largeFolder()
    return { sample: async () => probe(folder).megabytes }
  },
}

export const benches: Bench[] = [publish, pageOfSmall, pageOfLarge, startLarge, memoryLarge]
