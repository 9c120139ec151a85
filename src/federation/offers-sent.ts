import { isJsonObject, type Json, type LogId, type MemberId, type Millis, parseJson, toBase64, utf8 } from '#base'
import { encodeFrames } from '#log'
import type { LogHead } from '#store'
import { untilNextTry } from './backoff.ts'
import type { HandedBefore, HandedLists } from './carriage/handed-lists.ts'
import type { Context } from './context.ts'
import { OFFER_FRAMES_BYTES } from './limits.ts'
import type { LinkClient, Target } from './link-client.ts'
import { inlineEntries, type PushedEntries } from './server/inline.ts'
import type { TakenReceipts } from './server/receipts-taken.ts'
import type { Snapshots } from './server/snapshots.ts'

/** How long a peer that knows an address of this node has to open its own stream before it is offered anything. */
const CALL_GRACE_MS = 5_000
/** The same where no charter names an address: who was given one by hand calls at once. */
const UNKNOWN_GRACE_MS = 250
/** After entries were taken, their receipts are asked for by the next offer. */
const RECEIPTS_AFTER_MS = 400
/** Logs of one offer's entries. */
const LOGS_AT_ONCE = 64

/** What offers are made with. */
export interface OfferingParts {
  context: Context
  client: LinkClient
  snapshots: Snapshots
  receipts: TakenReceipts
  handed: HandedLists
  /** Peers that can be called now. */
  reached: () => MemberId[]
  target: (peer: MemberId) => Target | undefined
  /** Whether the peer has a stream open here, and so needs no offers. */
  hasStream: (peer: MemberId) => boolean
  maySign: () => boolean
  /** The peer could not be offered anything. */
  onParted: (peer: MemberId) => void
  /** Posts the charters that the peer does not know. */
  onUnknown: (to: Target, alliance: string) => void
}

/** One peer that does not call. */
interface Offering {
  since?: number
  /** The peer's receipts up to here have arrived. */
  mark?: number
  isRunning: boolean
  /** Something changed since the offer under way began. */
  isDirty: boolean
  failures: number
  dueAt: Millis
  /** Lists that the peer was given to carry. */
  handed: HandedBefore
}

/**
 * Offers this node's logs to peers that it can call and that do not call it: snapshot and entries by POST, until the
 * peer lacks nothing; receipts come in the answers.
 * @see docs/wire.md, Offer
 */
export class SentOffers {
  readonly #parts: OfferingParts
  readonly #offerings = new Map<MemberId, Offering>()
  #timer: unknown
  #stopped = false

  constructor(parts: OfferingParts) {
    this.#parts = parts
  }

  /** Own logs grew. */
  notify(): void {
    for (const offering of this.#offerings.values()) {
      offering.isDirty = true
      if (offering.failures === 0) offering.dueAt = Math.min(offering.dueAt, this.#parts.context.now())
    }
    this.look()
  }

  /** Statements wait at a peer. */
  hurry(peer: MemberId): void {
    const offering = this.#offerings.get(peer)
    if (!offering || offering.failures > 0) return
    offering.isDirty = true
    offering.dueAt = this.#parts.context.now()
    this.look()
  }

  /** A link changed, a stream was opened or closed, or time passed: whoever is due gets an offer. */
  look(): void {
    if (this.#stopped) return
    const { context, reached, hasStream, maySign, handed } = this.#parts
    const now = context.now()
    const uncalled = new Set(reached().filter((peer) => !hasStream(peer)))
    for (const [peer, { isRunning }] of this.#offerings)
      if (!uncalled.has(peer) && !isRunning) this.#offerings.delete(peer)
    const grace = context.self.profile.address === undefined ? UNKNOWN_GRACE_MS : CALL_GRACE_MS
    for (const peer of uncalled) {
      const known = this.#offerings.get(peer)
      const fresh = { isRunning: false, isDirty: true, failures: 0, dueAt: now + grace, handed: new Map() }
      const offering = known ?? fresh
      if (!known) this.#offerings.set(peer, offering)
      else if (offering.failures === 0)
        offering.dueAt = Math.min(offering.dueAt, handed.nextAt(peer, offering.handed) ?? Infinity)
      if (!offering.isRunning && offering.dueAt <= now && maySign()) void this.#run(peer, offering)
    }
    this.#schedule()
  }

  stop(): void {
    this.#stopped = true
    this.#parts.context.timers.clear(this.#timer)
  }

  #schedule(): void {
    const { timers, now, limits } = this.#parts.context
    timers.clear(this.#timer)
    const waiting = [...this.#offerings.values()].filter(({ isRunning }) => !isRunning)
    if (waiting.length === 0) return
    const next = Math.min(...waiting.map(({ dueAt }) => dueAt)) - now()
    this.#timer = timers.set(Math.min(Math.max(next, 50), limits.pollMs), () => this.look())
  }

  async #run(peer: MemberId, offering: Offering): Promise<void> {
    const { context, target, handed, onParted } = this.#parts
    const { limits, now } = context
    offering.isRunning = true
    try {
      const to = target(peer)
      const sent = to ? await this.#offer(to, offering) : 0
      if (to) await this.#hand(to, offering)
      handed.touched(peer)
      offering.failures = 0
      const isSoon = sent > 0 || offering.mark !== undefined
      offering.dueAt = now() + (isSoon ? RECEIPTS_AFTER_MS : limits.pollMs)
    } catch (cause) {
      delete offering.since
      offering.handed.clear()
      offering.failures++
      onParted(peer)
      const range = { firstMs: limits.backoffFirstMs, maxMs: limits.backoffMaxMs }
      offering.dueAt = now() + untilNextTry(range, offering.failures, context.jitter())
      context.log('debug', 'An offer failed', { peer, cause: String(cause) })
    } finally {
      offering.isRunning = false
      if (offering.isDirty && offering.failures === 0) offering.dueAt = now()
      this.look()
    }
  }

  /** Offers until the peer lacks nothing; resolves with how many times entries went along. */
  async #offer(to: Target, offering: Offering): Promise<number> {
    const { context, snapshots, client } = this.#parts
    let entries: PushedEntries[] = []
    let [sent, asked] = [0, 0]
    while (!this.#stopped) {
      offering.isDirty = false
      const view = snapshots.view(to.member)
      const { envelope, given, base } = snapshots.make(to.member, offering.since, view)
      const hasMore = envelope.statement['more'] === true
      if (base && entries.length === 0 && !hasMore) entries = await inlineEntries(context, base, view.heads)
      const mark = offering.mark === undefined ? {} : { mark: offering.mark }
      const body = utf8(JSON.stringify({ snapshot: envelope, entries, ...mark }))
      const answer = parseJson(await client.post(to, '/link/v1/offer', body))
      if (!isJsonObject(answer)) throw new Error('the answer to an offer is no object')
      if (entries.length > 0) sent++
      const hasAll = await this.#take(to, offering, answer, given.sequence)
      // The peer lacks the list that the change belongs to: once more with the whole of it.
      if (answer['again'] === true && asked++ === 0) continue
      const refused = Array.isArray(answer['refused']) ? answer['refused'].length : 0
      if (refused > 0 && refused >= entries.length) throw new Error('the peer refused the entries')
      // A list that is too long for one snapshot goes on with the next.
      if (hasMore && offering.since === given.sequence) {
        entries = []
        continue
      }
      if (hasAll) return sent
      entries = await this.#entries(view.heads, answer['want'])
      if (entries.length === 0) return sent
    }
    return sent
  }

  /** Hands a peer the lists that it carries, and those again whole of which it lacks the beginning. */
  async #hand({ member, address }: Target, { handed: before }: Offering): Promise<void> {
    const { client, handed } = this.#parts
    for (let more = true; more && !this.#stopped;) {
      const lacking = new Set<MemberId>()
      const due = handed.due(member, before)
      for (const texts of inParts(due.map((envelope) => JSON.stringify(envelope)))) {
        const body = utf8(`{"carried":[${texts.join()}]}`)
        const answer = parseJson(await client.post({ member, address }, '/link/v1/offer', body))
        const carry = isJsonObject(answer) ? answer['carry'] : undefined
        for (const reader of Array.isArray(carry) ? carry : []) lacking.add(reader as MemberId)
      }
      for (const reader of lacking) if (before.delete(reader)) handed.again(member, reader)
      // Of a whole list nothing can lack.
      more = lacking.size > 0 && due.some(({ statement }) => statement['since'] !== undefined)
    }
  }

  /** Takes from an answer what it brings; true where the peer wants nothing more. */
  async #take(to: Target, offering: Offering, answer: Record<string, Json>, sequence: number): Promise<boolean> {
    const { receipts, mark, since, unknown, want } = answer
    if (since === sequence) offering.since = sequence
    else delete offering.since
    delete offering.mark
    if (Array.isArray(receipts) && typeof mark === 'number') {
      await this.#parts.receipts.take(to.member, receipts.slice(0, 1_000))
      offering.mark = mark
    }
    for (const alliance of Array.isArray(unknown) ? unknown : [])
      if (typeof alliance === 'string') this.#parts.onUnknown(to, alliance)
    return !Array.isArray(want) || want.length === 0
  }

  /** Entries that a peer lacks, of logs that it may see, up to a checkpoint wherever one fits. */
  async #entries(heads: readonly LogHead[], want: Json | undefined): Promise<PushedEntries[]> {
    const offered = new Map(heads.map((head) => [head.log as string, head]))
    const entries: PushedEntries[] = []
    let left = OFFER_FRAMES_BYTES
    for (const row of Array.isArray(want) ? want.slice(0, LOGS_AT_ONCE) : []) {
      const { log, from } = isJsonObject(row) ? row : {}
      const head = typeof log === 'string' ? offered.get(log) : undefined
      if (!head || typeof from !== 'number' || !Number.isSafeInteger(from) || from < 0 || from >= head.size) continue
      const part = await this.#part(head, from, left)
      entries.push(part)
      left -= part.frames.length
      // What has no checkpoint yet goes on alone.
      if (left <= 0 || part.checkpoint === undefined) break
    }
    return entries
  }

  async #part(head: LogHead, from: number, bytes: number): Promise<PushedEntries> {
    const { store, limits } = this.#parts.context
    const to = Math.min(head.size, from + limits.pageEntries)
    const stored = await store.frames(head.log, from, to, bytes)
    const end = from + stored.length
    const covered =
      end === head.size ? { size: end, note: head.checkpoint } : await this.#lastCheckpoint(head.log, from, end)
    const frames = covered ? stored.slice(0, covered.size - from) : stored
    return {
      log: head.log,
      from,
      frames: toBase64(encodeFrames(frames)),
      ...(covered ? { checkpoint: covered.note } : {}),
    }
  }

  /** The newest checkpoint that covers more than `from` and no more than `end` entries. */
  async #lastCheckpoint(log: LogId, from: number, end: number) {
    const { store, limits } = this.#parts.context
    const kept = await store.checkpoints(log, { after: from, limit: limits.pageEntries })
    return kept.findLast(({ size }) => size <= end)
  }
}

/** Texts that go into one request, as many as it holds. */
function inParts(texts: readonly string[]): string[][] {
  const parts: string[][] = []
  let bytes = Infinity
  for (const text of texts) {
    bytes += text.length
    if (bytes > OFFER_FRAMES_BYTES) {
      parts.push([])
      bytes = text.length
    }
    parts.at(-1)?.push(text)
  }
  return parts
}
