/** Section 9 of STIX read as it is written, by trying everything: what the matcher's answers are compared with. */
import { type Observation, PatternError } from '#stix'
import type { ComparisonNode, ObservationNode } from '../../../src/stix/pattern/ast.ts'
import { compilePattern, matchObservations } from '../../../src/stix/pattern/match.ts'
import { microsOf } from '../../../src/stix/pattern/observed.ts'
import { printComparison } from '../../../src/stix/pattern/print.ts'

const SECOND_MICROS = 1_000_000
/** Pairs of bindings looked at for one join: beyond it there is no naive answer. */
const JOIN_MAX = 3_000

/** Whether observations match, or undefined where trying everything would take too long or throws. */
export function naiveMatch(node: ObservationNode, observations: readonly Observation[]): boolean | undefined {
  const copies = observations.flatMap((one) => Array.from({ length: Math.min(3, one.count) }, () => ({ ...one })))
  try {
    return bindings(node, copies).length > 0
  } catch (error) {
    if (error === TOO_MANY || error instanceof PatternError) return undefined
    throw error
  }
}

const TOO_MANY = new Error('more bindings than there is time for')

/** Every set of observations that may stand for the expression. */
function bindings(node: ObservationNode, copies: readonly Observation[]): Observation[][] {
  switch (node.kind) {
    case 'observation':
      return copies.filter((copy) => observed(node.comparison, copy)).map((copy) => [copy])
    case 'or':
      return node.operands.flatMap((operand) => bindings(operand, copies))
    case 'and':
      return node.operands.map((operand) => bindings(operand, copies)).reduce((a, b) => join(a, b))
    case 'repeats': {
      if (node.times > 6) throw TOO_MANY
      return Array.from({ length: node.times }, () => bindings(node.operand, copies)).reduce((a, b) => join(a, b))
    }
    case 'followedBy':
      return node.operands
        .map((operand) => bindings(operand, copies))
        .reduce((a, b) => join(a, b, (x, y) => latestFirst(x) <= earliestLast(y)))
    case 'within':
      return bindings(node.operand, copies).filter(
        (set) => latestFirst(set) - earliestLast(set) <= node.seconds * SECOND_MICROS,
      )
    default: {
      const [start, stop] = [microsOf(node.start), microsOf(node.stop)]
      if (start === undefined || stop === undefined || start >= stop) throw TOO_MANY
      return bindings(node.operand, copies).filter((set) =>
        set.every(({ first, last }) => first < stop && last >= start),
      )
    }
  }
}

const latestFirst = (set: readonly Observation[]) => Math.max(...set.map(({ first }) => first))
const earliestLast = (set: readonly Observation[]) => Math.min(...set.map(({ last }) => last))

function join(
  left: Observation[][],
  right: Observation[][],
  allowed: (a: Observation[], b: Observation[]) => boolean = () => true,
): Observation[][] {
  if (left.length * right.length > JOIN_MAX) throw TOO_MANY
  return left.flatMap((a) =>
    right.filter((b) => !b.some((item) => a.includes(item)) && allowed(a, b)).map((b) => [...a, ...b]),
  )
}

/** Whether one observation satisfies a comparison expression: every choice of one object for each type is tried. */
function observed(node: ComparisonNode, observation: Observation): boolean {
  const types = [...new Set(typesOf(node))]
  let choices: Map<string, object>[] = [new Map()]
  for (const type of types) {
    const objects = observation.byType.get(type) ?? []
    if (objects.length > 0) choices = choices.flatMap((chosen) => objects.map((one) => new Map(chosen).set(type, one)))
  }
  return choices.some((chosen) => holds(node, chosen, observation))
}

const typesOf = (node: ComparisonNode): string[] =>
  'operands' in node ? node.operands.flatMap(typesOf) : [node.object]

function holds(node: ComparisonNode, chosen: ReadonlyMap<string, object>, observation: Observation): boolean {
  if ('operands' in node) {
    const met = (operand: ComparisonNode) => holds(operand, chosen, observation)
    return node.kind === 'and' ? node.operands.every(met) : node.operands.some(met)
  }
  const object = chosen.get(node.object)
  if (!object) return false
  const alone: Observation = { ...observation, byType: new Map([[node.object, [object]]]) }
  return matchObservations(single(node), [alone])
}

const compiled = new WeakMap<ComparisonNode, ReturnType<typeof compilePattern>>()
function single(node: ComparisonNode): ReturnType<typeof compilePattern> {
  const known = compiled.get(node) ?? compilePattern(`[${printComparison(node)}]`)
  compiled.set(node, known)
  return known
}
