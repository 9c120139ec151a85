import type { Hash, KeyId, MemberId, Millis, Slug } from '#base'
import type { Audience, CharterMember, CharterRules, CharterStatement, Envelope, Signer } from '#log'
import type { Register } from '#policy'
import type { Amendment } from './alliance/amendment.ts'
import type { NewRoot } from './alliance/new-roots.ts'

/** A charter version with the votes that put it in force. */
export interface VotedCharter {
  charter: CharterStatement
  votes: Envelope[]
}

/** Members, keys and addresses of every charter in force. */
export interface Directory {
  readonly self: MemberId
  /** Cached until a charter changes. */
  register(): Register
  members(): DirectoryMember[]
  member(idOrSlug: string): DirectoryMember | undefined
  /** Public node keys that the member had delegated at that time. */
  nodeKeys(member: MemberId, at: Millis): Uint8Array[]
  /** Public keys by which people of the member sealed something at that time. */
  sealKeys(member: MemberId, at: Millis): Uint8Array[]
  /** X25519 keys to which files for the member are encrypted, oldest first. */
  recipientKeys(member: MemberId, at: Millis): Uint8Array[]
  /** Who signed: the member whose node key has this id at that time. */
  memberOfKey(key: KeyId, at: Millis): { member: MemberId; publicKey: Uint8Array } | undefined
  charters(): VotedCharter[]
  charter(alliance: Slug): VotedCharter | undefined
  /**
   * Charter lines of a checkpoint, ascending by alliance: of those alone that the log's audience names, because the log's
   * readers are not told in which other alliances its author stands.
   */
  charterLines(audience: Audience): (readonly [alliance: Slug, hash: Hash])[]
}

export interface DirectoryMember extends CharterMember {
  alliances: Slug[]
  /** Set for a client that runs a node of its own: whose client it is. */
  clientOf?: MemberId
}

/**
 * The root key. Where it is elsewhere, an operation runs once to learn what must be signed and again with the signature:
 * `at` is then the instant of the first run, so that the second arrives at the same bytes.
 */
export interface RootSigner extends Signer {
  /** When it signs; absent: now. */
  readonly at?: Millis
  /** Its owner says that this member, restored from a backup, voted for no other charter of that version since then. */
  readonly afterRestore?: boolean
}

/** Alliance operations; those that need the root key take its signer, because it is opened with a passphrase. */
export interface Alliances {
  /** What counts of each alliance; `frozen` where a fork waits to be settled: its version, and who does not count. */
  list(): {
    alliance: Slug
    version: number
    members: CharterMember[]
    rules: CharterRules
    hash: Hash
    frozen?: { version: number; removed: MemberId[] }
  }[]
  /** The newest version of each side of a fork that is not settled; this node's own first. */
  sides(alliance: Slug): Promise<{ hash: Hash; charter: CharterStatement }[]>
  /** Proposes to go on from one side of a fork, named by the start of its hash, and votes for that. */
  settle(alliance: Slug, side: string, root: RootSigner): Promise<ProposalState>
  /** Founds an alliance: version 1 with this member alone. */
  create(alliance: Slug, rules: Partial<CharterRules>, root: RootSigner): Promise<VotedCharter>
  /** One-time invitation text for one new member. */
  invite(alliance: Slug, options?: { address?: string; validMs?: number }): Promise<{ text: string; expires: Millis }>
  /** Sends the join request; both sides then compare the words. */
  join(invitation: string): Promise<{ alliance: Slug; inviter: MemberId; inviterSlug: Slug; words: string }>
  /** Join requests that wait for a person at the inviter. */
  joinRequests(alliance?: Slug): Promise<JoinRequest[]>
  /** The person compared the words: proposes version n+1 with the new member and votes for it. */
  confirm(alliance: Slug, member: MemberId, root: RootSigner, how?: Admission): Promise<ProposalState>
  /** Votes for the proposal that waits; `version` and `hash` guard against voting for another one than was read. */
  approve(alliance: Slug, root: RootSigner, version?: number, hash?: Hash): Promise<ProposalState>
  /** Proposes version n+1 with one change, and votes for it; beside another proposal only as its rival. */
  amend(alliance: Slug, amendment: Amendment, root: RootSigner, isRival?: boolean): Promise<ProposalState>
  /**
   * Proposes this member's next root key. With the key before, that one votes for it; without (it is lost), the votes of
   * the others alone put it in force. Said again, the proposal that waits is sent again.
   */
  changeRoot(alliance: Slug, next: NextRoot, old: RootSigner | undefined): Promise<ProposalState>
  proposals(alliance?: Slug): Promise<ProposalState[]>
  /** Installs a complete, voted charter (with its predecessors, oldest first) or throws. */
  bootstrapCharter(charters: VotedCharter | readonly VotedCharter[]): Promise<void>
  /** What this member hands to a client that runs a node of its own, once the charter lists the client's keys. */
  enrolment(alliance: Slug, address: string): string
  /** A client's node takes its provider's enrolment: from then on it follows the charter, and links to the provider. */
  enrol(text: string): Promise<{ alliance: Slug; provider: Slug; enrolled: boolean }>
  /** Asks the inviter whether the join is in force; true once this member stands in the charter. */
  joined(alliance: Slug): Promise<boolean>
}

/** How a new member is taken in. */
export interface Admission {
  standing?: 'active' | 'observer' | 'candidate'
  /** It gets everything, though the rules say that new members get what is published after they joined. */
  backfill?: 'everything'
}

/** A member's next root key in base64, and its delegations and ends of them as that key signed them. */
export interface NextRoot {
  root: string
  delegations: Envelope[]
}

export interface JoinRequest {
  alliance: Slug
  member: CharterMember
  words: string
  time: Millis
}

export interface ProposalState {
  alliance: Slug
  version: number
  hash: Hash
  votes: MemberId[]
  needed: number
  inForce: boolean
  charter: CharterStatement
  /** Root keys that it would change, against the charter in force. */
  roots: NewRoot[]
}
