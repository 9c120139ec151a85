import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { utf8 } from '#base'
import { openStore } from '#store'
import { Embargoes, heldReleases } from './embargoes.ts'
import type { NodeEvents } from './events.ts'
import type { Release } from './sharing-rules.ts'

/** More than are published at once. */
const MANY = 1_300
const END = 1_000_000

test('embargoes that end at one moment are all published then, each once, and later ones are not', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'noroshi-embargoes-'))
  try {
    await using store = await openStore({ folder, now: () => 1 })
    const published: string[] = []
    const failed: unknown[] = []
    let now = 1
    const options = {
      store,
      events: { failed: (_: string, error: unknown) => failed.push(error) } as unknown as NodeEvents,
      now: () => now,
      publish: async (releases: readonly Release[]) => published.push(...releases.map(({ id }) => id)),
    }
    const name = (i: number) => `note--${String(i).padStart(6, '0')}`
    const release = (i: number, notBefore: number) =>
      ({ id: name(i), json: utf8('{}'), audience: { v: 1, tlp: 'green' }, notBefore }) as unknown as Release
    {
      await using embargoes = new Embargoes(options)
      await embargoes.hold(Array.from({ length: MANY }, (_, i) => release(i, END)))
      await embargoes.hold([release(MANY, END + 1)])
    }
    assert.deepEqual(published, [])
    assert.equal((await heldReleases(store)).length, MANY + 1)
    now = END
    {
      await using embargoes = new Embargoes(options)
      embargoes.look()
    }
    assert.deepEqual(failed, [])
    assert.deepEqual(
      published,
      Array.from({ length: MANY }, (_, i) => name(i)),
    )
    assert.deepEqual(
      (await heldReleases(store)).map(({ id }) => id),
      [name(MANY)],
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
})
