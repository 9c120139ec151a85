import type { Json, LogId, MemberId, Millis } from '#base'
import { ENTRY_KIND } from '#log'
import type { Change } from '#store'
import type { Context } from './context.ts'
import { publishedProof } from './evidence/proofs.ts'

const ALERT_ONLY = 'alert-only'
const ARMED = 'armed'
/** Over which entry times recalls are counted. @see WIRE, Recall */
export const RECALL_WINDOW_MS = 3_600_000
/** Recalls within the window that pass without a person: this many, or this part of what is armed, if that is more. */
export const RECALLS_FREE = 20
const RECALLS_FREE_PART = 0.05
/** Entries that are looked through for the recalls that evidence holds. */
const PROVED_MOST = 32

/** What of a log is armed here. */
interface ArmedRecord {
  author: MemberId
  size: number
  entries: number
}

/**
 * Recall must not blind defenders: when an author takes back too much within an hour, local detection goes on in
 * alert-only until a person has confirmed.
 */
export class MassRecallGuard {
  readonly #context: Context
  readonly #times = new Map<MemberId, Millis[]>()
  readonly #armed = new Map<LogId, ArmedRecord>()
  readonly #alertOnly = new Set<MemberId>()

  private constructor(context: Context) {
    this.#context = context
  }

  static async open(
    context: Context,
    recalls: readonly { author: MemberId; reason: string; entryTime: Millis }[],
  ): Promise<MassRecallGuard> {
    const guard = new MassRecallGuard(context)
    for (const { author, reason, entryTime } of recalls) if (reason !== 'expired') guard.#add(author, [entryTime])
    for await (const { key } of context.store.records(ALERT_ONLY)) guard.#alertOnly.add(key as MemberId)
    for await (const { key, value } of context.store.records(ARMED))
      guard.#armed.set(key, value as unknown as ArmedRecord)
    return guard
  }

  alertOnly(): MemberId[] {
    return [...this.#alertOnly]
  }

  /** Up to which size a log was reported as armed. */
  armedSize(log: LogId): number {
    return this.#armed.get(log)?.size ?? 0
  }

  /** The change that keeps that `entries` more of a log are armed, up to `size`. */
  arm(author: MemberId, log: LogId, size: number, entries: number): Change {
    const record = { author, size, entries: (this.#armed.get(log)?.entries ?? 0) + entries }
    this.#armed.set(log, record)
    return { op: 'put', collection: ARMED, key: log, value: record as unknown as Json }
  }

  /** Counts recalls at these entry times in; says whether this author is in alert-only from now on. */
  async weigh(author: MemberId, times: readonly Millis[]): Promise<{ alertOnly: boolean; changes: Change[] }> {
    if (this.#alertOnly.has(author) || times.length === 0) return { alertOnly: times.length > 0, changes: [] }
    this.#add(author, times)
    const latest = Math.max(...times)
    const within = (this.#times.get(author) ?? []).filter((time) => time > latest - RECALL_WINDOW_MS)
    this.#times.set(author, within)
    if (within.length <= this.#free(author)) return { alertOnly: false, changes: [] }
    this.#alertOnly.add(author)
    const value = { since: this.#context.now() }
    return { alertOnly: true, changes: [{ op: 'put', collection: ALERT_ONLY, key: author, value }] }
  }

  async alarm(author: MemberId, log: LogId): Promise<void> {
    const message = `${author} recalled more than ${this.#free(author)} armed entries within an hour: detection goes on in alert-only until a person confirms`
    await this.#context.alarm('mass-recall', author, message, { log, evidence: await this.#newestRecalls(log) })
  }

  /** The recalls at the end of the log, as their author signed them. */
  async #newestRecalls(log: LogId): Promise<Json> {
    const { store } = this.#context
    const { size = 0 } = (await store.log(log)) ?? {}
    const entries = await store.entries(log, Math.max(0, size - PROVED_MOST), size)
    const indexes = entries.flatMap(({ index, kind }) => (kind === ENTRY_KIND.recall ? [index] : []))
    return { indexes, ...(await publishedProof(store, log, indexes)) }
  }

  async lift(author: MemberId): Promise<void> {
    this.#alertOnly.delete(author)
    this.#times.delete(author)
    await this.#context.store.commit([{ op: 'delete', collection: ALERT_ONLY, key: author }])
  }

  #free(author: MemberId): number {
    let armed = 0
    for (const record of this.#armed.values()) if (record.author === author) armed += record.entries
    return Math.max(RECALLS_FREE, Math.ceil(armed * RECALLS_FREE_PART))
  }

  #add(author: MemberId, times: readonly Millis[]): void {
    this.#times.set(author, [...(this.#times.get(author) ?? []), ...times])
  }
}
