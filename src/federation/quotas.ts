import type { Json, MemberId } from '#base'
import { QUOTA_NAMES } from '#log'
import type { LinkState } from './api.ts'
import type { Context } from './context.ts'
import type { CharterDirectory } from './directory.ts'
import type { Heads } from './heads.ts'
import type { QuotaUse } from './quota.ts'
import { type QuotaLimits, QUOTAS, type QuotaStanding } from './quota-limits.ts'

/** Limits that the operator set, by author. */
const SET = 'quotas'
/** Entries that authors offered when nothing of them was held, by author. */
const BACKLOGS = 'quota-backlogs'

/** One change of an author's limits; null goes back to the node's own. */
export type QuotaChange = { readonly [Name in keyof QuotaLimits]?: number | null }

/**
 * The limits of every author: what the operator set for it, else the node's own, and never more than any charter in
 * which both stand lets it have. A charter's caps were voted for; no author sets its own.
 */
export class Quotas {
  readonly #context: Context
  readonly #directory: CharterDirectory
  readonly #heads: Heads
  readonly #own: QuotaLimits
  readonly #set = new Map<MemberId, Partial<QuotaLimits>>()
  readonly #backlogs = new Map<MemberId, number>()

  private constructor(context: Context, directory: CharterDirectory, heads: Heads, own: Partial<QuotaLimits>) {
    this.#context = context
    this.#directory = directory
    this.#heads = heads
    this.#own = { ...QUOTAS, ...own }
  }

  static async open(
    context: Context,
    directory: CharterDirectory,
    heads: Heads,
    own: Partial<QuotaLimits> = {},
  ): Promise<Quotas> {
    const quotas = new Quotas(context, directory, heads, own)
    for await (const { key, value } of context.store.records(SET))
      quotas.#set.set(key as MemberId, value as Partial<QuotaLimits>)
    for await (const { key, value } of context.store.records<number>(BACKLOGS))
      quotas.#backlogs.set(key as MemberId, value)
    return quotas
  }

  /** What an account of the author is opened with. */
  of(author: MemberId): { limits: QuotaLimits; use: QuotaUse; backlog: number } {
    const use = this.#heads.use(author)
    // What is held of the author came out of its backlog, where it had one.
    const backlog = Math.max(0, (this.#backlogs.get(author) ?? 0) - use.entries)
    return { limits: this.#limits(author).limits, use, backlog }
  }

  /** The first sync of an author began; a restart in its midst goes on with it. */
  async began(author: MemberId, entries: number): Promise<void> {
    this.#backlogs.set(author, entries)
    await this.#context.store.commit([{ op: 'put', collection: BACKLOGS, key: author, value: entries }])
  }

  /** Sets limits of one author, whole numbers from 1; on disk before it resolves. */
  async set(author: MemberId, change: QuotaChange): Promise<void> {
    const next: Partial<QuotaLimits> = { ...this.#set.get(author) }
    for (const name of QUOTA_NAMES) {
      const limit = change[name]
      if (limit === null) delete next[name]
      else if (limit !== undefined) next[name] = limit
    }
    await this.#context.store.commit([{ op: 'put', collection: SET, key: author, value: next as Json }])
    this.#set.set(author, next)
  }

  /** Every author that a charter names, as its quota sees it; ascending by slug. */
  list(links: readonly Pick<LinkState, 'peer' | 'quota'>[]): QuotaStanding[] {
    const states = new Map(links.map(({ peer, quota }) => [peer, quota]))
    return this.#directory
      .members()
      .filter(({ id }) => id !== this.#directory.self)
      .map(({ id: author, slug }) => {
        const { entries, bytes, logs } = this.#heads.use(author)
        const quota = states.get(author) ?? { state: 'ok' as const }
        return { author, slug, ...this.#limits(author), held: { entries, bytes, logs }, quota }
      })
      .sort((a, b) => (a.slug < b.slug ? -1 : 1))
  }

  #limits(author: MemberId): Pick<QuotaStanding, 'limits' | 'setBy'> {
    const own = this.#set.get(author) ?? {}
    const limits = { ...this.#own, ...own }
    const setBy = Object.fromEntries(
      QUOTA_NAMES.map((name) => [name, own[name] === undefined ? 'node' : 'operator']),
    ) as QuotaStanding['setBy']
    for (const { charter } of this.#directory.charters()) {
      const caps = charter.members.find(({ id }) => id === author)?.quota ?? {}
      for (const name of QUOTA_NAMES) {
        const cap = caps[name]
        if (cap === undefined || cap >= limits[name]) continue
        limits[name] = cap
        setBy[name] = `charter:${charter.alliance}`
      }
    }
    return { limits, setBy }
  }
}
