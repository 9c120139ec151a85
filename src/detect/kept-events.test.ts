import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePattern, toStream } from '#stix'
import { type Keeper, KeptEvents, type Observer } from './kept-events.ts'

const SECOND = 1_000_000
const keeper = (): Keeper => ({
  stream: toStream(compilePattern('[t:a = 1] FOLLOWEDBY [t:b = 1]'), 60),
  shelves: new Set<never>(),
})
const at = (second: number, tests = [1]) => ({
  at: second * SECOND,
  time: second * 1_000,
  tests,
  ref: { line: second },
})
const host = (name: string, stream = 's'): Observer => ({ stream, host: name })

test('events of the window around a new one come by time, wherever it stands', () => {
  const kept = new KeptEvents()
  const one = keeper()
  for (const second of [100, 0, 61, 39, 160]) kept.add(one, host('h'), at(second))
  const { near, newest } = kept.add(one, host('h'), at(100))
  assert.deepEqual(
    near.map((event) => event.time / 1_000),
    [61, 100, 100, 160],
  )
  assert.equal(newest, 2)
})

test('a common event never pushes out a rare one, and what is lost is counted', () => {
  const kept = new KeptEvents({ perPattern: 10 })
  const one = keeper()
  kept.add(one, host('h'), at(0, [1]))
  for (let second = 1; second <= 50; second++) kept.add(one, host('h'), at(second, [2]))
  const { near } = kept.add(one, host('h'), at(51, [2]))
  assert.ok(near.some(({ tests }) => tests[0] === 1))
  assert.equal(kept.size, 10)
  assert.equal(kept.dropped, 42)
})

test('what is too old to matter goes uncounted, and a clock that runs ahead costs no other event', () => {
  const kept = new KeptEvents({ perPattern: 3 })
  const one = keeper()
  for (let second = 0; second < 1_000; second += 100) kept.add(one, host('h'), at(second))
  assert.equal(kept.dropped, 0)
  kept.add(one, host('h'), at(4_000_000_000))
  const { near } = kept.add(one, host('h'), at(950))
  assert.deepEqual(
    near.map(({ time }) => time / 1_000),
    [900, 950],
  )
})

test('without room the observer goes that was silent for longest, of the stream that holds most', () => {
  const kept = new KeptEvents({ observers: 4 })
  const one = keeper()
  kept.add(one, host('quiet', 'small'), at(0))
  for (const name of ['a', 'b', 'c', 'a', 'd']) kept.add(one, host(name, 'large'), at(1))
  assert.equal(kept.observers, 4)
  const sizes = ['quiet', 'a', 'c', 'd'].map(
    (name) => kept.add(one, host(name, name === 'quiet' ? 'small' : 'large'), at(2)).near.length,
  )
  assert.deepEqual(sizes, [2, 3, 2, 2])
  assert.equal(kept.dropped, 1)
})

test('the total is a bound, also for one observer with many patterns', () => {
  const kept = new KeptEvents({ total: 10 })
  const many = Array.from({ length: 5 }, keeper)
  for (let second = 0; second < 30; second++)
    for (const one of many) {
      const { near } = kept.add(one, host('h'), at(second))
      assert.ok(near.length >= 1)
      assert.ok(kept.size <= 10)
    }
  const alone = new KeptEvents({ total: 3 })
  const [one] = many
  for (let second = 0; second < 30; second++) alone.add(one!, host('x'), at(second))
  assert.equal(alone.size, 3)
})

test('forgetting a pattern gives back its room and its observers', () => {
  const kept = new KeptEvents()
  const [one, other] = [keeper(), keeper()]
  for (const name of ['a', 'b']) kept.add(one, host(name), at(0))
  kept.add(other, host('b'), at(0))
  kept.forget(one)
  assert.deepEqual([kept.size, kept.observers, one.shelves.size], [1, 1, 0])
  kept.forget(other)
  assert.deepEqual([kept.size, kept.observers], [0, 0])
})
