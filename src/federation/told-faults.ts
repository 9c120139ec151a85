import type { LogId, Millis } from '#base'
import type { Fault } from './verify.ts'

/** The same fault of a log is told again after an hour: each try to fetch it would find it anew. */
const TOLD_AGAIN_MS = 3_600_000
/** Logs of which is remembered what was told; the oldest goes first. */
const REMEMBERED_MOST = 10_000

/** What people were told of logs lately, so that a log that stays broken fills neither their day nor the evidence. */
export class ToldFaults {
  readonly #told = new Map<LogId, { fault: string; at: Millis }>()

  /** Whether a fault of a log is to be told now; one that is proved is another than one that is not. */
  isDue(log: LogId, { kind, message }: Fault, isProved: boolean, now: Millis): boolean {
    // Sizes and times in the words change from one try to the next.
    const fault = `${kind} ${isProved} ${message.replaceAll(/\d+/g, '#')}`
    const last = this.#told.get(log)
    if (last?.fault === fault && now >= last.at && now - last.at < TOLD_AGAIN_MS) return false
    this.#told.delete(log)
    this.#told.set(log, { fault, at: now })
    const [oldest] = this.#told.keys()
    if (this.#told.size > REMEMBERED_MOST && oldest !== undefined) this.#told.delete(oldest)
    return true
  }
}
