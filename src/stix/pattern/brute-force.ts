// Random patterns, and every binding of observations to them by trying all of them: what tests compare the search with.
import * as fc from 'fast-check'
import type { ObservationNode } from './ast.ts'
import { compilePattern, matchObservations } from './match.ts'
import { microsOf, type Observation, toObservation } from './observed.ts'
import { printObservation } from './print.ts'

const SECOND = 1_000_000

/** One observation of one SCO of type `t`; times in seconds. */
export function observed(second: number, properties: object, { until = second, count = 1 } = {}): Observation {
  const at = (moment: number) => new Date(Date.UTC(2024, 0, 1) + moment * 1000).toISOString()
  const sco = { type: 't', ...properties }
  const times = { first_observed: at(second), last_observed: at(until) }
  return toObservation({ ...times, number_observed: count, object_refs: ['t--1'] }, () => sco)
}

/** Properties that the expressions of random patterns ask for. */
export const leaves = ['a', 'b', 'c']
/** Patterns of every operator and qualifier. */
export const trees = fc.letrec<{ tree: ObservationNode }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.subarray(leaves, { minLength: 1 }).map((keys): ObservationNode => ({
      kind: 'observation',
      comparison: {
        kind: 'or',
        operands: keys.map((key) => ({ kind: 'exists', object: 't', path: [key], negated: false })),
      },
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
/** Every set of observations that section 9 lets stand for the expression, by trying all of them. */
export function bindings(node: ObservationNode, copies: readonly Observation[]): Observation[][] {
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

/** Thrown by `bindings` where trying would take too long. */
export const TOO_MANY = new Error('more bindings than a test has time for')
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
