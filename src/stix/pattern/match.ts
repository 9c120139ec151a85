import type { ObservationNode, Pattern } from './ast.ts'
import { type Observation, observationsOfRequest } from './observed.ts'
import { parsePattern } from './parser.ts'
import { compilePlan, type Plan } from './plan.ts'
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

/** Whether a pattern is about more than one observation. */
function combines(node: ObservationNode): boolean {
  if (node.kind === 'within' || node.kind === 'startStop') return combines(node.operand)
  return node.kind !== 'observation'
}

/** The same for observations that were read before. @throws PatternError PATTERN_VALUE, PATTERN_BUDGET */
export function matchObservations({ plan }: CompiledPattern, observations: readonly Observation[]): boolean {
  for (const probe of plan.probes) for (const observation of observations) probe(observation)
  const { root, tests, candidates } = plan
  const [only] = tests
  if (root.kind === 'leaf' && tests.length === 1 && only && candidates[0]?.[0]?.windows.length === 0) {
    for (const observation of observations) if (only(observation)) return true
    return false
  }
  const matches = tests.map((test) => observations.map(test))
  return isBindable(root, candidates, matches, observations)
}
