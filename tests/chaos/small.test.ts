// Four nodes in both alliances, few links and many faults: the same promises as in the large run, in less time.
import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { chaosRun } from './chaos-run.ts'

/** Silence is noticed after 8 s, a request given up after 5 s, the next try made within 3 s: the rest is for a busy machine. */
const STREAMS_MS = 40_000

const alliances = { trilateral: ['jp-nco', 'ph-ncert', 'us-cisa'], 'asean-japan': ['jp-nco', 'ph-ncert', 'th-ncsa'] }

test('four nodes under faults and kills end with identical logs at all entitled members, and nothing lost, doubled or leaked', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'noroshi-chaos-small-'))
  const outcome = await chaosRun(
    folder,
    {
      alliances,
      seed: Number(process.env['NOROSHI_SEED'] ?? 4),
      ms: 6_000,
      faultEachMs: 200,
      killEachMs: 600,
      publishEachMs: 60,
      faultMostMs: 2_500,
      downMostMs: 700,
      limits: { linkRequestMs: 5_000, linkKeepaliveMs: 2_000, linkIdleMs: 8_000, linkBackoffMs: 3_000 },
      streamsMs: STREAMS_MS,
    },
    (line) => context.diagnostic(line),
  )
  const { counts, acknowledged, faults } = outcome
  assert.deepEqual(faults.slice(0, 20), [], `${faults.length} faults; the data directories are in ${folder}`)
  assert.ok(acknowledged > 30, JSON.stringify(counts))
  assert.ok((counts['kill'] ?? 0) > 1 && (counts['connections spoiled'] ?? 0) > 5, JSON.stringify(counts))
})
