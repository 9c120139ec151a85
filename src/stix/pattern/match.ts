import type { ObservationNode, Pattern } from './ast.ts'
import { PatternError } from './error.ts'
import {
  MATCH_PAIRS_LIMIT,
  COMPARE_STEPS,
  COMPARE_STEPS_LIMIT,
  MATCH_STEPS_LIMIT,
  OBSERVATION_STEPS,
} from './limits.ts'
import { type Observation, observationsOfRequest } from './observed.ts'
import { parsePattern } from './parser.ts'
import { compilePlan, type Plan, type PlanNode } from './plan.ts'
import { isBindable } from './search.ts'

/** A pattern ready to be matched many times. */
export interface CompiledPattern {
  readonly pattern: Pattern
  readonly plan: Plan
}

/**
 * Compiles a pattern, given as text or parsed, into closures.
 *
 * @throws PatternError PATTERN_SYNTAX, PATTERN_LIMIT, PATTERN_CONSTANT, PATTERN_REGEX
 */
export function compilePattern(pattern: string | Pattern): CompiledPattern {
  const parsed = typeof pattern === 'string' ? parsePattern(pattern) : pattern
  return { pattern: parsed, plan: compilePlan(parsed.expression) }
}

/**
 * Whether the observed-data of bundles match a pattern. Nothing in the bundles is validated.
 *
 * @throws PatternError PATTERN_OBSERVED, PATTERN_VALUE, PATTERN_BUDGET
 * @see STIX 2.1 section 9
 */
export function matchPattern(compiled: CompiledPattern, bundles: readonly unknown[]): boolean {
  return matchObservations(compiled, observationsOfRequest(bundles, combines(compiled.pattern.expression)))
}

/** Whether every leaf that the plan can't do without has some observation: most searches end here. */
export function isHopeful(node: PlanNode, hasAny: (leaf: number) => boolean): boolean {
  switch (node.kind) {
    case 'leaf':
      return hasAny(node.candidates)
    case 'and':
      return node.operands.every((operand) => isHopeful(operand, hasAny))
    case 'or':
      return node.operands.some((operand) => isHopeful(operand, hasAny))
    case 'sequence':
      return isHopeful(node.before, hasAny) && isHopeful(node.after, hasAny)
    default:
      return isHopeful(node.operand, hasAny)
  }
}

/** Whether a pattern is about more than one observation. */
function combines(node: ObservationNode): boolean {
  if (node.kind === 'within' || node.kind === 'startStop') return combines(node.operand)
  return node.kind !== 'observation'
}

/** The same for observations that were read before. @throws PatternError PATTERN_VALUE, PATTERN_BUDGET */
export function matchObservations({ plan }: CompiledPattern, observations: readonly Observation[]): boolean {
  if ((plan.tests.length + plan.probes.length) * observations.length > MATCH_PAIRS_LIMIT)
    throw new PatternError(
      'PATTERN_BUDGET',
      `A pattern of ${plan.tests.length} observation expressions is too large for ${observations.length} observations: split one of them.`,
    )
  plan.budget.fill(Math.min(COMPARE_STEPS + OBSERVATION_STEPS * observations.length, COMPARE_STEPS_LIMIT))
  for (const probe of plan.probes) for (const observation of observations) probe(observation)
  const { root, tests, candidates } = plan
  const [only] = tests
  if (root.kind === 'leaf' && tests.length === 1 && only && candidates[0]?.[0]?.windows.length === 0) {
    for (const observation of observations) if (only(observation)) return true
    return false
  }
  const matches = tests.map((test) => observations.map(test))
  const found = matches.map((row) => row.includes(true))
  if (!isHopeful(root, (leaf) => candidates[leaf]?.some(({ test }) => found[test]) === true)) return false
  plan.budget.fill(MATCH_STEPS_LIMIT)
  return isBindable(root, candidates, (test, at) => matches[test]?.[at] === true, observations, plan.budget)
}
