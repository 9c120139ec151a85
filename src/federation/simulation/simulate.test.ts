// A whole alliance in one process under one seed: network, clocks and disks simulated, everything else as in a node.
// Many seeds, kept seeds and coverage: tests/simulation.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { admits } from '#policy'
import { simulate } from './simulate.ts'

const SMALL = { members: 4, cycles: 1, troubleMs: 60_000 }

test('one seed gives one trace, another seed another', async () => {
  const [first, again, other] = [
    await simulate({ ...SMALL, seed: 7 }),
    await simulate({ ...SMALL, seed: 7 }),
    await simulate({ ...SMALL, seed: 8 }),
  ]
  assert.deepEqual([first.violations, other.violations], [[], []])
  assert.equal(first.trace, again.trace)
  assert.notEqual(first.trace, other.trace)
})

test('an access decision that says yes to everybody is caught', async () => {
  const yes: typeof admits = () =>
    ({ send: true, code: 'CLEAR', redact: [], onward: 'none' }) as ReturnType<typeof admits>
  const { violations } = await simulate({ ...SMALL, seed: 1, decides: yes })
  assert.ok(
    violations.some((violation) => violation.includes('does not admit it')),
    violations.join('\n'),
  )
})
