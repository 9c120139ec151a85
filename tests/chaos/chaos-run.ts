// A whole run, from empty folders to the comparison of what lies in them.
import { mkdir, rm } from 'node:fs/promises'
import { type Aftermath, aftermath } from './aftermath.ts'
import { carryOut } from './chaos.ts'
import { type LinkLimits, openFleet } from './fleet.ts'
import { faultsIn } from './holdings.ts'
import { type Alliances, planOf, type PlanOptions } from './plan.ts'

/**
 * Japan, the United States and the Philippines; Japan and the ten ASEAN states. Japan takes part with two organisations,
 * so that a nation is not a member: thirteen in all, three of them in both.
 */
export const BOTH_ALLIANCES: Alliances = {
  trilateral: ['jp-nco', 'jp-jpcert', 'ph-ncert', 'us-cisa'],
  'asean-japan': [
    'jp-nco',
    'jp-jpcert',
    'bn-brucert',
    'id-bssn',
    'kh-camcert',
    'la-laocert',
    'mm-mmcert',
    'my-nacsa',
    'ph-ncert',
    'sg-csa',
    'th-ncsa',
    'vn-ais',
  ],
}

/** How long nodes of a run wait, and how long the run waits for them. */
export interface RunOptions extends PlanOptions {
  limits?: LinkLimits
  /** From healing until each link has its stream again: dead silence noticed, the longest backoff, and room. */
  streamsMs: number
}

/** What is in force where a run says nothing else. */
export const STREAMS_MS = 150_000

export interface Outcome extends Omit<Aftermath, 'faults'> {
  counts: Record<string, number>
  acknowledged: number
  /** What must not be; empty where everything holds. */
  faults: string[]
}

/** Runs a plan over a fleet in `folder`, which is removed unless something is wrong with it. */
export async function chaosRun(
  folder: string,
  options: RunOptions,
  progress: (line: string) => void = () => undefined,
): Promise<Outcome> {
  await mkdir(folder, { recursive: true })
  const began = Date.now()
  const said = (line: string) => progress(`${String(Math.round((Date.now() - began) / 1_000)).padStart(5)} s  ${line}`)
  await using fleet = await openFleet(folder, options.alliances, options.limits)
  said(`${fleet.slugs.length} nodes are up, ${fleet.relays().length} relays between them`)
  const run = await carryOut(fleet, planOf(options), said)
  said(`healed: ${JSON.stringify(run.counts)}`)
  const { faults: after, ...seen } = await aftermath(fleet, run, options.alliances, options.streamsMs)
  said(`after healing: ${JSON.stringify(seen)}, ${after.length} faults`)
  await fleet.stop()
  const held = await faultsIn(new Map(fleet.slugs.map((slug) => [slug, fleet.dir(slug)])), run.publications)
  const faults = [...run.faults, ...after, ...held]
  said(`compared: ${faults.length} faults`)
  if (faults.length === 0) await rm(folder, { recursive: true, force: true })
  const acknowledged = run.publications.filter(({ place }) => place).length
  return { ...seen, counts: run.counts, acknowledged, faults }
}
