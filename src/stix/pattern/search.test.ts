import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { bindings, leaves, observed, TOO_MANY, trees } from './brute-force.ts'
import { PatternError } from './error.ts'
import { compilePattern, matchObservations } from './match.ts'
import type { Observation } from './observed.ts'
import { printObservation } from './print.ts'

const sightings = fc.array(
  fc.record({
    second: fc.integer({ min: 0, max: 7 }),
    length: fc.constantFrom(0, 0, 1, 3),
    count: fc.constantFrom(1, 1, 2),
    keys: fc.subarray(leaves, { minLength: 1 }),
  }),
  { minLength: 1, maxLength: 4 },
)

test('the search finds a binding exactly where trying every binding finds one', () => {
  fc.assert(
    fc.property(trees, sightings, (tree, rows) => {
      const observations = rows.map(({ second, length, count, keys }) =>
        observed(second, Object.fromEntries(keys.map((key) => [key, 1])), { until: second + length, count }),
      )
      const copies = observations.flatMap((observation) =>
        Array.from({ length: observation.count }, () => ({ ...observation })),
      )
      let expected: boolean
      try {
        expected = bindings(tree, copies).length > 0
      } catch (error) {
        if (error === TOO_MANY) return
        throw error
      }
      assert.equal(
        matchObservations(compilePattern(printObservation(tree)), observations),
        expected,
        printObservation(tree),
      )
    }),
    { numRuns: 3000 },
  )
})

test('hostile patterns and data end within a second, with an answer or a refusal', () => {
  const observations = Array.from({ length: 2_000 }, (_, at) => observed(at % 97, { v: at % 3, s: 'a'.repeat(2_000) }))
  const nest = (text: string, times: number): string =>
    times === 0 ? text : nest(`(${text} AND ${text}) WITHIN 1 SECONDS`, times - 1)
  for (const pattern of [
    `(${nest('[t:v = 1]', 6)}) REPEATS 500 TIMES`,
    '([t:v=1] FOLLOWEDBY [t:v=2] FOLLOWEDBY [t:v=1]) REPEATS 600 TIMES',
    '(([t:v=1] OR ([t:v=2] AND [t:v=0]) OR ([t:v=0] AND [t:v=1])) REPEATS 400 TIMES) WITHIN 1 SECONDS',
    "[t:s MATCHES '(a*)*b'] REPEATS 3 TIMES",
    "[t:s MATCHES '" + '.{1000}'.repeat(100) + "']",
    "[t:s MATCHES '" + '.{1000}'.repeat(580) + "']",
    "[t:s MATCHES '(a?){1000}a{1000}$']",
    "[t:s MATCHES '(.{0,160}a){3}b?$']",
    "[t:s LIKE '%a%a%a%a%a%a_b' OR t:s LIKE '_%_%_%_%b']",
    `[${Array.from({ length: 20_000 }, (_, at) => `t${at}:v=1`).join(' AND ')}]`,
    `[${Array.from({ length: 20_000 }, (_, at) => `t:v='${at}'`).join(' OR ')}]`,
    "[t:s LIKE '%a%a%a%a%a%a_b'] REPEATS 3 TIMES",
    `[t:v=1]${' FOLLOWEDBY [t:v=2] FOLLOWEDBY [t:v=1]'.repeat(100)}`,
    `[t:v=1]${' AND [t:v=2]'.repeat(5_000)}`,
    `[t:v=9]${' OR [t:v=9]'.repeat(20_000)}`,
    `([t:v=1 OR t:v=7]${Array.from({ length: 900 }, (_, at) => ` AND [t:v=${at % 4} OR t:w=${at}]`).join('')}) WITHIN 9 SECONDS`,
    '([t:v=1] FOLLOWEDBY [t:v=2]) REPEATS 1000000 TIMES',
    '([t:v=1] REPEATS 1000000 TIMES WITHIN 1 SECONDS) REPEATS 1000000 TIMES',
  ]) {
    for (const count of [1, 1e9])
      endsInTime(
        pattern,
        observations.map((observation) => ({ ...observation, count })),
      )
  }
})

function endsInTime(pattern: string, observations: readonly Observation[]): void {
  const before = process.cpuUsage()
  try {
    matchObservations(compilePattern(pattern), observations)
  } catch (error) {
    assert.ok(error instanceof PatternError && ['PATTERN_BUDGET', 'PATTERN_REGEX'].includes(error.code), String(error))
  }
  const { user, system } = process.cpuUsage(before)
  assert.ok(user + system < 1_500_000, `${pattern} took ${(user + system) / 1000} ms`)
}
