import type { LogId, MemberId } from '#base'

/** New entries that came along with a snapshot on the stream. */
export interface InlineEntries {
  log: LogId
  from: number
  checkpoint: string
  frames: string
}

/** What one peer pushed and what waits for its fetch; beyond this the oldest go, and are fetched after all. */
const LOGS_MOST = 256
/** Characters of it, a few of the largest pushes that an honest peer sends. */
const CHARACTERS_MOST = 4 * 1_024 * 1_024

/** Pushed entries, kept until the fetch that they save begins; each peer has room of its own, so that none fills another's. */
export class PushedEntries {
  readonly #byPeer = new Map<MemberId, Map<LogId, InlineEntries>>()

  keep(peer: MemberId, entries: InlineEntries): void {
    const kept = this.#byPeer.get(peer) ?? new Map<LogId, InlineEntries>()
    this.#byPeer.set(peer, kept)
    kept.delete(entries.log)
    kept.set(entries.log, entries)
    let characters = [...kept.values()].reduce((sum, one) => sum + one.frames.length + one.checkpoint.length, 0)
    for (const [log, one] of kept) {
      if (kept.size <= LOGS_MOST && characters <= CHARACTERS_MOST) break
      kept.delete(log)
      characters -= one.frames.length + one.checkpoint.length
    }
    if (kept.size === 0) this.#byPeer.delete(peer)
  }

  /** Hands out what was pushed of a log, and keeps it no longer. */
  take(peer: MemberId, log: LogId): InlineEntries | undefined {
    const kept = this.#byPeer.get(peer)
    const entries = kept?.get(log)
    kept?.delete(log)
    if (kept?.size === 0) this.#byPeer.delete(peer)
    return entries
  }
}
