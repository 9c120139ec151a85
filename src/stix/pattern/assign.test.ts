import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { type Candidates, isAssignable } from './assign.ts'
import { Budget } from './budget.ts'

/** Candidates that are all seen at the moment 0. */
function listOf(observation: readonly number[]): Candidates {
  const times = observation.map(() => 0)
  return { observation, first: times, last: times, soonest: times, single: false }
}

const filled = (): Budget => {
  const budget = new Budget()
  budget.fill(1_000_000)
  return budget
}

/** Tries every use for every unit of every demand. */
function bruteForce(units: readonly (readonly number[])[], capacity: readonly number[]): boolean {
  const [unit, ...rest] = units
  if (!unit) return true
  return unit.some((at) => {
    const left = capacity.map((count, index) => (index === at ? count - 1 : count))
    return (left[at] ?? -1) >= 0 && bruteForce(rest, left)
  })
}

test('demands can be met exactly where trying every assignment meets them', () => {
  const sets = fc.array(
    fc.record({ of: fc.subarray([0, 1, 2, 3], { minLength: 1 }), amount: fc.integer({ min: 1, max: 3 }) }),
    { minLength: 1, maxLength: 5 },
  )
  const capacities = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 4, maxLength: 4 })
  fc.assert(
    fc.property(sets, capacities, (demands, capacity) => {
      const units = demands.flatMap(({ of, amount }) => Array.from({ length: amount }, () => of))
      fc.pre(units.length <= 9)
      const got = isAssignable(
        demands.map(({ amount }, candidates) => ({ candidates, from: -Infinity, to: Infinity, amount })),
        demands.map(({ of }) => listOf(of)),
        capacity,
        filled(),
      )
      assert.equal(got, bruteForce(units, capacity))
    }),
    { numRuns: 1000 },
  )
})
