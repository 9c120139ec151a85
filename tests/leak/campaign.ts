// A run over random worlds: seed after seed, until there are enough or one fails; what fails is shrunk.
import { judge } from './judge.ts'
import { type Plan, planOf } from './world-plan.ts'

/** Worlds that stand on one another: charters change between them, and what was published stays. */
const STEPS = 4
/** Where every run begins that is told no seed. */
export const FIRST_SEED = 20_261_122
const SHRINK_MS = 60_000
const SHOWN = 12

/** How much of a run is done. */
export interface Tally {
  worlds: number
  /** Triples of object, reader and way out that were decided. */
  triples: number
  /** What is wrong, as it is shown. */
  failure?: string
}

/** `NAME` as a number, where it is set. */
export function setNumber(name: string): number | undefined {
  const text = process.env[name] ?? ''
  if (text === '') return undefined
  if (/^[0-9]{1,9}$/.test(text)) return Number(text)
  throw new Error(`${name}: "${text}" is no whole number.`)
}

/** Plays the seeds one by one as long as `isEnough` says no. */
export async function* campaign(seeds: Iterable<number>, isEnough: (tally: Tally) => boolean): AsyncIterable<Tally> {
  const tally: Tally = { worlds: 0, triples: 0 }
  for (const seed of seeds) {
    if (tally.worlds > 0 && isEnough(tally)) return
    const plan = planOf(seed, STEPS)
    const { worlds, triples, faults } = await judge(plan)
    tally.worlds += worlds
    tally.triples += triples
    if (faults.length > 0) tally.failure = await failureOf(seed, plan, faults)
    yield tally
    if (tally.failure !== undefined) return
  }
}

/** Seeds from one on, every so many. */
export function* seedsFrom(first: number, every = 1): Iterable<number> {
  for (let seed = first; ; seed += every) yield seed
}

async function failureOf(seed: number, plan: Plan, faults: readonly string[]): Promise<string> {
  const small = await shrunk(plan)
  return [
    `${faults.length} faults with NOROSHI_SEED=${seed} NOROSHI_WORLDS=1:`,
    ...faults.slice(0, SHOWN),
    `shrunk: ${JSON.stringify(small.plan.steps)}`,
    ...small.faults.slice(0, SHOWN),
  ].join('\n')
}

/** The same with fewer things, as long as a fault is left. */
async function shrunk(plan: Plan): Promise<{ plan: Plan; faults: string[] }> {
  const end = Date.now() + SHRINK_MS
  let [kept, faults] = [plan, [] as string[]]
  for (const { n } of plan.steps.flatMap(({ things }) => things)) {
    if (Date.now() > end) break
    const less = without(kept, n)
    const found = (await judge(less)).faults
    if (found.length > 0) [kept, faults] = [less, found]
  }
  return { plan: kept, faults }
}

const without = (plan: Plan, n: number): Plan => ({
  ...plan,
  steps: plan.steps.map((step) => ({
    ...step,
    recalls: step.recalls.filter((one) => one !== n),
    things: step.things.filter((thing) => thing.n !== n && thing.of !== n && !thing.refs.includes(n)),
  })),
})
