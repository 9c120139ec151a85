import type { Hash, Json, MemberId, Millis, Slug } from '#base'
import type { Context } from '../context.ts'
import type { CharterDirectory } from '../directory.ts'
import type { Charters } from './charters.ts'

const COLLECTION = 'charter-sightings'

/** What a member named last, by its signature. */
interface Sighting {
  hash: Hash
  /** When it was first seen with that one, and when last. */
  since: Millis
  seen: Millis
}

/** A member's charter, next to this node's. */
export interface SeenCharter {
  member: MemberId
  slug: Slug
  /**
   * `same` as this node's, `older`, `unknown` to this node (newer, or another side of a fork), or `unseen`: the member has
   * signed nothing for this node so far.
   */
  state: 'same' | 'older' | 'unknown' | 'unseen'
  /** Null where this node does not know that version. */
  version: number | null
  hash: Hash | null
  since: Millis | null
  seen: Millis | null
}

/** One alliance: what counts here, and what each other member was last seen with. */
export interface CharterStanding {
  alliance: Slug
  version: number
  hash: Hash
  members: SeenCharter[]
}

/** Which charters the members name in what they sign for this node: so that everybody sees who differs, and since when. */
export class CharterSightings {
  readonly #context: Context
  readonly #directory: CharterDirectory
  readonly #charters: Charters
  readonly #seen = new Map<string, Sighting>()

  private constructor(context: Context, directory: CharterDirectory, charters: Charters) {
    this.#context = context
    this.#directory = directory
    this.#charters = charters
  }

  static async open(context: Context, directory: CharterDirectory, charters: Charters): Promise<CharterSightings> {
    const sightings = new CharterSightings(context, directory, charters)
    for await (const { key, value } of context.store.records(COLLECTION))
      sightings.#seen.set(key, value as unknown as Sighting)
    return sightings
  }

  /** A member signed a snapshot that names these charters. */
  saw(member: MemberId, charters: Readonly<Record<Slug, Hash>>): void {
    const now = this.#context.now()
    for (const [alliance, hash] of Object.entries(charters)) {
      if (!this.#directory.standsIn(alliance, member)) continue
      const key = `${member}/${alliance}`
      const known = this.#seen.get(key)
      const sighting = { hash, since: known?.hash === hash ? known.since : now, seen: now }
      this.#seen.set(key, sighting)
      if (known?.hash !== hash) this.#keep(key, sighting)
    }
  }

  /** The version that a member named last; undefined where this node does not know it, or the member named none. */
  versionOf(member: MemberId, alliance: Slug): number | undefined {
    const sighting = this.#seen.get(`${member}/${alliance}`)
    return sighting && this.#charters.versionOf(alliance, sighting.hash)
  }

  /** Every alliance of this node, ascending, with its members but those that left. */
  standings(): CharterStanding[] {
    return this.#directory.charters().flatMap(({ charter: { alliance, version, members } }) => {
      const hash = this.#directory.hash(alliance)
      const others = members.filter(({ id, standing }) => id !== this.#directory.self && standing !== 'left')
      const seen = others.map(({ id, slug }) => ({ member: id, slug, ...this.#standing(alliance, id, hash) }))
      return hash === undefined ? [] : [{ alliance, version, hash, members: seen }]
    })
  }

  #standing(alliance: Slug, member: MemberId, own: Hash | undefined): Omit<SeenCharter, 'member' | 'slug'> {
    const sighting = this.#seen.get(`${member}/${alliance}`)
    if (!sighting) return { state: 'unseen', version: null, hash: null, since: null, seen: null }
    const version = this.#charters.versionOf(alliance, sighting.hash) ?? null
    const state = sighting.hash === own ? 'same' : version === null ? 'unknown' : 'older'
    return { state, version, ...sighting }
  }

  #keep(key: string, sighting: Sighting): void {
    const value = sighting as unknown as Json
    this.#context.store
      .commit([{ op: 'put', collection: COLLECTION, key, value }])
      .catch((cause: unknown) =>
        this.#context.log('warn', 'A charter that was seen could not be kept', { cause: String(cause) }),
      )
  }
}
