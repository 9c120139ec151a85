import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CacheBudget, KEPT_TEXT_MAX, ValueCache } from './value-cache.ts'

test('all caches together stay inside of their budget, whatever comes', () => {
  const budget = new CacheBudget(100_000)
  const caches = Array.from({ length: 5 }, () => new ValueCache<number>(budget))
  for (let i = 0; i < 50_000; i++) {
    caches[i % 5]!.set(`value ${i}`, i, 0)
    // Each text takes more than 100 bytes with its place in the table.
    assert.ok(caches.reduce((sum, cache) => sum + cache.size, 0) <= 1_000)
  }
})

test('what is asked for again stays while others come and go', () => {
  const budget = new CacheBudget(10_000)
  const cache = new ValueCache<number>(budget)
  cache.set('often', 7, 0)
  for (let i = 0; i < 10_000; i++) {
    cache.set(`once ${i}`, i, 0)
    assert.equal(cache.get('often'), 7)
  }
  assert.equal(cache.get('once 0'), undefined)
})

test('a value counts with the bytes it takes, and a long text is not kept', () => {
  const budget = new CacheBudget(10_000)
  const cache = new ValueCache<string>(budget)
  cache.set('a', 'x', 6_000)
  cache.set('b', 'x', 6_000)
  cache.set('c', 'x', 6_000)
  assert.ok(cache.size <= 1)
  cache.set('long'.repeat(KEPT_TEXT_MAX), 'x', 0)
  assert.equal(cache.get('long'.repeat(KEPT_TEXT_MAX)), undefined)
})
