/**
 * Delegations, and early ends of them, that travel outside of charters: signed by the root key that stands in a charter,
 * so that whoever brings them makes no difference. A new key counts as soon as its delegation is known, and an end as soon
 * as it is: both before the next charter lists them.
 * @see docs/wire.md, Ending a delegation early
 */
import {
  fromBase64,
  isJsonObject,
  type Json,
  type JsonObject,
  type KeyId,
  type MemberId,
  parseJson,
  toBase64,
  utf8,
} from '#base'
import {
  type DelegationEnd,
  type Envelope,
  isMemberId,
  keyWindows,
  LogError,
  parseEnvelope,
  signedBy,
  statementHash,
} from '#log'
import type { Charters } from './alliance/charters.ts'
import type { LinkResponse } from './api.ts'
import type { Context } from './context.ts'
import type { CharterDirectory } from './directory.ts'
import { FederationError } from './error.ts'
import { JSON_LIMITS } from './limits.ts'
import type { LinkClient, Target } from './link-client.ts'
import { json, refusal } from './server/answers.ts'

const COLLECTION = 'key-statements'
/** Statements kept of one member: a key a month for years; a root key that signs more is not in its owner's hands. */
const STATEMENTS_MOST = 128
/** Statements of one request. */
const REQUEST_MOST = 256
/** How often a peer is asked what keys it has, and told which this node has, at most. */
const AGAIN_MS = 30_000

/** Root-signed statements about keys: kept, given out, taken in. */
export class KeyStatements {
  readonly #context: Context
  readonly #directory: CharterDirectory
  readonly #charters: Pick<Charters, 'proposals'>
  readonly #kept = new Map<MemberId, Map<string, Envelope>>()
  readonly #asked = new Map<MemberId, number>()
  readonly #told = new Map<MemberId, number>()

  private constructor(context: Context, directory: CharterDirectory, charters: Pick<Charters, 'proposals'>) {
    this.#context = context
    this.#directory = directory
    this.#charters = charters
  }

  static async open(
    context: Context,
    directory: CharterDirectory,
    charters: Pick<Charters, 'proposals'>,
  ): Promise<KeyStatements> {
    const statements = new KeyStatements(context, directory, charters)
    for await (const { value } of context.store.records(COLLECTION)) statements.#keep(value as unknown as Envelope)
    for (const [member, kept] of statements.#kept) directory.learnKeys(member, [...kept.values()])
    return statements
  }

  /** This member's own, by the root keys that stand for it in charters, or are about to. */
  async own(): Promise<Envelope[]> {
    const { member } = this.#context.self
    const kept = this.of(member)
    return (await this.rootsOf(member)).flatMap((root) => signedBy(kept, root))
  }

  /** Root keys of a member in charters, and in those that wait for votes: what they sign may count in a moment. */
  async rootsOf(member: MemberId): Promise<Uint8Array[]> {
    const waiting = await this.#charters.proposals()
    const rows = waiting.flatMap(({ charter }) => charter.members.filter(({ id }) => id === member))
    const roots = [...this.#directory.roots(member).map((root) => toBase64(root)), ...rows.map(({ root }) => root)]
    return [...new Set(roots)].map((root) => fromBase64(root, 32))
  }

  /** A member's. */
  of(member: MemberId): Envelope[] {
    return [...(this.#kept.get(member)?.values() ?? [])]
  }

  /** Body of a request or an answer that carries the own statements. */
  async body(): Promise<JsonObject> {
    return { statements: (await this.own()) as unknown as Json[] }
  }

  /**
   * Takes in what a member's root key signed; returns the ends that were not known before.
   * @throws FederationError KEY_STATEMENT where one is not the member's, not signed by its root key, or there are too many
   */
  async take(member: MemberId, envelopes: readonly Envelope[]): Promise<{ isNew: boolean; ends: DelegationEnd[] }> {
    const known = this.#kept.get(member) ?? new Map<string, Envelope>()
    const roots = await this.rootsOf(member)
    // Under a root key that this node does not know yet, or no more, a statement says nothing; the others are taken.
    const meant = envelopes.filter((envelope) => roots.some((root) => signedBy([envelope], root).length > 0))
    if (envelopes.length > 0 && meant.length === 0)
      throw new FederationError('KEY_STATEMENT', `A statement about a key of ${member} is not signed by its root key`)
    const fresh = meant.filter((envelope) => !known.has(nameOf(envelope)))
    if (fresh.length === 0) return { isNew: false, ends: [] }
    for (const envelope of fresh) requireSigned(member, envelope, roots)
    const counting = roots.flatMap((root) => signedBy([...known.values()], root))
    if (counting.length + fresh.length > STATEMENTS_MOST)
      throw new FederationError('KEY_STATEMENT', `${member} has more than ${STATEMENTS_MOST} statements about its keys`)
    await this.#context.store.commit(
      fresh.map((envelope) => ({
        op: 'put' as const,
        collection: COLLECTION,
        key: `${member}/${nameOf(envelope)}`,
        value: envelope as unknown as Json,
      })),
    )
    for (const envelope of fresh) this.#keep(envelope)
    this.#directory.learnKeys(member, [...(this.#kept.get(member)?.values() ?? [])])
    const ends = fresh.map(({ statement }) => statement).filter((statement) => statement['type'] === 'delegation-end')
    return { isNew: true, ends: ends as unknown as DelegationEnd[] }
  }

  /**
   * Keeps what this member's own root keys signed; whether there is anything that could mean something to a peer. What a
   * root key signed that stands in no charter yet, or in none any more, does not.
   */
  async takeOwn(statements: readonly Envelope[]): Promise<boolean> {
    const { member } = this.#context.self
    const meant = (await this.rootsOf(member)).flatMap((root) => signedBy(statements, root))
    if (meant.length > 0) await this.take(member, meant)
    return meant.length > 0
  }

  /** Answers `POST /link/v1/statements`. */
  async answer(
    sender: MemberId,
    body: JsonObject,
    onEnds: (member: MemberId, ends: readonly DelegationEnd[]) => Promise<void>,
  ): Promise<LinkResponse> {
    try {
      const { ends } = await this.take(sender, parseStatements(body))
      await onEnds(sender, ends)
      return json({ accepted: true })
    } catch (cause) {
      if (cause instanceof LogError || cause instanceof FederationError) return refusal(400, 'Bad request')
      throw cause
    }
  }

  /** A key that a request introduces itself: its body holds the delegation, by the root key of the member it is from. */
  claimed(body: Uint8Array): ((member: MemberId, key: KeyId) => Uint8Array | undefined) | undefined {
    let envelopes: Envelope[]
    try {
      const value = parseJson(body, JSON_LIMITS)
      envelopes = isJsonObject(value) ? parseStatements(value) : []
    } catch {
      return undefined
    }
    return (member, key) => this.#directory.keyAmong(member, key, envelopes, this.#context.now())
  }

  /** Asks a peer what keys it has; whether that was something new. Not again within half a minute. */
  async ask(client: LinkClient, from: Target): Promise<{ isNew: boolean; ends: DelegationEnd[] }> {
    if (!this.#isDue(this.#asked, from.member)) return { isNew: false, ends: [] }
    const answer = parseJson(await client.get(from, '/link/v1/statements'), JSON_LIMITS)
    return this.take(from.member, parseStatements(isJsonObject(answer) ? answer : {}))
  }

  /** Tells a peer that does not know this node's key; whether it was told now. Not again within half a minute. */
  async tell(client: LinkClient, to: Target): Promise<boolean> {
    if ((await this.own()).length === 0 || !this.#isDue(this.#told, to.member)) return false
    try {
      await this.send(client, to)
    } catch (cause) {
      this.#told.delete(to.member)
      throw cause
    }
    return true
  }

  /** One of the two may have changed its key since they last met: whether they know more of each other's now. */
  async learnedAfter(
    cause: unknown,
    client: LinkClient,
    peer: Target,
    onEnds: (member: MemberId, ends: readonly DelegationEnd[]) => Promise<void>,
  ): Promise<boolean> {
    try {
      if (cause instanceof LogError && cause.code === 'SIGNATURE_INVALID') {
        const { isNew, ends } = await this.ask(client, peer)
        await onEnds(peer.member, ends)
        return isNew
      }
      const isUnknown = cause instanceof FederationError && cause.details['status'] === 401
      return isUnknown && (await this.tell(client, peer))
    } catch {
      return false
    }
  }

  /** Hands them to all of these peers; answers those who have them now. */
  async sendAll(client: LinkClient, peers: readonly Target[]): Promise<MemberId[]> {
    const told = await Promise.all(
      peers.map(async (to) => {
        try {
          await this.send(client, to)
          return [to.member]
        } catch {
          // Whoever is away learns of it when the two meet again.
          return []
        }
      }),
    )
    return told.flat()
  }

  /** Hands a peer the own statements. */
  async send(client: LinkClient, to: Target): Promise<void> {
    await client.post(to, '/link/v1/statements', utf8(JSON.stringify(await this.body())))
  }

  #isDue(times: Map<MemberId, number>, member: MemberId): boolean {
    const now = this.#context.now()
    const last = times.get(member)
    if (last !== undefined && Math.abs(now - last) < AGAIN_MS) return false
    times.set(member, now)
    return true
  }

  #keep(envelope: Envelope): void {
    const member = envelope.statement['member'] as MemberId
    const kept = this.#kept.get(member) ?? new Map<string, Envelope>()
    this.#kept.set(member, kept.set(nameOf(envelope), envelope))
  }
}

function requireSigned(member: MemberId, envelope: Envelope, roots: readonly Uint8Array[]): void {
  const isSigned = roots.some((root) => {
    try {
      keyWindows([envelope], member, root)
      return true
    } catch (cause) {
      if (cause instanceof LogError) return false
      throw cause
    }
  })
  if (!isSigned)
    throw new FederationError('KEY_STATEMENT', `A statement about a key of ${member} is not signed by its root key`)
}

/** The same words by another root key are another statement: the next root key repeats what the one before had signed. */
const nameOf = ({ statement, signatures }: Envelope) =>
  [statementHash(statement), ...signatures.map(({ key }) => key)].join('/')

/**
 * Delegations and ends out of a body.
 * @throws LogError where one has not the right form
 */
function parseStatements({ statements }: JsonObject): Envelope[] {
  if (!Array.isArray(statements) || statements.length > REQUEST_MOST)
    throw new LogError('STATEMENT_INVALID', 'The body holds no list of statements, or too many')
  return statements.map((value) => {
    const envelope = parseEnvelope(value)
    const { type, member } = envelope.statement
    if ((type !== 'delegation' && type !== 'delegation-end') || !isMemberId(member))
      throw new LogError('STATEMENT_INVALID', 'The body holds other statements than delegations and their ends')
    return envelope
  })
}
