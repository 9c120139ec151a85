import type { Budget } from './budget.ts'
import { MATCH_DEPTH_LIMIT } from './limits.ts'

/** `amount` different observations are needed, out of those candidates seen at or before `to` and at or after `from`. */
export interface Demand {
  readonly candidates: number
  readonly from: number
  readonly to: number
  amount: number
}

/** Candidates in order of their last time, as parallel lists. */
export interface Candidates {
  readonly observation: readonly number[]
  readonly first: readonly number[]
  readonly last: readonly number[]
  /** The smallest `first` here and further on: where it passes `to`, no later candidate fits. */
  readonly soonest: readonly number[]
  /** Whether each was seen once, at one moment. */
  readonly single: boolean
}

/** Place of the first candidate that was seen at or after a time. */
export function firstSeenAfter({ last }: Candidates, from: number): number {
  let low = 0
  for (let high = last.length; low < high;) {
    const middle = (low + high) >>> 1
    if ((last[middle] ?? 0) < from) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * Whether all demands can be met at once, each observation `i` being used at most `capacity[i]` times: a flow from the
 * demands into the observations, found by augmenting paths.
 */
export function isAssignable(
  demands: readonly Demand[],
  lists: readonly Candidates[],
  capacity: readonly number[],
  budget: Budget,
): boolean {
  const merged = merge(demands)
  for (const demand of merged) if (!isEnough(demand, lists, capacity, budget)) return false
  if (merged.length < 2) return true
  const flow = new Flow(merged, lists, capacity, budget)
  return merged.every((_, at) => flow.meet(at))
}

/** Observations that meet all demands at once; `undefined` where they can't be met. */
export function assignment(
  demands: readonly Demand[],
  lists: readonly Candidates[],
  capacity: readonly number[],
  budget: Budget,
): number[] | undefined {
  const merged = merge(demands)
  const flow = new Flow(merged, lists, capacity, budget)
  return merged.every((_, at) => flow.meet(at)) ? flow.observations() : undefined
}

function merge(demands: readonly Demand[]): Demand[] {
  const merged = new Map<string, Demand>()
  for (const demand of demands) {
    const key = `${demand.candidates} ${demand.from} ${demand.to}`
    const known = merged.get(key)
    if (known) known.amount += demand.amount
    else merged.set(key, { ...demand })
  }
  return [...merged.values()]
}

function isEnough(demand: Demand, lists: readonly Candidates[], capacity: readonly number[], budget: Budget): boolean {
  let found = 0
  for (const observation of fitting(demand, lists, budget)) {
    found += capacity[observation] ?? 0
    if (found >= demand.amount) return true
  }
  return false
}

/** The observations that fit a demand. */
function* fitting({ candidates, from, to }: Demand, lists: readonly Candidates[], budget: Budget): Generator<number> {
  const list = lists[candidates]
  if (!list) return
  const { observation, first, soonest } = list
  const low = firstSeenAfter(list, from)
  for (let at = low; at < observation.length; at++) {
    budget.spend()
    if ((soonest[at] ?? 0) > to) return
    if ((first[at] ?? 0) <= to) yield observation[at] ?? 0
  }
}

class Flow {
  private readonly demands: readonly Demand[]
  private readonly lists: readonly Candidates[]
  private readonly budget: Budget
  private readonly capacity: readonly number[]
  /** Uses of an observation, by demand. */
  private readonly uses = new Map<number, Map<number, number>>()
  private readonly used = new Map<number, number>()

  constructor(demands: readonly Demand[], lists: readonly Candidates[], capacity: readonly number[], budget: Budget) {
    this.demands = demands
    this.lists = lists
    this.capacity = capacity
    this.budget = budget
  }

  meet(demand: number): boolean {
    const wanted = this.demands[demand]
    let need = wanted?.amount ?? 0
    // What is free is taken in one pass; only the rest has to be moved about for.
    for (const observation of wanted ? fitting(wanted, this.lists, this.budget) : []) {
      const got = Math.min(this.freeOf(observation), need)
      if (got > 0) this.take(observation, demand, got)
      need -= got
      if (need === 0) return true
    }
    while (need > 0) {
      const got = this.push(demand, need, new Set(), 0)
      if (got === 0) return false
      need -= got
    }
    return true
  }

  /** The observations in use. */
  observations(): number[] {
    return [...this.used.keys()]
  }

  /** Gets up to `need` more uses for a demand, moving other demands elsewhere where that helps. */
  private push(demand: number, need: number, visited: Set<number>, depth: number): number {
    if (depth > MATCH_DEPTH_LIMIT) this.budget.refuse()
    const wanted = this.demands[demand]
    if (!wanted) return 0
    const full: number[] = []
    for (const observation of fitting(wanted, this.lists, this.budget)) {
      if (visited.has(observation)) continue
      const free = this.freeOf(observation)
      if (free > 0) {
        const got = Math.min(free, need)
        this.take(observation, demand, got)
        return got
      }
      full.push(observation)
    }
    for (const observation of full) {
      if (visited.has(observation)) continue
      visited.add(observation)
      for (const [other, uses] of this.uses.get(observation) ?? []) {
        this.budget.spend()
        if (other === demand || uses === 0) continue
        const got = this.push(other, Math.min(need, uses), visited, depth + 1)
        if (got === 0) continue
        this.shift(observation, other, -got)
        this.shift(observation, demand, got)
        return got
      }
    }
    return 0
  }

  private freeOf(observation: number): number {
    return (this.capacity[observation] ?? 0) - (this.used.get(observation) ?? 0)
  }

  private take(observation: number, demand: number, amount: number): void {
    this.used.set(observation, (this.used.get(observation) ?? 0) + amount)
    this.shift(observation, demand, amount)
  }

  private shift(observation: number, demand: number, amount: number): void {
    const uses = this.uses.get(observation) ?? new Map<number, number>()
    uses.set(demand, (uses.get(demand) ?? 0) + amount)
    this.uses.set(observation, uses)
  }
}
