/** Runs inputs of targets, one job after the other; the supervisor ends it where an input does not end. */
import { parentPort, workerData } from 'node:worker_threads'
import { costFinding, type Finding } from './finding.ts'
import { InputSource } from './input-source.ts'
import { GROWTH_BYTES } from './limits.ts'
import { heldBytes, measure } from './measure.ts'
import { ProgressCell } from './progress-cell.ts'
import { fnv } from './random.ts'
import { shrink } from './shrink.ts'
import type { Target } from './target.ts'

/** So many inputs of a target, or given ones. */
export interface Job {
  target: string
  seed: number
  from: number
  count: number
  /** Stops earlier after so many milliseconds. */
  ms?: number
  corpus: readonly Uint8Array[]
  /** Inputs to run instead of made ones. */
  given?: readonly Uint8Array[]
  /** Findings known before: they are counted, not looked into again. */
  known: readonly string[]
}

/** What a worker says. */
export type Report =
  | { kind: 'finding'; finding: Finding }
  | { kind: 'again'; signature: string }
  | { kind: 'progress'; done: number }
  | { kind: 'done'; done: number; ms: number; trace: number; answers: number }

/** Making a slow input smaller takes long: fewer tries. */
const SLOW_SHRINK = { tries: 40, ms: 5_000 }
/** How often a worker tells how far it is. */
const PROGRESS_MS = 250

const { registry, shared } = workerData as { registry: string; shared: SharedArrayBuffer }
const { TARGETS } = (await import(registry)) as { TARGETS: readonly Target[] }
const cell = new ProgressCell(shared)
const tell = (report: Report) => parentPort?.postMessage(report)

parentPort?.on('message', (job: Job) => {
  void run(job)
})

async function run(job: Job): Promise<void> {
  const target = TARGETS.find(({ name }) => name === job.target)
  if (!target) throw new Error(`No target ${job.target}`)
  const source = new InputSource(target, job.seed, job.corpus)
  const known = new Set(job.known)
  const count = job.given?.length ?? job.count
  const from = performance.now()
  let told = from
  let trace = fnv(Buffer.from(target.name))
  let done = 0
  let heldAtHalf = 0
  for (let at = job.from; at < job.from + count; at++) {
    const input = job.given?.[at - job.from] ?? source.input(at)
    if (!job.given) trace = fnv(input, trace)
    const result = await measure(target, input, () => cell.begin(at, input), known.has('slow'))
    if ('answer' in result) source.learn(input, result.answer)
    else if (known.has(result.finding.signature)) tell({ kind: 'again', signature: result.finding.signature })
    else {
      known.add(result.finding.signature)
      tell({ kind: 'finding', finding: await shrunk(target, result.finding, at) })
    }
    done++
    if (done === count >> 1) heldAtHalf = heldBytes()
    const now = performance.now()
    if (now - told > PROGRESS_MS) {
      told = now
      tell({ kind: 'progress', done })
      if (job.ms !== undefined && now - from > job.ms) break
    }
  }
  cell.begin(-1, new Uint8Array())
  const ms = performance.now() - from
  if (!job.given && done === count && done > 1) tellGrowth(target, heldBytes() - heldAtHalf)
  tell({ kind: 'done', done, ms, trace, answers: source.answers })
}

function tellGrowth(target: Target, bytes: number): void {
  if (bytes <= GROWTH_BYTES) return
  const message = `${bytes} bytes more are held than after half of the inputs`
  tell({ kind: 'finding', finding: costFinding(target.name, 'leak', message, new Uint8Array()) })
}

/** A finding with a smaller input; should that hang, it does so as input number `at`. */
async function shrunk(target: Target, finding: Finding, at: number): Promise<Finding> {
  let smallest = finding
  const limits = finding.kind === 'slow' ? SLOW_SHRINK : {}
  const stillFails = async (candidate: Uint8Array) => {
    const result = await measure(target, candidate, () => cell.begin(at, candidate))
    const isSame = 'finding' in result && result.finding.signature === finding.signature
    if (isSame) smallest = result.finding
    return isSame
  }
  await shrink(finding.input, stillFails, limits)
  return smallest
}
