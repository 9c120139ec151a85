/**
 * A member that nobody can call is told of no proposal: it asks its peers what waits for its vote.
 * @see docs/wire.md, Requests and answers
 */
import { isJsonObject, type MemberId, parseJson, type Slug } from '#base'
import type { LinkState } from '../api.ts'
import type { Context } from '../context.ts'
import type { CharterDirectory } from '../directory.ts'
import { JSON_LIMITS } from '../limits.ts'
import type { LinkClient, Target } from '../link-client.ts'
import type { Charters } from './charters.ts'
import { takeCharters } from './exchange.ts'
import type { Joins } from './joins.ts'

/** What the watch works with. */
export interface ProposalWatchParts {
  context: Context
  client: LinkClient
  charters: Charters
  directory: CharterDirectory
  joins: Joins
  onGap: (peer: MemberId, alliance: Slug) => void
  links: () => LinkState[]
  target: (peer: MemberId) => Target | undefined
}

/** Asks whoever can be called for proposals: once its link is up, and every poll interval. */
export class ProposalWatch {
  readonly #parts: ProposalWatchParts
  #timer: unknown

  constructor(parts: ProposalWatchParts) {
    this.#parts = parts
  }

  start(): void {
    const { context, links } = this.#parts
    if (context.self.profile.address !== undefined) return
    this.#timer = context.timers.set(context.limits.pollMs, () => {
      this.start()
      for (const { peer, state } of links()) if (state === 'up') this.ask(peer)
    })
  }

  stop(): void {
    this.#parts.context.timers.clear(this.#timer)
  }

  /** Asks one peer; a node that can be called waits to be told. */
  ask(peer: MemberId): void {
    const { context } = this.#parts
    if (context.self.profile.address !== undefined) return
    this.#ask(peer).catch((cause: unknown) =>
      context.log('debug', 'Asking a peer for proposals failed', { peer, cause: String(cause) }),
    )
  }

  async #ask(peer: MemberId): Promise<void> {
    const { client, directory, target } = this.#parts
    const to = target(peer)
    if (!to) return
    for (const { alliance, version } of directory.charters().map(({ charter }) => charter)) {
      if (!directory.standsIn(alliance, peer)) continue
      const body = parseJson(await client.get(to, `/link/v1/charters/${alliance}?from=${version + 1}`), JSON_LIMITS)
      if (isJsonObject(body)) await takeCharters(this.#parts, peer, body)
    }
  }
}
