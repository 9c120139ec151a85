import type { LogId, MemberId } from '#base'
import type { LogHead, Store } from '#store'

/** Heads of all logs held, in memory: read at start, refreshed after every commit that moves one. */
export class Heads {
  readonly #store: Store
  readonly #heads = new Map<LogId, LogHead>()
  #own: LogHead[] = []

  private constructor(store: Store) {
    this.#store = store
  }

  static async open(store: Store): Promise<Heads> {
    const heads = new Heads(store)
    for (const head of await store.logs()) heads.#heads.set(head.log, head)
    heads.#sortOwn()
    return heads
  }

  get(log: LogId): LogHead | undefined {
    return this.#heads.get(log)
  }

  all(): LogHead[] {
    return [...this.#heads.values()]
  }

  /** Own logs, ascending by id. */
  own(): readonly LogHead[] {
    return this.#own
  }

  of(author: MemberId): LogHead[] {
    return [...this.#heads.values()].filter((head) => head.author === author)
  }

  /** Reads a log's head again from the store. */
  async refresh(log: LogId): Promise<LogHead | undefined> {
    const head = await this.#store.log(log)
    if (!head) return undefined
    const known = this.#heads.get(log)
    // Two refreshes can end in the other order than they began.
    if (known && known.size > head.size) return known
    this.#heads.set(log, head)
    if (head.own) this.#sortOwn()
    return head
  }

  #sortOwn(): void {
    this.#own = [...this.#heads.values()].filter((head) => head.own).sort((a, b) => (a.log < b.log ? -1 : 1))
  }
}
