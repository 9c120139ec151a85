import type { Act, Plan } from './plan.ts'
import { simulate, type SimulationOptions, type SimulationResult } from './simulate.ts'

/** Runs that one shrinking may take; each is a whole simulation. */
const RUNS_MOST = 200

/** The smallest plan that was found in which the same promise is broken, with its run. */
export async function shrink(
  found: SimulationResult,
  told: (acts: number) => void = () => undefined,
  planted: Pick<SimulationOptions, 'decides'> = {},
): Promise<SimulationResult> {
  let best = found
  let left = RUNS_MOST
  const kind = kindOf(found)
  const tries = async (change: Partial<Plan>): Promise<boolean> => {
    if (left-- <= 0) return false
    const plan = { ...best.plan, ...change }
    const result = await simulate({ ...planted, seed: plan.seed, plan })
    if (kindOf(result) !== kind) return false
    best = result
    told(plan.acts.length)
    return true
  }
  await tries({ cycles: 1, acts: best.plan.acts.filter((act) => act.cycle === 0) })
  if (best.plan.cycles > 1) {
    const second = best.plan.acts.filter((act) => act.cycle === 1)
    await tries({ cycles: 1, acts: second.map((act) => ({ ...act, cycle: 0 })) })
  }
  // Whole kinds, and all that one member does, go faster than one act after the other.
  for (const kind of new Set(best.plan.acts.map((act) => act.do)))
    await tries({ acts: best.plan.acts.filter((act) => act.do !== kind) })
  for (const place of best.plan.members.keys()) {
    const acts = best.plan.acts.filter((act) => !isOf(act, place))
    if (acts.length < best.plan.acts.length) await tries({ acts })
  }
  for (const weather of [
    { loss: 0, duplication: 0, replay: 0 },
    { loss: 0 },
    { duplication: 0, replay: 0 },
    { delayMs: [1, 30] as const },
  ])
    await tries({ weather: { ...best.plan.weather, ...weather } })
  await without(
    () => best.plan.acts,
    (acts) => tries({ acts }),
  )
  await tries({ members: best.plan.members.map((member) => ({ ...member, skewMs: 0 })) })
  return best
}

const isOf = (act: Act, place: number) => ('node' in act ? act.node === place : act.from === place || act.to === place)

/** Takes away halves, then quarters, and so on to single acts, as long as any can go. */
async function without(now: () => readonly Act[], tries: (acts: Act[]) => Promise<boolean>): Promise<void> {
  for (let size = Math.ceil(now().length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let from = 0; from < now().length;) {
      const acts = now()
      const rest = [...acts.slice(0, from), ...acts.slice(from + size)]
      if (!(await tries(rest))) from += size
    }
}

/** What was broken, without whom and which entry it hit. */
const kindOf = ({ violations }: SimulationResult): string =>
  (violations[0] ?? '')
    .replace(/^[\d.]+ s: /, '')
    .replace(/\b(m\d+|[0-9a-f]{8,}|identity--\S+|\d+)\b/g, '*')
    .slice(0, 60)
