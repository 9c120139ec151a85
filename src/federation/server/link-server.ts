import { isJsonObject, type Json, type JsonObject, type MemberId, type Millis, parseJson, type Slug, utf8 } from '#base'
import { type DelegationEnd, encodeFrames, LogError, signStatement, verifyLinkRequest } from '#log'
import type { Charters } from '../alliance/charters.ts'
import type { Joins } from '../alliance/joins.ts'
import { takeCharters } from '../alliance/exchange.ts'
import type { LinkRequest, LinkResponse } from '../api.ts'
import type { Carriage } from '../carriage/carriage.ts'
import type { Context } from '../context.ts'
import { TIME_HEADER } from '../clock-fault.ts'
import { compressed, takesGzip } from '../content-coding.ts'
import type { CharterDirectory } from '../directory.ts'
import type { Gossip } from '../evidence/gossip.ts'
import type { Heads } from '../heads.ts'
import type { KeyStatements } from '../key-statements.ts'
import { OFFER_BODY_BYTES } from '../limits.ts'
import type { Nonces } from '../nonces.ts'
import type { SentOffers } from '../offers-sent.ts'
import { LACKS_HEADER, PROTOCOL, PROTOCOL_HEADER, whyNotProtocol } from '../protocol.ts'
import type { Access } from './access.ts'
import { bytes, json, notFound, refusal } from './answers.ts'
import type { TakenOffers } from './offers-taken.ts'
import type { TakenReceipts } from './receipts-taken.ts'
import { RefusalLog } from './refusal-log.ts'
import { type Route, toRoute } from './routes.ts'
import { ServedBytes } from './served-bytes.ts'
import type { Snapshots } from './snapshots.ts'
import { ReaderStream } from './stream.ts'

/** Envelopes of one POST at most. @see docs/wire.md, Receipts */
const RECEIPTS_MOST = 1_000

/** What the server side answers from. */
export interface ServerParts {
  context: Context
  directory: CharterDirectory
  charters: Charters
  joins: Joins
  heads: Heads
  access: Access
  snapshots: Snapshots
  receipts: TakenReceipts
  nonces: Nonces
  keyStatements: KeyStatements
  offers: SentOffers
  takenOffers: TakenOffers
  carriage: Carriage
  gossip: Gossip
  /** A member's key was ended before its time. */
  onEnds: (member: MemberId, ends: readonly DelegationEnd[]) => Promise<void>
  /** A member asks what this node holds of its logs: it has just started, and may have forgotten more. */
  onStarted: (peer: MemberId) => void
  /** Whether this node may sign what it offers. */
  maySign: () => boolean
  /** Whether a charter that the peer named is yet to be caught up with. */
  isAhead: (peer: MemberId) => boolean
  /** Alliances of which a peer named a charter that is not known here. */
  lacked: (peer: MemberId) => ReadonlySet<Slug>
  /** Catches up with a charter that a peer pushed and that doesn't follow what this node has. */
  onGap: (peer: MemberId, alliance: string) => void
}

/** Answers everything under /link/v1: who asks is known by signature, what it may have is asked of `policy` each time. */
export class LinkServer {
  readonly #parts: ServerParts
  readonly #streams = new Map<MemberId, ReaderStream[]>()
  readonly #refusals: RefusalLog
  readonly #served: ServedBytes

  constructor(parts: ServerParts) {
    this.#parts = parts
    this.#refusals = new RefusalLog(parts.context)
    this.#served = new ServedBytes(parts.context)
  }

  /** Never throws. */
  async handle(request: LinkRequest): Promise<LinkResponse> {
    const { limits, log } = this.#parts.context
    try {
      const route = toRoute(request.method, request.target)
      const bodyBytes = route?.name === 'offer' ? OFFER_BODY_BYTES : limits.requestBodyBytes
      if (request.body.length > bodyBytes) return refusal(413, 'Body too large')
      if (headerBytes(request) > limits.headerBytes) return refusal(431, 'Header fields too large')
      const why = whyNotProtocol(request.headers[PROTOCOL_HEADER])
      if (why !== undefined) return refusal(426, 'Protocol version not spoken here')
      const reader = await this.#authenticate(request, this.#introducedBy(route, request))
      if (typeof reader !== 'string') return reader
      if (!route) return notFound()
      if (!(await this.#served.turn(reader))) {
        this.#refusals.note(reader, 'LINK_FLOOD')
        return refusal(429, 'Too many requests')
      }
      const answer = await this.#answer(route, reader, request)
      if ('body' in answer) this.#served.spent(reader, answer.body.length)
      return answer
    } catch (cause) {
      log('error', 'A link request failed', { target: request.target.slice(0, 200), cause: String(cause) })
      return refusal(500, 'Internal error')
    }
  }

  /** Own logs grew, or a charter changed: every open stream looks what of it its reader may see; strangers' streams end. */
  notify(): void {
    for (const [reader, streams] of this.#streams) {
      const isKnown = this.#parts.directory.member(reader) !== undefined
      for (const stream of streams) {
        if (isKnown) stream.notify()
        else stream.close()
      }
    }
    this.#parts.offers.notify()
  }

  /** What is carried to a reader has grown. */
  wake(reader: MemberId): void {
    for (const stream of this.#streams.get(reader) ?? []) stream.wake()
  }

  /** Whether the peer follows this node's stream. */
  hasStream(peer: MemberId): boolean {
    return this.#streams.has(peer)
  }

  close(): void {
    this.#parts.offers.stop()
    this.#refusals.close()
    for (const streams of this.#streams.values()) for (const stream of streams) stream.close()
  }

  /** Keys that a request may be signed with because it brings them along itself. */
  #introducedBy(route: Route | undefined, { body }: LinkRequest) {
    if (route?.name === 'join') return this.#parts.joins.claimed(body)?.key
    return route?.name === 'statements' && route.isPost ? this.#parts.keyStatements.claimed(body) : undefined
  }

  async #authenticate(
    request: LinkRequest,
    introduced?: (member: MemberId, key: string) => Uint8Array | undefined,
  ): Promise<MemberId | LinkResponse> {
    const { context, directory, joins, nonces } = this.#parts
    const now = context.now()
    try {
      const verified = verifyLinkRequest(request, {
        self: context.self.member,
        now,
        publicKey: (member, key) => {
          const known = directory.memberOfKey(key, now)
          if (known?.member === member) return known.publicKey
          return joins.keyOf(member, key) ?? introduced?.(member, key)
        },
        // Claimed below, durably: two checks at once could both pass here.
        isSeen: () => false,
      })
      const claim = await nonces.claim(verified.key, verified.nonce, Math.floor(now / 1_000))
      if (claim === 'fresh') return verified.from
      this.#refusals.note(verified.from, claim === 'flooded' ? 'LINK_FLOOD' : 'LINK_REPLAY')
      return claim === 'flooded' ? refusal(429, 'Too many requests') : this.#unauthorized(now)
    } catch (cause) {
      if (!(cause instanceof LogError)) throw cause
      const claimed = request.headers['noroshi-from']
      this.#refusals.note(claimed === undefined ? undefined : directory.member(claimed)?.id, cause.code)
      return this.#unauthorized(now)
    }
  }

  /** Tells this node's clock: where that is the reason, the sender can see it. */
  #unauthorized(now: Millis): LinkResponse {
    const answer = refusal(401, 'Unauthorized')
    return { ...answer, headers: { ...answer.headers, [TIME_HEADER]: String(now) } }
  }

  async #answer(route: Route, reader: MemberId, request: LinkRequest): Promise<LinkResponse> {
    const { charters, joins, directory, onGap, isAhead } = this.#parts
    switch (route.name) {
      case 'join':
        return joins.begin(reader, bodyOf(request))
      case 'reveal':
        return joins.reveal(reader, bodyOf(request))
      case 'charters':
        return takeCharters({ charters, directory, joins, onGap }, reader, bodyOf(request))
      case 'charter':
        return this.#charter(route.alliance, route.from, reader)
      default:
    }
    if (!directory.member(reader)) return notFound()
    if (route.name === 'statements') return this.#statements(route, reader, request)
    if (route.name === 'offer') return this.#parts.takenOffers.take(reader, request.body)
    // Who knows a newer charter is served once this node knows it too.
    if (isAhead(reader)) return this.#putOff(reader)
    return this.#serve(route, reader, request)
  }

  /** A reader that can't be called has to bring the charters that it named. */
  #putOff(reader: MemberId): LinkResponse {
    const answer = refusal(503, 'Charter is being updated')
    const lacked = [...this.#parts.lacked(reader)].join(' ')
    return lacked === '' ? answer : { ...answer, headers: { ...answer.headers, [LACKS_HEADER]: lacked } }
  }

  async #statements(
    { isPost, author }: { isPost: boolean; author?: string },
    reader: MemberId,
    request: LinkRequest,
  ): Promise<LinkResponse> {
    const { keyStatements, onEnds, carriage } = this.#parts
    if (author !== undefined) return carriage.keysOf(author, reader) ?? notFound()
    return isPost ? keyStatements.answer(reader, bodyOf(request), onEnds) : json(await keyStatements.body())
  }

  async #serve(route: Route, reader: MemberId, request: LinkRequest): Promise<LinkResponse> {
    const { access, receipts, maySign } = this.#parts
    if ((route.name === 'logs' || route.name === 'stream') && !maySign()) return refusal(503, 'Starting')
    switch (route.name) {
      case 'logs':
        return this.#logs(route, reader)
      case 'stream':
        return this.#stream(reader, route.since ?? lastEventId(request))
      case 'heads':
        return this.#headsOf(reader)
      case 'gossip':
        return this.#parts.gossip.answer(reader, bodyOf(request))
      case 'receipts': {
        const { receipts: envelopes } = bodyOf(request)
        if (!Array.isArray(envelopes) || envelopes.length > RECEIPTS_MOST) return refusal(400, 'Bad request')
        return json(await receipts.take(reader, envelopes))
      }
      case 'shown-receipts': {
        const shown = access.receiptsShown(route.log, reader)
        if (!shown || route.index >= shown.head.size) return notFound()
        return json({ receipts: await receipts.covering(route.log, route.index, shown.of) } as unknown as Json)
      }
      case 'checkpoint':
      case 'entries':
      case 'consistency': {
        const head = access.readable(route.log, reader)
        return head ? this.#log(route, head.size, takesGzip(request.headers['accept-encoding'])) : notFound()
      }
      default:
        return notFound()
    }
  }

  async #logs(route: Extract<Route, { name: 'logs' }>, reader: MemberId): Promise<LinkResponse> {
    const { context, snapshots, carriage } = this.#parts
    const { author, since, reader: other } = route
    if (other !== undefined) return (author === undefined && carriage.listFor(other, reader)) || notFound()
    if (author !== undefined && author !== context.self.member)
      return (await carriage.listOf(author, reader, since)) ?? notFound()
    carriage.handed.touched(reader)
    return json(snapshots.make(reader, since).envelope as unknown as Json)
  }

  async #log(
    route: Extract<Route, { name: 'checkpoint' | 'entries' | 'consistency' }>,
    size: number,
    isGzipTaken: boolean,
  ): Promise<LinkResponse> {
    const { context } = this.#parts
    const { store, limits } = context
    if (route.name === 'checkpoint') {
      const wanted = route.size ?? size
      if (wanted > size) return notFound()
      const head = wanted === size ? await store.log(route.log) : undefined
      const [kept] = head ? [] : await store.checkpoints(route.log, { after: wanted - 1, limit: 1 })
      const note = head?.checkpoint ?? kept?.note
      return note === undefined ? notFound() : bytes(utf8(note), 'text/plain; charset=utf-8')
    }
    const { from, to } = route
    if (route.name === 'consistency') {
      if (from < 1 || to > size) return notFound()
      const proof = await store.consistencyProof(route.log, from, to)
      return json({ log: route.log, from, to, proof })
    }
    const end = Math.min(to, size, from + limits.pageEntries)
    if (from >= end) return notFound()
    const page = encodeFrames(await store.frames(route.log, from, end, limits.pageBytes))
    const small = isGzipTaken ? await compressed(page) : undefined
    const answer = bytes(small ?? page, 'application/octet-stream')
    return small ? { ...answer, headers: { ...answer.headers, 'content-encoding': 'gzip' } } : answer
  }

  #stream(reader: MemberId, since: number | undefined): LinkResponse {
    const { context, carriage } = this.#parts
    const stream = new ReaderStream(this.#parts, reader, since, carriage.beside(reader))
    const open = [...(this.#streams.get(reader) ?? []), stream]
    // A peer that lost its connection opens another while the old one still looks alive: the oldest goes.
    while (open.length > context.limits.streamsPerPeer) open.shift()?.close()
    this.#streams.set(reader, open)
    this.#parts.offers.look()
    const ended = () => {
      const left = (this.#streams.get(reader) ?? []).filter((other) => other !== stream)
      if (left.length > 0) this.#streams.set(reader, left)
      else this.#streams.delete(reader)
      if (left.length === 0) this.parted(reader)
      this.#parts.offers.look()
    }
    // A proxy that held the events back, or compressed them together, would delay them until it had enough.
    const headers = {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
      [PROTOCOL_HEADER]: PROTOCOL,
    }
    return { status: 200, headers, stream: stream.chunks(ended) }
  }

  /** Who carries to a reader that is not in touch itself may have to do so soon. */
  parted(reader: MemberId): void {
    const { carriage } = this.#parts
    carriage.handed.parted(reader)
    for (const carrier of carriage.carriersTo(reader)) this.wake(carrier)
  }

  /** Newest checkpoints held of the reader's own logs, for one that was restored. */
  async #headsOf(reader: MemberId): Promise<LinkResponse> {
    this.#parts.onStarted(reader)
    const { context, heads } = this.#parts
    const held = heads.of(reader).sort((a, b) => (a.log < b.log ? -1 : 1))
    const notes = held.map((head) => head.checkpoint)
    const fields = { member: context.self.member, reader, time: context.now(), heads: notes }
    return json(signStatement('heads', fields, [context.self.nodeKey]) as unknown as Json)
  }

  async #charter(alliance: string, from: number, reader: MemberId): Promise<LinkResponse> {
    const { charters, directory, context } = this.#parts
    if (!directory.mayKnow(alliance, reader)) return notFound()
    const last = directory.parting(alliance, reader)?.version
    const chain = await charters.chain(alliance, from, context.limits.pageBytes, last)
    // Whoever cannot be called asks for what waits for its vote.
    const waiting = directory.standsIn(alliance, reader) ? await charters.proposals(alliance) : []
    const proposals = waiting.map(({ charter, votes }) => ({ charter, votes }))
    return json({ charters: chain, ...(proposals.length > 0 ? { proposals } : {}) } as unknown as Json)
  }
}

function bodyOf(request: LinkRequest): JsonObject {
  try {
    const value = parseJson(request.body)
    return isJsonObject(value) ? value : {}
  } catch {
    return {}
  }
}

function headerBytes(request: LinkRequest): number {
  return Object.entries(request.headers).reduce((sum, [name, value]) => sum + name.length + (value?.length ?? 0), 0)
}

function lastEventId(request: LinkRequest): number | undefined {
  const id = Number(request.headers['last-event-id'])
  return Number.isSafeInteger(id) && id > 0 ? id : undefined
}
