import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { ObservationNode } from './ast.ts'
import { bindings, leaves, observed, TOO_MANY, trees } from './brute-force.ts'
import { compilePattern, matchObservations } from './match.ts'
import type { Observation } from './observed.ts'
import { printObservation } from './print.ts'
import { bindKept, type Kept, type StreamPattern, testsMet, toStream } from './stream.ts'

const STEPS = 5_000_000
/** Longer than any stream of these tests. */
const DAY_SECONDS = 86_400
const sightings = fc.array(fc.record({ second: fc.integer({ min: 0, max: 7 }), keys: fc.subarray(leaves) }), {
  minLength: 1,
  maxLength: 6,
})

/** Feeds observations one by one, keeping all: which of them completed a binding, and with which others. */
function feed(stream: StreamPattern, observations: readonly Observation[]): (Observation[] | undefined)[] {
  const kept: Kept[] = []
  const of: Observation[] = []
  return observations.map((observation) => {
    stream.compiled.plan.budget.fill(STEPS)
    const tests = testsMet(stream, observation)
    if (!tests) return undefined
    kept.push({ at: observation.first, tests })
    of.push(observation)
    if (stream.single) return [observation]
    return bindKept(stream, kept, kept.length - 1)?.map((at) => of[at]!)
  })
}

test('an observation completes a pattern exactly where some binding of those so far uses it', () => {
  let completed = 0
  fc.assert(
    fc.property(trees, sightings, (tree, rows) => {
      const observations = rows.map(({ second, keys }) =>
        observed(second, Object.fromEntries(keys.map((key) => [key, 1]))),
      )
      const text = printObservation(tree)
      const compiled = compilePattern(text)
      let all: Observation[][]
      try {
        all = bindings(tree, observations)
      } catch (error) {
        if (error === TOO_MANY) return
        throw error
      }
      const found = feed(toStream(compiled, DAY_SECONDS), observations)
      for (const [at, binding] of found.entries()) {
        const soFar = observations.slice(0, at + 1)
        const expected = all.some(
          (set) => set.includes(observations[at]!) && set.every((observation) => soFar.includes(observation)),
        )
        assert.equal(binding !== undefined, expected, `${text} at ${at}`)
        if (!binding) continue
        completed++
        assert.ok(binding.includes(observations[at]!), 'the newest is part of the binding')
        assert.equal(new Set(binding).size, binding.length, 'no observation stands twice')
        assert.ok(matchObservations(compilePattern(text), binding), `${text}: the binding alone matches`)
      }
      assert.equal(
        found.some((binding) => binding !== undefined),
        matchObservations(compiled, observations),
        text,
      )
    }),
    { numRuns: 3_000 },
  )
  assert.ok(completed > 500, 'the random patterns match often enough')
})

test('a part without WITHIN is matched as if one of the given length stood around it', () => {
  // No WITHIN of the random patterns is longer.
  const seconds = 4
  fc.assert(
    fc.property(trees, sightings, (tree, rows) => {
      const observations = rows.map(({ second, keys }) =>
        observed(second, Object.fromEntries(keys.map((key) => [key, 1]))),
      )
      const within: ObservationNode = { kind: 'within', operand: tree, seconds }
      const stream = toStream(compilePattern(printObservation(tree)), seconds)
      const found = feed(stream, observations).some((binding) => binding !== undefined)
      assert.equal(found, matchObservations(compilePattern(printObservation(within)), observations))
      assert.ok(stream.span <= seconds * 1_000_000)
    }),
    { numRuns: 1_000 },
  )
})

test('a longer WITHIN inside is not cut short, and alternatives keep windows of their own', () => {
  const spanOf = (text: string) => toStream(compilePattern(text), 60).span / 1_000_000
  assert.equal(spanOf('[t:a = 1] FOLLOWEDBY [t:b = 1]'), 60)
  assert.equal(spanOf('([t:a = 1] FOLLOWEDBY [t:b = 1]) WITHIN 5 SECONDS'), 5)
  assert.equal(spanOf('([t:a = 1] FOLLOWEDBY [t:b = 1]) WITHIN 90 SECONDS AND [t:c = 1]'), 90)
  assert.equal(spanOf('[t:a = 1] REPEATS 3 TIMES WITHIN 5 SECONDS OR [t:c = 1] REPEATS 2 TIMES WITHIN 7 SECONDS'), 7)
  assert.equal(spanOf('[t:a = 1] OR [t:b = 1] WITHIN 5 SECONDS'), 0)
})
