import {
  fromBase64,
  isJsonObject,
  type Json,
  type JsonObject,
  type KeyId,
  type MemberId,
  type Millis,
  parseJson,
  type Slug,
  toBase64,
} from '#base'
import { type CharterMember, type CharterStatement, isMemberId, isSlug, type KeyWindow, toCharter } from '#log'
import type { LinkResponse } from '../api.ts'
import type { JoinRequest } from '../alliance-api.ts'
import type { Context } from '../context.ts'
import { type CharterDirectory, delegatedKeys } from '../directory.ts'
import { json, notFound } from '../server/answers.ts'
import { toCommitment, toWords } from '../words.ts'
import { secretHash } from './invitation.ts'

const INVITATIONS = 'invitations'
const REQUESTS = 'join-requests'
const JOINING = 'joining'
/** Tries of one invitation: an answer may get lost, a guesser must not get many. */
const TRIES = 3

/** An invitation as its inviter keeps it: without the secret. */
export interface InvitationRecord {
  alliance: Slug
  expires: Millis
  tries: number
  usedBy?: MemberId
}

/** A join request at the inviter. */
interface RequestRecord {
  member: CharterMember
  commitment: string
  nonce: string
  time: Millis
  words?: string
}

/** The inviter as the joiner knows it until the charter is in force. */
export interface JoiningRecord {
  inviter: CharterMember
  address: string
  words: string
}

/** Both ends of joining that are open: requests that came in here, and alliances that this node is about to join. */
export class Joins {
  readonly #context: Context
  readonly #directory: CharterDirectory
  readonly #keys = new Map<MemberId, KeyWindow[]>()
  readonly #inviters = new Map<Slug, MemberId>()

  private constructor(context: Context, directory: CharterDirectory) {
    this.#context = context
    this.#directory = directory
  }

  static async open(context: Context, directory: CharterDirectory): Promise<Joins> {
    const joins = new Joins(context, directory)
    for await (const { value } of context.store.records(REQUESTS))
      joins.#learn((value as unknown as RequestRecord).member)
    for await (const { key, value } of context.store.records(JOINING)) {
      const { inviter } = value as unknown as JoiningRecord
      joins.#learn(inviter)
      joins.#inviters.set(key, inviter.id)
    }
    return joins
  }

  /** Node key of an organisation on the other end of a join that is open. */
  keyOf(member: MemberId, key: KeyId): Uint8Array | undefined {
    return keyIn(this.#keys.get(member) ?? [], key, this.#context.now())
  }

  /** Alliances that this node is about to join. */
  open(): Slug[] {
    return [...this.#inviters.keys()]
  }

  isInviter(alliance: Slug, member: MemberId): boolean {
    return this.#inviters.get(alliance) === member
  }

  /** Keys that a join request claims for its sender; they count for that request alone, to check who signed it. */
  claimed(body: Uint8Array): { key: (member: MemberId, key: KeyId) => Uint8Array | undefined } | undefined {
    try {
      const { member } = parseJson(body) as { member?: Json }
      if (!isJsonObject(member) || !isMemberId(member['id'])) return undefined
      const row = member as unknown as CharterMember
      requireRow(row)
      const windows = delegatedKeys(row)
      return { key: (id, key) => (id === row.id ? keyIn(windows, key, this.#context.now()) : undefined) }
    } catch {
      return undefined
    }
  }

  async invite(secret: string, record: InvitationRecord): Promise<void> {
    const key = secretHash(secret)
    await this.#context.store.commit([{ op: 'put', collection: INVITATIONS, key, value: record as unknown as Json }])
  }

  /** First step at the inviter: takes the commitment, shows the own nonce. */
  async begin(sender: MemberId, body: JsonObject): Promise<LinkResponse> {
    const { store, random, now, self } = this.#context
    const { alliance, secret, member, commitment } = body
    if (!isSlug(alliance) || typeof secret !== 'string' || typeof commitment !== 'string' || !isJsonObject(member))
      return notFound()
    // What the others take of it is for them to say.
    const { quota: _, ...offered } = member
    const row = { ...offered, standing: 'active', joined: now() } as unknown as CharterMember
    const key = secretHash(secret)
    const invitation = (await store.record(INVITATIONS, key)) as unknown as InvitationRecord | undefined
    const charter = this.#directory.charter(alliance)?.charter
    const inviter = charter?.members.find((other) => other.id === self.member)
    if (!invitation || !inviter || invitation.alliance !== alliance || row.id !== sender) return notFound()
    if (now() >= invitation.expires || invitation.tries >= TRIES) return notFound()
    if (invitation.usedBy !== undefined && invitation.usedBy !== sender) return notFound()
    if (!isForm(commitment) || charter?.members.some((other) => other.id === sender)) return notFound()
    requireRow(row)
    // Who says that it stands elsewhere under another root key is not believed: its words prove one key alone.
    const known = this.#directory.roots(sender)
    if (known.length > 0 && !known.some((root) => toBase64(root) === row.root)) return notFound()
    const nonce = toBase64(random(32))
    const request: RequestRecord = { member: row, commitment, nonce, time: now() }
    const used: InvitationRecord = { ...invitation, tries: invitation.tries + 1, usedBy: sender }
    await store.commit([
      { op: 'put', collection: INVITATIONS, key, value: used as unknown as Json },
      { op: 'put', collection: REQUESTS, key: `${alliance}/${sender}`, value: request as unknown as Json },
    ])
    this.#learn(row)
    return json({ inviter: inviter as unknown as Json, nonce })
  }

  /** Second step at the inviter: the joiner's nonce, which its commitment fixed before. */
  async reveal(sender: MemberId, body: JsonObject): Promise<LinkResponse> {
    const { store } = this.#context
    const { alliance, nonce } = body
    if (!isSlug(alliance) || typeof nonce !== 'string' || !isForm(nonce)) return notFound()
    const key = `${alliance}/${sender}`
    const request = (await store.record(REQUESTS, key)) as unknown as RequestRecord | undefined
    const charter = this.#directory.charter(alliance)?.charter
    const inviter = charter?.members.find((other) => other.id === this.#context.self.member)
    if (!request || !charter || !inviter || request.words !== undefined) return notFound()
    const joiner = { root: fromBase64(request.member.root, 32), nonce: fromBase64(nonce, 32) }
    if (toBase64(toCommitment(joiner.root, joiner.nonce)) !== request.commitment) return notFound()
    const own = { root: fromBase64(inviter.root, 32), nonce: fromBase64(request.nonce, 32) }
    const told = { ...request, words: toWords(own, joiner) }
    await store.commit([{ op: 'put', collection: REQUESTS, key, value: told as unknown as Json }])
    this.#context.emit('allianceChanged', { alliance, what: 'join-request', version: charter.version + 1 })
    return json({ accepted: 1 })
  }

  /** Requests whose words can be compared. */
  async requests(alliance?: Slug): Promise<JoinRequest[]> {
    const prefix = alliance === undefined ? {} : { prefix: `${alliance}/` }
    const rows = await Array.fromAsync(this.#context.store.records(REQUESTS, prefix))
    return rows.flatMap(({ key, value }) => {
      const { member, words, time } = value as unknown as RequestRecord
      return words === undefined ? [] : [{ alliance: key.slice(0, key.indexOf('/')), member, words, time }]
    })
  }

  /** What the joiner keeps until the charter is in force. */
  async joining(alliance: Slug, record?: JoiningRecord): Promise<JoiningRecord | undefined> {
    const { store } = this.#context
    if (!record) return (await store.record(JOINING, alliance)) as unknown as JoiningRecord | undefined
    this.#learn(record.inviter)
    this.#inviters.set(alliance, record.inviter.id)
    await store.commit([{ op: 'put', collection: JOINING, key: alliance, value: record as unknown as Json }])
    return record
  }

  /** The charter that answers them is in force: requests of its members, and the own one, are done. */
  async settle(charter: CharterStatement): Promise<void> {
    const { store } = this.#context
    const { alliance, members } = charter
    const done = members.map((member) => `${alliance}/${member.id}`)
    const requests = await Array.fromAsync(store.records(REQUESTS, { prefix: `${alliance}/` }))
    const open = requests.filter(({ key }) => done.includes(key))
    const changes = open.map(({ key }) => ({ op: 'delete' as const, collection: REQUESTS, key }))
    const joined = this.#inviters.delete(alliance)
      ? [{ op: 'delete' as const, collection: JOINING, key: alliance }]
      : []
    if (changes.length + joined.length > 0) await store.commit([...changes, ...joined])
  }

  #learn(member: CharterMember): void {
    this.#keys.set(member.id, delegatedKeys(member))
  }
}

/**
 * Checks a member's row as a charter of that member alone would.
 * @throws LogError CHARTER_INVALID, DELEGATION_INVALID
 */
export function requireRow(member: CharterMember): void {
  const active = { ...member, standing: 'active' as const, joined: 0 }
  toCharter({
    type: 'charter',
    alliance: 'row',
    version: 1,
    previous: null,
    members: [active],
    rules: { quorum: 'majority', receipts: 'author', greenDefault: 'community', carriers: [] },
    time: 0,
  })
}

/** What a member asks for of itself is no decision of those who take it in. */
export function requestedRow(row: CharterMember): CharterMember {
  const plain = { ...row }
  delete plain.backfill
  return plain
}

function keyIn(windows: readonly KeyWindow[], key: KeyId, at: Millis): Uint8Array | undefined {
  return windows.find((window) => window.keyId === key && window.from <= at && at < window.until)?.key
}

function isForm(text: string): boolean {
  try {
    return fromBase64(text, 32).length === 32
  } catch {
    return false
  }
}
