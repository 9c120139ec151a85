import { type Hash, type Json, type MemberId, type Slug } from '#base'
import { checkCharter, type CharterStatement, type CharterVerdict, type Envelope, statementHash } from '#log'
import type { Change } from '#store'
import type { VotedCharter } from '../alliance-api.ts'
import type { Context } from '../context.ts'
import type { CharterDirectory } from '../directory.ts'
import { FederationError } from '../error.ts'
import { newRootsOf } from './new-roots.ts'
import { type Chain, freezeOf, settlingSide, sidesOf, verdictAtFork, verdictOf } from './forks.ts'

const IN_FORCE = 'charters'
const PROPOSED = 'charter-proposals'
/** Versions of other sides of forks. */
const FORKED = 'charter-forks'
/** This member's own votes, one for each alliance and version. */
export const VOTES = 'charter-votes'
/** Versions of other sides kept of one alliance: each needs a quorum that voted twice. */
const FORKS_MOST = 64
/** Competing proposals kept for one alliance. */
const PROPOSALS_MOST = 8

/** What became of charters that somebody sent. */
export type InstallResult = 'installed' | 'known' | 'gap' | 'not-in-force' | 'fork'

/** A charter that waits for votes. */
export interface Proposal {
  charter: CharterStatement
  votes: Envelope[]
  verdict: CharterVerdict
}

/**
 * Every charter version in force, hash-chained from version 1, and the proposals for the next. A version counts only
 * with the votes of its predecessor's quorum; a second one for the same version is a fork: kept as evidence, and the
 * alliance is frozen at the version before until its members settle it.
 * @see WIRE, Statements; `forks.ts`
 */
export class Charters {
  readonly #context: Context
  readonly #directory: CharterDirectory
  readonly #hashes = new Map<Slug, Map<Hash, number>>()
  readonly #others = new Map<Slug, VotedCharter[]>()
  #queue: Promise<unknown> = Promise.resolve()

  private constructor(context: Context, directory: CharterDirectory) {
    this.#context = context
    this.#directory = directory
  }

  static async open(context: Context, directory: CharterDirectory): Promise<Charters> {
    const charters = new Charters(context, directory)
    for await (const { value } of context.store.records(IN_FORCE)) {
      const voted = value as unknown as VotedCharter
      charters.#remember(voted)
      directory.install(voted)
    }
    for await (const { value } of context.store.records(FORKED)) charters.#beyond(value as unknown as VotedCharter)
    for (const alliance of charters.#others.keys()) await charters.#weigh(alliance)
    return charters
  }

  /** Whether this node knows the version of that hash, be it an older one. */
  knows(alliance: Slug, hash: Hash): boolean {
    return this.#hashes.get(alliance)?.has(hash) ?? false
  }

  /** Its number; undefined where this node does not know it. */
  versionOf(alliance: Slug, hash: Hash): number | undefined {
    return this.#hashes.get(alliance)?.get(hash)
  }

  /** Versions in force from `from` on, oldest first, so many as fit into `maxBytes`. */
  async chain(alliance: Slug, from: number, maxBytes: number, last = Infinity): Promise<VotedCharter[]> {
    // The bytes asked for may be few and the versions many: no more of them are read than are given.
    const rows = this.#context.store.records(IN_FORCE, { prefix: `${alliance}/`, after: beforeVersion(alliance, from) })
    const chain: VotedCharter[] = []
    let left = maxBytes
    for await (const { value } of rows) {
      const voted = value as unknown as VotedCharter
      if (voted.charter.version > last) break
      left -= JSON.stringify(value).length
      if (left < 0 && chain.length > 0) break
      chain.push(voted)
    }
    return chain
  }

  /** Installs versions that follow one another and what is in force; one at a time. */
  install(chain: readonly VotedCharter[]): Promise<InstallResult> {
    return this.#inTurn(async () => {
      let result: InstallResult = 'known'
      for (const voted of chain) {
        const one = await this.#installOne(voted)
        if (one === 'gap' || one === 'not-in-force') return one
        if (one !== 'known') result = one
      }
      return result
    })
  }

  /** Whether a charter follows what could be voted on: the newest version here, or another side of a fork. */
  follows(charter: CharterStatement): boolean {
    return this.#before(charter) !== undefined
  }

  /** The newest version of each side of a fork that is not settled; this node's own first. */
  sides(alliance: Slug): Promise<VotedCharter[]> {
    return this.#inTurn(async () => {
      const freeze = this.#directory.frozen(alliance)
      if (!freeze) return []
      const sides = sidesOf(await this.#own(alliance), this.#others.get(alliance) ?? [], freeze.version)
      return sides.flatMap((side) => side.slice(-1))
    })
  }

  /** All versions in force from `version` on, of every side, ascending. */
  async since(alliance: Slug, version: number): Promise<VotedCharter[]> {
    const all = [...(await this.#own(alliance)), ...(this.#others.get(alliance) ?? [])]
    return all.filter(({ charter }) => charter.version >= version).sort((a, b) => a.charter.version - b.charter.version)
  }

  /** Proposals for the version after the one in force, those with most votes first. */
  async proposals(alliance?: Slug): Promise<Proposal[]> {
    const prefix = alliance === undefined ? {} : { prefix: `${alliance}/` }
    const found: Proposal[] = []
    for await (const { value } of this.#context.store.records(PROPOSED, prefix)) {
      const voted = value as unknown as VotedCharter
      const before = this.#before(voted.charter)
      if (before) found.push({ ...voted, verdict: this.#verdict(before, voted) })
    }
    return found.sort((a, b) => b.verdict.approvals.length - a.verdict.approvals.length)
  }

  /**
   * Adds votes to a proposal (a new one, or one that waits); installs it when the quorum is reached.
   * @throws LogError CHARTER_INVALID where it does not follow what is in force
   */
  propose(charter: CharterStatement, votes: readonly Envelope[]): Promise<Proposal> {
    return this.#inTurn(async () => {
      const { alliance } = charter
      const before = this.#before(charter) ?? this.#directory.charter(alliance)?.charter
      const hash = statementHash(charter)
      const key = `${alliance}/${hash}`
      const waiting = await this.#context.store.record(PROPOSED, key)
      const known = (waiting as unknown as VotedCharter | undefined)?.votes ?? []
      const counted = validVotes(before, charter, [...known, ...votes])
      const verdict = this.#verdict(before, { charter, votes: counted })
      const proposal = { charter, votes: counted, verdict }
      if (verdict.inForce) await this.#installOne(proposal)
      else {
        const others = await this.#context.store.recordPage(PROPOSED, {
          prefix: `${alliance}/`,
          limit: PROPOSALS_MOST,
        })
        if (!waiting && others.length >= PROPOSALS_MOST)
          throw new FederationError('ALLIANCE_VERSION', `${others.length} proposals for ${alliance} wait already`)
        const own = counted.filter(({ statement }) => statement['member'] === this.#context.self.member)
        await this.#context.store.commit([
          { op: 'put', collection: PROPOSED, key, value: plain(proposal) },
          ...own.map((vote) => ownVote(charter, vote)),
        ])
        if (!waiting || counted.length > (waiting as unknown as VotedCharter).votes.length)
          this.#context.emit('allianceChanged', { alliance, what: 'proposal', version: charter.version })
      }
      return proposal
    })
  }

  async #installOne(voted: VotedCharter): Promise<InstallResult> {
    const { charter } = voted
    const { alliance, version } = charter
    if (this.knows(alliance, statementHash(charter))) return 'known'
    const head = this.#directory.charter(alliance)?.charter
    const isNext = head ? charter.previous === statementHash(head) : version === 1
    if (!isNext) return head ? this.#beside(voted, head) : 'gap'
    if (!this.#verdict(head, voted).inForce) return 'not-in-force'
    await this.#context.store.commit([inForce(voted), ...(await this.#doneProposals(alliance))])
    this.#remember(voted)
    this.#directory.install(voted)
    if (head) await this.#tellOfRoots(head, voted)
    await this.#weigh(alliance)
    this.#context.emit('allianceChanged', { alliance, what: 'in-force', version })
    return 'installed'
  }

  /** Root keys that others replaced without the one before: whoever holds that one should know. */
  async #tellOfRoots(head: CharterStatement, { charter, votes }: VotedCharter): Promise<void> {
    const { member } = this.#context.self
    if (!head.members.some(({ id }) => id === member)) return
    for (const { member: of, slug, key, isSigned } of newRootsOf(
      head,
      charter,
      this.#verdict(head, { charter, votes }).approvals,
    ))
      if (!isSigned) {
        const message = `Version ${charter.version} of ${charter.alliance} gives ${slug} the root key ${key}, by the votes of the others alone`
        await this.#context.alarm('key', of, message, { evidence: { charter, votes } as unknown as Json })
      }
  }

  /** A version that does not follow this node's newest: the other side of a fork, where it is in force there. */
  async #beside(voted: VotedCharter, head: CharterStatement): Promise<InstallResult> {
    const { alliance, version, previous } = voted.charter
    const own = await this.#own(alliance)
    const others = this.#others.get(alliance) ?? []
    const before = [...own, ...others].find(({ charter }) => statementHash(charter) === previous)
    if (version > 1 && !before) return version > head.version ? 'gap' : 'not-in-force'
    if (verdictOf(before?.charter, voted)?.inForce !== true) return 'not-in-force'
    const ours = own.find(({ charter }) => charter.version === version)
    const message = `Alliance ${alliance} has two charters of version ${version} in force (ours goes on to ${head.version}): agree on one and vote`
    const isFork = ours !== undefined && before !== undefined && own.includes(before)
    if (isFork || version === 1) {
      const evidence = { ours: ours ?? null, theirs: voted } as unknown as Json
      await this.#context.alarm('charter', this.#context.self.member, message, { evidence })
    }
    if (!before || others.length >= FORKS_MOST) return 'fork'
    await this.#context.store.commit([forked(voted)])
    this.#beyond(voted)
    return this.#weigh(alliance)
  }

  /** What counts once something was added to the sides: the parent of a fork, this node's newest version, or another side's. */
  async #weigh(alliance: Slug): Promise<'installed' | 'fork'> {
    const others = this.#others.get(alliance) ?? []
    const own = others.length === 0 ? [] : await this.#own(alliance)
    const freeze = freezeOf(own, others)
    const side = freeze && settlingSide(own, others, freeze)
    if (side) await this.#adopt(alliance, own, side)
    const isNew = freeze !== undefined && this.#directory.frozen(alliance)?.version !== freeze.version
    this.#directory.freeze(alliance, side ? undefined : freeze)
    const version = side?.at(-1)?.charter.version
    if (version !== undefined) this.#context.emit('allianceChanged', { alliance, what: 'in-force', version })
    if (isNew && !side) this.#context.emit('allianceChanged', { alliance, what: 'fork', version: freeze.version })
    return freeze && !side ? 'fork' : 'installed'
  }

  /** The alliance agreed on another side: it takes the place of this node's own versions, which stay as the other side. */
  async #adopt(alliance: Slug, own: Chain, side: Chain): Promise<void> {
    const first = side[0]!.charter.version
    const gone = own.filter(({ charter }) => charter.version >= first)
    const changes: Change[] = [
      ...gone.map(({ charter }): Change => ({ op: 'delete', collection: IN_FORCE, key: keyOf(charter) })),
      ...gone.map((voted): Change => forked(voted)),
      ...side.map((voted): Change => ({ op: 'delete', collection: FORKED, key: forkKey(voted.charter) })),
      ...side.map(inForce),
      ...(await this.#doneProposals(alliance)),
    ]
    await this.#context.store.commit(changes)
    const others = (this.#others.get(alliance) ?? []).filter((voted) => !side.includes(voted))
    this.#others.set(alliance, [...others, ...gone])
    for (const voted of side) this.#directory.install(voted)
  }

  async #doneProposals(alliance: Slug): Promise<Change[]> {
    const rows = this.#context.store.records(PROPOSED, { prefix: `${alliance}/` })
    return Array.fromAsync(rows, ({ key }) => ({ op: 'delete', collection: PROPOSED, key }))
  }

  /** The version that a charter follows, if a vote on it means anything. */
  #before(charter: CharterStatement): CharterStatement | undefined {
    const head = this.#directory.charter(charter.alliance)
    const sides = this.#directory.frozen(charter.alliance) ? (this.#others.get(charter.alliance) ?? []) : []
    const before = [...(head ? [head] : []), ...sides].find(
      (voted) => statementHash(voted.charter) === charter.previous,
    )
    return before?.charter.version === charter.version - 1 ? before.charter : undefined
  }

  #verdict(before: CharterStatement | undefined, { charter, votes }: VotedCharter): CharterVerdict {
    const verdict = checkCharter(before, charter, votes)
    const freeze = this.#directory.frozen(charter.alliance)
    return freeze ? verdictAtFork(verdict, freeze) : verdict
  }

  async #own(alliance: Slug): Promise<Chain> {
    return this.chain(alliance, 1, Infinity)
  }

  #beyond(voted: VotedCharter): void {
    const { alliance } = voted.charter
    this.#others.set(alliance, [...(this.#others.get(alliance) ?? []), voted])
    this.#remember(voted)
  }

  #remember({ charter }: VotedCharter): void {
    const known = this.#hashes.get(charter.alliance) ?? new Map<Hash, number>()
    this.#hashes.set(charter.alliance, known.set(statementHash(charter), charter.version))
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work)
    this.#queue = done.catch(() => undefined)
    return done
  }
}

/** One valid vote for each member: a forged one that came first keeps no genuine one out. */
function validVotes(before: CharterStatement | undefined, charter: CharterStatement, votes: readonly Envelope[]) {
  const valid = new Map<MemberId, Envelope>()
  for (const vote of votes) {
    const [member] = checkCharter(before, charter, [vote]).approvals
    if (member && !valid.has(member)) valid.set(member, vote)
  }
  return [...valid.values()]
}

const versionKey = (alliance: Slug, version: number) => `${alliance}/${String(version).padStart(9, '0')}`
const beforeVersion = (alliance: Slug, version: number) => versionKey(alliance, Math.max(0, version - 1))
const keyOf = (charter: CharterStatement) => versionKey(charter.alliance, charter.version)
const forkKey = (charter: CharterStatement) => `${keyOf(charter)}/${statementHash(charter)}`
const plain = ({ charter, votes }: VotedCharter) => ({ charter, votes }) as unknown as Json
/** A vote that this member gave, and that a restore may have made it forget, stands when a peer shows it. */
const ownVote = ({ alliance, version }: CharterStatement, vote: Envelope): Change => ({
  op: 'put',
  collection: VOTES,
  key: `${alliance}/${version}`,
  value: vote as unknown as Json,
  ifAbsent: true,
})
const inForce = (voted: VotedCharter): Change => ({
  op: 'put',
  collection: IN_FORCE,
  key: keyOf(voted.charter),
  value: plain(voted),
})
const forked = (voted: VotedCharter): Change => ({
  op: 'put',
  collection: FORKED,
  key: forkKey(voted.charter),
  value: plain(voted),
})
