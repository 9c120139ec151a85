import { type Hash, type Json, type MemberId, type Slug } from '#base'
import { checkCharter, type CharterStatement, type CharterVerdict, type Envelope, LogError, statementHash } from '#log'
import type { Change } from '#store'
import type { VotedCharter } from '../api.ts'
import type { Context } from '../context.ts'
import type { CharterDirectory } from '../directory.ts'
import { FederationError } from '../error.ts'

const IN_FORCE = 'charters'
const PROPOSED = 'charter-proposals'
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
 * with the votes of its predecessor's quorum; a second one for the same version is a fork: kept as evidence, not
 * followed.
 * @see WIRE, Statements
 */
export class Charters {
  readonly #context: Context
  readonly #directory: CharterDirectory
  readonly #hashes = new Map<Slug, Map<Hash, number>>()
  #queue: Promise<unknown> = Promise.resolve()

  private constructor(context: Context, directory: CharterDirectory) {
    this.#context = context
    this.#directory = directory
  }

  static async open(context: Context, directory: CharterDirectory): Promise<Charters> {
    const charters = new Charters(context, directory)
    for (const { value } of await context.store.records(IN_FORCE)) charters.#remember(value as unknown as VotedCharter)
    return charters
  }

  /** Whether this node knows the version of that hash, be it an older one. */
  knows(alliance: Slug, hash: Hash): boolean {
    return this.#hashes.get(alliance)?.has(hash) ?? false
  }

  /** Versions in force from `from` on, oldest first, so many as fit into `maxBytes`. */
  async chain(alliance: Slug, from: number, maxBytes: number): Promise<VotedCharter[]> {
    const rows = await this.#context.store.records(IN_FORCE, { prefix: `${alliance}/` })
    const chain: VotedCharter[] = []
    let left = maxBytes
    for (const { value } of rows) {
      const voted = value as unknown as VotedCharter
      if (voted.charter.version < from) continue
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
        result = await this.#installOne(voted)
        if (result !== 'installed' && result !== 'known') return result
      }
      return result
    })
  }

  /** Proposals for the version after the one in force, those with most votes first. */
  async proposals(alliance?: Slug): Promise<Proposal[]> {
    const prefix = alliance === undefined ? {} : { prefix: `${alliance}/` }
    const found: Proposal[] = []
    for (const { value } of await this.#context.store.records(PROPOSED, prefix)) {
      const { charter, votes } = value as unknown as VotedCharter
      const current = this.#directory.charter(charter.alliance)?.charter
      if (charter.version !== (current?.version ?? 0) + 1) continue
      found.push({ charter, votes, verdict: checkCharter(current, charter, votes) })
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
      const current = this.#directory.charter(alliance)?.charter
      const hash = statementHash(charter)
      const key = `${alliance}/${hash}`
      const waiting = await this.#context.store.record(PROPOSED, key)
      const known = (waiting as unknown as VotedCharter | undefined)?.votes ?? []
      const counted = validVotes(current, charter, [...known, ...votes])
      const verdict = checkCharter(current, charter, counted)
      const proposal = { charter, votes: counted, verdict }
      if (verdict.inForce) await this.#installOne(proposal)
      else {
        const others = await this.#context.store.records(PROPOSED, { prefix: `${alliance}/` })
        if (!waiting && others.length >= PROPOSALS_MOST)
          throw new FederationError('ALLIANCE_VERSION', `${others.length} proposals for ${alliance} wait already`)
        await this.#context.store.commit([{ op: 'put', collection: PROPOSED, key, value: plain(charter, counted) }])
        if (!waiting || counted.length > (waiting as unknown as VotedCharter).votes.length)
          this.#context.emit('allianceChanged', { alliance, what: 'proposal', version: charter.version })
      }
      return proposal
    })
  }

  async #installOne(voted: VotedCharter): Promise<InstallResult> {
    const { charter, votes } = voted
    const { alliance, version } = charter
    const current = this.#directory.charter(alliance)?.charter
    if (current && version <= current.version) return this.#compare(voted, current)
    if (version !== (current?.version ?? 0) + 1) return 'gap'
    const verdict = checkCharter(current, charter, votes)
    if (!verdict.inForce) return 'not-in-force'
    const done: Change[] = [{ op: 'put', collection: IN_FORCE, key: keyOf(charter), value: plain(charter, votes) }]
    for (const { key } of await this.#context.store.records(PROPOSED, { prefix: `${alliance}/` }))
      done.push({ op: 'delete', collection: PROPOSED, key })
    await this.#context.store.commit(done)
    this.#remember({ charter, votes })
    this.#context.emit('allianceChanged', { alliance, what: 'in-force', version })
    return 'installed'
  }

  /** A version that this node has: the same, or the other side of a fork. */
  async #compare(voted: VotedCharter, current: CharterStatement): Promise<InstallResult> {
    const { alliance, version } = voted.charter
    if (this.knows(alliance, statementHash(voted.charter))) return 'known'
    const [before] = version === 1 ? [] : await this.#version(alliance, version - 1)
    const [own] = await this.#version(alliance, version)
    if (!isInForce(before?.charter, voted)) return 'not-in-force'
    const evidence = { ours: own ?? null, theirs: voted } as unknown as Json
    const message = `Alliance ${alliance} has two charters of version ${version} in force (ours goes on to ${current.version}): agree on one and vote`
    await this.#context.alarm('charter', this.#context.self.member, message, { evidence })
    return 'fork'
  }

  async #version(alliance: Slug, version: number): Promise<VotedCharter[]> {
    return (await this.chain(alliance, version, 1)).slice(0, 1)
  }

  #remember(voted: VotedCharter): void {
    const { alliance, version } = voted.charter
    const known = this.#hashes.get(alliance) ?? new Map<Hash, number>()
    this.#hashes.set(alliance, known.set(statementHash(voted.charter), version))
    this.#directory.install(voted)
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work)
    this.#queue = done.catch(() => undefined)
    return done
  }
}

function isInForce(before: CharterStatement | undefined, voted: VotedCharter): boolean {
  try {
    return checkCharter(before, voted.charter, voted.votes).inForce
  } catch (cause) {
    if (cause instanceof LogError) return false
    throw cause
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

const keyOf = (charter: CharterStatement) => `${charter.alliance}/${String(charter.version).padStart(9, '0')}`
const plain = (charter: CharterStatement, votes: readonly Envelope[]) => ({ charter, votes }) as unknown as Json
