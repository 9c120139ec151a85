import { createHash } from 'node:crypto'
import type { Millis } from '#base'
import type { Timers } from '../api.ts'

interface Due {
  at: Millis
  order: number
  label: string
  run: () => void
  cancelled: boolean
  /** Whether the process that it belongs to still lives. */
  isAlive?: () => boolean
}

/** Characters of the trace that are hashed together. */
const NOTED_AT_ONCE = 8_192

/** The one clock and the one queue of a simulation: what is due next happens next, and time stands still meanwhile. */
export class VirtualTime {
  now: Millis
  /** Events delivered so far. */
  steps = 0
  #order = 0
  readonly #queue: Due[] = []
  readonly #trace = createHash('sha256')
  /** The end of the trace, which is yet to be hashed. */
  #noted = ''

  constructor(start: Millis) {
    this.now = start
  }

  after(delayMs: number, label: string, run: () => void): Due {
    const due: Due = { at: this.now + Math.max(0, delayMs), order: this.#order++, label, run, cancelled: false }
    this.#push(due)
    return due
  }

  /** Timers of one process; they die with it. */
  timers(label: string, isAlive: () => boolean): Timers {
    return {
      set: (delayMs, run) => Object.assign(this.after(delayMs, label, run), { isAlive }),
      clear: (handle) => {
        if (handle !== undefined) (handle as Due).cancelled = true
      },
    }
  }

  /** Runs everything due until `end`; `check` looks at the world after each step and may end it. */
  async runUntil(end: Millis, check: () => boolean | void): Promise<void> {
    for (let next = this.#pop(end); next; next = this.#pop(end)) {
      if (next.cancelled || next.isAlive?.() === false) continue
      this.now = next.at
      this.steps++
      this.note(next.label)
      next.run()
      // Whatever was set going by promises is over before the next event.
      await new Promise((resolve) => setImmediate(resolve))
      if (check() === false) return
    }
    this.now = end
  }

  /** Something that happened now belongs to the trace. */
  note(what: string): void {
    this.#noted += `${this.now} ${what}\n`
    if (this.#noted.length >= NOTED_AT_ONCE) this.#hashNoted()
  }

  /** Hash over all steps so far: two runs of one seed must agree. */
  trace(): string {
    this.#hashNoted()
    return this.#trace.copy().digest('hex')
  }

  #hashNoted(): void {
    this.#trace.update(this.#noted)
    this.#noted = ''
  }

  #push(due: Due): void {
    const queue = this.#queue
    let at = queue.push(due) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(due, queue[parent]!)) break
      queue[at] = queue[parent]!
      at = parent
    }
    queue[at] = due
  }

  #pop(end: Millis): Due | undefined {
    const queue = this.#queue
    const first = queue[0]
    if (!first || first.at > end) return undefined
    const last = queue.pop()!
    if (queue.length === 0) return first
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= queue.length) break
      if (child + 1 < queue.length && isBefore(queue[child + 1]!, queue[child]!)) child++
      if (!isBefore(queue[child]!, last)) break
      queue[at] = queue[child]!
      at = child
    }
    queue[at] = last
    return first
  }
}

const isBefore = (a: Due, b: Due) => a.at < b.at || (a.at === b.at && a.order < b.order)
