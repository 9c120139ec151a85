import type { Hash, LogId, MemberId, Slug } from '#base'
import type { Envelope, Snapshot } from '#log'

/** Snapshots, kept for as long as a row of theirs is the newest that a peer signed of a log. */
export class SignedRows {
  readonly #named = new Map<MemberId, Map<LogId, Envelope>>()
  readonly #newest = new Map<MemberId, Envelope>()

  /** A verified snapshot, whole or a change: of the logs that it names, it is the newest word. */
  keep(peer: MemberId, envelope: Envelope): void {
    const { logs, removed, since } = envelope.statement as unknown as Snapshot & { removed?: LogId[]; since?: number }
    const before = since === undefined ? undefined : this.#named.get(peer)
    const named = before ?? new Map<LogId, Envelope>()
    for (const log of removed ?? []) named.delete(log)
    for (const { log } of logs) named.set(log, envelope)
    this.#named.set(peer, named)
    this.#newest.set(peer, envelope)
  }

  /** The snapshot that came last. */
  newest(peer: MemberId): Envelope | undefined {
    return this.#newest.get(peer)
  }

  /** The snapshot that names a log last. */
  of(peer: MemberId, log: LogId): Envelope | undefined {
    return this.#named.get(peer)?.get(log)
  }

  /**
   * Whether a peer's newest word is that it offers the log, and by charters all of which are current. True where it has
   * signed no snapshot since the start, as for whoever sends files alone.
   */
  isOffered(peer: MemberId, log: LogId, isCurrent: (alliance: Slug, hash: Hash) => boolean): boolean {
    const named = this.#named.get(peer)
    if (!named) return true
    const snapshot = named.get(log)?.statement as unknown as Snapshot | undefined
    return (
      snapshot !== undefined && Object.entries(snapshot.charters).every(([alliance, hash]) => isCurrent(alliance, hash))
    )
  }

  forget(peer: MemberId): void {
    this.#named.delete(peer)
    this.#newest.delete(peer)
  }
}
