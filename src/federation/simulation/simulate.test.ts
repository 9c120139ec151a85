// A whole alliance in one process under one seed: network, clocks and disks simulated, everything else as in a node.
// Many seeds, kept seeds and coverage: tests/simulation.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { admits } from '#policy'
import { shrink } from './shrink.ts'
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

const yes: typeof admits = () =>
  ({ send: true, code: 'CLEAR', redact: [], onward: 'none' }) as ReturnType<typeof admits>

test('an access decision that says yes to everybody is caught, and told by the one act that shows it', async () => {
  const found = await simulate({ ...SMALL, seed: 1, decides: yes })
  const isCaught = (violation: string) => violation.includes('does not admit it')
  assert.ok(found.violations.some(isCaught), found.violations.join('\n'))
  const least = await shrink(found, undefined, { decides: yes })
  assert.ok(least.violations.some(isCaught), least.violations.join('\n'))
  assert.deepEqual(
    least.plan.acts.map((act) => act.do),
    ['publish'],
  )
  assert.ok(least.story.length < 10, least.story.join('\n'))
})

test('a member that lost versions of a charter gets them from members that nobody can call', async () => {
  const named = { nation: 'JP', skewMs: 0 }
  const standing = { east: 'active' } as const
  const vote = { do: 'approve', alliance: 'east', nth: 0, node: 1 } as const
  const change = { change: 'observers', level: 'clear' } as const
  const proposal = { do: 'amend', alliance: 'east', change, isRival: false, node: 0 } as const
  const { violations, coverage } = await simulate({
    seed: 1,
    plan: {
      seed: 1,
      members: [
        { ...named, slug: 'm0', standing, outbound: true },
        { ...named, slug: 'm1', standing, outbound: false },
        { ...named, slug: 'm2', standing, outbound: true },
      ],
      weather: { delayMs: [1, 30], loss: 0, duplication: 0, replay: 0 },
      cycles: 1,
      troubleMs: 80_000,
      acts: [
        { ...proposal, at: 10_000, cycle: 0 },
        { ...vote, at: 15_000, cycle: 0 },
        { ...proposal, change: { change: 'observers', level: 'green' }, at: 30_000, cycle: 0 },
        { ...vote, at: 35_000, cycle: 0 },
        { do: 'restore', node: 1, downMs: 10, at: 50_000, cycle: 0 },
      ],
    },
  })
  assert.deepEqual(violations, [])
  assert.equal(coverage['charter in force'], 11, 'three at the founding, two changes at three members, two once more')
})
