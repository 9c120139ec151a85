import { fromBase64, type Hash, type KeyId, type MemberId, type Millis, type Slug } from '#base'
import {
  type Audience,
  type CharterMember,
  type CharterStatement,
  type Envelope,
  isKeyed,
  type KeyWindow,
  LogError,
  keyWindows,
  memberIdOf,
  signedBy,
  statementHash,
} from '#log'
import { epochOf, type Register, registerOf } from '#policy'
import type { Freeze } from './alliance/forks.ts'
import type { Directory, DirectoryMember, VotedCharter } from './alliance-api.ts'

interface Entry {
  member: DirectoryMember
  keys: KeyWindow[]
  recipients: KeyWindow[]
  seals: KeyWindow[]
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
  readonly #statements = new Map<MemberId, readonly Envelope[]>()
  #entries = new Map<MemberId, Entry>()
  #hashes = new Map<Slug, Hash>()
  readonly #partings = new Map<Slug, Map<MemberId, Parting>>()
  /** Members of every version that was in force, for audiences that are bound to one. */
  readonly #epochs = new Map<string, ReadonlySet<string>>()
  #register: Register | undefined
  readonly #registersOf = new Map<MemberId, Register>()
  readonly #registersWith = new Map<MemberId, Register>()

  constructor(self: MemberId) {
    this.self = self
  }

  /** Puts a verified charter in the place of its predecessor. */
  install(voted: VotedCharter): void {
    const { alliance } = voted.charter
    this.#charters.set(alliance, voted)
    this.#epochs.set(...epochOf(voted.charter))
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
    this.#refreshEntries()
    this.#register = undefined
    this.#registersOf.clear()
    this.#registersWith.clear()
  }

  /** Delegations and ends that a member's root key signed outside of charters; they count beside its rows'. */
  learnKeys(member: MemberId, statements: readonly Envelope[]): void {
    this.#statements.set(member, statements)
    this.#refreshEntries()
  }

  /** The public key of that id, if it counts once these statements are known too; a forged one among them says nothing. */
  keyAmong(member: MemberId, keyId: KeyId, statements: readonly Envelope[], at: Millis): Uint8Array | undefined {
    const rows = this.charters().flatMap(({ charter }) => rowsOf(charter).filter(({ id }) => id === member))
    try {
      const windows = keysOf(rows, [...(this.#statements.get(member) ?? []), ...statements])
      return windows.find((window) => window.keyId === keyId && counts(window, at))?.key
    } catch (cause) {
      if (cause instanceof LogError) return undefined
      throw cause
    }
  }

  /** Root keys under which a member stands in charters. */
  roots(member: MemberId): Uint8Array[] {
    const rows = [...this.#charters.values()].flatMap(({ charter }) =>
      rowsOf(charter).filter(({ id }) => id === member),
    )
    return [...new Set(rows.map(({ root }) => root))].map((root) => fromBase64(root, 32))
  }

  #refreshEntries(): void {
    this.#entries = entriesOf(this.charters(), this.#statements)
  }

  register(): Register {
    this.#register ??= registerOf(
      this.charters().map((voted) => voted.charter),
      this.#epochs,
    )
    return this.#register
  }

  /**
   * Who is who by those charters alone in which a member stands: by no others can it decide what it sends here. A cap or
   * a suspension in an alliance that is none of its own makes its sending no wrong.
   */
  registerKnownTo(member: MemberId): Register {
    const charters = this.charters().map((voted) => voted.charter)
    const known = charters.filter((charter) => rowsOf(charter).some(({ id }) => id === member))
    if (known.length === charters.length) return this.register()
    const register = this.#registersOf.get(member) ?? registerOf(known, this.#epochs)
    this.#registersOf.set(member, register)
    return register
  }

  /** Who is who if a member that was suspended or has left stood as it did before: what it signed until then is its word. */
  registerWith(member: MemberId): Register {
    const register = this.#registersWith.get(member) ?? registerOf(this.#reinstating(member), this.#epochs)
    this.#registersWith.set(member, register)
    return register
  }

  #reinstating(member: MemberId): CharterStatement[] {
    return this.charters().map(({ charter }) => ({
      ...charter,
      members: charter.members.map((row) =>
        row.id === member && hasEnded(row) ? { ...row, standing: 'active' as const } : row,
      ),
    }))
  }

  /** Whether a member was suspended, or has left, in any charter. */
  hasEnded(member: MemberId): boolean {
    return this.charters().some(({ charter }) => charter.members.some((row) => row.id === member && hasEnded(row)))
  }

  /** Whether another stood beside a member, in a charter that names both, at that time. */
  hadJoined(other: MemberId, member: MemberId, at: Millis): boolean {
    return this.charters().some(({ charter }) => {
      const rows = rowsOf(charter)
      return rows.some(({ id }) => id === member) && rows.some(({ id, joined }) => id === other && joined <= at)
    })
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
    return keys.filter((window) => counts(window, at)).map((window) => window.key)
  }

  sealKeys(member: MemberId, at: Millis): Uint8Array[] {
    const keys = this.#entries.get(member)?.seals ?? []
    return keys.filter((window) => counts(window, at)).map((window) => window.key)
  }

  recipientKeys(member: MemberId, at: Millis): Uint8Array[] {
    const keys = this.#entries.get(member)?.recipients ?? []
    return keys.filter((window) => counts(window, at)).map((window) => window.key)
  }

  memberOfKey(keyId: KeyId, at: Millis): { member: MemberId; publicKey: Uint8Array } | undefined {
    for (const [member, { keys }] of this.#entries)
      for (const key of keys) if (key.keyId === keyId && counts(key, at)) return { member, publicKey: key.key }
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

  /** Whether a charter is the business of somebody: of its members, and of clients that run nodes of their own. */
  mayKnow(alliance: Slug, member: MemberId): boolean {
    const charter = this.#charters.get(alliance)?.charter
    return this.standsIn(alliance, member) || (charter !== undefined && providerIn(charter, member) !== undefined)
  }

  /** Whether every charter parts the member from this node: one of the two has left, or neither is the other's client. */
  isParted(member: MemberId): boolean {
    return this.charters().every(({ charter }) => areParted(charter, this.self, member))
  }
}

function areParted(charter: CharterStatement, self: MemberId, other: MemberId): boolean {
  const isGone = (id: MemberId) => charter.members.some((row) => row.id === id && row.standing === 'left')
  if (isGone(self) || isGone(other)) return true
  const [mine, theirs] = [providerIn(charter, self), providerIn(charter, other)]
  if (mine !== undefined || theirs !== undefined) return mine !== other && theirs !== self
  return !charter.members.some(({ id }) => id === other)
}

const hasEnded = ({ standing }: CharterMember) => standing === 'suspended' || standing === 'left'

/** Whose client it is, where it runs a node of its own and is no member itself. */
function providerIn(charter: CharterStatement, id: MemberId): MemberId | undefined {
  return rowsOf(charter).find((row) => row.id === id)?.clientOf
}

/** A row of a member, or of a client under keys of its own. */
type Row = CharterMember & { clientOf?: MemberId }

/** Everybody whom a charter gives keys: who is a member is no client beside that. */
function rowsOf({ members }: CharterStatement): Row[] {
  const ids = new Set(members.map(({ id }) => id))
  const clients = members
    .filter(({ standing }) => standing === 'active' || standing === 'suspended')
    .flatMap(({ id: clientOf, joined, standing, clients: own = [] }) =>
      own
        .filter(isKeyed)
        .filter(({ id }) => !ids.has(id))
        .map((client): Row => ({ ...client, standing, joined, clientOf })),
    )
  return [...members, ...clients]
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

function entriesOf(
  charters: readonly VotedCharter[],
  statements: ReadonlyMap<MemberId, readonly Envelope[]>,
): Map<MemberId, Entry> {
  const entries = new Map<MemberId, Entry>()
  const rows = charters.flatMap(({ charter }) => rowsOf(charter).map((row) => ({ row, alliance: charter.alliance })))
  for (const [id, standings] of Map.groupBy(rows, ({ row }) => row.id)) {
    const last = standings.at(-1)!.row
    const address = standings.findLast(({ row }) => row.address !== undefined)?.row.address
    const alliances = standings.map(({ alliance }) => alliance)
    const member = { ...last, ...(address ? { address } : {}), alliances }
    const windows = keysOf(
      standings.map(({ row }) => row),
      statements.get(id) ?? [],
    )
    const of = (purpose: string) => windows.filter((window) => window.purpose === purpose)
    entries.set(id, { member, keys: of('node'), recipients: of('recipient'), seals: of('seal') })
  }
  return entries
}

/**
 * Keys of a member: an end counts for a delegation wherever either of them stands. Statements outlast a root key: those of
 * an earlier one say nothing under the next. Charters name different root keys while a member changes its own in one
 * alliance after the other, or where an alliance gave it a key that is not its own: then a key counts that all of them
 * delegate. Where they share none, the root key counts from which the member id was made, if one of them names it.
 */
function keysOf(rows: readonly CharterMember[], statements: readonly Envelope[]): KeyWindow[] {
  const byRoot = [...Map.groupBy(rows, ({ root }) => root)].map(([root, same]) => {
    const raw = fromBase64(root, 32)
    const listed = same.flatMap((row) => row.delegations)
    const { id } = same[0]!
    return {
      isFirst: memberIdOf(raw) === id,
      windows: keyWindows([...listed, ...signedBy(statements, raw)], id, raw),
    }
  })
  const [first, ...others] = byRoot
  if (!first) return []
  const shared = others.reduce((windows, other) => sharedWindows(windows, other.windows), first.windows)
  return shared.length > 0 ? shared : (byRoot.find(({ isFirst }) => isFirst)?.windows ?? [])
}

/** What both delegate, as long as both do. */
function sharedWindows(some: readonly KeyWindow[], others: readonly KeyWindow[]): KeyWindow[] {
  return some.flatMap((one) =>
    others
      .filter(({ keyId, purpose }) => keyId === one.keyId && purpose === one.purpose)
      .map((other) => {
        const distrusted = [one, other].flatMap(({ distrustedFrom }) => distrustedFrom ?? [])
        return {
          ...one,
          from: Math.max(one.from, other.from),
          until: Math.min(one.until, other.until),
          ...(distrusted.length > 0 ? { distrustedFrom: Math.min(...distrusted) } : {}),
        }
      }),
  )
}

/** Of a compromised key nothing counts that arrives now, whatever time it claims. */
const counts = ({ from, until, distrustedFrom }: KeyWindow, at: Millis) =>
  distrustedFrom === undefined && from <= at && at < until
