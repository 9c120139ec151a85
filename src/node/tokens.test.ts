import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openStore } from '#store'
import { Tokens } from './tokens.ts'

/** More than the store reads at once. */
const MANY = 1_300

test('tokens are known, listed and counted after a restart, however many there are', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'noroshi-tokens-'))
  try {
    const limit = MANY
    let made = 0
    const options = {
      now: () => 1,
      random: (bytes: number) => {
        const random = Buffer.alloc(bytes)
        random.writeUInt32BE(made++)
        return random
      },
      operatorToken: 'operator',
      limit,
    }
    let texts: string[]
    {
      await using store = await openStore({ folder, now: () => 1 })
      const tokens = await Tokens.open({ ...options, store })
      const created = await Promise.all(
        Array.from({ length: MANY }, (_, i) => tokens.create({ name: `t${i}`, scope: 'read' })),
      )
      texts = created.map(({ text }) => text)
    }
    await using store = await openStore({ folder, now: () => 1 })
    const tokens = await Tokens.open({ ...options, store })
    assert.deepEqual(
      texts.filter((text) => tokens.find(text) === undefined),
      [],
    )
    assert.equal(tokens.list().length, MANY)
    await assert.rejects(tokens.create({ name: 'one more', scope: 'read' }), { code: 'INPUT_INVALID' })
    const [last] = tokens.list().slice(-1)
    assert.equal(await tokens.revoke(last?.id ?? ''), true)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
