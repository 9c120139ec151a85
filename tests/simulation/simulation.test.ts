// Simulated alliances: the seeds that once found something, and as many steps of others as are asked for.
// NOROSHI_SIM_STEPS sets how many (CI: a million); NOROSHI_SEED runs that one seed alone.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shrink } from '../../src/federation/simulation/shrink.ts'
import { simulate } from '../../src/federation/simulation/simulate.ts'
import { runCampaign } from './campaign.ts'
import { report } from './report.ts'
import seeds from './seeds.json' with { type: 'json' }

const STEPS = Number(process.env['NOROSHI_SIM_STEPS'] ?? 100_000)
/** From this many steps on, every kind of fault and every rare path must have come about. */
const STEPS_FOR_COVERAGE = 500_000
const FIRST_SEED = 1_000
const THREADS = 2

const given = process.env['NOROSHI_SEED']

if (given !== undefined) {
  test(`seed ${given} keeps every promise`, () => keeps(Number(given)))
} else {
  for (const { seed, was } of seeds as { seed: number; was: string }[])
    test(`kept seed ${seed} keeps every promise: ${was}`, () => keeps(seed))

  test(`${STEPS} steps of simulated alliances: converged, entitled, durable, nobody unnoticed, nobody blamed`, async () => {
    const { failed, coverage, steps } = await runCampaign({ from: FIRST_SEED, steps: STEPS, threads: THREADS })
    for (const { seed } of failed) await keeps(seed)
    assert.ok(steps >= STEPS, `${steps} steps`)
    if (STEPS >= STEPS_FOR_COVERAGE) assert.deepEqual(coverage.missing(), [], 'never happened, and so proved nothing')
  })
}

async function keeps(seed: number): Promise<void> {
  const found = await simulate({ seed })
  if (found.violations.length === 0) return
  // A planted bug needs no short story.
  if (given !== undefined) assert.fail(found.violations.join('\n'))
  assert.fail(report(await shrink(found), found.plan.acts.length))
}
