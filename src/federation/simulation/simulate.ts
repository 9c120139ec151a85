import { admits } from '#policy'
import { Coverage } from './coverage.ts'
import { checkConverged, checkDisks } from './full-check.ts'
import { makePlan, type Plan, type PlanSize } from './plan.ts'
import { rememberSignatures } from './quick-signatures.ts'
import { VirtualTime } from './virtual-time.ts'
import { World } from './world.ts'

/** How one run goes. */
export interface SimulationOptions extends PlanSize {
  seed: number
  /** Instead of the seed's own plan: what is left of it. */
  plan?: Plan
  /** Planted instead of the true access decision, to see that a run catches it. */
  decides?: typeof admits
  /** Keeps every line that a node logs in the story. */
  isTelling?: boolean
}

/** What a run found; `violations` is empty where every promise held. */
export interface SimulationResult {
  seed: number
  plan: Plan
  trace: string
  violations: string[]
  /** Events delivered to nodes. */
  steps: number
  coverage: Record<string, number>
  /** What happened, as a person would tell it. */
  story: string[]
}

const START_MS = 1_790_000_000_000
/** Between two looks at every disk in whole; what changes is looked at as it changes. */
const STEPS_PER_FULL_CHECK = 1_000
/** After faults stop, everything has converged within this time and the lead of the fastest clock. */
const QUIET_MS = 4 * 60_000

/**
 * A whole alliance under one seed: the federation as it runs in a node, over simulated network, clocks and disks. Each
 * change of a disk and each answer on the wire is held against what the oracle knows; after each cycle of troubles the
 * world is left in peace, and must converge.
 */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const plan = options.plan ?? makePlan(options.seed, options)
  using _ = rememberSignatures()
  const time = new VirtualTime(START_MS)
  const coverage = new Coverage()
  const world = new World(plan, time, coverage, options.decides ?? admits)
  world.isTelling = options.isTelling ?? false
  const { oracle, nodes } = world
  const unhandled = (cause: unknown) =>
    oracle.fail(`a node would have died of ${String((cause as Error).stack ?? cause)}`)
  process.on('unhandledRejection', unhandled)
  let checkedAt = 0
  const check = () => {
    if (time.steps - checkedAt >= STEPS_PER_FULL_CHECK) {
      checkedAt = time.steps
      checkDisks(oracle, nodes)
    }
    return oracle.violations.size === 0
  }
  try {
    for (let cycle = 0; cycle < plan.cycles && oracle.violations.size === 0; cycle++) {
      world.begin(cycle)
      await time.runUntil(time.now + plan.troubleMs, check)
      if (oracle.violations.size > 0) break
      world.calm()
      const quietSince = time.now
      await time.runUntil(time.now + QUIET_MS + world.leadMs, check)
      if (oracle.violations.size > 0) break
      checkDisks(oracle, nodes)
      await checkConverged(oracle, nodes, quietSince)
      world.settle()
    }
  } finally {
    world.end()
    process.off('unhandledRejection', unhandled)
  }
  for (const violation of oracle.violations) world.tell(`VIOLATION ${violation}`)
  return {
    seed: plan.seed,
    plan,
    trace: time.trace(),
    violations: [...oracle.violations],
    steps: time.steps,
    coverage: Object.fromEntries(coverage.counts),
    story: world.story,
  }
}
