// `npm run sim [-- --seed N | --steps N] [--from N] [--threads N]`: ten million steps of simulated alliances, or one seed.
import { parseArgs } from 'node:util'
import { FAULTS, PATHS } from '../../src/federation/simulation/coverage.ts'
import { shrink } from '../../src/federation/simulation/shrink.ts'
import { simulate } from '../../src/federation/simulation/simulate.ts'
import { runCampaign } from './campaign.ts'
import { report } from './report.ts'

const STEPS = 10_000_000
/** Below this many steps a rare path may well not have come about. */
const STEPS_FOR_COVERAGE = 500_000
const BAR_COLUMNS = 30

/** Between two lines of a run that is not on a terminal. */
const LINE_MS = 60_000
const USAGE = `Usage: npm run sim [-- OPTION…]
  --steps N    at least so many steps, world after world; ${STEPS} where not given
  --from N     the seed of the first world; 1 where not given
  --threads N  worlds at the same time; 2 where not given
  --seed N     this one world; where it breaks a promise, it is shrunk
  --tell       what happens in it, step by step`

const values = read()

process.exitCode = await (values.seed === undefined ? campaign() : oneSeed(number(values.seed, '--seed')))

async function campaign(): Promise<number> {
  const [from, steps, threads] = [
    number(values.from, '--from'),
    number(values.steps, '--steps'),
    number(values.threads, '--threads'),
  ]
  const started = Date.now()
  const { failed, coverage, seeds, ...sums } = await runCampaign({ from, steps, threads, told: bar(steps, started) })
  if (process.stderr.isTTY) process.stderr.write('\n')
  const seconds = (Date.now() - started) / 1_000
  console.log(
    `${sums.steps} steps in ${seeds} worlds (seeds ${from} to ${from + seeds - 1}), ${Math.round(sums.steps / seconds)} steps/s`,
  )
  for (const [title, names] of [
    ['Faults', FAULTS],
    ['Rare paths', PATHS],
  ] as const) {
    console.log(`\n${title}`)
    for (const name of names) console.log(`  ${String(coverage.counts.get(name) ?? 0).padStart(9)}  ${name}`)
  }
  console.log(`\nTrace ${sums.trace}`)
  for (const run of failed) await tellFailure(run.seed)
  const missing = coverage.missing()
  if (failed.length > 0 || sums.steps < STEPS_FOR_COVERAGE || missing.length === 0) return failed.length > 0 ? 1 : 0
  console.error(`Never happened, and so proved nothing: ${missing.join(', ')}`)
  return 1
}

async function oneSeed(seed: number): Promise<number> {
  const result = await simulate({ seed, isTelling: values.tell })
  console.log(`Seed ${seed}: ${result.steps} steps, trace ${result.trace}`)
  if (values.tell) console.log(result.story.join('\n'))
  if (result.violations.length === 0) return 0
  await tellFailure(seed)
  return 1
}

/** Shrinks a failing seed and tells what is left of it. */
async function tellFailure(seed: number): Promise<void> {
  const found = await simulate({ seed })
  console.error(
    `\nSeed ${seed} breaks a promise: ${found.violations[0] ?? 'not when run again: the simulator is not deterministic'}`,
  )
  if (found.violations.length === 0) return
  console.error(`Shrinking ${found.plan.acts.length} acts …`)
  const least = await shrink(found, (acts) => process.stderr.isTTY && process.stderr.write(`\r${acts} acts `))
  console.error(report(least, found.plan.acts.length))
}

function read() {
  try {
    return parseArgs({
      options: {
        seed: { type: 'string' },
        steps: { type: 'string', default: String(STEPS) },
        from: { type: 'string', default: '1' },
        threads: { type: 'string', default: '2' },
        tell: { type: 'boolean', default: false },
      },
    }).values
  } catch (cause) {
    console.error(`${(cause as Error).message}\n\n${USAGE}`)
    process.exit(2)
  }
}

function bar(steps: number, started: number) {
  let line = started
  return (progress: { steps: number; seeds: number }) => {
    if (!process.stderr.isTTY) {
      if (Date.now() - line < LINE_MS) return
      line = Date.now()
      console.error(`${progress.steps} of ${steps} steps, ${progress.seeds} worlds`)
      return
    }
    const part = Math.min(1, progress.steps / steps)
    const full = Math.round(part * BAR_COLUMNS)
    const rate = Math.round(progress.steps / ((Date.now() - started) / 1_000))
    process.stderr.write(
      `\r[${'#'.repeat(full)}${'.'.repeat(BAR_COLUMNS - full)}] ${Math.floor(part * 100)} %, ${progress.seeds} worlds, ${rate} steps/s `,
    )
  }
}

function number(text: string, name: string): number {
  const value = Number(text.replaceAll('_', ''))
  if (Number.isSafeInteger(value) && value >= 0) return value
  console.error(`${name} takes a whole number, not ${text}`)
  process.exit(2)
}
