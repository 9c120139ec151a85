// npm run chaos [-- --minutes M --seed N --dir FOLDER]: thirteen nodes under faults for as long as one likes.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { BOTH_ALLIANCES, chaosRun, type Outcome, STREAMS_MS } from './chaos-run.ts'

const USAGE = 'Usage: npm run chaos [-- --minutes M --seed N --dir FOLDER]'
const FAULTS_SHOWN = 100

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { minutes: { type: 'string' }, seed: { type: 'string' }, dir: { type: 'string' } },
  })
  const minutes = Number(values.minutes ?? 10)
  const seed = Number(values.seed ?? Date.now() % 1_000_000)
  if (!(minutes > 0) || !Number.isInteger(seed)) throw new Error('--minutes and --seed are numbers')
  const folder = values.dir ?? mkdtempSync(join(tmpdir(), 'noroshi-chaos-'))
  console.log(`seed ${seed}, ${minutes} minutes; data directories in ${folder}, kept where something is wrong.`)
  console.log(
    'The same seed gives the same faults, kills and publications at the same instants; what comes of them differs.',
  )
  const outcome = await chaosRun(
    folder,
    {
      alliances: BOTH_ALLIANCES,
      seed,
      ms: minutes * 60_000,
      faultEachMs: 250,
      killEachMs: 4_000,
      publishEachMs: 300,
      faultMostMs: 20_000,
      downMostMs: 5_000,
      streamsMs: STREAMS_MS,
    },
    (line) => console.log(line),
  )
  for (const row of tableOf(outcome)) console.log(row)
  const { faults } = outcome
  for (const fault of faults.slice(0, FAULTS_SHOWN)) console.log(`WRONG: ${fault}`)
  console.log(
    faults.length === 0
      ? 'Every entitled member holds the same logs, nobody else holds any of them, and nothing acknowledged is lost or doubled.'
      : `${faults.length} faults. Again: npm run chaos -- --minutes ${minutes} --seed ${seed}; the data directories are in ${folder}`,
  )
  return faults.length === 0 ? 0 : 1
}

/** What happened, and how long it took until all was well. */
function tableOf({ counts, acknowledged, acts, receipts }: Outcome): string[] {
  const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`
  const rows: [string, string | number][] = [
    ...Object.entries(counts).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    ['publications acknowledged', acknowledged],
    ['receipts that authors hold', receipts],
    ...Object.entries(acts).map(([act, ms]): [string, string] => [`all well again after: ${act}`, seconds(ms)]),
    ['longest of these', seconds(Math.max(...Object.values(acts)))],
  ]
  return rows.map(([what, value]) => `${what.padEnd(46)}${String(value).padStart(10)}`)
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error))
  console.error(USAGE)
  return 2
})
