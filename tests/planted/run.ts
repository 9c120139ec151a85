// `npm run planted [-- SUITE [NAME] --lanes N]`: plants the bugs of every suite, of one, or one of them, and shows which test catches each.
import { availableParallelism } from 'node:os'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { campaign } from './campaign.ts'
import { plantedBugs } from './planted-bug.ts'
import { progressOn, summary } from './report.ts'

const USAGE = 'Usage: npm run planted [-- SUITE [NAME] --lanes N]'
const FOLDER = import.meta.dirname
/** Tests wait as much as they work. */
const LANES = availableParallelism() + 1

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ options: { lanes: { type: 'string' } }, allowPositionals: true })
  const [suite, name = ''] = positionals
  const lanes = Number(values.lanes ?? LANES)
  if (!Number.isInteger(lanes) || lanes < 1 || positionals.length > 2) throw new Error('that is not understood')
  const bugs = plantedBugs(FOLDER, suite === undefined ? '' : `${suite}/${name}`)
  if (bugs.length === 0) throw new Error(`there is no planted bug ${positionals.join('/')}`)
  const began = performance.now()
  const home = dirname(dirname(FOLDER))
  const results = await campaign(bugs, { home, lanes }, progressOn(process.stdout, bugs.length))
  console.log(`\n${summary(results, (performance.now() - began) / 1_000)}`)
  return results.every(({ verdict }) => verdict === 'caught') ? 0 : 1
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error))
  console.error(USAGE)
  return 2
})
