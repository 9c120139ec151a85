import type { LogId, MemberId } from '#base'
import type { Envelope, Snapshot } from '#log'

/** Snapshots, kept for as long as a row of theirs is the newest that a peer signed of a log. */
export class SignedRows {
  readonly #named = new Map<MemberId, Map<LogId, Envelope>>()

  /** A verified snapshot, whole or a change: of the logs that it names, it is the newest word. */
  keep(peer: MemberId, envelope: Envelope): void {
    const { logs, removed, since } = envelope.statement as unknown as Snapshot & { removed?: LogId[]; since?: number }
    const before = since === undefined ? undefined : this.#named.get(peer)
    const named = before ?? new Map<LogId, Envelope>()
    for (const log of removed ?? []) named.delete(log)
    for (const { log } of logs) named.set(log, envelope)
    this.#named.set(peer, named)
  }

  /** The snapshot that names a log last. */
  of(peer: MemberId, log: LogId): Envelope | undefined {
    return this.#named.get(peer)?.get(log)
  }

  forget(peer: MemberId): void {
    this.#named.delete(peer)
  }
}
