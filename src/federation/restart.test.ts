// What a federation keeps as records is all there after a restart: the store reads a thousand of them at once.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { KeyId } from '#base'
import { openStore } from '#store'
import { Nonces } from './nonces.ts'

const MANY = 1_300
const KEY = 'k'.repeat(8) as KeyId

test('no request is taken a second time after a restart, however many came before it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'noroshi-nonces-'))
  try {
    const names = Array.from({ length: MANY }, (_, i) => `n${i}`)
    {
      await using store = await openStore({ folder, now: () => 1 })
      const nonces = await Nonces.open(store, MANY)
      await Promise.all(names.map((name) => nonces.claim(KEY, name, 1_000)))
    }
    await using store = await openStore({ folder, now: () => 1 })
    const nonces = await Nonces.open(store, MANY)
    const again = await Promise.all(names.map((name) => nonces.claim(KEY, name, 1_000)))
    assert.deepEqual(new Set(again), new Set(['replayed']))
    assert.equal(await nonces.claim(KEY, 'one more', 1_000), 'flooded')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
