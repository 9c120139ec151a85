import type { ComparisonNode, ComparisonTest } from './ast.ts'
import type { Budget } from './budget.ts'
import { compileTest } from './compare.ts'
import type { Observation } from './observed.ts'
import { compilePath, type Resolve } from './path.ts'

/** Decides whether one observation satisfies a comparison expression. */
export type ObservationTest = (observation: Observation) => boolean

/** An SCO for each object type of the expression. */
type Binding = Record<string, object | undefined>
type BindingTest = (binding: Binding, resolve: Resolve) => boolean
type ObjectTest = (object: object, resolve: Resolve) => boolean

/**
 * Compiles what stands between `[` and `]`.
 *
 * Each object type in it stands for one SCO of the observation: `[file:name = 'a' AND file:size > 1]` needs one file
 * with both, `[file:name = 'a' AND process:pid = 1]` a file and a process of the same observation.
 *
 * @throws PatternError PATTERN_CONSTANT, PATTERN_REGEX
 */
export function compileComparison(node: ComparisonNode, budget: Budget): ObservationTest {
  const types = typesOf(node)
  const [type] = types
  if (types.size === 1 && type !== undefined) return someObject(type, compileObjectTest(node, budget))
  if (node.kind === 'or') return anyOf(node.operands.map((operand) => compileComparison(operand, budget)))
  if (node.kind !== 'and') throw new TypeError('a single comparison has one object type')
  const parts = connected(node.operands)
  if (parts.length > 1) return allOf(parts.map((operands) => compileComparison({ kind: 'and', operands }, budget)))
  return someBinding([...types], compileBindingTest(node, budget), budget)
}

/**
 * Tests that throw where an observed value can't be compared with a timestamp: every such comparison is asked about
 * every observation, so that the answer never depends on the order of evaluation.
 */
export function compileProbes(node: ComparisonNode, budget: Budget): ObservationTest[] {
  if (node.kind === 'exists') return []
  if (node.kind !== 'test') return node.operands.flatMap((operand) => compileProbes(operand, budget))
  if (!node.values.some((value) => value.type === 'timestamp')) return []
  const test = compileTest(node, budget)
  const visit = compilePath(
    node.path,
    (value, binary) => {
      test(value, binary)
      return false
    },
    budget,
  )
  return [someObject(node.object, visit)]
}

function typesOf(node: ComparisonNode, into = new Set<string>()): Set<string> {
  if ('operands' in node) for (const operand of node.operands) typesOf(operand, into)
  else into.add(node.object)
  return into
}

function someObject(type: string, test: ObjectTest): ObservationTest {
  return (observation) => {
    const objects = observation.byType.get(type)
    if (objects === undefined) return false
    for (const object of objects) if (test(object, observation.resolve)) return true
    return false
  }
}

function anyOf(tests: readonly ObservationTest[]): ObservationTest {
  return (observation) => tests.some((test) => test(observation))
}

function allOf(tests: readonly ObservationTest[]): ObservationTest {
  return (observation) => tests.every((test) => test(observation))
}

function compileObjectTest(node: ComparisonNode, budget: Budget): ObjectTest {
  if (node.kind === 'exists') {
    const exists = compilePath(node.path, () => true, budget)
    return node.negated ? (object, resolve) => !exists(object, resolve) : exists
  }
  if (node.kind === 'test') return compilePath(node.path, compileTest(node, budget), budget)
  if (node.kind === 'and') {
    const tests = node.operands.map((operand) => compileObjectTest(operand, budget))
    return (object, resolve) => tests.every((test) => test(object, resolve))
  }
  const tests = fewerTests(node.operands, budget)
  return (object, resolve) => tests.some((test) => test(object, resolve))
}

/** Equalities of one path become one look-up in a set, however many there are. */
function fewerTests(operands: readonly ComparisonNode[], budget: Budget): ObjectTest[] {
  const tests: ObjectTest[] = []
  const equalities = new Map<string, ComparisonTest[]>()
  for (const operand of operands) {
    if (operand.kind === 'test' && operand.operator === '=' && !operand.negated && isText(operand)) {
      const key = JSON.stringify(operand.path, (_, step: unknown) => (typeof step === 'symbol' ? [] : step))
      const group = equalities.get(key)
      if (group) group.push(operand)
      else equalities.set(key, [operand])
    } else tests.push(compileObjectTest(operand, budget))
  }
  for (const group of equalities.values()) {
    const [first] = group
    if (first)
      tests.push(compileObjectTest({ ...first, operator: 'IN', values: group.flatMap(({ values }) => values) }, budget))
  }
  return tests
}

const isText = (test: ComparisonTest) => test.values.every((value) => value.type === 'string')

/** Groups operands that share an object type, directly or through others. */
function connected(operands: readonly ComparisonNode[]): ComparisonNode[][] {
  const parents = operands.map((_, at) => at)
  const rootOf = (at: number): number => {
    let root = at
    for (let parent = parents[root]; parent !== undefined && parent !== root; parent = parents[root]) root = parent
    parents[at] = root
    return root
  }
  const firstOf = new Map<string, number>()
  for (const [at, operand] of operands.entries()) {
    for (const type of typesOf(operand)) {
      const first = firstOf.get(type)
      if (first === undefined) firstOf.set(type, at)
      else parents[rootOf(at)] = rootOf(first)
    }
  }
  return [...Map.groupBy(operands.keys(), rootOf).values()].map((part) => part.flatMap((at) => operands[at] ?? []))
}

function compileBindingTest(node: ComparisonNode, budget: Budget): BindingTest {
  if (!('operands' in node)) {
    const test = compileObjectTest(node, budget)
    return (binding, resolve) => {
      const object = binding[node.object]
      return object !== undefined && test(object, resolve)
    }
  }
  const tests = node.operands.map((operand) => compileBindingTest(operand, budget))
  if (node.kind === 'and') return (binding, resolve) => tests.every((test) => test(binding, resolve))
  return (binding, resolve) => tests.some((test) => test(binding, resolve))
}

/** Tries every choice of one SCO for each type; a type without an SCO stays unbound. */
function someBinding(types: readonly string[], test: BindingTest, budget: Budget): ObservationTest {
  return (observation) => {
    const binding: Binding = Object.create(null)
    const bind = (at: number): boolean => {
      budget.spend(types.length)
      const type = types[at]
      if (type === undefined) return test(binding, observation.resolve)
      const objects = observation.byType.get(type)
      if (!objects) return bind(at + 1)
      return objects.some((object) => {
        binding[type] = object
        return bind(at + 1)
      })
    }
    return bind(0)
  }
}
