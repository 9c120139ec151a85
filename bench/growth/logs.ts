// Many logs between two nodes: an author publishes to as many audiences as there are logs, a reader that starts with nothing mirrors them.
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
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
  benchFolder,
  type BenchMember,
  copyOf,
  cpuSecondsOf,
  createAlliance,
  residentMegabytes,
  sampleObject,
  serve,
  waitUntil,
} from '../large-node.ts'

const ALLIANCE = 'bench'
const BATCH = 100
const IDLE_MS = 10_000
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

/** Of one number of logs. */
export interface LogsRow {
  logs: number
  /** Wall time until the reader holds all of them, one entry each. */
  firstSyncSeconds: number
  authorStartMs: number
  authorMegabytes: number
  readerMegabytes: number
  /** CPU of the author per second when nothing happens. */
  idleCpuMs: number
}

export async function measureLogs(logs: number): Promise<LogsRow> {
  const folder = benchFolder()
  const [author, reader] = (await createAlliance(folder, ['bench-a', 'bench-b'])) as [BenchMember, BenchMember]
  await fillLogs(author, logs)
  const started = performance.now()
  await using a = await serve(author)
  const authorStartMs = performance.now() - started
  await using b = await serve(copyOf(reader, join(folder, 'reader')))
  const begin = performance.now()
  await b.ask('/api/v1/links', { member: author.slug, address: a.url })
  await waitUntil(async () => (await b.ask<{ logs: number }>('/api/v1/status')).logs >= logs)
  const firstSyncSeconds = (performance.now() - begin) / 1_000
  await sleep(IDLE_MS)
  const idleFrom = cpuSecondsOf(a.pid)
  await sleep(IDLE_MS)
  const idleCpuMs = ((cpuSecondsOf(a.pid) - idleFrom) * 1_000_000) / IDLE_MS
  const [authorMegabytes, readerMegabytes] = [residentMegabytes(a.pid).peak, residentMegabytes(b.pid).peak]
  rmSync(join(folder, 'reader'), { recursive: true, force: true })
  return { logs, firstSyncSeconds, authorStartMs, authorMegabytes, readerMegabytes, idleCpuMs }
}

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
