import { fromBase64, type Hash, type KeyId, type MemberId, type Millis, type Slug } from '#base'
import {
  type Audience,
  type CharterMember,
  type CharterStatement,
  type KeyWindow,
  keyWindows,
  statementHash,
} from '#log'
import { type Register, registerOf } from '#policy'
import type { Freeze } from './alliance/forks.ts'
import type { Directory, DirectoryMember, VotedCharter } from './api.ts'

interface Entry {
  member: DirectoryMember
  keys: KeyWindow[]
}

/** The version in which a member left: the last one that is its business. */
interface Parting {
  version: number
  hash: Hash
}

/**
 * Members, keys and addresses of all charters in force. A charter is verified before it is installed here, its
 * delegations included; lookups trust it.
 */
export class CharterDirectory implements Directory {
  readonly self: MemberId
  readonly #charters = new Map<Slug, VotedCharter>()
  readonly #frozen = new Map<Slug, Freeze>()
  #entries = new Map<MemberId, Entry>()
  #hashes = new Map<Slug, Hash>()
  readonly #partings = new Map<Slug, Map<MemberId, Parting>>()
  #register: Register | undefined

  constructor(self: MemberId) {
    this.self = self
  }

  /** Puts a verified charter in the place of its predecessor. */
  install(voted: VotedCharter): void {
    const { alliance } = voted.charter
    this.#charters.set(alliance, voted)
    this.#partings.set(alliance, partingsOf(voted.charter, hashOf(voted.charter), this.#partings.get(alliance)))
    this.#refresh(alliance)
  }

  /** Until a fork is settled, its parent is what counts; undefined ends that. */
  freeze(alliance: Slug, freeze: Freeze | undefined): void {
    if (freeze) this.#frozen.set(alliance, freeze)
    else this.#frozen.delete(alliance)
    this.#refresh(alliance)
  }

  frozen(alliance: Slug): Freeze | undefined {
    return this.#frozen.get(alliance)
  }

  #refresh(alliance: Slug): void {
    const head = this.#charters.get(alliance)
    const hash = this.#frozen.get(alliance)?.parent ?? (head && hashOf(head.charter))
    if (hash !== undefined) this.#hashes.set(alliance, hash)
    this.#entries = entriesOf(this.charters())
    this.#register = undefined
  }

  register(): Register {
    this.#register ??= registerOf(this.charters().map((voted) => voted.charter))
    return this.#register
  }

  members(): DirectoryMember[] {
    return [...this.#entries.values()].map((entry) => entry.member)
  }

  member(idOrSlug: string): DirectoryMember | undefined {
    const known = this.#entries.get(idOrSlug as MemberId)
    return known ? known.member : this.members().find((member) => member.slug === idOrSlug)
  }

  nodeKeys(member: MemberId, at: Millis): Uint8Array[] {
    const keys = this.#entries.get(member)?.keys ?? []
    return keys.filter((window) => window.from <= at && at < window.until).map((window) => window.key)
  }

  memberOfKey(keyId: KeyId, at: Millis): { member: MemberId; publicKey: Uint8Array } | undefined {
    for (const [member, { keys }] of this.#entries)
      for (const key of keys)
        if (key.keyId === keyId && key.from <= at && at < key.until) return { member, publicKey: key.key }
    return undefined
  }

  /** What counts of every alliance, ascending: the newest version, or the remainder of a fork's parent. */
  charters(): VotedCharter[] {
    return [...this.#charters.values()]
      .map((head) => {
        const counts = this.#frozen.get(head.charter.alliance)?.counts
        return counts ? { charter: counts, votes: [] } : head
      })
      .sort((a, b) => (a.charter.alliance < b.charter.alliance ? -1 : 1))
  }

  /** The newest version that this node follows, frozen or not. */
  charter(alliance: Slug): VotedCharter | undefined {
    return this.#charters.get(alliance)
  }

  /** Whether the member has, or had, a row in the newest version or in what counts. */
  standsIn(alliance: Slug, member: MemberId): boolean {
    const rows = [this.#charters.get(alliance)?.charter, this.#frozen.get(alliance)?.counts]
    return rows.some((charter) => charter?.members.some(({ id }) => id === member))
  }

  /** Hash of the charter that counts. */
  hash(alliance: Slug): Hash | undefined {
    return this.#hashes.get(alliance)
  }

  /** The version in which a member left, where it did. */
  parting(alliance: Slug, member: MemberId): Parting | undefined {
    return this.#partings.get(alliance)?.get(member)
  }

  /** Hash of the newest charter that a member is told of: the one in force, or the one in which it left. */
  hashFor(alliance: Slug, member: MemberId): Hash | undefined {
    return this.parting(alliance, member)?.hash ?? this.hash(alliance)
  }

  charterLines(audience: Audience): (readonly [alliance: Slug, hash: Hash])[] {
    const named = new Set([
      ...(audience.alliances ?? []),
      ...(audience.community ?? []),
      ...(audience.epochs ?? []).map((epoch) => epoch.slice(0, epoch.indexOf(':'))),
    ])
    return [...this.#hashes].filter(([alliance]) => named.has(alliance)).sort(([a], [b]) => (a < b ? -1 : 1))
  }

  /** Whether every charter that names the member parts it from this node: one of the two has left. */
  isParted(member: MemberId): boolean {
    const isGone = (charter: CharterStatement, id: MemberId) =>
      charter.members.some((row) => row.id === id && row.standing === 'left')
    return this.charters().every(
      ({ charter }) =>
        isGone(charter, this.self) || isGone(charter, member) || !charter.members.some(({ id }) => id === member),
    )
  }
}

/**
 * Node keys that a charter's row of a member delegates.
 * @throws LogError DELEGATION_INVALID, SIGNATURE_INVALID where one is not the member's own
 */
export function delegatedKeys(member: CharterMember): KeyWindow[] {
  const windows = keyWindows(member.delegations, member.id, fromBase64(member.root, 32))
  return windows.filter((window) => window.purpose === 'node')
}

/** The hash by which snapshots and checkpoints name a charter. */
export function hashOf(charter: CharterStatement): Hash {
  return statementHash(charter)
}

function partingsOf(
  { members, version }: CharterStatement,
  hash: Hash,
  known: ReadonlyMap<MemberId, Parting> = new Map(),
): Map<MemberId, Parting> {
  const gone = members.filter(({ standing }) => standing === 'left')
  return new Map(gone.map(({ id }) => [id, known.get(id) ?? { version, hash }]))
}

function entriesOf(charters: readonly VotedCharter[]): Map<MemberId, Entry> {
  const entries = new Map<MemberId, Entry>()
  for (const { charter } of charters) {
    for (const row of charter.members) {
      const known = entries.get(row.id)
      const alliances = [...(known?.member.alliances ?? []), charter.alliance]
      const keys = [...(known?.keys ?? []), ...delegatedKeys(row)]
      const address = row.address ?? known?.member.address
      entries.set(row.id, { member: { ...row, ...(address ? { address } : {}), alliances }, keys })
    }
  }
  return entries
}
