import type { MemberId, Slug } from '#base'
import { backoff } from '../backoff.ts'
import type { Context } from '../context.ts'
import { JOIN_POLL } from '../limits.ts'
import type { JoiningRecord, Joins } from './joins.ts'

/** What pending joins are followed by. */
export interface PendingJoinsParts {
  context: Context
  joins: Joins
  /** Asks the inviter; true once the charter is in force here. */
  joined: (alliance: Slug) => Promise<boolean>
  /** The join is in force: the inviter is reached under the address of its invitation. */
  onJoined: (inviter: MemberId, address: string) => Promise<void>
}

/**
 * Asks the inviter, ever more slowly, whether an open join is in force: who has no address that peers could call learns
 * of its admission only so. What is open is on disk, so that it is followed over a restart.
 */
export class PendingJoins {
  readonly #parts: PendingJoinsParts
  readonly #timers = new Map<Slug, unknown>()
  #running = false

  constructor(parts: PendingJoinsParts) {
    this.#parts = parts
  }

  start(): void {
    this.#running = true
    for (const alliance of this.#parts.joins.open()) this.follow(alliance)
  }

  stop(): void {
    this.#running = false
    for (const timer of this.#timers.values()) this.#parts.context.timers.clear(timer)
    this.#timers.clear()
  }

  /** A join was begun. */
  follow(alliance: Slug): void {
    if (!this.#running || this.#timers.has(alliance)) return
    this.#timers.set(alliance, undefined)
    const { context, joins } = this.#parts
    joins.joining(alliance).then(
      (joining) => joining && this.#wait(alliance, joining, 1),
      (cause: unknown) => context.log('warn', 'A join is not followed', { alliance, cause: String(cause) }),
    )
  }

  #wait(alliance: Slug, joining: JoiningRecord, tries: number): void {
    if (!this.#running) return
    const { context } = this.#parts
    const delay = backoff(JOIN_POLL, tries, context.jitter())
    this.#timers.set(
      alliance,
      context.timers.set(delay, () => void this.#ask(alliance, joining, tries)),
    )
  }

  /** Never rejects. */
  async #ask(alliance: Slug, joining: JoiningRecord, tries: number): Promise<void> {
    const { context, joined, onJoined } = this.#parts
    try {
      if (await joined(alliance)) {
        this.#timers.delete(alliance)
        await onJoined(joining.inviter.id, joining.address)
        return
      }
    } catch (cause) {
      context.log('debug', 'A join could not be followed', { alliance, cause: String(cause) })
    }
    if (this.#timers.has(alliance)) this.#wait(alliance, joining, tries + 1)
  }
}
