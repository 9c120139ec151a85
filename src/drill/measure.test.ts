import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exposures, judge, metricsOf, passed, spread, violations } from './measure.ts'
import type { DrillRecord, ReceiptRecord, SignalRecord, WaveRecord } from './record.ts'

const member = (key: string) => ({
  key,
  member: `identity--${key}`,
  slug: `${key}-csirt`,
  name: key,
  nation: key.toUpperCase(),
  alliances: ['a'],
  clock: { offsetMs: 0, errorMs: 1 },
  key64: '',
})

const wave = (of: string, id: string, started: number, address?: number): WaveRecord => ({
  wave: id,
  member: of,
  started,
  ended: started + 5000,
  replays: 50,
  skipped: 0,
  first: address === undefined ? {} : { address: { time: address, replay: 3, value: 'x', what: 'indicator--1' } },
})

const signal = (id: string, published: number, entitled: string[], holders = entitled): SignalRecord => ({
  id,
  by: 'ph',
  tlp: 'amber',
  wave: 'first',
  canary: `canary-${id}`,
  published,
  objects: [{ id: 'indicator--1', log: 'log1', index: 1 }],
  rules: 0,
  addresses: 1,
  techniques: { rule: ['T1090.001'], address: [] },
  entitled,
  holders,
})

const receipt = (kind: 'received' | 'armed', from: string, time: number, size = 2): ReceiptRecord => ({
  kind,
  from,
  author: 'ph',
  log: 'log1',
  size,
  time,
  arrived: time + 2,
  envelope: {},
})

function record(change: Partial<DrillRecord> = {}): DrillRecord {
  return {
    drill: 'd',
    scenario: 's',
    title: { en: 's' },
    summary: { en: '' },
    started: 0,
    ended: 10_000,
    members: [member('ph'), member('jp'), member('us')],
    waves: [wave('ph', 'first', 1000, 1010), wave('jp', 'first', 1001, 1350), wave('us', 'first', 1002)],
    signals: [signal('s1', 1060, ['jp', 'ph', 'us'])],
    waveTitles: {},
    cuts: [],
    delays: [],
    receipts: [receipt('received', 'jp', 1100), receipt('armed', 'jp', 1130), receipt('received', 'us', 1200, 1)],
    evidence: [],
    probes: [],
    operations: [],
    benign: [{ member: 'jp', events: 100, alerted: 0 }],
    expectations: [{ member: 'jp', wave: 'first', by: 'address', within: '1s' }],
    techniques: ['T1090.001'],
    ...change,
  }
}

test('the exposure window runs from the stimulus at the source to the first match elsewhere', () => {
  const [jp, us] = exposures(record())
  assert.deepEqual([jp?.from, jp?.to, jp?.ms, jp?.attempts, jp?.censored], ['ph', 'jp', 350, 4, false])
  assert.deepEqual([us?.to, us?.ms, us?.censored, us?.attempts, us?.censoredAtMs], ['us', null, true, 50, 5002])
})

test('a window is under the cut only if its own link was cut while it was open', () => {
  const cut = (between: [string, string], from: number, until: number) =>
    exposures(record({ cuts: [{ between, from, until }] })).map((w) => w.underCut)
  assert.deepEqual(cut(['ph', 'jp'], 1100, 1200), [true, false])
  assert.deepEqual(cut(['ph', 'jp'], 1400, 1500), [false, false], 'after the match')
  assert.deepEqual(cut(['jp', 'us'], 1100, 1200), [false, false], 'another link')
  assert.deepEqual(cut(['us', 'ph'], 900, 1000), [false, false], 'healed before the stimulus')
})

test('a miss stays in the sample: percentiles that fall among the misses are null', () => {
  assert.deepEqual(spread([10, null, 30, 20]), { n: 4, censored: 1, p50: 20, p90: null, max: null })
  assert.deepEqual(spread([]), { n: 0, censored: 0, p50: null, p90: null, max: null })
})

test('times are taken from publish, receipt and arming; a receipt that does not reach the entry proves nothing', () => {
  const m = metricsOf(record())
  assert.deepEqual(m.timeToDetect.p50, 10)
  assert.deepEqual(m.timeToShare.p50, 50)
  assert.deepEqual([m.timeToReceive.n, m.timeToReceive.censored, m.timeToReceive.p50], [2, 1, 40])
  assert.deepEqual([m.timeToProtect.censored, m.timeToProtect.p50], [1, 30])
  assert.deepEqual(m.reach, { entitled: 2, proved: 1 })
})

test('only a match at another member proves a technique', () => {
  assert.equal(metricsOf(record()).coverage[0]?.state, 'deployed')
  const waves = record().waves.map((w) => (w.member === 'jp' ? { ...w, techniques: ['T1090.001'] } : w))
  assert.equal(metricsOf(record({ waves })).coverage[0]?.state, 'proved')
})

test('a drill fails on a missed expectation, a leak, something withheld, or a false alarm', () => {
  assert.equal(passed(record()), true)
  assert.equal(passed(record({ expectations: [{ member: 'us', wave: 'first', by: 'address', within: '9s' }] })), false)
  assert.equal(
    passed(record({ expectations: [{ member: 'jp', wave: 'first', by: 'address', within: '349ms' }] })),
    false,
  )
  const probes = [{ signal: 's1', reader: 'th', way: '/metrics', found: true }]
  assert.equal(passed(record({ probes })), false)
  assert.equal(violations(record({ probes })).length, 1)
  assert.equal(passed(record({ signals: [signal('s1', 1060, ['jp', 'ph', 'us'], ['ph', 'us'])] })), false)
  assert.equal(passed(record({ signals: [signal('s1', 1060, ['jp', 'ph'], ['jp', 'ph', 'us'])] })), false)
  assert.equal(passed(record({ benign: [{ member: 'jp', events: 100, alerted: 1 }] })), false)
})

test('an expectation of holders is exact', () => {
  const held = (members: string[]) => judge(record({ expectations: [{ holds: 's1', members }] }))[0]?.met
  assert.equal(held(['ph', 'us', 'jp']), true)
  assert.equal(held(['ph', 'us']), false)
  assert.equal(held(['ph', 'us', 'jp', 'th']), false)
})

test('convergence runs from the healing to the receipt of what was published meanwhile', () => {
  const cuts = [{ between: ['ph', 'jp'] as [string, string], from: 1050, until: 1080 }]
  assert.equal(metricsOf(record({ cuts })).convergenceMs.p50, 20)
  const late = [{ between: ['ph', 'jp'] as [string, string], from: 1061, until: 1080 }]
  assert.equal(metricsOf(record({ cuts: late })).convergenceMs.n, 0)
})

test('a window is known, and kept apart, if what matched had been shared before the wave', () => {
  const early = { ...signal('s0', 500, ['jp', 'ph']), wave: 'zero', rules: 1, addresses: 0 }
  const waves = record().waves.map((w): WaveRecord =>
    w.member === 'jp' ? { ...w, first: { rule: { time: 1005, replay: 0, value: '', what: '' } } } : w,
  )
  const found = exposures(record({ signals: [early, ...record().signals], waves }))
  assert.deepEqual(
    found.map((w) => [w.to, w.by, w.known]),
    [
      ['jp', 'rule', true],
      ['jp', 'address', false],
      ['us', 'address', false],
    ],
  )
  const m = metricsOf(record({ signals: [early, ...record().signals], waves }))
  assert.deepEqual([m.exposureKnown.p50, m.exposure.n, m.exposure.censored], [5, 2, 2])
})
