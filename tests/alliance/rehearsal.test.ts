// The rehearsal with real node processes: it passes as shipped, fails with a broken policy, and measures what it says.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { fromBase64, type JsonObject } from '#base'
import type { DrillReport, Scenario } from '#drill'
import { type Envelope, verifyStatement } from '#log'
import { runRehearsal } from '#node'
import { firstWaveOnly, scenarioVariant, temporaryFolder } from './scenario-variant.ts'

const SHIPPED = fileURLToPath(new URL('../../scenarios/router-botnet/scenario.yaml', import.meta.url))
const BROKEN_NODE = fileURLToPath(new URL('./broken-node.ts', import.meta.url))

async function drill(folder: string, scenarioPath: string, serve?: readonly string[]): Promise<DrillReport> {
  await using rehearsal = await runRehearsal({
    scenarioPath,
    folder: join(folder, 'nodes'),
    now: Date.now,
    onProgress: () => undefined,
    ...(serve ? { serve } : {}),
  })
  for (const file of Object.values(rehearsal.files)) assert.ok(existsSync(file), file)
  return rehearsal.report
}

const why = (report: DrillReport) =>
  JSON.stringify(
    { missed: report.judgements.filter((j) => !j.met), violations: report.violations, exposure: report.exposure },
    null,
    1,
  )

test('the shipped scenario passes, and an outsider can recompute its headline from the signed statements', async () => {
  using folder = temporaryFolder()
  const report = await drill(folder.path, SHIPPED)
  assert.ok(report.passed, why(report))
  assert.equal(report.violations.length, 0)
  assert.ok(report.metrics.probes > 50, `${report.metrics.probes} probes`)
  const underCut = report.exposure.find((w) => w.to === 'jp' && w.wave === 'second' && w.by === 'address')
  assert.ok(underCut?.underCut && (underCut.ms ?? 0) > 4000, why(report))
  const whole = report.exposure.find((w) => w.to === 'us' && w.wave === 'second' && w.by === 'address')
  assert.ok(whole?.ms != null && whole.ms < 2000, 'a cut of another link costs the US nothing')
  assert.equal(report.metrics.reach.proved, report.metrics.reach.entitled)
  assert.ok(report.metrics.coverage.some((c) => c.state === 'proved'))
  verifyEvidence(report)
})

/** Checks every signature under the members' keys and reads the first match of one window again. */
function verifyEvidence(report: DrillReport): void {
  const keys = new Map(report.members.map((m) => [m.member, fromBase64(m.key64)]))
  const envelopes = [...report.receipts, ...report.evidence] as unknown as Envelope[]
  assert.ok(envelopes.length > 8)
  for (const envelope of envelopes) {
    const { type, member } = envelope.statement as { type: string; member: string }
    const key = keys.get(member)
    assert.ok(key, `no key of ${member}`)
    verifyStatement(envelope, type, [key])
  }
  const us = report.members.find((m) => m.key === 'us')
  const hits = report.evidence
    .map(
      (envelope) =>
        envelope['statement'] as unknown as { member: string; data: { stream: string; rows: { value: JsonObject }[] } },
    )
    .filter(({ member, data }) => member === us?.member && data.stream === 'hits')
    .flatMap(({ data }) => data.rows.map(({ value }) => value))
    .filter((hit) => String(hit['run']).split('/')[1] === 'first' && hit['indicator'] !== undefined)
  const first = Math.min(...hits.map((hit) => Number(hit['time'])))
  const stimulus = report.record.waves.find((w) => w.member === 'ph' && w.wave === 'first')?.started ?? 0
  const window = report.exposure.find((w) => w.to === 'us' && w.wave === 'first' && w.by === 'address')
  assert.equal(window?.ms, first - (us?.clock.offsetMs ?? 0) - stimulus)
}

test('with a policy that admits everybody the same drill fails and names the leak', async () => {
  using folder = temporaryFolder()
  const path = scenarioVariant(folder.path, (scenario) => firstWaveOnly(scenario))
  const report = await drill(folder.path, path, [BROKEN_NODE])
  assert.equal(report.passed, false)
  assert.ok(
    report.violations.some((v) => v.signal === 'for-one'),
    why(report),
  )
})

test('doubling an artificial link delay moves the exposure window', async () => {
  const windowWithDelay = async (delay: string) => {
    using folder = temporaryFolder()
    const path = scenarioVariant(folder.path, (scenario) => {
      firstWaveOnly(scenario, '4s')
      scenario.faults = [{ delay: ['ph', 'us'], by: delay }]
    })
    const report = await drill(folder.path, path)
    const of = (to: string) => report.exposure.find((w) => w.to === to && w.by === 'address')?.ms ?? Infinity
    return { us: of('us'), jp: of('jp') }
  }
  const [short, long] = [await windowWithDelay('250ms'), await windowWithDelay('500ms')]
  assert.ok(short.us >= 250, `one way takes 250 ms, the window was ${short.us}`)
  // 250 ms more, less the 100 ms between two replays, which is how finely a window can be seen.
  assert.ok(long.us - short.us >= 150, `from ${short.us} to ${long.us}`)
  assert.ok(long.us > long.jp + 150, 'the delayed link alone is slower')
})

test('a scenario with other addresses, members and delays works unchanged', async () => {
  using folder = temporaryFolder()
  const path = scenarioVariant(folder.path, (scenario) => {
    firstWaveOnly(scenario)
    rename(scenario, { jp: 'kr', us: 'au', ph: 'vn', th: 'id' })
    for (const wave of scenario.waves) wave.values = { router: '2001:db8::41', relay: '192.0.2.200', listen: '5555' }
    scenario.faults = [{ delay: ['vn', 'kr'], by: '40ms' }]
  })
  const report = await drill(folder.path, path)
  assert.ok(report.passed, why(report))
  assert.deepEqual(report.members.map((m) => m.key).sort(), ['au', 'id', 'kr', 'vn'])
})

/** Other members under other keys, everywhere in the scenario. */
function rename(scenario: Scenario, names: Record<string, string>): void {
  const to = (key: string) => names[key] ?? key
  scenario.members = Object.fromEntries(
    Object.entries(scenario.members).map(([key, m]) => [
      to(key),
      { ...m, slug: `${to(key)}-csirt`, name: `CSIRT of ${to(key)}`, nation: to(key).toUpperCase() },
    ]),
  )
  for (const [alliance, keys] of Object.entries(scenario.alliances)) scenario.alliances[alliance] = keys.map(to)
  for (const signal of scenario.signals) {
    signal.by = to(signal.by)
    signal.to = signal.to.map((target) => (target.startsWith('member:') ? `member:${to(target.slice(7))}` : target))
  }
  for (const expectation of scenario.expectations) {
    if ('holds' in expectation) expectation.members = expectation.members.map(to)
    else expectation.member = to(expectation.member)
  }
}
