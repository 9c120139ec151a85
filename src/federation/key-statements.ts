/**
 * Delegations, and early ends of them, that travel outside of charters: signed by the root key that stands in a charter,
 * so that whoever brings them makes no difference. A new key counts as soon as its delegation is known, and an end as soon
 * as it is: both before the next charter lists them.
 * @see docs/wire.md, Ending a delegation early
 */
import { isJsonObject, type Json, type JsonObject, type KeyId, type MemberId, parseJson, utf8 } from '#base'
import { type DelegationEnd, type Envelope, isMemberId, keyWindows, LogError, parseEnvelope, statementHash } from '#log'
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
  readonly #kept = new Map<MemberId, Map<string, Envelope>>()
  readonly #asked = new Map<MemberId, number>()
  readonly #told = new Map<MemberId, number>()

  private constructor(context: Context, directory: CharterDirectory) {
    this.#context = context
    this.#directory = directory
  }

  static async open(context: Context, directory: CharterDirectory): Promise<KeyStatements> {
    const statements = new KeyStatements(context, directory)
    for await (const { value } of context.store.records(COLLECTION)) statements.#keep(value as unknown as Envelope)
    for (const [member, kept] of statements.#kept) directory.learnKeys(member, [...kept.values()])
    return statements
  }

  /** This member's own. */
  own(): Envelope[] {
    return [...(this.#kept.get(this.#context.self.member)?.values() ?? [])]
  }

  /** A member's. */
  of(member: MemberId): Envelope[] {
    return [...(this.#kept.get(member)?.values() ?? [])]
  }

  /** Body of a request or an answer that carries the own statements. */
  body(): JsonObject {
    return { statements: this.own() as unknown as Json[] }
  }

  /**
   * Takes in what a member's root key signed; returns the ends that were not known before.
   * @throws FederationError KEY_STATEMENT where one is not the member's, not signed by its root key, or there are too many
   */
  async take(member: MemberId, envelopes: readonly Envelope[]): Promise<{ isNew: boolean; ends: DelegationEnd[] }> {
    const known = this.#kept.get(member) ?? new Map<string, Envelope>()
    const fresh = envelopes.filter((envelope) => !known.has(statementHash(envelope.statement)))
    if (fresh.length === 0) return { isNew: false, ends: [] }
    for (const envelope of fresh) this.#require(member, envelope)
    if (known.size + fresh.length > STATEMENTS_MOST)
      throw new FederationError('KEY_STATEMENT', `${member} has more than ${STATEMENTS_MOST} statements about its keys`)
    await this.#context.store.commit(
      fresh.map((envelope) => ({
        op: 'put' as const,
        collection: COLLECTION,
        key: `${member}/${statementHash(envelope.statement)}`,
        value: envelope as unknown as Json,
      })),
    )
    for (const envelope of fresh) this.#keep(envelope)
    this.#directory.learnKeys(member, [...(this.#kept.get(member)?.values() ?? [])])
    const ends = fresh.map(({ statement }) => statement).filter((statement) => statement['type'] === 'delegation-end')
    return { isNew: true, ends: ends as unknown as DelegationEnd[] }
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
    if (this.own().length === 0 || !this.#isDue(this.#told, to.member)) return false
    await this.send(client, to)
    return true
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
    await client.post(to, '/link/v1/statements', utf8(JSON.stringify(this.body())))
  }

  #isDue(times: Map<MemberId, number>, member: MemberId): boolean {
    const now = this.#context.now()
    const last = times.get(member)
    if (last !== undefined && Math.abs(now - last) < AGAIN_MS) return false
    times.set(member, now)
    return true
  }

  #require(member: MemberId, envelope: Envelope): void {
    const roots = this.#directory.roots(member)
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

  #keep(envelope: Envelope): void {
    const member = envelope.statement['member'] as MemberId
    const kept = this.#kept.get(member) ?? new Map<string, Envelope>()
    this.#kept.set(member, kept.set(statementHash(envelope.statement), envelope))
  }
}

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
