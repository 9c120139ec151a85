/**
 * Charters: which members form an alliance, and by which rules. A charter statement is not signed; it is in force by the
 * votes of the members of the version before it (of all its own members for version 1).
 * @see docs/wire.md, Charters
 */
import { fromBase64, type Hash, isJsonObject, type JsonObject, type MemberId, type Millis, type Slug } from '#base'
import { TLP_LEVELS, type TlpLevel } from './audience.ts'
import { keyWindows } from './delegation.ts'
import { LogError } from './error.ts'
import { isAscending, isBase64, isCount, isMemberId, isNation, isSlug, isText } from './fields.ts'
import { memberIdOf, toPublicKey } from './keys.ts'
import { isQuota, type MemberQuota } from './member-quota.ts'
import { type Envelope, parseEnvelope, requireStatement, statementHash, verifyStatement } from './statement.ts'

/**
 * How a member takes part. Only active members vote, and open the alliance's audiences to their clients; observers and
 * candidates see what the charter's rules give them.
 */
export type Standing = 'active' | 'suspended' | 'left' | 'observer' | 'candidate'

/** An organisation that a member serves. */
export interface CharterClient {
  id: MemberId
  slug: Slug
  name: string
  kind: Slug
  sectors: Slug[]
  nation: string
  /** Current root key, where the client runs a node of its own: 32 bytes in base64. */
  root?: string
  /** First root key, where `root` is a later one. */
  firstRoot?: string
  /** Delegations, and early ends of them, signed by `root`; exactly where there is one. */
  delegations?: Envelope[]
}

/** A client that runs a node of its own: it speaks for itself, under keys that the charter lists. */
export type KeyedClient = CharterClient & { root: string; delegations: Envelope[] }

/** Whether a client runs a node of its own. */
export const isKeyed = (client: CharterClient): client is KeyedClient => client.root !== undefined

/** A member as its alliance knows it. */
export interface CharterMember {
  id: MemberId
  slug: Slug
  name: string
  nation: string
  kind: Slug
  sectors: Slug[]
  /** Current root key, 32 bytes in base64. */
  root: string
  /** First root key, where `root` is a later one: the member id is taken from it. */
  firstRoot?: string
  /** Delegations, and early ends of them, signed by `root`. */
  delegations: Envelope[]
  /** Base URL of the member's node. */
  address?: string
  /** Highest level the member accepts. */
  maxTlp?: TlpLevel
  tlpVersion?: '1.0' | '2.0'
  /** What each of the others takes of the member, at most. */
  quota?: MemberQuota
  /** Caveats that the member's node enforces; absent = none declared. */
  caveats?: string[]
  cyberCommunity?: boolean
  /** Address ranges and domains of the member, ascending: nobody's detection arms them. */
  networks?: string[]
  standing: Standing
  joined: Millis
  left?: Millis
  clients?: CharterClient[]
  /** The inviters gave it everything though the rules say that new members get what is published after they joined. */
  backfill?: 'everything'
}

/** What the members agreed on. */
export interface CharterRules {
  /** Votes that put the next version in force: a number, or more than half of the active members. */
  quorum: number | 'majority'
  /** Who sees receipts. */
  receipts: 'author' | 'alliance'
  /** Who a GREEN object without a named community is for. */
  greenDefault: 'community' | 'cyber-defence'
  /** Members that may serve others' mirrors. */
  carriers: MemberId[]
  /** Highest level at which observers count as members; absent: they get what is for the world. */
  observers?: TlpLevel
  /** The same for candidates. */
  candidates?: TlpLevel
  /**
   * What a new member gets of what was published before it joined: everything (absent means this), or nothing. It says how
   * publications are made from then on; what stands already keeps its audience.
   */
  backfill?: Backfill
}

/** Everything that the audiences hold, or only what is published after a member joined. */
type Backfill = 'everything' | 'joining'

/** One version of an alliance. */
export interface CharterStatement {
  type: 'charter'
  alliance: Slug
  version: number
  previous: Hash | null
  /** Ascending by id. */
  members: CharterMember[]
  rules: CharterRules
  time: Millis
}

/** A member's consent to one exact charter, signed by its root key. */
export interface Vote extends JsonObject {
  type: 'vote'
  member: MemberId
  alliance: Slug
  charter: Hash
  time: Millis
}

/** Most members of a charter, and most clients of a member. */
export const CHARTER_MAX_MEMBERS = 1_000
const TEXT_MAX_CHARS = 2_048
/** Most ranges and domains of a member. */
export const CHARTER_MAX_NETWORKS = 1_000
/** An address, a range in CIDR, or a domain. */
const NETWORK =
  /^(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:\/[0-9]{1,2})?|[0-9a-f:]{2,39}(?:\/[0-9]{1,3})?|(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9]))$/

/** Charters whose shape was found right lately, by hash: each is met again with every vote. 64 bytes each. */
const wellFormed = new Set<Hash>()
const WELL_FORMED_MOST = 256

/**
 * Checks the whole shape of a charter, the members' keys and their delegations included.
 * @throws LogError STATEMENT_INVALID, CHARTER_INVALID, KEY_INVALID, DELEGATION_INVALID, SIGNATURE_INVALID
 */
export function toCharter(value: unknown): CharterStatement {
  requireStatement(value as JsonObject, 'charter')
  const charter = value as unknown as CharterStatement
  const hash = hashIfJson(charter)
  if (hash !== undefined && wellFormed.has(hash)) return charter
  checkShape(charter)
  if (wellFormed.size >= WELL_FORMED_MOST) wellFormed.clear()
  if (hash !== undefined) wellFormed.add(hash)
  return charter
}

/** One that is being made may hold what JSON can not; signing it says so. */
function hashIfJson(charter: CharterStatement): Hash | undefined {
  try {
    return statementHash(charter)
  } catch {
    return undefined
  }
}

function checkShape(charter: CharterStatement): void {
  const { members, rules } = charter
  if (members.length === 0 || members.length > CHARTER_MAX_MEMBERS)
    throw invalid(`must have 1 to ${CHARTER_MAX_MEMBERS} members`)
  for (const member of members) checkMember(member)
  if (
    !isAscending(
      members.map((member) => member.id),
      isMemberId,
    )
  )
    throw invalid('must list its members ascending by id')
  for (const name of ['slug', 'root'] as const) {
    if (new Set(members.map((member) => member[name])).size !== members.length) throw invalid(`has one ${name} twice`)
  }
  checkRules(rules, charter)
  const roots = members.flatMap(({ root, clients = [] }) => [root, ...clients.flatMap((client) => client.root ?? [])])
  if (new Set(roots).size !== roots.length) throw invalid('gives one root key to two organisations')
}

/** Whether a charter is in force, and by whom. */
export interface CharterVerdict {
  inForce: boolean
  hash: Hash
  /** Who may vote on it, ascending. */
  electorate: MemberId[]
  /** Whose valid votes are there, ascending. */
  approvals: MemberId[]
  needed: number
}

/**
 * Counts the votes for a charter that follows `previous` (undefined for version 1). Votes that are not valid, of others,
 * or for another charter do not count.
 * @throws LogError CHARTER_INVALID when it does not follow `previous`; also as `toCharter`
 */
export function checkCharter(
  previous: CharterStatement | undefined,
  value: unknown,
  votes: readonly unknown[],
): CharterVerdict {
  const charter = toCharter(value)
  checkSuccession(previous, charter)
  const hash = statementHash(charter)
  const voters = votersOf(previous ?? charter)
  const approvals = new Set<MemberId>()
  for (const vote of votes) {
    const member = voterOf(vote, charter.alliance, hash, voters)
    if (member) approvals.add(member)
  }
  const needed = previous ? quorumOf(previous) : voters.size
  return {
    inForce: approvals.size >= needed,
    hash,
    electorate: [...voters.keys()],
    approvals: [...approvals].sort(),
    needed,
  }
}

/** Votes that put the version after this one in force: always more than half of the active members. */
export function quorumOf(charter: CharterStatement): number {
  const active = votersOf(charter).size
  const majority = Math.floor(active / 2) + 1
  const { quorum } = charter.rules
  return quorum === 'majority' ? majority : Math.min(Math.max(quorum, majority), active)
}

/**
 * Members that still count on a fork: those of the parent whom neither side removed, suspended or let go.
 * Until the alliance agrees on one side, nothing else of either is believed.
 */
export function membersAtFork(parent: CharterStatement, sides: readonly CharterStatement[]): CharterMember[] {
  return parent.members.filter((member) =>
    sides.every((side) => {
      const there = side.members.find((other) => other.id === member.id)
      return there !== undefined && (there.standing === member.standing || there.standing === 'active')
    }),
  )
}

function checkSuccession(previous: CharterStatement | undefined, charter: CharterStatement): void {
  if (!previous) {
    if (charter.version !== 1) throw invalid(`of version ${charter.version} needs the version before it`)
    return
  }
  if (charter.alliance !== previous.alliance) throw invalid(`is of ${charter.alliance}, not of ${previous.alliance}`)
  if (charter.version !== previous.version + 1)
    throw invalid(`has version ${charter.version} after ${previous.version}; versions follow one another`)
  if (charter.previous !== statementHash(previous)) throw invalid('names another version before it')
  if (charter.time < previous.time) throw invalid('is older than the version before it')
}

/** Root keys of those who vote on the next version, by member id, ascending. */
function votersOf(charter: CharterStatement): Map<MemberId, Uint8Array> {
  const active = charter.members.filter((member) => member.standing === 'active')
  return new Map(active.map((member) => [member.id, fromBase64(member.root)]))
}

function voterOf(
  envelope: unknown,
  alliance: Slug,
  charter: Hash,
  voters: ReadonlyMap<MemberId, Uint8Array>,
): MemberId | undefined {
  try {
    const { statement } = parseEnvelope(envelope)
    const root = voters.get(statement['member'] as MemberId)
    if (!root) return undefined
    const vote = verifyStatement<Vote>(envelope, 'vote', [root])
    return vote.alliance === alliance && vote.charter === charter ? vote.member : undefined
  } catch (error) {
    if (error instanceof LogError) return undefined
    throw error
  }
}

const STANDINGS: readonly unknown[] = ['active', 'suspended', 'left', 'observer', 'candidate']
const isNetwork = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= 253 && NETWORK.test(value)
const isShortText = (value: unknown): value is string => isText(value) && value.length <= TEXT_MAX_CHARS

function checkMember(member: CharterMember): void {
  if (!isJsonObject(member)) throw invalid('has a member that is no JSON object')
  const { id, slug, name, nation, kind, sectors, root, delegations, standing, joined, left } = member
  if (!isMemberId(id)) throw invalid('has a member without a member id')
  const fault = (what: string) => invalid(`is wrong about ${id}: ${what}`)
  if (!isSlug(slug) || !isShortText(name) || !isNation(nation) || !isSlug(kind) || !isAscending(sectors, isSlug))
    throw fault('slug, name, nation, kind or sectors is missing or has not the right form')
  if (!STANDINGS.includes(standing)) throw fault('its standing is unknown')
  if (!isCount(joined) || (left === undefined) !== (standing !== 'left') || (left !== undefined && !isCount(left)))
    throw fault('`joined` is missing, or `left` does not go with its standing')
  checkOptionalMembers(member, fault)
  const first = member.firstRoot ?? root
  if (!isBase64(root, 32) || !isBase64(first, 32)) throw fault('a root key is no 32 bytes in base64')
  if (memberIdOf(fromBase64(first)) !== id) throw fault('its id does not follow from its first root key')
  toPublicKey(fromBase64(root))
  if (!Array.isArray(delegations)) throw fault('`delegations` is no array')
  keyWindows(delegations, id, fromBase64(root))
}

function checkOptionalMembers(member: CharterMember, fault: (what: string) => LogError): void {
  const { address, maxTlp, tlpVersion, quota, caveats, cyberCommunity, networks = [], clients = [] } = member
  if (address !== undefined && (!isShortText(address) || !/^https?:\/\/[^\s/]/.test(address)))
    throw fault('its address is no http(s) URL')
  if (maxTlp !== undefined && !TLP_LEVELS.includes(maxTlp)) throw fault('its highest level is unknown')
  if (tlpVersion !== undefined && tlpVersion !== '1.0' && tlpVersion !== '2.0')
    throw fault('its TLP version is unknown')
  if (quota !== undefined && !isQuota(quota))
    throw fault('its quota is no whole numbers from 1 by names that a quota has')
  if (caveats !== undefined && !isAscending(caveats, isShortText)) throw fault('its caveats do not ascend')
  if (member.backfill !== undefined && member.backfill !== 'everything') throw fault('`backfill` is not "everything"')
  if (cyberCommunity !== undefined && typeof cyberCommunity !== 'boolean') throw fault('`cyberCommunity` is no boolean')
  if (!isAscending(networks, isNetwork) || networks.length > CHARTER_MAX_NETWORKS)
    throw fault('its networks are no addresses, ranges or domains in lower case, ascending')
  if (!Array.isArray(clients) || clients.length > CHARTER_MAX_MEMBERS) throw fault('`clients` is no array, or too long')
  for (const client of clients) {
    if (!isJsonObject(client)) throw fault('a client is no JSON object')
    const { id, slug, name, kind, sectors, nation } = client
    if (!isMemberId(id) || !isSlug(slug) || !isShortText(name) || !isSlug(kind) || !isNation(nation))
      throw fault('a client has not the right form')
    if (!isAscending(sectors, isSlug)) throw fault(`the sectors of its client ${slug} do not ascend`)
    checkClientKeys(client, fault)
  }
  if (
    !isAscending(
      clients.map((client) => client.id),
      isMemberId,
    )
  )
    throw fault('its clients do not ascend by id')
}

/** A client's keys are checked as a member's are: its id follows from its first root key. */
function checkClientKeys(client: CharterClient, fault: (what: string) => LogError): void {
  const { id, slug, root, firstRoot, delegations } = client
  if (!isKeyed(client)) {
    if (firstRoot !== undefined || delegations !== undefined)
      throw fault(`its client ${slug} has keys without a root key`)
    return
  }
  const first = firstRoot ?? root
  if (!isBase64(root, 32) || !isBase64(first, 32))
    throw fault(`a root key of its client ${slug} is no 32 bytes in base64`)
  if (memberIdOf(fromBase64(first)) !== id)
    throw fault(`the id of its client ${slug} does not follow from its root key`)
  toPublicKey(fromBase64(root))
  if (!Array.isArray(delegations)) throw fault(`the delegations of its client ${slug} are no array`)
  keyWindows(delegations, id, fromBase64(root))
}

function checkRules(rules: CharterRules, charter: CharterStatement): void {
  const { quorum, receipts, greenDefault, carriers, observers, candidates } = rules
  const active = votersOf(charter).size
  if (quorum !== 'majority' && (!isCount(quorum) || quorum * 2 <= active || quorum > active))
    throw invalid(`needs a quorum of more than half of its ${active} active members, or "majority"`)
  if (receipts !== 'author' && receipts !== 'alliance') throw invalid('says `receipts` neither "author" nor "alliance"')
  if (greenDefault !== 'community' && greenDefault !== 'cyber-defence')
    throw invalid('says `greenDefault` neither "community" nor "cyber-defence"')
  for (const level of [observers, candidates])
    if (level !== undefined && !TLP_LEVELS.includes(level))
      throw invalid('gives observers or candidates an unknown level')
  if (rules.backfill !== undefined && rules.backfill !== 'everything' && rules.backfill !== 'joining')
    throw invalid('says `backfill` neither "everything" nor "joining"')
  const ids = new Set(charter.members.map((member) => member.id))
  if (!isAscending(carriers, isMemberId) || !carriers.every((carrier) => ids.has(carrier)))
    throw invalid('names carriers that are not members, or not ascending')
  if (active === 0) throw invalid('has no active member')
}

const invalid = (what: string) => new LogError('CHARTER_INVALID', `The charter ${what}`)
