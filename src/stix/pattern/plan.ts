import type { ComparisonNode, ObservationNode } from './ast.ts'
import { Budget } from './budget.ts'
import { compileComparison, compileProbes, type ObservationTest } from './comparison.ts'
import { PatternError } from './error.ts'
import { microsOf } from './observed.ts'
import { printComparison } from './print.ts'

/**
 * An observation expression made ready for the search.
 *
 * START/STOP has moved into the leaves, since it restricts each observation for itself; an OR of leaves is one leaf;
 * `[a] REPEATS 2 TIMES REPEATS 3 TIMES` is one repetition of 6. What is left to decide is which observation stands for
 * which leaf, under WITHIN (`window`) and FOLLOWEDBY (`sequence`).
 */
export type PlanNode =
  | { readonly kind: 'leaf'; readonly candidates: number; readonly least: 1 }
  | { readonly kind: 'and' | 'or'; readonly operands: readonly PlanNode[]; readonly least: number }
  | { readonly kind: 'repeat'; readonly operand: PlanNode; readonly times: number; readonly least: number }
  | { readonly kind: 'window'; readonly operand: PlanNode; readonly span: number; readonly least: number }
  | { readonly kind: 'sequence'; readonly before: PlanNode; readonly after: PlanNode; readonly least: number }

/** An observation that satisfies `tests[test]` and was seen in all of `windows`. */
export interface Alternative {
  readonly test: number
  readonly windows: readonly Interval[]
}

/** From `start` up to and without `stop`, in µs since 1970. */
export interface Interval {
  readonly start: number
  readonly stop: number
}

export interface Plan {
  readonly root: PlanNode
  readonly tests: readonly ObservationTest[]
  readonly probes: readonly ObservationTest[]
  /** For each test, the windows of START and STOP that stand around it, for each place where it stands. */
  readonly times: readonly (readonly (readonly Interval[])[])[]
  /** What may stand for a leaf: any of these alternatives. */
  readonly candidates: readonly (readonly Alternative[])[]
  /** What one request may cost; to be filled before tests, probes or a search are run. */
  readonly budget: Budget
}

/** Compiles an observation expression. @throws PatternError PATTERN_CONSTANT, PATTERN_REGEX */
export function compilePlan(expression: ObservationNode): Plan {
  const planner = new Planner()
  const root = planner.node(expression, [])
  const { tests, probes, candidates, budget } = planner
  const times: Interval[][][] = tests.map(() => [])
  for (const { test, windows } of candidates.flat()) times[test]?.push([...windows])
  return { root, tests, probes, times, candidates, budget }
}

const MICROS_PER_SECOND = 1_000_000

class Planner {
  readonly tests: ObservationTest[] = []
  readonly probes: ObservationTest[] = []
  readonly candidates: Alternative[][] = []
  readonly budget = new Budget()
  private readonly testIds = new Map<string, number>()
  private readonly candidateIds = new Map<string, number>()

  node(node: ObservationNode, windows: readonly Interval[]): PlanNode {
    switch (node.kind) {
      case 'observation':
        return this.leaf([{ test: this.test(node.comparison), windows }])
      case 'startStop':
        return this.node(node.operand, [...windows, intervalOf(node.start, node.stop)])
      case 'within': {
        const operand = this.node(node.operand, windows)
        if (operand.kind === 'leaf') return operand
        return {
          kind: 'window',
          operand,
          span: Math.floor(node.seconds * MICROS_PER_SECOND + 1e-3),
          least: operand.least,
        }
      }
      case 'repeats': {
        const operand = this.node(node.operand, windows)
        const [inner, times] =
          operand.kind === 'repeat' ? [operand.operand, operand.times * node.times] : [operand, node.times]
        return times === 1 ? inner : { kind: 'repeat', operand: inner, times, least: inner.least * times }
      }
      case 'and':
        return and(node.operands.map((operand) => this.node(operand, windows)))
      case 'or':
        return this.or(node.operands.map((operand) => this.node(operand, windows)))
      default:
        return node.operands.map((operand) => this.node(operand, windows)).reduce(sequence)
    }
  }

  private test(comparison: ComparisonNode): number {
    const key = printComparison(comparison)
    const known = this.testIds.get(key)
    if (known !== undefined) return known
    this.testIds.set(key, this.tests.length)
    for (const probe of compileProbes(comparison, this.budget)) this.probes.push(probe)
    return this.tests.push(compileComparison(comparison, this.budget)) - 1
  }

  private leaf(alternatives: Alternative[]): PlanNode {
    const key = JSON.stringify(alternatives)
    let candidates = this.candidateIds.get(key)
    if (candidates === undefined) {
      candidates = this.candidates.push(alternatives) - 1
      this.candidateIds.set(key, candidates)
    }
    return { kind: 'leaf', candidates, least: 1 }
  }

  private or(operands: PlanNode[]): PlanNode {
    const leaves = operands.filter((operand) => operand.kind === 'leaf')
    const rest: PlanNode[] = operands.filter((operand) => operand.kind !== 'leaf')
    if (leaves.length > 1)
      rest.unshift(this.leaf(leaves.flatMap(({ candidates }) => this.candidates[candidates] ?? [])))
    else rest.unshift(...leaves)
    const [only] = rest
    if (rest.length === 1 && only) return only
    return {
      kind: 'or',
      operands: rest,
      least: rest.reduce((least, operand) => Math.min(least, operand.least), Infinity),
    }
  }
}

const and = (operands: PlanNode[]): PlanNode => ({ kind: 'and', operands, least: total(operands) })

const sequence = (before: PlanNode, after: PlanNode): PlanNode => ({
  kind: 'sequence',
  before,
  after,
  least: before.least + after.least,
})

const total = (operands: readonly PlanNode[]) => operands.reduce((sum, operand) => sum + operand.least, 0)

function intervalOf(start: string, stop: string): Interval {
  const [from, to] = [microsOf(start), microsOf(stop)]
  if (from === undefined || to === undefined)
    throw new PatternError(
      'PATTERN_CONSTANT',
      `START t'${start}' STOP t'${stop}' holds no day and time of the calendar.`,
    )
  return { start: from, stop: to }
}
