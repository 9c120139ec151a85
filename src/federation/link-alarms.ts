import type { LogId, MemberId } from '#base'
import { LogError } from '#log'
import type { LinkState } from './api.ts'
import { type ClockReading, clockReason, offsetOf } from './clock-fault.ts'
import type { Context } from './context.ts'
import { offeredEvidence } from './evidence/offered.ts'
import type { SignedRows } from './evidence/signed-rows.ts'
import type { Heads } from './heads.ts'
import type { LinkClient, Target } from './link-client.ts'
import type { Effect, PeerState } from './machine-state.ts'

/** What the alarms of links work with. */
export interface LinkAlarmParts {
  context: Context
  heads: Heads
  signedRows: SignedRows
  client: LinkClient
}

/** Why a peer's clock is thought to be off, by what the clocks of the other peers say. */
export function clockReasonAmong(links: readonly LinkState[], peer: MemberId, clock: ClockReading): string {
  const others = links.flatMap((link) =>
    link.peer === peer || link.clockOffsetMs === null ? [] : [link.clockOffsetMs],
  )
  return clockReason(offsetOf(clock), others)
}

/** Tells people what a link's peer did that it should not have done, with what proves it. */
export class LinkAlarms {
  readonly #parts: LinkAlarmParts

  constructor(parts: LinkAlarmParts) {
    this.#parts = parts
  }

  /** The state machine found something out. */
  async found({ kind, peer, message, log }: Extract<Effect, { type: 'alarm' }>, to: Target | undefined): Promise<void> {
    if (kind === 'rollback' && log !== undefined && this.#isOld(peer, log)) return
    const evidence = log === undefined || !to ? undefined : await offeredEvidence(this.#parts, to, log)
    await this.#parts.context.alarm(kind, peer, message, {
      ...(log ? { log } : {}),
      ...(evidence === undefined ? {} : { evidence }),
    })
  }

  /** A request failed, `clock` where that is the cause; told when the link falls, and not again until it is up. */
  async failed(peer: MemberId, state: PeerState | undefined, cause: unknown, clock?: string): Promise<void> {
    if (clock !== undefined) {
      // Said once, and again when more peers tell more of whose clock it is.
      if (state && state.lastError !== clock) await this.#parts.context.alarm('clock', peer, `${state.slug}: ${clock}`)
      return
    }
    if (!(cause instanceof LogError) || (state?.failures ?? 0) > 0) return
    if (cause.code === 'SNAPSHOT_BASE' || cause.code === 'SNAPSHOT_REPLAYED') return
    const kind =
      cause.code === 'SIGNATURE_INVALID' ? 'bad-signature' : cause.code === 'SNAPSHOT_AHEAD' ? 'clock' : 'bad-answer'
    await this.#parts.context.alarm(kind, peer, cause.message)
  }

  /** Whether the list was signed before what is held: it was held up on its way, and takes nothing back. */
  #isOld(peer: MemberId, log: LogId): boolean {
    const { signedRows, heads } = this.#parts
    const time = signedRows.of(peer, log)?.statement['time']
    return typeof time === 'number' && time < (heads.get(log)?.time ?? 0)
  }
}
