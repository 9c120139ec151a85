import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { ObservationNode } from './ast.ts'
import { PatternError } from './error.ts'
import { compilePattern, matchObservations } from './match.ts'
import { microsOf, type Observation, toObservation } from './observed.ts'
import { printObservation } from './print.ts'

const SECOND = 1_000_000

/** One observation of one SCO of type `t`. */
function observed(second: number, properties: object, { until = second, count = 1 } = {}): Observation {
  const at = (moment: number) => new Date(Date.UTC(2024, 0, 1) + moment * 1000).toISOString()
  const sco = { type: 't', ...properties }
  const times = { first_observed: at(second), last_observed: at(until) }
  return toObservation({ ...times, number_observed: count, object_refs: ['t--1'] }, () => sco)
}

const leaves = ['a', 'b', 'c']
const trees = fc.letrec<{ tree: ObservationNode }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.subarray(leaves, { minLength: 1 }).map((keys): ObservationNode => ({
      kind: 'observation',
      comparison: { kind: 'or', operands: keys.map((key) => ({ kind: 'exists', object: 't', path: [key] })) },
    })),
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const, 'followedBy' as const),
      operands: fc.array(tie('tree'), { minLength: 2, maxLength: 3 }),
    }),
    fc.record({ kind: fc.constant('within' as const), operand: tie('tree'), seconds: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ kind: fc.constant('repeats' as const), operand: tie('tree'), times: fc.integer({ min: 1, max: 3 }) }),
    fc.record({
      kind: fc.constant('startStop' as const),
      operand: tie('tree'),
      start: fc.constant('2024-01-01T00:00:02Z'),
      stop: fc.constant('2024-01-01T00:00:06Z'),
    }),
  ),
})).tree
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

/** Every set of observations that section 9 lets stand for the expression, by trying all of them. */
function bindings(node: ObservationNode, copies: readonly Observation[]): Observation[][] {
  switch (node.kind) {
    case 'observation': {
      const match = compilePattern(printObservation(node))
      return copies.filter((copy) => matchObservations(match, [copy])).map((copy) => [copy])
    }
    case 'or':
      return node.operands.flatMap((operand) => bindings(operand, copies))
    case 'and':
      return node.operands.map((operand) => bindings(operand, copies)).reduce((a, b) => join(a, b))
    case 'repeats':
      return Array.from({ length: node.times }, () => bindings(node.operand, copies)).reduce((a, b) => join(a, b))
    case 'followedBy':
      return node.operands
        .map((operand) => bindings(operand, copies))
        .reduce((a, b) =>
          join(a, b, (x, y) => Math.max(...x.map(({ first }) => first)) <= Math.min(...y.map(({ last }) => last))),
        )
    case 'within':
      return bindings(node.operand, copies).filter(
        (set) =>
          Math.max(...set.map(({ first }) => first)) - Math.min(...set.map(({ last }) => last)) <=
          node.seconds * SECOND,
      )
    default: {
      const [start = 0, stop = 0] = [microsOf(node.start), microsOf(node.stop)]
      return bindings(node.operand, copies).filter((set) =>
        set.every(({ first, last }) => first < stop && last >= start),
      )
    }
  }
}

const TOO_MANY = new Error('more bindings than a test has time for')
function join(
  left: Observation[][],
  right: Observation[][],
  allowed: (a: Observation[], b: Observation[]) => boolean = () => true,
): Observation[][] {
  if (left.length * right.length > 50_000) throw TOO_MANY
  return left.flatMap((a) =>
    right.filter((b) => !b.some((item) => a.includes(item)) && allowed(a, b)).map((b) => [...a, ...b]),
  )
}

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
  const compiled = compilePattern(pattern)
  const before = process.cpuUsage()
  try {
    matchObservations(compiled, observations)
  } catch (error) {
    assert.ok(error instanceof PatternError && error.code === 'PATTERN_BUDGET', String(error))
  }
  const { user, system } = process.cpuUsage(before)
  assert.ok(user + system < 1_500_000, `${pattern} took ${(user + system) / 1000} ms`)
}
