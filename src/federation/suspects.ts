import type { Json, LogId, MemberId, Millis } from '#base'
import type { DelegationEnd } from '#log'
import type { Change, ObjectRow } from '#store'
import type { Context } from './context.ts'
import type { Heads } from './heads.ts'

const COLLECTION = 'suspects'
const ROWS_PER_QUERY = 1_000
/** Rows of one commit. */
const ROWS_PER_COMMIT = 1_000

/** Why content waits: it came under a key that its member calls compromised, after the time from which it does. */
export const SUSPECT = 'QUARANTINE:KEY_COMPROMISED'

/**
 * What arrived from a member after its key was compromised: nobody knows who signed it. It is held back until the member
 * vouches for its log, which a checkpoint under another key does; what arrived earlier stands, whatever happened since.
 * @see docs/wire.md, Ending a delegation early
 */
export class Suspects {
  readonly #context: Context
  readonly #heads: Heads
  readonly #logs: Set<LogId>

  private constructor(context: Context, heads: Heads, logs: Set<LogId>) {
    this.#context = context
    this.#heads = heads
    this.#logs = logs
  }

  static async open(context: Context, heads: Heads): Promise<Suspects> {
    const rows = await Array.fromAsync(context.store.records(COLLECTION))
    return new Suspects(context, heads, new Set(rows.map(({ key }) => key)))
  }

  has(log: LogId): boolean {
    return this.#logs.has(log)
  }

  /** Holds back what came under keys that a member has ended as compromised. */
  async hold(member: MemberId, ends: readonly DelegationEnd[]): Promise<void> {
    const since = Math.min(...ends.filter(({ reason }) => reason === 'compromised').map(({ until }) => until))
    const logs = this.#heads.of(member).map(({ log }) => log)
    if (!Number.isFinite(since) || logs.length === 0) return
    const rows = await this.#arrived(logs, since)
    await this.#context.store.commit(logs.map((log) => mark(log, since)))
    for (const log of logs) this.#logs.add(log)
    for (let at = 0; at < rows.length; at += ROWS_PER_COMMIT)
      await this.#context.store.commit(rows.slice(at, at + ROWS_PER_COMMIT).map(toHeld))
    this.#context.emit('revised', {
      author: member,
      objects: rows.map(({ log, index, ...columns }) => ({
        log,
        index,
        object: { ...columns, status: 'quarantined' as const, code: SUSPECT },
      })),
    })
    const when = new Date(since).toISOString()
    const message = `A key of this member counts as compromised since ${when}; ${rows.length} objects that came later wait until it vouches for them`
    await this.#context.alarm('key', member, message, { evidence: ends as unknown as Json })
  }

  /** What of a log waits. */
  async of(log: LogId): Promise<ObjectRow[]> {
    if (!this.#logs.has(log)) return []
    const rows = await this.#pages({ logs: [log], statuses: ['quarantined'] })
    return rows.filter(({ code }) => code === SUSPECT)
  }

  /** The member has vouched for a log. */
  vouched(log: LogId): Change[] {
    return this.#logs.delete(log) ? [{ op: 'delete', collection: COLLECTION, key: log }] : []
  }

  #arrived(logs: readonly LogId[], since: Millis): Promise<ObjectRow[]> {
    return this.#pages({ logs, statuses: ['accepted'], since })
  }

  async #pages(query: {
    logs: readonly LogId[]
    statuses: readonly ('accepted' | 'quarantined')[]
    since?: Millis
  }): Promise<ObjectRow[]> {
    const rows: ObjectRow[] = []
    for (let cursor: string | undefined; ;) {
      const page = await this.#context.store.objects({ ...query, limit: ROWS_PER_QUERY, ...(cursor ? { cursor } : {}) })
      rows.push(...page.rows)
      if (page.next === undefined) return rows
      cursor = page.next
    }
  }
}

const mark = (log: LogId, since: Millis): Change => ({ op: 'put', collection: COLLECTION, key: log, value: { since } })

const toHeld = ({ log, index }: ObjectRow): Change => ({
  op: 'status',
  log,
  index,
  status: 'quarantined',
  code: SUSPECT,
})
