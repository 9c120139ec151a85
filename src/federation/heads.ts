import type { LogId, MemberId } from '#base'
import type { LogHead, Store } from '#store'
import { NO_USE, type QuotaUse } from './quota.ts'

/** Heads of all logs held, in memory: read at start, refreshed after every commit that moves one. */
export class Heads {
  readonly #store: Store
  readonly #heads = new Map<LogId, LogHead>()
  readonly #byAuthor = new Map<MemberId, Map<LogId, LogHead>>()
  readonly #uses = new Map<MemberId, QuotaUse>()
  #own: LogHead[] = []

  private constructor(store: Store) {
    this.#store = store
  }

  static async open(store: Store): Promise<Heads> {
    const heads = new Heads(store)
    for (const head of await store.logs()) heads.#put(head)
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
    return [...(this.#byAuthor.get(author)?.values() ?? [])]
  }

  /** Whether any log of an author is held. */
  has(author: MemberId): boolean {
    return this.#byAuthor.has(author)
  }

  /** What is held of an author, over all its logs. */
  use(author: MemberId): QuotaUse {
    return this.#uses.get(author) ?? NO_USE
  }

  /** Reads a log's head again from the store. */
  async refresh(log: LogId): Promise<LogHead | undefined> {
    const head = await this.#store.log(log)
    if (!head) return undefined
    const known = this.#heads.get(log)
    // Two refreshes can end in the other order than they began.
    if (known && known.size > head.size) return known
    this.#put(head)
    if (head.own) this.#placeOwn(head)
    return head
  }

  #put(head: LogHead): void {
    const before = this.#heads.get(head.log)
    this.#heads.set(head.log, head)
    const ofAuthor = this.#byAuthor.get(head.author) ?? new Map<LogId, LogHead>()
    this.#byAuthor.set(head.author, ofAuthor.set(head.log, head))
    const use = this.use(head.author)
    const ended = (one: LogHead | undefined) => (one?.closed === true ? 1 : 0)
    this.#uses.set(head.author, {
      entries: use.entries + head.size - (before?.size ?? 0),
      bytes: use.bytes + head.bytes - (before?.bytes ?? 0),
      logs: use.logs + (1 - ended(head)) - (before ? 1 - ended(before) : 0),
      ended: use.ended + ended(head) - ended(before),
    })
  }

  /** Of ten thousand own logs one grows: the others stay where they are. */
  #placeOwn(head: LogHead): void {
    let [low, high] = [0, this.#own.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#own[middle]!.log < head.log) low = middle + 1
      else high = middle
    }
    this.#own.splice(low, this.#own[low]?.log === head.log ? 1 : 0, head)
  }

  #sortOwn(): void {
    this.#own = [...this.#heads.values()].filter((head) => head.own).sort((a, b) => (a.log < b.log ? -1 : 1))
  }
}
