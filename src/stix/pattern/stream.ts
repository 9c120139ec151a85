import type { CompiledPattern } from './match.ts'
import { isHopeful } from './match.ts'
import type { Observation } from './observed.ts'
import type { PlanNode } from './plan.ts'
import { bindingWith, type Seen } from './search.ts'

/**
 * A pattern made ready for observations that come one by one: what has to be kept of each is which observation
 * expressions it satisfies, and when it was seen.
 *
 * A part that no WITHIN bounds is read as if a WITHIN of a given length stood around it, so that what came too long ago
 * need not be kept. `([a] WITHIN 5 SECONDS OR ([b] FOLLOWEDBY [c]))` becomes
 * `([a] OR ([b] FOLLOWEDBY [c]) WITHIN … SECONDS)`.
 */
export interface StreamPattern {
  readonly compiled: CompiledPattern
  readonly root: PlanNode
  /** Whether one observation suffices. */
  readonly single: boolean
  /** Observations that are needed at least. */
  readonly least: number
  /** Observations further apart than this, in µs, never stand in one binding. */
  readonly span: number
}

/** One observation that was kept: when it was seen (µs since 1970), and the expressions that it satisfies. */
export interface Kept {
  readonly at: number
  readonly tests: TestSet
}

/** Numbers of observation expressions as bits, 32 to a word. */
export type TestSet = readonly number[]

/** Binds a compiled pattern to windows; `seconds` is the length for parts without a WITHIN of their own. */
export function toStream(compiled: CompiledPattern, seconds: number): StreamPattern {
  const longest = windowsOf(compiled.plan.root).reduce((a, b) => Math.max(a, b), seconds * MICROS_PER_SECOND)
  const root = bounded(compiled.plan.root, longest)
  return { compiled, root, single: root.kind === 'leaf', least: root.least, span: spanOf(root) }
}

const MICROS_PER_SECOND = 1_000_000

/**
 * The observation expressions that an observation satisfies, at the time of which it may stand for them; `undefined`
 * where there are none. The pattern's budget has to be filled before.
 *
 * @throws PatternError PATTERN_VALUE, PATTERN_BUDGET
 */
export function testsMet({ compiled: { plan } }: StreamPattern, observation: Observation): TestSet | undefined {
  for (const probe of plan.probes) probe(observation)
  let words: number[] | undefined
  for (let test = 0; test < plan.tests.length; test++) {
    if (!plan.tests[test]?.(observation) || !isInTime(plan.times[test] ?? [], observation)) continue
    words ??= Array.from<number>({ length: ((plan.tests.length - 1) >>> 5) + 1 }).fill(0)
    words[test >>> 5] = (words[test >>> 5] ?? 0) | (1 << (test & 31))
  }
  return words
}

/** Whether START and STOP allow the time somewhere in the pattern. */
const isInTime = (
  times: readonly (readonly { start: number; stop: number }[])[],
  { first, last }: Observation,
): boolean => times.some((windows) => windows.every(({ start, stop }) => start < stop && first < stop && last >= start))

/**
 * Which of the kept observations stand together for the whole pattern, `newest` (its number) among them; `undefined`
 * where none do.
 *
 * @throws PatternError PATTERN_BUDGET
 */
export function bindKept(
  { root, compiled: { plan } }: StreamPattern,
  kept: readonly Kept[],
  newest: number,
): number[] | undefined {
  const meets = (test: number, at: number) => (((kept[at]?.tests[test >>> 5] ?? 0) >>> (test & 31)) & 1) === 1
  const found = (kept[0]?.tests ?? []).map(() => 0)
  plan.budget.spend(kept.length)
  for (const { tests } of kept) for (const [word, bits] of tests.entries()) found[word] = (found[word] ?? 0) | bits
  const isFound = (test: number) => (((found[test >>> 5] ?? 0) >>> (test & 31)) & 1) === 1
  if (root.least > kept.length) return undefined
  if (!isHopeful(root, (leaf) => plan.candidates[leaf]?.some(({ test }) => isFound(test)) === true)) return undefined
  const seen = kept.map(({ at }): Seen => ({ first: at, last: at, count: 1 }))
  return bindingWith(newest, root, plan.candidates, meets, seen, plan.budget)
}

/** Lengths of all windows in a part. */
function windowsOf(node: PlanNode): number[] {
  const inner = 'operands' in node ? node.operands : 'operand' in node ? [node.operand] : sidesOf(node)
  return [...(node.kind === 'window' ? [node.span] : []), ...inner.flatMap(windowsOf)]
}

const sidesOf = (node: PlanNode): PlanNode[] => (node.kind === 'sequence' ? [node.before, node.after] : [])

/** Puts a window around each alternative that has none. */
function bounded(node: PlanNode, span: number): PlanNode {
  if (spanOf(node) !== Infinity) return node
  if (node.kind === 'or') return { ...node, operands: node.operands.map((operand) => bounded(operand, span)) }
  return { kind: 'window', operand: node, span, least: node.least }
}

/** The longest time, in µs, between two observations of one binding. */
function spanOf(node: PlanNode): number {
  if (node.kind === 'leaf') return 0
  if (node.kind === 'window') return Math.min(node.span, spanOf(node.operand))
  if (node.kind === 'or') return node.operands.map(spanOf).reduce((a, b) => Math.max(a, b), 0)
  return Infinity
}
