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
    this.#hashes.set(alliance, hashOf(voted.charter))
    this.#partings.set(alliance, partingsOf(voted.charter, hashOf(voted.charter), this.#partings.get(alliance)))
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

  charters(): VotedCharter[] {
    return [...this.#charters.values()].sort((a, b) => (a.charter.alliance < b.charter.alliance ? -1 : 1))
  }

  charter(alliance: Slug): VotedCharter | undefined {
    return this.#charters.get(alliance)
  }

  /** Hash of the charter in force. */
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

  /** Whether both stand, not having left, in one charter. */
  share(one: MemberId, other: MemberId): boolean {
    const stands = (charter: CharterStatement, id: MemberId) =>
      charter.members.some((member) => member.id === id && member.standing !== 'left')
    return this.charters().some(({ charter }) => stands(charter, one) && stands(charter, other))
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
