/** Gives jobs to a worker, ends it where an input does not end or takes all memory, and goes on behind that input. */
import { Worker } from 'node:worker_threads'
import { costFinding, type Finding, type FindingKind } from './finding.ts'
import { HANG_MS, RESIDENT_BYTES, WORKER_HEAP_MB } from './limits.ts'
import { ProgressCell } from './progress-cell.ts'
import { shrink } from './shrink.ts'
import type { Job, Report } from './worker-thread.ts'

/** What came of the inputs of one target. */
export interface TargetResult {
  target: string
  inputs: number
  /** Time the worker took, in milliseconds. */
  ms: number
  /** Different answers. */
  answers: number
  /** Hash over all inputs; the same seed gives the same. */
  trace: number
  findings: Finding[]
  /** How many more inputs had one of the findings. */
  repeated: number
  /** Highest resident memory of the process seen meanwhile, in bytes. */
  peakBytes: number
}

/** A request for inputs of a target. */
export interface Wanted {
  target: string
  seed: number
  count: number
  ms?: number
  corpus: readonly Uint8Array[]
  given?: readonly Uint8Array[]
}

/** How often the supervisor looks. */
const LOOK_MS = 50
/** Most workers that one target may end: then its remaining inputs are left out. */
const MOST_ENDED = 5
/** Tries to make an input smaller that ends workers: each costs a worker, and the time to see that it hangs. */
const DEADLY_TRIES = 24

/** How a job ended. */
type End =
  | { kind: 'done'; report: Report & { kind: 'done' } }
  | { kind: Extract<FindingKind, 'hang' | 'memory' | 'crash'>; number: number; input: Uint8Array; message: string }

/** One worker at a time, and the memory it shares. */
export class Supervisor {
  readonly #registry: string
  readonly #hangMs: number
  readonly #deadlyTries: number
  readonly #onProgress: (done: number) => void
  #worker: Worker | undefined
  #cell = new ProgressCell()
  #peak = 0

  constructor(
    registry: URL,
    options: { hangMs?: number; deadlyTries?: number; onProgress?: (done: number) => void } = {},
  ) {
    this.#registry = registry.href
    this.#hangMs = options.hangMs ?? HANG_MS
    this.#deadlyTries = options.deadlyTries ?? DEADLY_TRIES
    this.#onProgress = options.onProgress ?? (() => {})
  }

  /** Runs the inputs of one target; findings don't stop it. */
  async run(wanted: Wanted): Promise<TargetResult> {
    const { target } = wanted
    const result: TargetResult = {
      target,
      inputs: 0,
      ms: 0,
      answers: 0,
      trace: 0,
      findings: [],
      repeated: 0,
      peakBytes: 0,
    }
    this.#peak = 0
    let rest: Job = { from: 0, known: [], ...wanted }
    for (let ended = 0; ended < MOST_ENDED; ended++) {
      const end = await this.#job(rest, result)
      if (end.kind === 'done') {
        const { done, ms, trace, answers } = end.report
        result.inputs += done
        result.ms += ms
        result.trace = (result.trace ^ trace) >>> 0
        result.answers = Math.max(result.answers, answers)
        break
      }
      await this.#examine(end, rest, result)
      if (end.number < 0) break
      const done = end.number + 1 - rest.from
      result.inputs += done
      const given = rest.given?.slice(done)
      rest = {
        ...rest,
        from: end.number + 1,
        count: rest.count - done,
        known: result.findings.map(({ signature }) => signature),
        ...(given ? { given } : {}),
      }
      if ((given?.length ?? rest.count) <= 0) break
    }
    result.peakBytes = this.#peak
    return result
  }

  async close(): Promise<void> {
    const worker = this.#worker
    this.#worker = undefined
    await worker?.terminate()
  }

  /** An input that ended a worker is a finding where it does so again, alone. */
  async #examine(end: Exclude<End, { kind: 'done' }>, job: Job, result: TargetResult): Promise<void> {
    if (result.findings.some(({ kind }) => kind === end.kind)) {
      result.repeated++
      return
    }
    const again = await this.#ends(job, end.input)
    if (again === undefined && end.kind !== 'crash') return
    const kind = again ?? end.kind
    const input = await shrink(end.input, async (candidate) => (await this.#ends(job, candidate)) === kind, {
      tries: this.#deadlyTries,
      ms: this.#deadlyTries * this.#hangMs * 2,
    })
    result.findings.push(costFinding(job.target, kind, end.message, input))
  }

  /** How an input ends a worker, if it does. */
  async #ends(job: Job, input: Uint8Array): Promise<'hang' | 'memory' | 'crash' | undefined> {
    const ignored: TargetResult = { ...EMPTY, target: job.target, findings: [] }
    const end = await this.#job({ ...job, from: 0, count: 1, given: [input], known: [] }, ignored)
    return end.kind === 'done' ? undefined : end.kind
  }

  #job(job: Job, result: TargetResult): Promise<End> {
    const worker = (this.#worker ??= this.#start())
    this.#cell.begin(-1, new Uint8Array())
    return new Promise((resolve) => {
      const finish = (end: End) => {
        clearInterval(look)
        for (const [name, listener] of listeners) worker.off(name, listener)
        if (end.kind === 'done') return resolve(end)
        this.#worker = undefined
        // A worker that is being ended may still complain about it.
        worker.on('error', () => {})
        void worker.terminate().then(() => resolve(end))
      }
      const stop = (kind: 'hang' | 'memory' | 'crash', message: string) =>
        finish({ kind, number: this.#cell.now.number, message, input: this.#cell.input() })
      const onReport = (report: Report) => {
        if (report.kind === 'finding') result.findings.push(report.finding)
        else if (report.kind === 'again') result.repeated++
        else if (report.kind === 'progress') this.#onProgress(report.done)
        else finish({ kind: 'done', report })
      }
      const onError = (error: Error & { code?: string }) =>
        stop(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'memory' : 'crash', String(error))
      const onExit = (code: number) => stop('crash', `the worker left with ${code}`)
      const listeners = [
        ['message', onReport],
        ['error', onError],
        ['exit', onExit],
      ] as const
      const look = setInterval(() => {
        const resident = process.memoryUsage.rss()
        this.#peak = Math.max(this.#peak, resident)
        const { number, ms } = this.#cell.now
        if (resident > RESIDENT_BYTES) stop('memory', `the process holds ${resident} bytes`)
        else if (ms > this.#hangMs && number >= 0) stop('hang', `no answer after ${ms} ms`)
      }, LOOK_MS)
      for (const [name, listener] of listeners) worker.on(name, listener)
      worker.postMessage(job)
    })
  }

  #start(): Worker {
    this.#cell = new ProgressCell()
    return new Worker(new URL('./worker-thread.ts', import.meta.url), {
      workerData: { registry: this.#registry, shared: this.#cell.shared },
      resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MB },
    })
  }
}

const EMPTY = { inputs: 0, ms: 0, answers: 0, trace: 0, repeated: 0, peakBytes: 0 }
