import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareTimestamps, parseTimestamp, TimestampError, timestampKey, timestampMillis, toTimestamp } from '#base'

const millis = fc.integer({ min: 0, max: 253_402_300_799_999 })

test('milliseconds survive the way to a timestamp and back', () => {
  fc.assert(fc.property(millis, (ms) => assert.equal(timestampMillis(toTimestamp(ms)), ms)))
})

test('seconds agree with Date for every day of four centuries', () => {
  for (let day = -25_567; day < 120_000; day += 1) {
    const text = `${new Date(day * 86_400_000).toISOString().slice(0, 10)}T00:00:00Z`
    assert.equal(parseTimestamp(text)?.seconds, day * 86_400)
  }
})

test('timestamps compare by instant with any number of decimals', () => {
  const cases: [string, string, number][] = [
    ['2026-01-01T00:00:00.1234567890001Z', '2026-01-01T00:00:00.123456789Z', 1],
    ['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000Z', 0],
    ['2026-01-01T00:00:00.09Z', '2026-01-01T00:00:00.1Z', -1],
    ['1969-12-31T23:59:59.9Z', '1970-01-01T00:00:00Z', -1],
  ]
  for (const [a, b, order] of cases) {
    assert.equal(compareTimestamps(a, b), order)
    assert.equal(compareTimestamps(b, a), order === 0 ? 0 : -order)
  }
})

test('keys sort as the instants do, and are equal for equal instants', () => {
  const stamp = fc
    .tuple(millis, fc.stringMatching(/^\d{0,12}$/))
    .map(([ms, more]) => `${toTimestamp(ms).slice(0, -1)}${more}Z`)
  fc.assert(
    fc.property(stamp, stamp, (a, b) => {
      const [left, right] = [timestampKey(a), timestampKey(b)]
      assert.equal(left < right ? -1 : left === right ? 0 : 1, compareTimestamps(a, b))
    }),
  )
})

test('texts that are no UTC timestamp are refused', () => {
  const bad = [
    '2026-01-01T00:00:60Z',
    '2026-01-01T24:00:00Z',
    '2026-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-01t00:00:00z',
    '2026-01-01T00:00:00',
    '2026-01-01T00:00:00.Z',
    '2026-01-01T00:00:00+00:00',
    '2026-01-01T00:00:00Z\n',
    ' 2026-01-01T00:00:00Z',
    '２026-01-01T00:00:00Z',
  ]
  for (const text of bad) {
    assert.equal(parseTimestamp(text), undefined, text)
    assert.throws(() => timestampKey(text), TimestampError)
  }
  assert.ok(parseTimestamp('2000-02-29T23:59:59.999999999999Z'))
})

test('times outside the years 1970 to 9999 have no timestamp', () => {
  for (const ms of [-1, 0.5, 253_402_300_800_000, NaN]) assert.throws(() => toTimestamp(ms), TimestampError)
})
