import assert from 'node:assert/strict'
import { test } from 'node:test'
import { progressBar, progressLine } from './validate-progress.ts'

test('a line of progress has the bar, bytes, rate, time left and counts', () => {
  const line = progressLine({ bytes: 25_000_000, size: 100_000_000, elapsed: 500, objects: 12_345, invalid: 6 })
  assert.equal(line, '[#####...............]  25 %  25.0/100.0 MB  50.0 MB/s  0:02 left  12,345 objects, 6 invalid')
  assert.match(progressLine({ bytes: 0, size: 9, elapsed: 0, objects: 0, invalid: 0 }), /\]   0 % .*–:–– left/)
  const hours = progressLine({ bytes: 1_000_000, size: 7_201_000_000, elapsed: 1_000, objects: 1, invalid: 0 })
  assert.match(hours, / 2:00:00 left /)
})

test('of an input without a known size, the time that passed stands in the place of the time left', () => {
  const line = progressLine({ bytes: 3_000_000, elapsed: 61_000, objects: 7, invalid: 0 })
  assert.equal(line, '3.0 MB  0.0 MB/s  1:01  7 objects, 0 invalid')
  // A file that grows while it is read has more bytes than it had.
  assert.match(progressLine({ bytes: 30, size: 20, elapsed: 1, objects: 0, invalid: 0 }), /^\[#{20}\] 100 %/)
})

test('the bar is drawn ten times a second at most, and only where a person watches', () => {
  const drawn: string[] = []
  let now = 0
  const output = (isWatched: boolean) => ({
    isWatched,
    line: async () => undefined,
    text: async () => undefined,
    note: () => undefined,
    progress: (text: string) => void drawn.push(text),
  })
  const counts = { objects: 1, invalid: 0 }
  const watched = progressBar(output(true), 'a.json', 1_000, () => now)
  for (; now < 250; now += 10) watched(now, counts)
  assert.equal(drawn.length, 3)
  assert.match(drawn[0] ?? '', /1 objects, 0 invalid a\.json$/)
  const unwatched = progressBar(output(false), 'a.json', 1_000, () => now)
  unwatched(1, counts)
  assert.equal(drawn.length, 3)
})
