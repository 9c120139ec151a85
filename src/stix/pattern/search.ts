import { assignment, type Candidates, type Demand, isAssignable } from './assign.ts'
import type { Budget } from './budget.ts'
import { earliestEnd } from './earliest.ts'
import { MATCH_DEPTH_LIMIT } from './limits.ts'
import type { Alternative, PlanNode } from './plan.ts'
import type { Observation } from './observed.ts'

/** When and how often something was observed. */
export type Seen = Pick<Observation, 'first' | 'last' | 'count'>
/** Whether an observation satisfies an observation expression of the plan, both by their number. */
export type Meets = (test: number, observation: number) => boolean

/**
 * Decides whether observations can be found for every leaf of a plan, no observation being used more often than it
 * was seen.
 *
 * An observation-data says only that something was seen at some time between its first and its last time. Several
 * observations are WITHIN a span if the latest first time is at most that span after the earliest last time, and B is
 * FOLLOWEDBY A's successor if no first time of A is later than a last time of B. So each WITHIN stands for the choice
 * of one moment from which the span runs, and each FOLLOWEDBY for one moment between the two sides: `([a] FOLLOWEDBY
 * [b]) WITHIN 5 SECONDS` is two such choices. Once they are made, what is left is an assignment of observations to
 * leaves, which `isAssignable` decides. The search tries moments in order, and turns back as soon as the assignment
 * without the open choices is impossible already, or some open part can't end in time (`earliestEnd`).
 */
export function isBindable(
  root: PlanNode,
  candidates: readonly (readonly Alternative[])[],
  meets: Meets,
  observations: readonly Seen[],
  budget: Budget,
): boolean {
  return new Search(candidates, meets, observations, budget).solve(root)
}

/**
 * Finds observations for every leaf of a plan, `needed` being one of them.
 *
 * @throws PatternError PATTERN_BUDGET
 */
export function bindingWith(
  needed: number,
  root: PlanNode,
  candidates: readonly (readonly Alternative[])[],
  meets: Meets,
  observations: readonly Seen[],
  budget: Budget,
): number[] | undefined {
  const search = new Search(candidates, meets, observations, budget)
  const may = search.leavesOf(needed)
  const pin = search.addCandidate(needed)
  for (const pinned of pinnedTrees(root, may, pin)) {
    budget.spend(candidates.length)
    if (search.solve(pinned)) return search.binding
  }
  return undefined
}

/** A part of the plan whose moments are still open; `since` is the first moment to try for the next of its copies. */
interface Open {
  readonly node: PlanNode
  readonly from: number
  readonly to: number
  readonly times: number
  readonly since: number
}

/** The open parts as a list that branches share, and the demands so far. */
type OpenList = { readonly head: Open; readonly rest: OpenList } | undefined

class Search {
  private readonly lists: Candidates[]
  private readonly observations: readonly Seen[]
  private readonly capacity: number[]
  private readonly seen: number
  private readonly budget: Budget
  private depth = 0
  private demands: readonly Demand[] = []
  private readonly momentsByNode = new Map<PlanNode, number[]>()

  constructor(
    candidates: readonly (readonly Alternative[])[],
    meets: Meets,
    observations: readonly Seen[],
    budget: Budget,
  ) {
    this.budget = budget
    this.observations = observations
    this.lists = candidates.map((alternatives) => {
      budget.spend(observations.length)
      return toCandidates(alternatives, meets, observations)
    })
    this.capacity = observations.map((observation) => observation.count)
    this.seen = this.capacity.reduce((sum, count) => sum + count, 0)
  }

  /** The lists of candidates that hold an observation. */
  leavesOf(observation: number): ReadonlySet<number> {
    return new Set([...this.lists.keys()].filter((at) => this.lists[at]?.observation.includes(observation)))
  }

  /** Makes a list of one observation; says its number. */
  addCandidate(observation: number): number {
    const { first = 0, last = 0, count = 1 } = this.observations[observation] ?? {}
    return (
      this.lists.push({
        observation: [observation],
        first: [first],
        last: [last],
        soonest: [first],
        single: count === 1 && first === last,
      }) - 1
    )
  }

  /** The observations of the binding that was found last. */
  get binding(): number[] | undefined {
    return assignment(this.demands, this.lists, this.capacity, this.budget)
  }

  solve(root: PlanNode): boolean {
    this.depth = 0
    if (root.least > this.seen) return false
    return this.step({ head: whole(root), rest: undefined }, [])
  }

  private step(open: OpenList, demands: readonly Demand[]): boolean {
    if (++this.depth > MATCH_DEPTH_LIMIT) this.budget.refuse()
    const found = this.decide(open, demands)
    this.depth--
    return found
  }

  private decide(open: OpenList, demands: readonly Demand[]): boolean {
    const met = [...demands]
    const choices: Open[] = []
    for (let list = open; list; list = list.rest) this.settle(list.head, met, choices)
    if (!this.isPossible(choices, met)) return false
    const [head, ...others] = choices
    if (!head) {
      this.demands = met
      return true
    }
    let rest: OpenList
    for (const other of others.toReversed()) rest = { head: other, rest }
    return this.branch(head, rest, met)
  }

  /** Turns everything that needs no choice into demands. */
  private settle(item: Open, demands: Demand[], choices: Open[]): void {
    this.budget.spend()
    const { node, from, to, times } = item
    if (node.kind === 'leaf') demands.push({ candidates: node.candidates, from, to, amount: times })
    else if (node.kind === 'repeat')
      this.settle({ ...item, node: node.operand, times: times * node.times }, demands, choices)
    else if (node.kind === 'and')
      for (const operand of node.operands) this.settle({ ...item, node: operand }, demands, choices)
    else choices.push(item)
  }

  /** Whether the demands can be met when the open choices ask for their leaves at any moment. */
  private isPossible(choices: readonly Open[], demands: readonly Demand[]): boolean {
    const relaxed = [...demands]
    for (const { node, from, to } of choices) if (this.endOf(node, from) > to) return false
    for (const choice of choices) this.relax(choice, relaxed)
    let amount = 0
    for (const demand of relaxed) amount += demand.amount
    return amount <= this.seen && isAssignable(relaxed, this.lists, this.capacity, this.budget)
  }

  private relax({ node, from, to, times }: Open, demands: Demand[]): void {
    this.budget.spend()
    const into = (operand: PlanNode, count = times) =>
      this.relax({ node: operand, from, to, times: count, since: 0 }, demands)
    switch (node.kind) {
      case 'leaf':
        demands.push({ candidates: node.candidates, from, to, amount: times })
        break
      case 'repeat':
        into(node.operand, times * node.times)
        break
      case 'window':
        into(node.operand)
        break
      case 'and':
        for (const operand of node.operands) into(operand)
        break
      case 'sequence':
        into(node.before)
        into(node.after)
        break
      case 'or':
    }
  }

  private branch(item: Open, rest: OpenList, demands: readonly Demand[]): boolean {
    const { node, times } = item
    if (node.kind === 'or') return this.branchOr(node.operands, item, rest, demands)
    if (times > 1 && item.since === 0)
      for (const { moment } of this.usefulMoments(item))
        if (this.step(chosen(item, moment, rest, times), demands)) return true
    for (const { at, moment } of this.usefulMoments(item)) {
      const next = times > 1 ? { head: { ...item, times: times - 1, since: at }, rest } : rest
      if (this.step(chosen(item, moment, next, 1), demands)) return true
    }
    return false
  }

  /** The moments of a window or sequence from `since` on that leave each of its sides a time to be complete by. */
  private *usefulMoments({ node, from, to, since }: Open): Generator<{ at: number; moment: number }> {
    if (node.kind !== 'window' && node.kind !== 'sequence') return
    const moments = this.momentsOf(node)
    let soonest = node.kind === 'sequence' ? this.endOf(node.before, from) : -Infinity
    for (let at = since; at < moments.length; at++) {
      this.budget.spend()
      const moment = moments[at] ?? 0
      if (moment < soonest) continue
      const end = this.endOf(node.kind === 'window' ? node.operand : node.after, Math.max(from, moment))
      // A later moment makes no end come sooner.
      if (end > to) return
      if (node.kind === 'window' && end > moment + node.span) soonest = end - node.span
      else yield { at, moment }
    }
  }

  private endOf(node: PlanNode, from: number): number {
    return earliestEnd(node, from, this.lists, this.budget)
  }

  /** Some of the copies take the first operand, the others one of the rest. */
  private branchOr(operands: readonly PlanNode[], item: Open, rest: OpenList, demands: readonly Demand[]): boolean {
    const [first, ...others] = operands
    if (!first) return false
    const least = others.length === 0 ? item.times : 0
    for (let copies = item.times; copies >= least; copies--) {
      this.budget.spend()
      let open = rest
      if (copies < item.times) {
        const node: PlanNode = { kind: 'or', operands: others, least: 0 }
        open = { head: { ...item, node, times: item.times - copies, since: 0 }, rest: open }
      }
      if (copies > 0) open = { head: { ...item, node: first, times: copies, since: 0 }, rest: open }
      if (this.step(open, demands)) return true
    }
    return false
  }

  /** The moments worth trying: a span starts at some last time, and two sides meet at some first time. */
  private momentsOf(node: PlanNode & { kind: 'window' | 'sequence' }): number[] {
    const known = this.momentsByNode.get(node)
    if (known) return known
    const times = new Set<number>()
    for (const candidates of leavesOf(node.kind === 'window' ? node.operand : node.before)) {
      const list = this.lists[candidates]
      for (const time of (node.kind === 'window' ? list?.last : list?.first) ?? []) times.add(time)
    }
    const moments = [...times].sort((a, b) => a - b)
    this.momentsByNode.set(node, moments)
    return moments
  }
}

const whole = (node: PlanNode): Open => ({ node, from: -Infinity, to: Infinity, times: 1, since: 0 })

function chosen({ node, from, to }: Open, moment: number, rest: OpenList, times: number): OpenList {
  const part = (operand: PlanNode, begin: number, end: number): Open => ({
    node: operand,
    from: Math.max(from, begin),
    to: Math.min(to, end),
    times,
    since: 0,
  })
  if (node.kind === 'window') return { head: part(node.operand, moment, moment + node.span), rest }
  if (node.kind !== 'sequence') return rest
  return { head: part(node.before, -Infinity, moment), rest: { head: part(node.after, moment, Infinity), rest } }
}

/**
 * The trees that come of putting one leaf out of `may` in the place of a list of one: an OR becomes the branch of that
 * leaf, a repetition one copy with it and the others without.
 */
function* pinnedTrees(node: PlanNode, may: ReadonlySet<number>, pin: number): Generator<PlanNode> {
  switch (node.kind) {
    case 'leaf':
      if (may.has(node.candidates)) yield { ...node, candidates: pin }
      return
    case 'window':
      for (const operand of pinnedTrees(node.operand, may, pin)) yield { ...node, operand }
      return
    case 'repeat': {
      const { operand, times, least } = node
      const rest: PlanNode = times === 2 ? operand : { ...node, times: times - 1, least: least - operand.least }
      for (const first of pinnedTrees(operand, may, pin)) yield { kind: 'and', operands: [first, rest], least }
      return
    }
    case 'sequence':
      for (const before of pinnedTrees(node.before, may, pin)) yield { ...node, before }
      for (const after of pinnedTrees(node.after, may, pin)) yield { ...node, after }
      return
    case 'or':
      for (const operand of node.operands) yield* pinnedTrees(operand, may, pin)
      return
    case 'and':
      for (const [at, operand] of node.operands.entries())
        for (const pinned of pinnedTrees(operand, may, pin)) yield { ...node, operands: node.operands.with(at, pinned) }
  }
}

function leavesOf(node: PlanNode): number[] {
  switch (node.kind) {
    case 'leaf':
      return [node.candidates]
    case 'repeat':
    case 'window':
      return leavesOf(node.operand)
    case 'sequence':
      return [...leavesOf(node.before), ...leavesOf(node.after)]
    default:
      return node.operands.flatMap(leavesOf)
  }
}

function toCandidates(alternatives: readonly Alternative[], meets: Meets, observations: readonly Seen[]): Candidates {
  const isCandidate = (observation: Seen, at: number) =>
    alternatives.some(
      ({ test, windows }) =>
        meets(test, at) &&
        windows.every(({ start, stop }) => start < stop && observation.first < stop && observation.last >= start),
    )
  const rows = observations
    .map((observation, at) => ({ observation, at }))
    .filter(({ observation, at }) => isCandidate(observation, at))
    .sort((a, b) => a.observation.last - b.observation.last)
  const first = rows.map(({ observation }) => observation.first)
  const soonest = [...first]
  for (let at = soonest.length - 2; at >= 0; at--) soonest[at] = Math.min(soonest[at] ?? 0, soonest[at + 1] ?? 0)
  return {
    observation: rows.map(({ at }) => at),
    first,
    last: rows.map(({ observation }) => observation.last),
    soonest,
    single: rows.every(({ observation: { first: begin, last: end, count } }) => begin === end && count === 1),
  }
}
