// A whole alliance in one process under one seed: network, clocks and disks simulated, everything else as in a node.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { admits } from '#policy'
import { simulate } from './simulate.ts'

for (const seed of [1, 2, 3]) {
  test(`seed ${seed}: 13 members of two bridged alliances converge, leak nothing, lose nothing, accuse nobody`, async () => {
    const { violations, acknowledged, mirrored } = await simulate({ seed })
    assert.deepEqual(violations, [])
    assert.ok(acknowledged > 40 && mirrored > 100, `${acknowledged} acknowledged, ${mirrored} mirrored`)
  })
}

test('one seed gives one trace, another seed another', async () => {
  const small = { members: 5, publications: 10, troubleMs: 30_000, quietMs: 60_000 }
  const [first, again, other] = [
    await simulate({ ...small, seed: 7 }),
    await simulate({ ...small, seed: 7 }),
    await simulate({ ...small, seed: 8 }),
  ]
  assert.equal(first.trace, again.trace)
  assert.notEqual(first.trace, other.trace)
})

test('an access decision that says yes to everybody is caught', async () => {
  const yes: typeof admits = () =>
    ({ send: true, code: 'CLEAR', redact: [], onward: 'none' }) as ReturnType<typeof admits>
  const { violations } = await simulate({ seed: 1, members: 5, publications: 20, decides: yes })
  assert.ok(
    violations.some((violation) => violation.includes('does not admit it')),
    violations.join('\n'),
  )
})
