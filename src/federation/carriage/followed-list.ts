import type { Json, LogId, MemberId, Millis } from '#base'
import { type Envelope, LogError, type LogRow, openSnapshot, parseEnvelope, type Snapshot } from '#log'
import type { LogHead } from '#store'
import { CLOCK_AHEAD_MS } from '../limits.ts'
import type { Head } from '../machine-state.ts'

/** A list of an author, with the snapshot that ended it. */
export interface FollowedRows {
  snapshot: Snapshot
  logs: readonly LogRow[]
}

/** Who must have signed what is taken, for whom, and who may have brought it. */
interface Expected {
  author: MemberId
  reader: MemberId
  via: MemberId
  publicKeys: readonly Uint8Array[]
  now: Millis
}

/**
 * An author's list as one carrier shows it: a whole list, perhaps in steps, and after it the newest change of it. A carrier
 * that shows something older than it showed before is found out by the author's own count.
 */
export class FollowedList {
  #base: (FollowedRows & { isWhole: boolean }) | undefined
  #newest = 0
  #pushed = 0
  readonly #onVerified: (envelope: Envelope) => void

  /** `onVerified` gets each snapshot that its author has signed. */
  constructor(onVerified: (envelope: Envelope) => void) {
    this.#onVerified = onVerified
  }

  /** What the next is asked about: the last whole list, or the last step of it so far. */
  get since(): number | undefined {
    return this.#base?.snapshot.sequence
  }

  /** Sequence of the newest that was taken. */
  get newest(): number {
    return this.#newest
  }

  /**
   * Takes what the carrier answered to a question; `least` is `newest` as it was when that was sent. `goes-on`: what follows
   * is to be asked for next; `unknown`: the change of a list that is not known here.
   * @throws LogError as `openSnapshot` does; SNAPSHOT_REPLAYED where it is older than `least`
   */
  answered(envelope: Json, expected: Expected, least: number): FollowedRows | 'goes-on' | 'unknown' {
    return this.#take(envelope, expected, least, false)
  }

  /**
   * Takes what the carrier pushed. An answer may have brought a newer one meanwhile: only what was pushed before counts.
   * @throws LogError as `answered` does
   */
  pushed(envelope: Json, expected: Expected): FollowedRows | 'goes-on' | 'unknown' {
    const taken = this.#take(envelope, expected, this.#pushed, true)
    if (typeof taken !== 'string') this.#pushed = Math.max(this.#pushed, taken.snapshot.sequence)
    return taken
  }

  /** What is known does not fit what comes: the whole list is asked for. */
  forget(): void {
    this.#base = undefined
  }

  #take(envelope: Json, expected: Expected, least: number, isPushed: boolean): FollowedRows | 'goes-on' | 'unknown' {
    const base = this.#base
    const { sequence, since } = parseEnvelope(envelope).statement as { sequence?: number; since?: number }
    if (base && sequence === base.snapshot.sequence) return this.#accept(base, least)
    const isNext = base !== undefined && since === base.snapshot.sequence
    if (since !== undefined && !isNext) return 'unknown'
    const last = isNext ? { last: { sequence: base.snapshot.sequence, logs: base.logs } } : {}
    const { snapshot, logs } = openSnapshot(envelope, { ...expected, isOldTaken: true, ...last })
    this.#onVerified(parseEnvelope(envelope))
    if (isNext && base.isWhole) return this.#accept({ snapshot, logs }, least)
    const isWhole = snapshot['more'] !== true
    this.#base = { snapshot, logs, isWhole }
    // What was asked for may be followed by a change.
    return isWhole && isPushed ? this.#accept({ snapshot, logs }, least) : 'goes-on'
  }

  #accept(rows: FollowedRows, least: number): FollowedRows {
    const { sequence } = rows.snapshot
    if (sequence < least)
      throw new LogError('SNAPSHOT_REPLAYED', `The snapshot has sequence ${sequence}, and ${least} was shown before`)
    this.#newest = Math.max(this.#newest, sequence)
    return rows
  }
}

/**
 * The rows of a list. One that is behind what is held may be older than what came from the author itself, and says nothing
 * then; a minute later it would.
 */
export function offeredBy(
  { snapshot, logs }: FollowedRows,
  headOf: (log: LogId) => LogHead | undefined,
): Map<LogId, Head> {
  return new Map(
    logs.map(({ log, size, root }) => {
      const held = headOf(log)
      const isOld = held !== undefined && size < held.size && snapshot.time <= held.time + CLOCK_AHEAD_MS
      return [log, isOld ? { size: held.size, root: held.root } : { size, root }]
    }),
  )
}
