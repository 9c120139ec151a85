import type { LogId, Millis } from '#base'
import { type Envelope, SNAPSHOT_FRESH_MS } from '#log'
import type { Head, PeerState } from './machine-state.ts'

/** What a peer's newest snapshot offers. */
export interface OfferedList {
  time: Millis
  offered: ReadonlyMap<LogId, Head>
  /** That snapshot, whole or a change. */
  snapshot: Envelope
}

/** A peer's list, while it is whole and fresh, and no newer charter is known than it was made by. */
export function offeredList(
  state: PeerState | undefined,
  snapshot: Envelope | undefined,
  now: Millis,
): OfferedList | undefined {
  if (!state || !snapshot || state.ahead.size > 0 || state.expires <= now) return undefined
  // A list that was cut goes on in the next one.
  if (snapshot.statement['more'] === true) return undefined
  return { time: state.expires - SNAPSHOT_FRESH_MS, offered: state.offered, snapshot }
}
