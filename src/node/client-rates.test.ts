// A client that floods waits; another client does not.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertRate, ClientRates } from './client-rates.ts'
import { NodeError } from './errors.ts'

test('requests of one client are counted by the minute, and time works them off', () => {
  let now = 0
  const rates = new ClientRates({ requests: 60, bytes: 10 ** 9 }, () => now)
  for (let i = 0; i < 60; i++) assert.equal(rates.take('bank', 0), 0)
  assert.equal(rates.take('bank', 0), 1)
  assert.equal(rates.take('other', 0), 0)
  now = 1_000
  assert.equal(rates.take('bank', 0), 0)
  assert.equal(rates.take('bank', 0), 1)
})

test('bytes are counted too: one large body is taken whole, the next waits for what it was too much', () => {
  let now = 0
  const rates = new ClientRates({ requests: 1_000, bytes: 60_000 }, () => now)
  assert.equal(rates.take('bank', 120_000), 0)
  assert.equal(rates.take('bank', 1), 60)
  now = 61_000
  assert.equal(rates.take('bank', 1), 0)
})

test('the answer says for how long; a body of unknown length is not free', () => {
  const rates = new ClientRates({ requests: 1_000, bytes: 1_000_000 }, () => 0)
  let told = 0
  const headers = { 'transfer-encoding': 'chunked' }
  assertRate(rates, 'bank', headers, (seconds) => (told = seconds))
  assert.throws(
    () => assertRate(rates, 'bank', {}, (seconds) => (told = seconds)),
    (error: unknown) => error instanceof NodeError && error.code === 'RATE_LIMITED',
  )
  assert.ok(told >= 1)
})
