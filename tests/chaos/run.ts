// npm run chaos [-- --minutes M --seed N --dir FOLDER]: thirteen nodes under faults for as long as one likes.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { BOTH_ALLIANCES, chaosRun } from './chaos-run.ts'

const USAGE = 'Usage: npm run chaos [-- --minutes M --seed N --dir FOLDER]'

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { minutes: { type: 'string' }, seed: { type: 'string' }, dir: { type: 'string' } },
  })
  const minutes = Number(values.minutes ?? 10)
  const seed = Number(values.seed ?? Date.now() % 1_000_000)
  if (!(minutes > 0) || !Number.isInteger(seed)) {
    console.error(USAGE)
    return 2
  }
  const folder = values.dir ?? mkdtempSync(join(tmpdir(), 'noroshi-chaos-'))
  console.log(`seed ${seed}, ${minutes} minutes; data directories in ${folder}, kept where something is wrong.`)
  console.log(
    'The same seed gives the same faults, kills and publications at the same instants; what comes of them differs.',
  )
  const { counts, acknowledged, settleMs, faults } = await chaosRun(
    folder,
    {
      alliances: BOTH_ALLIANCES,
      seed,
      ms: minutes * 60_000,
      faultEachMs: 150,
      killEachMs: 2_500,
      publishEachMs: 100,
      faultMostMs: 20_000,
      downMostMs: 5_000,
    },
    (line) => console.log(line),
  )
  console.log(JSON.stringify({ seed, minutes, acknowledged, settleMs, counts }, null, 1))
  for (const fault of faults.slice(0, 100)) console.log(`WRONG: ${fault}`)
  console.log(
    faults.length === 0
      ? 'Every entitled member holds the same logs, nobody else holds any of them, and nothing acknowledged is lost or doubled.'
      : `${faults.length} faults; again with --seed ${seed}. The data directories are in ${folder}`,
  )
  return faults.length === 0 ? 0 : 1
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error))
  console.error(USAGE)
  return 2
})
