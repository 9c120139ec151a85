// TAXII pages of a real node, over HTTP: throughput per CPU second of the server, and whether depth or writers matter.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '#store'
import { readDataDirectory } from '../src/node/data-directory.ts'
import { sampleAppend, sampleEntry } from '../src/store/samples.ts'
import { indicator, init, type Served, serve } from '../tests/cli/command-line.ts'
import type { Bench } from './bench.ts'

const BATCH = 5_000
const SMALL = 50_000
const LARGE = 1_000_000
const PAGE = 1_000
const PAGES_PER_SAMPLE = 50
const BUSY_PAGES = 200
/** Pages served before anything is measured. */
const WARM_PAGES = LARGE / PAGE
const WRITER_BATCH = 200
/** Age of what is there: the page *Situation* reads the last day at every start. */
const AGE_MS = 3 * 86_400_000
const OBJECTS = '/taxii2/_node/collections/everything/objects/'
const TYPE = 'application/taxii+json;version=2.1'

/** Data directories that were filled, by size; removed when the process ends. */
const filled = new Map<number, Promise<string>>()

/** Data directory of a node that holds so many objects of about 480 bytes. */
async function fill(count: number): Promise<string> {
  const home = mkdtempSync(join(tmpdir(), 'noroshi-bench-'))
  process.once('exit', () => rmSync(home, { recursive: true, force: true }))
  const dir = join(home, 'node')
  await init(dir, 'bench')
  const { config, nodeKey } = await readDataDirectory(dir)
  const signer = { member: config.member, key: nodeKey }
  await using store = await openStore({ folder: dir, signer, now: () => Date.now() - AGE_MS })
  for (let first = 0; first < count; first += BATCH) {
    const entries = Array.from({ length: BATCH }, (_, i) =>
      sampleEntry(`object ${first + i}`, { type: i % 2 ? 'malware' : 'identity', padding: 200 }),
    )
    await store.commit([sampleAppend(config.member, entries)])
  }
  return dir
}

/** A node over so many objects, serving. */
async function openNode(count: number): Promise<{ node: Served; dispose: () => Promise<void> }> {
  const dir = filled.get(count) ?? fill(count)
  filled.set(count, dir)
  const node = await serve(await dir)
  return { node, dispose: async () => node[Symbol.asyncDispose]() }
}

async function cpuOf(node: Served): Promise<number> {
  const text = await (await node.ask('/metrics')).text()
  return Number(/^noroshi_process_cpu_seconds_total (\S+)/m.exec(text)?.[1])
}

/** A page's bytes are fetched and counted, not parsed: that would be the client's time. */
async function page(node: Served, next: string | undefined): Promise<{ next: string | undefined; ms: number }> {
  const started = performance.now()
  const answer = await node.ask(`${OBJECTS}?limit=${PAGE}${next === undefined ? '' : `&next=${next}`}`, {
    headers: { accept: TYPE },
  })
  const body = Buffer.from(await answer.arrayBuffer())
  const ms = performance.now() - started
  if (!answer.ok) throw new Error(`${answer.status}: ${body.toString().slice(0, 200)}`)
  return { next: /^\{"more":true,"next":"([^"]+)"/.exec(body.subarray(0, 100).toString())?.[1], ms }
}

/** Beginnings of pages over the whole depth, from walking through once. */
async function walk(node: Served): Promise<(string | undefined)[]> {
  const places: (string | undefined)[] = [undefined]
  for (let next: string | undefined; ;) {
    next = (await page(node, next)).next
    if (next === undefined) return places
    places.push(next)
  }
}

const throughput = (name: string, count: number): Bench => ({
  name,
  what: `TAXII page of ${PAGE} out of ${count} objects, at any depth, over HTTP`,
  unit: 'objects/s',
  target: 300_000,
  better: 'higher',
  per: 'cpu',
  prepare: async () => {
    const { node, dispose } = await openNode(count)
    const places = await walk(node)
    // Both sizes are measured equally warm: the walk through the large one is this long by itself.
    for (let pages = places.length; pages < WARM_PAGES; pages += places.length) await walk(node)
    const sample = async () => {
      const before = await cpuOf(node)
      for (let i = 0; i < PAGES_PER_SAMPLE; i++)
        await page(node, places[Math.floor((i * places.length) / PAGES_PER_SAMPLE)])
      return (PAGES_PER_SAMPLE * PAGE) / ((await cpuOf(node)) - before)
    }
    return { sample, dispose }
  },
})

const flat: Bench = {
  name: 'taxii-page-flat',
  what: `TAXII pages out of ${LARGE} objects: the last tenth's time as a multiple of the first's`,
  unit: '×',
  target: 1.25,
  better: 'lower',
  per: 'wall',
  prepare: async () => {
    const { node, dispose } = await openNode(LARGE)
    const places = await walk(node)
    const median = async (some: (string | undefined)[]) => {
      const times: number[] = []
      for (const place of some.slice(0, 40)) times.push((await page(node, place)).ms)
      return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0
    }
    const tenth = Math.floor(places.length / 10)
    return {
      sample: async () => (await median(places.slice(-tenth, -1))) / (await median(places.slice(0, tenth))),
      dispose,
    }
  },
}

/** Publishes batch after batch until told to stop. */
function publishOn(node: Served): { stop: () => Promise<void> } {
  let isOver = false
  const work = async () => {
    for (let batch = 0; !isOver; batch++) {
      const objects = Array.from({ length: WRITER_BATCH }, (_, i) =>
        indicator(`10.${batch & 255}.${i >> 8}.${i & 255}`),
      )
      const answer = await node.ask('/api/v1/publish?tlp=green', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(objects),
      })
      if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`)
    }
  }
  const working = work()
  return {
    stop: async () => {
      isOver = true
      await working
    },
  }
}

/** Latency of the first or the last page while one writer publishes without a pause. */
const busy = (name: string, where: 'first' | 'last', quantile: number, target: number): Bench => ({
  name,
  what: `p${quantile * 100} of the ${where} TAXII page of ${PAGE} out of ${LARGE} objects while a writer publishes without a pause`,
  unit: 'ms',
  target,
  better: 'lower',
  per: 'wall',
  prepare: async () => {
    const { node, dispose } = await openNode(LARGE)
    const places = await walk(node)
    const sample = async () => {
      const writer = publishOn(node)
      const times: number[] = []
      for (let i = 0; i < BUSY_PAGES; i++)
        times.push((await page(node, where === 'first' ? undefined : places.at(-2))).ms)
      await writer.stop()
      times.sort((a, b) => a - b)
      return times[Math.ceil(times.length * quantile) - 1] ?? NaN
    }
    return { sample, dispose }
  },
})

/** TAXII rows of the table. */
export const benches: Bench[] = [
  throughput('taxii-page-small', SMALL),
  throughput('taxii-page-large', LARGE),
  flat,
  busy('taxii-busy-first-p50', 'first', 0.5, 25),
  busy('taxii-busy-first-p99', 'first', 0.99, 150),
  busy('taxii-busy-last-p50', 'last', 0.5, 25),
  busy('taxii-busy-last-p99', 'last', 0.99, 150),
]
