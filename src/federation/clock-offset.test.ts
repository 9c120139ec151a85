import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type ClockSample, estimateOf, withSample } from './clock-offset.ts'

/** Exchanges with a peer whose clock is `offset` ahead; each takes so long there and so long back. */
function exchanges(offset: number, ways: readonly (readonly [there: number, back: number])[]): ClockSample[] {
  let [samples, now]: [ClockSample[], number] = [[], 1_000_000]
  for (const [there, back] of ways) {
    const sent = now
    samples = withSample(samples, { sent, time: sent + there + offset, now: sent + there + back })
    now += 60_000
  }
  return samples
}

test('one slow exchange says nothing yet; one short one does', () => {
  assert.deepEqual(estimateOf(exchanges(0, [[728, 2]])), { clockOffsetMs: null, clockBoundMs: null })
  assert.deepEqual(
    estimateOf(
      exchanges(40, [
        [728, 2],
        [3, 3],
      ]),
    ),
    { clockOffsetMs: 40, clockBoundMs: 4 },
  )
})

test('three slow exchanges do too, by the shortest of them and within the bound that is stated', () => {
  const slow = [
    [728, 2],
    [300, 10],
    [400, 400],
  ] as const
  assert.equal(estimateOf(exchanges(0, slow.slice(0, 2))).clockOffsetMs, null)
  assert.deepEqual(estimateOf(exchanges(0, slow)), { clockOffsetMs: 145, clockBoundMs: 156 })
})

test('the true offset is never further away than the bound', () => {
  const way = fc.tuple(fc.nat(5_000), fc.nat(5_000))
  fc.assert(
    fc.property(fc.integer({ min: -60_000, max: 60_000 }), fc.array(way, { maxLength: 20 }), (offset, ways) => {
      const { clockOffsetMs, clockBoundMs } = estimateOf(exchanges(offset, ways))
      if (clockOffsetMs === null || clockBoundMs === null) return
      assert.ok(Math.abs(clockOffsetMs - offset) <= clockBoundMs)
    }),
  )
})

test('where a clock was set, what was measured before no longer counts', () => {
  const before = exchanges(0, [
    [1, 1],
    [2, 2],
  ])
  const after = withSample(before, { sent: 2_000_000, time: 2_030_010, now: 2_000_020 })
  assert.deepEqual(estimateOf(after), { clockOffsetMs: 30_000, clockBoundMs: 11 })
})
