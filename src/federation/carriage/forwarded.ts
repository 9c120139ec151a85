import type { MemberId } from '#base'
import type { Envelope } from '#log'
import type { LogHead } from '#store'
import type { Context } from '../context.ts'
import type { CharterDirectory } from '../directory.ts'
import { FORWARDED_MOST } from '../limits.ts'
import type { Outbox } from '../outbox.ts'
import type { Access } from '../server/access.ts'
import { isCarrierBetween } from './carriers.ts'

/**
 * Receipts and acknowledgements of readers for authors that they reach through this node: kept on disk until the author
 * has them.
 * @see docs/wire.md, Carriers
 */
export class Forwarded {
  readonly #context: Context
  readonly #directory: CharterDirectory
  readonly #access: Access
  readonly #outbox: Outbox
  /** Signatures of what was taken: whoever did not hear the answer brings it again. */
  readonly #taken = new Set<string>()

  constructor(parts: { context: Context; directory: CharterDirectory; access: Access; outbox: Outbox }) {
    this.#context = parts.context
    this.#directory = parts.directory
    this.#access = parts.access
    this.#outbox = parts.outbox
  }

  /** Whether a member may bring another's statements about an own log. */
  mayBring(carrier: MemberId, member: MemberId): boolean {
    return isCarrierBetween(this.#directory.register(), carrier, [this.#context.self.member, member])
  }

  /** Takes a statement, whose signature was checked, about the log of an author; a code where it goes nowhere from here. */
  async take(head: LogHead, member: MemberId, envelope: Envelope): Promise<'LOG' | 'FULL' | undefined> {
    const { author } = head
    const isCarried = isCarrierBetween(this.#directory.register(), this.#context.self.member, [author, member])
    if (!isCarried || !this.#access.admits(head, member)) return 'LOG'
    const name = envelope.signatures.map(({ sig }) => sig).join()
    if (this.#taken.has(name)) return undefined
    if (this.#outbox.waitingFor(author).length >= FORWARDED_MOST) return 'FULL'
    if (this.#taken.size >= FORWARDED_MOST) this.#taken.clear()
    await this.#outbox.keep(author, envelope)
    this.#taken.add(name)
    return undefined
  }
}
