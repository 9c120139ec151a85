import type { Slug } from '#base'
import type { Context } from '../context.ts'
import type { CharterDirectory } from '../directory.ts'
import type { LinkClient, Target } from '../link-client.ts'
import type { Charters } from './charters.ts'
import { catchUp } from './exchange.ts'

/** What catching up works with. */
export interface CatchUpParts {
  context: Context
  client: LinkClient
  charters: Charters
  directory: CharterDirectory
}

/** Fetches newer versions of charters that peers name, one request per peer and alliance at a time. */
export class CatchUps {
  readonly #parts: CatchUpParts
  readonly #underWay = new Set<string>()
  readonly #firstTries = new Set<Slug>()

  constructor(parts: CatchUpParts) {
    this.#parts = parts
  }

  /** Whether the newer charter is asked for, for the first time since a peer named it: who lies blocks nobody for long. */
  isFirstTry(alliance: Slug): boolean {
    return this.#firstTries.has(alliance)
  }

  /** Whether the peer's versions are known now. */
  async run(to: Target, alliance: Slug, isFirst: boolean): Promise<boolean> {
    const { context, client, charters, directory } = this.#parts
    const peer = to.member
    const name = `${peer}/${alliance}`
    if (this.#underWay.has(name)) return false
    this.#underWay.add(name)
    if (isFirst) this.#firstTries.add(alliance)
    try {
      const result = await catchUp({ client, charters, directory }, to, alliance)
      if (result === 'installed' || result === 'known' || result === 'fork') return true
      await context.alarm('charter', peer, `It names a charter of ${alliance} that can't be followed: ${result}`)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      context.log('warn', 'Catching up with a charter failed', { peer, alliance, cause: reason })
    } finally {
      this.#underWay.delete(name)
      if (isFirst) this.#firstTries.delete(alliance)
    }
    return false
  }
}
