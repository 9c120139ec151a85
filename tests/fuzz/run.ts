/**
 * `npm run fuzz`: a million inputs over all targets, unless told otherwise.
 *
 *     npm run fuzz -- --target pattern --inputs 50000 --seed 7
 *     npm run fuzz -- --target pattern --replay tests/fuzz/found/pattern.error.0123456789ab
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { keepFinding, keptInputs } from './corpus.ts'
import type { Target } from './target.ts'
import { TARGETS } from './registry.ts'
import { Supervisor, type TargetResult } from './supervisor.ts'

const INPUTS = 1_000_000
const { values } = parseArgs({
  options: {
    target: { type: 'string', multiple: true },
    inputs: { type: 'string' },
    seed: { type: 'string' },
    minutes: { type: 'string' },
    replay: { type: 'string' },
    json: { type: 'boolean' },
  },
})

const whole = (text: string, name: string): number => {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 0) fail(`--${name} takes a whole number, not ${text}.`)
  return number
}
const fail = (message: string): never => {
  console.error(message)
  process.exit(2)
}
const unknown = values.target?.find((name) => !TARGETS.some((target) => target.name === name))
if (unknown !== undefined) fail(`No target ${unknown}. Targets: ${TARGETS.map(({ name }) => name).join(', ')}.`)
const chosen = TARGETS.filter(({ name }) => values.target?.includes(name) ?? true)
const inputs = whole(values.inputs ?? String(INPUTS), 'inputs')
const seed = whole(values.seed ?? String(Date.now() % 1_000_000_000), 'seed')
const minutes = values.minutes === undefined ? undefined : Number(values.minutes)
const shares = chosen.reduce((sum, target) => sum + weightOf(target), 0)
const given = values.replay === undefined ? undefined : [readFileSync(values.replay)]
if (given && chosen.length !== 1) fail('--replay needs one --target.')

function weightOf({ weight = 1 }: Target): number {
  return weight
}

let before = 0
let current = ''
const isShown = process.stderr.isTTY && !values.json
const supervisor = new Supervisor(new URL('./registry.ts', import.meta.url), {
  onProgress: (done) => isShown && bar(before + done),
})

function bar(done: number): void {
  const share = Math.min(1, done / inputs)
  const filled = Math.round(share * 30)
  process.stderr.write(
    `\r[${'#'.repeat(filled)}${'.'.repeat(30 - filled)}] ${done} of ${inputs}  ${current.padEnd(20)}`,
  )
}

const results: TargetResult[] = []
for (const target of chosen) {
  current = target.name
  const share = weightOf(target) / shares
  const result = await supervisor.run({
    target: target.name,
    seed,
    count: minutes === undefined ? Math.ceil(inputs * share) : Number.MAX_SAFE_INTEGER,
    ...(minutes === undefined ? {} : { ms: minutes * 60_000 * share }),
    corpus: keptInputs(target.name).map(({ bytes }) => bytes),
    ...(given ? { given } : {}),
  })
  before += result.inputs
  results.push(result)
  tell(result)
}
await supervisor.close()
const findings = results.flatMap((result) => result.findings)
const total = results.reduce((sum, result) => sum + result.inputs, 0)
const peak = Math.max(...results.map(({ peakBytes }) => peakBytes))
if (values.json) console.log(JSON.stringify({ seed, total, peakBytes: peak, results: results.map(toLine) }))
else console.log(`${total} inputs, seed ${seed}, ${findings.length} findings, peak memory ${mb(peak)} MB`)
process.exitCode = findings.length > 0 ? 1 : 0

function mb(bytes: number): number {
  return Math.round(bytes / 1_048_576)
}

function toLine(result: TargetResult): object {
  const { target, inputs: count, ms, answers, trace, repeated, peakBytes } = result
  const found = result.findings.map(({ kind, message }) => ({ kind, message }))
  return {
    target,
    inputs: count,
    perSecond: Math.round((count / ms) * 1_000),
    answers,
    trace,
    found,
    repeated,
    peakBytes,
  }
}

function tell(result: TargetResult): void {
  const { target, inputs: count, ms, answers, trace, peakBytes } = result
  if (isShown) process.stderr.write(`\r${' '.repeat(80)}\r`)
  if (!values.json)
    console.log(
      `${target.padEnd(20)} ${String(count).padStart(9)} inputs ${String(Math.round((count / ms) * 1_000)).padStart(7)}/s` +
        ` ${String(answers).padStart(5)} answers  trace ${trace.toString(16).padStart(8, '0')}  ${mb(peakBytes)} MB` +
        (result.findings.length > 0 ? `  ${result.findings.length} findings, ${result.repeated} more inputs` : ''),
    )
  for (const finding of result.findings) {
    const path = keepFinding(finding)
    console.error(`  ${finding.kind}: ${finding.message}`)
    console.error(`  npm run fuzz -- --target ${target} --replay ${path}`)
  }
}
