/**
 * After a restore a member may have forgotten votes that it gave, and a second one for the same version would forge a
 * charter against the first. So before it votes again it asks everybody in the alliance for what waits there: a vote of its
 * own among that is kept, and is the one that counts.
 * @see docs/wire.md, Charters
 */
import { isJsonObject, type MemberId, parseJson, type Slug } from '#base'
import type { Context } from '../context.ts'
import type { CharterDirectory } from '../directory.ts'
import { FederationError } from '../error.ts'
import { JSON_LIMITS } from '../limits.ts'
import type { LinkClient, Target } from '../link-client.ts'
import { RESTORED, restoredAt, unsureFor } from '../restored-since.ts'
import type { Charters } from './charters.ts'
import { parseCharters, takeCharters } from './exchange.ts'
import type { Joins } from './joins.ts'

/** Versions that may come into force while peers are asked; then it is for the operator to try again. */
const ROUNDS_MOST = 8

/** What the question works with. */
export interface VotesKnownParts {
  context: Context
  client: LinkClient
  charters: Charters
  directory: CharterDirectory
  joins: Joins
  onGap: (peer: MemberId, alliance: Slug) => void
  target: (peer: MemberId) => Target | undefined
}

/** Whether all votes of this member are known, in each alliance. */
export class VotesKnown {
  readonly #parts: VotesKnownParts

  constructor(parts: VotesKnownParts) {
    this.#parts = parts
  }

  /**
   * Resolves to whether others were asked; charters and votes may be others then. Nobody is asked without a restore, or
   * where all have answered since the last one.
   * @throws FederationError RESTORE_VOTES where somebody did not answer, or what was on its way may still arrive
   */
  async require(alliance: Slug): Promise<boolean> {
    const { context, directory } = this.#parts
    const { store } = context
    const restored = await restoredAt(store)
    if (restored === undefined || (await store.record(RESTORED, `in/${alliance}`)) === restored) return false
    const wait = await unsureFor(store, context.now())
    if (wait > 0)
      throw refused(alliance, `what was on its way may still reach others: try again in ${Math.ceil(wait / 1_000)} s`)
    for (let round = 0; round < ROUNDS_MOST; round++) {
      const version = directory.charter(alliance)?.charter.version ?? 0
      const silent = await this.#ask(alliance, version)
      if (silent.length > 0) throw refused(alliance, `${silent.join(', ')} did not answer`)
      if (directory.charter(alliance)?.charter.version !== version) continue
      await store.commit([{ op: 'put', collection: RESTORED, key: `in/${alliance}`, value: restored }])
      return true
    }
    throw refused(alliance, 'its charter changes at present')
  }

  /** Those who did not tell what waits there after the version. */
  async #ask(alliance: Slug, version: number): Promise<Slug[]> {
    const { context, directory } = this.#parts
    const members = directory.charter(alliance)?.charter.members ?? []
    const others = members.filter(({ id, standing }) => id !== context.self.member && standing !== 'left')
    const asked = others.map(async ({ id, slug }) => ((await this.#askOne(id, alliance, version)) ? [] : [slug]))
    return (await Promise.all(asked)).flat()
  }

  async #askOne(peer: MemberId, alliance: Slug, version: number): Promise<boolean> {
    const { context, client, charters, target } = this.#parts
    const to = target(peer)
    if (!to) return false
    try {
      const body = parseJson(await client.get(to, `/link/v1/charters/${alliance}?from=${version + 1}`), JSON_LIMITS)
      if (!isJsonObject(body) || (await takeCharters(this.#parts, peer, body)).status !== 200) return false
      // Votes for what does not follow here yet were passed over.
      const proposals = parseCharters({ charters: body['proposals'] ?? [] })
      return proposals.every(({ charter }) => charters.follows(charter) || charter.version <= version)
    } catch (cause) {
      context.log('info', 'A peer did not say what waits for votes', { peer, cause: String(cause) })
      return false
    }
  }
}

const refused = (alliance: Slug, why: string): FederationError =>
  new FederationError(
    'RESTORE_VOTES',
    `This node was restored from a backup, and may have voted in ${alliance} since that backup: ${why}. Who votes twice for a version forks the alliance. If you know that this member voted for nothing else since the backup, vote with --after-restore`,
  )
