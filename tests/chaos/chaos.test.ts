// Thirteen node processes in both alliances, a relay with faults on every link, SIGKILL at random.
import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { BOTH_ALLIANCES, chaosRun } from './chaos-run.ts'
import { planOf } from './plan.ts'

const SHORT = {
  alliances: BOTH_ALLIANCES,
  seed: Number(process.env['NOROSHI_SEED'] ?? 13),
  ms: 10_000,
  faultEachMs: 120,
  killEachMs: 1_600,
  publishEachMs: 110,
  faultMostMs: 2_500,
  downMostMs: 700,
  limits: { linkRequestMs: 8_000, linkKeepaliveMs: 3_000, linkIdleMs: 12_000, linkBackoffMs: 5_000 },
  streamsMs: 90_000,
}

test('thirteen nodes under faults and kills end with identical logs at all entitled members, and nothing lost, doubled or leaked', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'noroshi-chaos-short-'))
  const outcome = await chaosRun(folder, SHORT, (line) => context.diagnostic(line))
  const { counts, acknowledged, faults } = outcome
  assert.deepEqual(faults.slice(0, 20), [], `${faults.length} faults; the data directories are in ${folder}`)
  assert.ok(acknowledged > 30, JSON.stringify(counts))
  assert.ok((counts['kill'] ?? 0) > 1 && (counts['connections spoiled'] ?? 0) > 10, JSON.stringify(counts))
})

test('a seed fixes the plan: faults, kills and publications at the same instants; another seed gives another', () => {
  assert.deepEqual(planOf(SHORT), planOf(SHORT))
  assert.notDeepEqual(planOf(SHORT), planOf({ ...SHORT, seed: SHORT.seed + 1 }))
  const steps = planOf({ ...SHORT, ms: 600_000 })
  for (const what of ['cut', 'delay', 'trickle', 'half-open', 'reset', 'double', 'blackhole', 'full'])
    assert.ok(
      steps.some((step) => step.do === 'fault' && step.fault === what),
      what,
    )
  for (const what of ['kill', 'start', 'publish', 'recall', 'heal'])
    assert.ok(
      steps.some((step) => step.do === what),
      what,
    )
})
