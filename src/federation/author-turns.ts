import type { MemberId } from '#base'

/**
 * Work on the batches of one author, one after the other: an object and the marking definition that it needs, or two
 * versions of one object, may arrive in two logs at once, and each has to see the other. Authors do not wait for another.
 */
export class AuthorTurns {
  /** The last batch of each author. */
  readonly #turns = new Map<MemberId, Promise<void>>()

  async take(author: MemberId, work: () => Promise<void>): Promise<void> {
    const before = this.#turns.get(author) ?? Promise.resolve()
    const turn = before.then(work)
    const settled = turn.catch(() => undefined)
    this.#turns.set(author, settled)
    try {
      await turn
    } finally {
      if (this.#turns.get(author) === settled) this.#turns.delete(author)
    }
  }
}
