// Many seeds, one after the other or on several threads, until so many steps are done. What comes out depends on the seeds
// alone, not on which thread was faster.
import { createHash } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { Coverage } from '../../src/federation/simulation/coverage.ts'

/** A world makes much that is forgotten at once: with room for it, less is copied by the collector. */
const LIMITS = { maxYoungGenerationSizeMb: 96 }

export interface CampaignOptions {
  /** The first seed; the others follow it. */
  from: number
  steps: number
  threads: number
  told?: (progress: { steps: number; seeds: number }) => void
}

export interface Run {
  seed: number
  trace: string
  violations: string[]
  steps: number
  coverage: Record<string, number>
}

export interface Campaign {
  seeds: number
  steps: number
  /** Over the seeds and their traces: the same every time. */
  trace: string
  coverage: Coverage
  /** Runs in which a promise was broken, by seed. */
  failed: Run[]
}

/** Runs seeds until `steps` are done, or one of them fails. */
export async function runCampaign({ from, steps, threads, told }: CampaignOptions): Promise<Campaign> {
  const done = new Map<number, Run>()
  let [next, stopped] = [from, false]
  let counted = 0
  /** Seeds that count: from the first on without a gap, until the steps are reached. */
  const isEnough = () => {
    let sum = 0
    for (let seed = from; done.has(seed); seed++) {
      sum += done.get(seed)!.steps
      if (sum >= steps || done.get(seed)!.violations.length > 0) return true
    }
    counted = sum
    return false
  }
  const thread = async () => {
    const worker = new Worker(new URL('world-thread.ts', import.meta.url), { resourceLimits: LIMITS })
    try {
      while (!stopped) {
        const seed = next++
        const run = await new Promise<Run>((resolve, reject) => {
          worker.once('message', resolve)
          worker.once('error', reject)
          worker.postMessage(seed)
        })
        worker.removeAllListeners('error')
        done.set(seed, run)
        stopped ||= isEnough()
        told?.({ steps: counted, seeds: done.size })
      }
    } finally {
      await worker.terminate()
    }
  }
  await Promise.all(Array.from({ length: threads }, thread))
  return summed(from, steps, done)
}

function summed(from: number, steps: number, done: ReadonlyMap<number, Run>): Campaign {
  const trace = createHash('sha256')
  const campaign: Campaign = { seeds: 0, steps: 0, trace: '', coverage: new Coverage(), failed: [] }
  for (let seed = from; campaign.steps < steps && campaign.failed.length === 0; seed++) {
    const run = done.get(seed)
    if (!run) break
    campaign.seeds++
    campaign.steps += run.steps
    campaign.coverage.merge(run.coverage)
    if (run.violations.length > 0) campaign.failed.push(run)
    trace.update(`${seed} ${run.trace}\n`)
  }
  return { ...campaign, trace: trace.digest('hex') }
}
