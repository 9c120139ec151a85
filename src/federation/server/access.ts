import type { LogId, MemberId } from '#base'
import { receiptsShown } from '#policy'
import type { LogHead } from '#store'
import type { Context } from '../context.ts'
import type { CharterDirectory } from '../directory.ts'
import type { Heads } from '../heads.ts'

/**
 * Which logs a peer may read: `policy.admits`, asked again for every request and every batch of a stream, so that a
 * charter that changed a moment ago already counts.
 * @see SHARING-RULES section 3; DESIGN section 1
 */
export class Access {
  readonly #context: Context
  readonly #directory: CharterDirectory
  readonly #heads: Heads

  /** Whether an own log may be offered to a reader that may see it. */
  readonly mayOffer: (head: LogHead, reader: MemberId) => boolean

  constructor(
    context: Context,
    directory: CharterDirectory,
    heads: Heads,
    mayOffer: (head: LogHead, reader: MemberId) => boolean = () => true,
  ) {
    this.#context = context
    this.#directory = directory
    this.#heads = heads
    this.mayOffer = mayOffer
  }

  /** The log's head, if this reader may know that it exists. */
  readable(log: LogId, reader: MemberId): LogHead | undefined {
    const head = this.#heads.get(log)
    // An author that lost data gets back what it wrote, whatever it may receive of others.
    return head && (head.author === reader || this.admits(head, reader)) ? head : undefined
  }

  /** An own log and the members whose receipts for it the reader may see; undefined where it may see none. */
  receiptsShown(log: LogId, reader: MemberId): { head: LogHead; of: ReadonlySet<string> } | undefined {
    const head = this.#heads.get(log)
    if (!head?.own || !this.admits(head, reader) || !this.mayOffer(head, reader)) return undefined
    const { audience, author } = head
    const of = receiptsShown({ audience, author, reader, register: this.#directory.register() })
    return of.size > 0 ? { head, of } : undefined
  }

  /** Own logs that the reader may mirror, ascending. */
  ownFor(reader: MemberId): LogHead[] {
    return this.#heads.own().filter((head) => this.admits(head, reader) && this.mayOffer(head, reader))
  }

  /** Whether the reader may have the log from this node, or from another that holds a mirror. */
  admits(head: LogHead, reader: MemberId, server = this.#context.self.member): boolean {
    return this.#context.admits({
      audience: head.audience,
      author: head.author,
      server,
      reader,
      channel: 'node',
      register: this.#directory.register(),
      now: this.#context.now(),
    }).send
  }
}
