// Four nodes in both alliances, few links and many faults: the same promises as in the large run, in less time.
import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { chaosRun } from './chaos-run.ts'

const alliances = { trilateral: ['jp-nco', 'ph-ncert', 'us-cisa'], 'asean-japan': ['jp-nco', 'ph-ncert', 'th-ncsa'] }

test('four nodes under faults and kills end with identical logs at all entitled members, and nothing lost, doubled or leaked', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'noroshi-chaos-small-'))
  const { counts, acknowledged, faults } = await chaosRun(folder, {
    alliances,
    seed: Number(process.env['NOROSHI_SEED'] ?? 4),
    ms: 9_000,
    faultEachMs: 350,
    killEachMs: 1_000,
    publishEachMs: 60,
    faultMostMs: 2_500,
    downMostMs: 700,
    healsSilently: process.env['NOROSHI_CHAOS_SILENT'] === '1',
  })
  assert.deepEqual(faults.slice(0, 20), [], `${faults.length} faults; the data directories are in ${folder}`)
  assert.ok(acknowledged > 30, JSON.stringify(counts))
  assert.ok((counts['kill'] ?? 0) > 2 && (counts['connections spoiled'] ?? 0) > 5, JSON.stringify(counts))
})
