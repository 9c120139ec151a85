import {
  fromBase64,
  type Hash,
  isJsonObject,
  type Json,
  type MemberId,
  parseJson,
  type Slug,
  toBase64,
  utf8,
} from '#base'
import {
  type CharterMember,
  type CharterRules,
  type CharterStatement,
  isSlug,
  memberIdOf,
  statementHash,
  toCharter,
} from '#log'
import type {
  Admission,
  Alliances,
  JoinRequest,
  NextRoot,
  ProposalState,
  RootSigner,
  VotedCharter,
} from '../alliance-api.ts'
import type { Context } from '../context.ts'
import type { CharterDirectory } from '../directory.ts'
import { FederationError } from '../error.ts'
import { INVITATION_VALID_MS } from '../limits.ts'
import type { KeyStatements } from '../key-statements.ts'
import type { LinkClient, Target } from '../link-client.ts'
import { toCommitment, toWords } from '../words.ts'
import { amend, type Amendment } from './amendment.ts'
import { castVote } from './cast-vote.ts'
import type { Charters } from './charters.ts'
import { enrolmentText, parseEnrolment } from './enrolment.ts'
import { catchUp, pushBody } from './exchange.ts'
import { invitationText, parseInvitation } from './invitation.ts'
import { type Joins, requestedRow, requireRow } from './joins.ts'
import { toState } from './proposal-state.ts'
import type { VotesKnown } from './votes-known.ts'

const DEFAULT_RULES: CharterRules = { quorum: 'majority', receipts: 'author', greenDefault: 'community', carriers: [] }

/** What alliance operations work with. */
export interface AllianceParts {
  context: Context
  directory: CharterDirectory
  charters: Charters
  joins: Joins
  client: LinkClient
  keyStatements: KeyStatements
  /** Peers that stand in the alliance and have a link. */
  peersOf: (alliance: Slug) => Target[]
  /** Why this node signs nothing now; undefined where it does. */
  whyNotSign: () => string | undefined
  votesKnown: VotesKnown
  /** A join waits for the charter that admits this member. */
  onJoining: (alliance: Slug) => void
}

/** Founding, inviting, joining, voting: what people do with charters. @see FEDERATION.md, Joining */
export class AllianceOperations implements Alliances {
  readonly #parts: AllianceParts

  constructor(parts: AllianceParts) {
    this.#parts = parts
  }

  list() {
    const { directory } = this.#parts
    return directory.charters().map(({ charter }) => {
      const { alliance, version, members, rules } = charter
      const freeze = directory.frozen(alliance)
      const frozen = freeze && { version: freeze.version, removed: freeze.removed }
      return { alliance, version, members, rules, hash: directory.hash(alliance)!, ...(frozen ? { frozen } : {}) }
    })
  }

  async sides(alliance: Slug) {
    const sides = await this.#parts.charters.sides(alliance)
    return sides.map(({ charter }) => ({ hash: statementHash(charter), charter }))
  }

  async settle(alliance: Slug, side: string, root: RootSigner): Promise<ProposalState> {
    this.#charter(alliance)
    const sides = await this.sides(alliance)
    if (sides.length === 0)
      throw new FederationError('ALLIANCE_NO_FORK', `${alliance} is not forked: there is nothing to settle`)
    const named = sides.filter(({ hash }) => side !== '' && hash.startsWith(side))
    const [chosen] = named
    if (!chosen || named.length > 1)
      throw new FederationError(
        'ALLIANCE_NO_FORK',
        `${side} names no one side of ${alliance}; they are ${sides.map(({ hash }) => hash.slice(0, 12)).join(', ')}`,
      )
    const { charter, hash } = chosen
    const time = Math.max(root.at ?? this.#parts.context.now(), charter.time)
    return this.#voteFor(toCharter({ ...charter, version: charter.version + 1, previous: hash, time }), root)
  }

  async create(alliance: Slug, rules: Partial<CharterRules>, root: RootSigner): Promise<VotedCharter> {
    if (!isSlug(alliance))
      throw new FederationError(
        'ALLIANCE_SLUG',
        `${String(alliance)} is no name for an alliance: use a-z, 0-9 and hyphens, at most 63`,
      )
    if (this.#parts.directory.charter(alliance))
      throw new FederationError('ALLIANCE_EXISTS', `This member is in an alliance ${alliance} already`)
    const { context } = this.#parts
    const time = root.at ?? context.now()
    const charter = toCharter({
      type: 'charter',
      alliance,
      version: 1,
      previous: null,
      members: [{ ...context.self.profile, standing: 'active', joined: time }],
      rules: { ...DEFAULT_RULES, ...rules },
      time,
    })
    const vote = await castVote(this.#parts, charter, context.self.profile, root)
    await this.bootstrapCharter({ charter, votes: [vote] })
    return { charter, votes: [vote] }
  }

  async invite(alliance: Slug, options: { address?: string; validMs?: number } = {}) {
    const { context, joins } = this.#parts
    const { self, random, now } = context
    this.#charter(alliance)
    const address = options.address ?? self.profile.address
    if (address === undefined)
      throw new FederationError(
        'LINK_ADDRESS',
        'An invitation needs the address under which this node is reached: set publicUrl',
      )
    const expires = now() + (options.validMs ?? INVITATION_VALID_MS)
    const secret = toBase64(random(32))
    await joins.invite(secret, { alliance, expires, tries: 0 })
    const root = self.profile.firstRoot ?? self.profile.root
    return { text: invitationText({ alliance, inviter: self.member, root, address, secret, expires }), expires }
  }

  async join(text: string) {
    const invitation = parseInvitation(text)
    const { alliance, inviter, address, secret, expires } = invitation
    const { context, client, joins, directory, onJoining } = this.#parts
    if (context.now() >= expires)
      throw new FederationError(
        'INVITATION_EXPIRED',
        `The invitation ended at ${new Date(expires).toISOString()}; ask for another`,
      )
    if (directory.charter(alliance))
      throw new FederationError('ALLIANCE_EXISTS', `This member is in an alliance ${alliance} already`)
    const why = context.refusesAddress(address)
    if (why !== undefined) throw new FederationError('LINK_REFUSED', why)
    const own = { root: fromBase64(context.self.profile.root, 32), nonce: context.random(32) }
    const commitment = toBase64(toCommitment(own.root, own.nonce))
    const target = { member: inviter, address }
    const first = { alliance, secret, member: context.self.profile as unknown as Json, commitment }
    const answer = await this.#ask(client.post(target, '/link/v1/join', utf8(JSON.stringify(first))), address)
    const { inviter: row, nonce } = answer as { inviter?: Json; nonce?: Json }
    const theirs = inviterOf(row, nonce, inviter)
    const second = { alliance, nonce: toBase64(own.nonce) }
    await this.#ask(client.post(target, '/link/v1/join/reveal', utf8(JSON.stringify(second))), address)
    const words = toWords(theirs, own)
    await joins.joining(alliance, { inviter: theirs.row, address, words })
    onJoining(alliance)
    return { alliance, inviter, inviterSlug: theirs.row.slug, words }
  }

  async joined(alliance: Slug): Promise<boolean> {
    const { directory, joins, client, charters } = this.#parts
    if (directory.charter(alliance)) return true
    const joining = await joins.joining(alliance)
    if (!joining)
      throw new FederationError('JOIN_UNKNOWN', `No join of ${alliance} is open here; begin with its invitation`)
    const from = { member: joining.inviter.id, address: joining.address }
    try {
      await catchUp({ client, charters, directory }, from, alliance)
    } catch (cause) {
      if (cause instanceof FederationError && cause.code === 'LINK_REFUSED') return false
      throw cause
    }
    return this.#settle(alliance)
  }

  enrolment(alliance: Slug, address: string): string {
    const { charter } = this.#charter(alliance)
    const provider = charter.members.find(({ id }) => id === this.#parts.context.self.member)
    if (!provider) throw new FederationError('ALLIANCE_MEMBER', `This member does not stand in ${alliance}`)
    return enrolmentText({ alliance, provider, address })
  }

  async enrol(text: string) {
    const { context, joins, directory, onJoining } = this.#parts
    const { alliance, provider, address } = parseEnrolment(text)
    if (directory.charter(alliance)) throw new FederationError('ALLIANCE_EXISTS', `This node knows ${alliance} already`)
    const why = context.refusesAddress(address)
    if (why !== undefined) throw new FederationError('LINK_REFUSED', why)
    await joins.joining(alliance, { inviter: provider, address, words: '' })
    onJoining(alliance)
    return { alliance, provider: provider.slug, enrolled: await this.joined(alliance) }
  }

  joinRequests(alliance?: Slug): Promise<JoinRequest[]> {
    return this.#parts.joins.requests(alliance)
  }

  async confirm(
    alliance: Slug,
    member: MemberId,
    root: RootSigner,
    { standing = 'active', backfill }: Admission = {},
  ): Promise<ProposalState> {
    const { context, joins } = this.#parts
    const { charter } = this.#charter(alliance)
    const request = (await joins.requests(alliance)).find(
      (open) => open.member.id === member || open.member.slug === member,
    )
    if (!request)
      throw new FederationError('JOIN_UNKNOWN', `${member} has not asked to join ${alliance}, or is in it already`)
    const time = Math.max(root.at ?? context.now(), charter.time)
    const row: CharterMember = {
      ...requestedRow(request.member),
      standing,
      joined: time,
      ...(backfill && { backfill }),
    }
    const next = toCharter({
      ...charter,
      version: charter.version + 1,
      previous: statementHash(charter),
      members: [...charter.members, row].sort((a, b) => (a.id < b.id ? -1 : 1)),
      time,
    })
    return this.#voteFor(next, root)
  }

  async amend(alliance: Slug, amendment: Amendment, root: RootSigner, isRival = false): Promise<ProposalState> {
    const { context, charters } = this.#parts
    const { charter } = this.#charter(alliance)
    const { member: self, profile } = context.self
    const now = root.at ?? context.now()
    const delegations = [...profile.delegations, ...(await this.#parts.keyStatements.own())]
    const next = amend(charter, amendment, { self, now, delegations })
    const others = (await charters.proposals(alliance)).filter(({ verdict }) => verdict.hash !== statementHash(next))
    if (others.length > 0 && !isRival)
      throw new FederationError(
        'ALLIANCE_VERSION',
        `A proposal for version ${next.version} of ${alliance} waits already, and each member votes once for a version: vote for that one first, or propose a rival to it`,
      )
    return this.#voteFor(next, root)
  }

  async changeRoot(alliance: Slug, next: NextRoot, old: RootSigner | undefined): Promise<ProposalState> {
    const { context, charters } = this.#parts
    const [{ charter }, self] = [this.#charter(alliance), context.self.member]
    const waiting = (await charters.proposals(alliance)).find(
      (one) => one.charter.members.find(({ id }) => id === self)?.root === next.root,
    )
    const proposer = { self, now: old?.at ?? context.now() }
    const proposed = waiting?.charter ?? amend(charter, { change: 'root', ...next }, proposer)
    if (old) return this.#voteFor(proposed, old)
    // Nobody here can vote: those who can compare the words of the key with whoever brought it.
    const proposal = await charters.propose(proposed, [])
    this.#push(alliance, pushBody({ proposals: [{ charter: proposed, votes: proposal.votes }] }))
    return toState(proposal, charter)
  }

  async approve(alliance: Slug, root: RootSigner, version?: number, hash?: Hash): Promise<ProposalState> {
    this.#charter(alliance)
    const waiting = await this.#parts.charters.proposals(alliance)
    const proposal = hash === undefined ? waiting[0] : waiting.find(({ verdict }) => verdict.hash === hash)
    if (!proposal) throw new FederationError('ALLIANCE_NO_PROPOSAL', `No charter of ${alliance} waits for votes`)
    if (version !== undefined && proposal.charter.version !== version)
      throw new FederationError(
        'ALLIANCE_VERSION',
        `Version ${proposal.charter.version} of ${alliance} waits, not ${version}; read it again`,
      )
    return this.#voteFor(proposal.charter, root)
  }

  async proposals(alliance?: Slug): Promise<ProposalState[]> {
    const { charters, directory } = this.#parts
    return (await charters.proposals(alliance)).map((one) =>
      toState(one, directory.charter(one.charter.alliance)?.charter),
    )
  }

  async bootstrapCharter(given: VotedCharter | readonly VotedCharter[]): Promise<void> {
    const chain = Array.isArray(given) ? (given as readonly VotedCharter[]) : [given as VotedCharter]
    for (const voted of chain) toCharter(voted.charter)
    const result = await this.#parts.charters.install(chain)
    if (result !== 'installed' && result !== 'known')
      throw new FederationError('CHARTER_INVALID', `The charter can't be installed: ${result}`)
  }

  /** Sends what waits for votes to a peer whose link came up. */
  async remind(to: Target): Promise<void> {
    const waiting = await this.#parts.charters.proposals()
    const shared = waiting.filter(({ charter }) =>
      this.#parts.directory.charter(charter.alliance)?.charter.members.some((member) => member.id === to.member),
    )
    const proposals = shared.map(({ charter, votes }) => ({ charter, votes }))
    if (proposals.length > 0) await this.#parts.client.post(to, '/link/v1/charters', pushBody({ proposals }))
  }

  /** A charter came into force: done joins are closed, and everybody linked hears of it. */
  async announce(alliance: Slug): Promise<void> {
    const voted = this.#parts.directory.charter(alliance)
    if (!voted) return
    await this.#settle(alliance)
    this.#push(alliance, pushBody({ charters: [voted] }))
  }

  /**
   * A peer that can't call this node lacks what counts here: it gets every version after the one that it was seen with, as
   * many as one request holds, since it can ask for none in between. Where it lacks what it was seen with, it gets all.
   */
  async bringUp(to: Target, alliance: Slug, seen: number | undefined): Promise<void> {
    const { charters, client, context, directory } = this.#parts
    if (!directory.mayKnow(alliance, to.member)) return
    if (seen === undefined || directory.frozen(alliance)) return this.announce(alliance)
    const isSeenLost = seen >= (directory.charter(alliance)?.charter.version ?? 0)
    const bytes = context.limits.requestBodyBytes / 3 // What a UTF-16 code unit takes at most.
    const last = directory.parting(alliance, to.member)?.version
    const chain = await charters.chain(alliance, isSeenLost ? 1 : seen + 1, bytes, last)
    if (chain.length > 0) await client.post(to, '/link/v1/charters', pushBody({ charters: chain }))
  }

  /** A fork was found: everybody linked gets every version from it on, and freezes too. */
  async announceFork(alliance: Slug): Promise<void> {
    const freeze = this.#parts.directory.frozen(alliance)
    if (freeze) this.#push(alliance, pushBody({ charters: await this.#parts.charters.since(alliance, freeze.version) }))
  }

  async #settle(alliance: Slug): Promise<boolean> {
    const charter = this.#parts.directory.charter(alliance)?.charter
    if (charter) await this.#parts.joins.settle(charter)
    return charter !== undefined
  }

  async #voteFor(charter: CharterStatement, root: RootSigner): Promise<ProposalState> {
    const { context, charters } = this.#parts
    const current = this.#charter(charter.alliance).charter
    const row = current.members.find((member) => member.id === context.self.member)
    const vote = await castVote(this.#parts, charter, row ?? context.self.profile, root)
    const proposal = await charters.propose(charter, [vote])
    if (!proposal.verdict.inForce) {
      const { votes } = proposal
      this.#push(charter.alliance, pushBody({ proposals: [{ charter, votes }] }))
    }
    return toState(proposal, current)
  }

  #push(alliance: Slug, body: Uint8Array): void {
    for (const peer of this.#parts.peersOf(alliance)) {
      this.#parts.client.post(peer, '/link/v1/charters', body).catch((cause: unknown) =>
        // A peer that is away learns of it from the next snapshot, or when its link comes up.
        this.#parts.context.log('info', 'A charter could not be pushed', { peer: peer.member, cause: String(cause) }),
      )
    }
  }

  #charter(alliance: Slug): VotedCharter {
    const voted = this.#parts.directory.charter(alliance)
    if (voted) return voted
    throw new FederationError(
      'ALLIANCE_UNKNOWN',
      `This member is in no alliance ${alliance}; see \`noroshi alliance members\``,
    )
  }

  async #ask(answer: Promise<Uint8Array>, address: string): Promise<Json> {
    try {
      return parseJson(await answer)
    } catch (cause) {
      if (!(cause instanceof FederationError) || cause.code !== 'LINK_REFUSED') throw cause
      throw new FederationError(
        'INVITATION_REFUSED',
        `${address} does not take this invitation: used, ended or withdrawn. Ask for another`,
        { cause },
      )
    }
  }
}

function inviterOf(row: Json | undefined, nonce: Json | undefined, inviter: MemberId) {
  const member = row as unknown as CharterMember
  if (!isJsonObject(row) || typeof nonce !== 'string' || member.id !== inviter)
    throw new FederationError('LINK_BAD_ANSWER', 'The inviter answered in another form than a join takes')
  requireRow(member)
  const first = fromBase64(member.firstRoot ?? member.root, 32)
  if (memberIdOf(first) !== inviter) throw new FederationError('LINK_BAD_ANSWER', 'The answer is not from the inviter')
  return { row: member, root: fromBase64(member.root, 32), nonce: fromBase64(nonce, 32) }
}
