import { isJsonObject, type Json, type LogId, type MemberId, type Millis, parseJson, utf8 } from '#base'
import {
  type DelegationEnd,
  LogError,
  type LogRow,
  openSnapshot,
  parseEnvelope,
  type Snapshot,
  SNAPSHOT_FRESH_MS,
} from '#log'
import type { Charters } from '../alliance/charters.ts'
import { catchUp } from '../alliance/exchange.ts'
import type { LinkState } from '../api.ts'
import type { Context } from '../context.ts'
import type { CharterDirectory } from '../directory.ts'
import { offeredEvidence } from '../evidence/offered.ts'
import type { SignedRows } from '../evidence/signed-rows.ts'
import { FederationError } from '../error.ts'
import type { Heads } from '../heads.ts'
import type { KeyStatements } from '../key-statements.ts'
import { CLOCK_AHEAD_MS, JSON_LIMITS } from '../limits.ts'
import type { LinkClient, Target } from '../link-client.ts'
import type { Effect, Head, LinkEvent, MachineState } from '../machine-state.ts'
import { initialState, linkStateOf, nextWake, step } from '../machine.ts'
import type { Mirrors } from '../mirrors.ts'
import { MirrorFault } from '../mirror-state.ts'
import type { Outbox } from '../outbox.ts'
import type { Quotas } from '../quotas.ts'
import { carriedLink, carriersBetween } from './carriers.ts'

/** How long an author may be out of reach until its carriers are asked: a restart or a moment's cut needs none. */
const REACH_AFTER_MS = 1_500
/** How long a carrier may not give a log that stands in the list it brought, until that is called withholding. */
const WITHHELD_AFTER_MS = 15_000
/** Steps of one list: more than any author's limits allow. */
const STEPS_MOST = 1_000
/** A tick that finds nothing to do must not be followed by another at once. */
const TICK_LEAST_MS = 10

/** What these links work with. */
export interface CarriedLinkParts {
  context: Context
  directory: CharterDirectory
  charters: Charters
  heads: Heads
  client: LinkClient
  mirrors: Mirrors
  outbox: Outbox
  quotas: Quotas
  keyStatements: KeyStatements
  signedRows: SignedRows
  /** Members whose logs come from themselves. */
  up: () => MemberId[]
  target: (member: MemberId) => Target | undefined
  /** Statements for an author went to its carrier. */
  onSent: (author: MemberId, ids: readonly number[]) => void
  onEnds: (member: MemberId, ends: readonly DelegationEnd[]) => Promise<void>
}

/** One author that is read through one carrier. */
interface Carried {
  author: MemberId
  carrier: MemberId
  since: Millis
  /** The last whole list, or the last step of it so far: what comes next is about it. */
  base?: List
  /** Sequence of the newest snapshot that was accepted, and of the newest that was pushed. */
  newest: number
  pushed: number
  isAsking: boolean
  isSilenceTold: boolean
  /** When each kind of fault was told last. */
  accused: Map<string, Millis>
  /** Since when each log is refused; told once. */
  refused: Map<LogId, Millis>
  told: Set<LogId>
}

/** A list of an author, with the snapshot that ended it. */
interface List {
  snapshot: Snapshot
  logs: readonly LogRow[]
  /** Not one of the steps before the last. */
  isWhole: boolean
}

/**
 * Links to authors whom this node can't reach, through the members that a charter names as carriers: the same state machine
 * as for links to members, over requests to the carrier. A link to the author itself, when there is one, ends them.
 * @see docs/wire.md, Carriers
 */
export class CarriedLinks {
  readonly #parts: CarriedLinkParts
  readonly #links = new Map<MemberId, Carried>()
  /** Since when authors are out of reach. */
  readonly #missed = new Map<MemberId, Millis>()
  #state: MachineState
  #timer: unknown
  #isStarted = false
  #isStopped = false

  constructor(parts: CarriedLinkParts) {
    this.#parts = parts
    const { limits } = parts.context
    this.#state = initialState({
      pollMs: limits.pollMs,
      backoff: { firstMs: limits.backoffFirstMs, maxMs: limits.backoffMaxMs },
      fetches: 4,
      sendMost: 100,
    })
    parts.outbox.onDue((to, id, now) => {
      for (const [peer, { author }] of this.#links) if (author === to) this.#dispatch({ type: 'due', peer, id, now })
    })
  }

  start(): void {
    this.#isStarted = true
    this.look()
  }

  stop(): void {
    this.#isStopped = true
    this.#parts.context.timers.clear(this.#timer)
  }

  /** Links that stand, each by its author: the freshest, where several carriers bring one author's logs. */
  links(): LinkState[] {
    const all = [...this.#links].flatMap(([peer, { author, carrier }]) => {
      const state = this.#state.peers.get(peer)
      return state ? [{ ...linkStateOf(state, this.#now()), peer: author, way: 'carrier' as const, via: carrier }] : []
    })
    const rank = ({ state }: LinkState) => ['up', 'stale', 'connecting', 'down'].indexOf(state)
    return [...Map.groupBy(all, ({ peer }) => peer).values()].flatMap(
      (same) => same.toSorted((a, b) => rank(a) - rank(b) || (b.lastSeen ?? 0) - (a.lastSeen ?? 0))[0] ?? [],
    )
  }

  /** A link or a charter changed, or time passed: who is read through whom. */
  look(): void {
    if (!this.#isStarted || this.#isStopped) return
    const wanted = this.#wanted()
    for (const [peer] of this.#links)
      if (!wanted.has(peer)) {
        this.#links.delete(peer)
        this.#parts.signedRows.forget(peer)
        this.#dispatch({ type: 'peer-removed', peer })
      }
    for (const [peer, { author, carrier }] of wanted) this.#add(peer, author, carrier)
    this.#schedule()
  }

  /** A snapshot of an author came on a carrier's stream. */
  async push(carrier: MemberId, envelope: Json): Promise<void> {
    const { author, sequence } = parseEnvelope(envelope).statement as unknown as Snapshot
    const peer = carriedLink(author, carrier)
    const link = this.#links.get(peer)
    if (!link) return
    try {
      // An answer may have brought a newer one meanwhile: only what was pushed before tells of a rollback.
      const taken = this.#take(peer, link, envelope, { least: link.pushed })
      if (taken === 'unknown') return await this.#ask(peer)
      link.pushed = Math.max(link.pushed, sequence)
    } catch (cause) {
      if (cause instanceof LogError && cause.code === 'SNAPSHOT_BASE') delete link.base
      const { client, keyStatements, onEnds } = this.#parts
      const to = this.#target(link)
      if (to && (await keyStatements.learnedAfter(cause, client, to, onEnds))) return this.#ask(peer)
      await this.#accuse(link, cause, envelope)
    }
  }

  /** A carrier's stream was opened: what it sent before is asked for. */
  met(carrier: MemberId): void {
    for (const [peer, link] of this.#links) if (link.carrier === carrier) void this.#ask(peer)
  }

  /** Carriers of authors that have been out of reach for a while. */
  #wanted(): Map<MemberId, { author: MemberId; carrier: MemberId }> {
    const { directory, context, target } = this.#parts
    const register = directory.register()
    const now = this.#now()
    const wanted = new Map<MemberId, { author: MemberId; carrier: MemberId }>()
    if (register.alliances().every((alliance) => register.carriers(alliance).size === 0)) return wanted
    const up = new Set(this.#parts.up())
    for (const { id: author } of directory.members()) {
      if (author === context.self.member) continue
      if (up.has(author)) {
        this.#missed.delete(author)
        continue
      }
      const missed = this.#missed.get(author) ?? now
      this.#missed.set(author, missed)
      if (now - missed < REACH_AFTER_MS) continue
      for (const carrier of carriersBetween(register, [author, context.self.member]))
        if (target(carrier)) wanted.set(carriedLink(author, carrier), { author, carrier })
    }
    return wanted
  }

  #add(peer: MemberId, author: MemberId, carrier: MemberId): void {
    const { directory, heads, quotas, outbox } = this.#parts
    const address = this.#parts.target(carrier)?.address ?? ''
    const isKnown = this.#links.has(peer)
    if (isKnown && this.#state.peers.get(peer)?.address === address) return
    const now = this.#now()
    if (!isKnown) this.#links.set(peer, newLink(author, carrier, now))
    const slug = directory.member(author)?.slug ?? author
    const held = new Map(heads.of(author).map(({ log, size, root }) => [log, { size, root }]))
    this.#dispatch({ type: 'peer-added', peer, slug, address, held, quota: quotas.of(author), now })
    if (!isKnown) for (const id of outbox.waitingFor(author)) this.#dispatch({ type: 'due', peer, id, now })
  }

  #dispatch(event: LinkEvent): void {
    if (this.#isStopped) return
    const { state, effects } = step(this.#state, event)
    this.#state = state
    for (const effect of effects) this.#run(effect)
    this.#schedule()
  }

  #schedule(): void {
    const { timers, limits } = this.#parts.context
    timers.clear(this.#timer)
    if (this.#isStopped || (this.#links.size === 0 && this.#missed.size === 0)) return
    const now = this.#now()
    const times = [...this.#missed.values()].flatMap((at) => (now - at < REACH_AFTER_MS ? [at + REACH_AFTER_MS] : []))
    for (const { since, isSilenceTold } of this.#links.values())
      if (!isSilenceTold) times.push(since + SNAPSHOT_FRESH_MS)
    const wake = Math.min(nextWake(this.#state) ?? Infinity, ...times)
    const delay = Math.min(limits.pollMs, Math.max(TICK_LEAST_MS, wake - now))
    this.#timer = timers.set(delay, () => {
      this.look()
      this.#tellSilence()
      this.#dispatch({ type: 'tick', now: this.#now() })
    })
  }

  #run(effect: Effect): void {
    this.#perform(effect)?.catch((cause: unknown) =>
      this.#parts.context.log('error', `The effect ${effect.type} of a carried link failed`, {
        peer: effect.peer,
        cause: String(cause),
      }),
    )
  }

  #perform(effect: Effect): Promise<void> | undefined {
    const { peer } = effect
    const link = this.#links.get(peer)
    if (!link) return undefined
    switch (effect.type) {
      case 'ask':
        return this.#ask(peer)
      case 'fetch':
        return this.#fetch(peer, link, effect)
      case 'send':
        return this.#send(peer, link, effect.ids)
      case 'catch-up':
        return this.#catchUp(peer, link, effect.alliance)
      case 'backlog':
        return this.#parts.quotas.began(link.author, effect.entries)
      case 'alarm':
        return this.#alarm(link, effect)
      case 'link-changed': {
        const state = this.links().find((one) => one.peer === link.author)
        if (state) this.#parts.context.emit('linkChanged', state)
        return undefined
      }
      // What is new comes on the carrier's own stream.
      case 'open-stream':
      case 'close-stream':
        return undefined
    }
  }

  /** Asks the carrier for what follows the list that is known, until there is no more. */
  async #ask(peer: MemberId): Promise<void> {
    const link = this.#links.get(peer)
    const to = link && this.#target(link)
    if (!link || !to || link.isAsking) return
    link.isAsking = true
    const [sent, least] = [this.#now(), link.newest]
    let shown: Json | undefined
    try {
      for (let steps = 0, what = 'base'; what === 'base'; steps++) {
        if (steps === STEPS_MOST) throw new Error('the list of logs does not end')
        const since = link.base ? `&since=${link.base.snapshot.sequence}` : ''
        shown = parseJson(await this.#parts.client.get(to, `/link/v1/logs?author=${link.author}${since}`), JSON_LIMITS)
        what = this.#take(peer, link, shown, { sent, least })
        if (what === 'unknown')
          throw new LogError('SNAPSHOT_FOREIGN', 'The snapshot does not follow the one asked about')
      }
    } catch (cause) {
      link.isAsking = false
      const { client, keyStatements, onEnds } = this.#parts
      if (await keyStatements.learnedAfter(cause, client, to, onEnds)) return this.#ask(peer)
      if (cause instanceof LogError && cause.code === 'SNAPSHOT_BASE') delete link.base
      await this.#accuse(link, cause, shown)
      this.#dispatch({ type: 'ask-failed', peer, reason: reasonOf(cause), jitter: this.#jitter(), now: this.#now() })
    } finally {
      link.isAsking = false
    }
  }

  /**
   * Takes a snapshot that the carrier shows. `base`: a whole list, or a step of one, that what comes next is about; `unknown`:
   * a change of a list that is not the one known here.
   * @throws LogError where it is not the author's, or older than what the carrier showed before
   */
  #take(
    peer: MemberId,
    link: Carried,
    envelope: Json,
    { sent, least }: { sent?: Millis; least: number },
  ): 'base' | 'unknown' | 'newest' {
    const { context, directory } = this.#parts
    const { author, carrier: via, base } = link
    const { sequence, since } = parseEnvelope(envelope).statement as { sequence?: number; since?: number }
    if (base && sequence === base.snapshot.sequence)
      return this.#accept(peer, link, base, { least, ...(sent ? { sent } : {}) })
    const isNext = base !== undefined && since === base.snapshot.sequence
    if (since !== undefined && !isNext) return 'unknown'
    const now = this.#now()
    const { snapshot, logs } = openSnapshot(envelope, {
      author,
      reader: context.self.member,
      via,
      publicKeys: directory.nodeKeys(author, now),
      now,
      isOldTaken: true,
      ...(isNext ? { last: { sequence: base.snapshot.sequence, logs: base.logs } } : {}),
    })
    this.#parts.signedRows.keep(peer, parseEnvelope(envelope))
    const isWhole = snapshot['more'] !== true
    const list = { snapshot, logs, isWhole }
    if (isNext && base.isWhole) return this.#accept(peer, link, list, { least, ...(sent ? { sent } : {}) })
    link.base = list
    // What was pushed is the newest; what was asked for may be followed by a change.
    return isWhole && sent === undefined ? this.#accept(peer, link, list, { least }) : 'base'
  }

  #accept(
    peer: MemberId,
    link: Carried,
    { snapshot, logs }: List,
    { sent, least }: { sent?: Millis; least: number },
  ): 'newest' {
    const { directory, charters } = this.#parts
    const { sequence, time, expires } = snapshot
    if (sequence < least)
      throw new LogError('SNAPSHOT_REPLAYED', `The snapshot has sequence ${sequence}, and ${least} was shown before`)
    link.newest = Math.max(link.newest, sequence)
    const unknownCharters = Object.entries(snapshot.charters)
      .filter(([alliance, hash]) => directory.charter(alliance) && !charters.knows(alliance, hash))
      .map(([alliance]) => alliance)
    const [offered, now] = [this.#offered(logs, time), this.#now()]
    const asked = sent === undefined ? {} : { sent }
    this.#dispatch({ type: 'snapshot', peer, sequence, time, expires, offered, unknownCharters, now, ...asked })
    return 'newest'
  }

  /**
   * The rows of a list. One that is behind what is held may be older than what came from the author itself, and says
   * nothing then; a minute later it would.
   */
  #offered(logs: readonly LogRow[], time: Millis): Map<LogId, Head> {
    const { heads } = this.#parts
    return new Map(
      logs.map(({ log, size, root }) => {
        const held = heads.get(log)
        const isOld = held !== undefined && size < held.size && time <= held.time + CLOCK_AHEAD_MS
        return [log, isOld ? { size: held.size, root: held.root } : { size, root }]
      }),
    )
  }

  async #fetch(peer: MemberId, link: Carried, effect: Extract<Effect, { type: 'fetch' }>): Promise<void> {
    const { mirrors, heads, context } = this.#parts
    const { log, offered } = effect
    const to = this.#target(link)
    try {
      if (!to) throw new Error('there is no link to the carrier')
      if (effect.only) throw new Error('its author is over its quota')
      const held = heads.get(log)?.bytes ?? 0
      const head = await mirrors.extend(to, log, offered)
      link.refused.delete(log)
      const [use, bytes] = [heads.use(link.author), Math.max(0, (heads.get(log)?.bytes ?? 0) - held)]
      this.#dispatch({ type: 'mirrored', peer, log, head, bytes, use, now: this.#now() })
    } catch (cause) {
      const [reason, jitter] = [reasonOf(cause), this.#jitter()]
      if (!(cause instanceof MirrorFault))
        context.log('debug', 'A log could not be had from a carrier', { peer: link.carrier, log, cause: reason })
      await this.#missing(link, log, cause)
      this.#dispatch({ type: 'fetch-failed', peer, log, reason, jitter, now: this.#now() })
    }
  }

  async #send(peer: MemberId, link: Carried, ids: readonly number[]): Promise<void> {
    const { outbox, client, onSent } = this.#parts
    const to = this.#target(link)
    try {
      if (!to) throw new Error('there is no link to the carrier')
      const there = ids.filter((id) => outbox.envelopes([id]).length > 0)
      const body = utf8(JSON.stringify({ receipts: outbox.envelopes(there) }))
      const answer = there.length > 0 ? parseJson(await client.post(to, '/link/v1/receipts', body)) : {}
      const refused = isJsonObject(answer) && Array.isArray(answer['refused']) ? answer['refused'] : []
      const full = new Set(
        refused.flatMap((one) => (isJsonObject(one) && one['code'] === 'FULL' ? [one['index']] : [])),
      )
      const kept = there.filter((_id, index) => !full.has(index))
      await outbox.delivered(kept)
      const gone = [...kept, ...ids.filter((id) => !there.includes(id))]
      onSent(link.author, gone)
      if (full.size > 0) throw new Error('the carrier has no room for more')
      this.#dispatch({ type: 'sent', peer, ids: gone, now: this.#now() })
    } catch (cause) {
      this.#dispatch({ type: 'send-failed', peer, reason: reasonOf(cause), jitter: this.#jitter(), now: this.#now() })
    }
  }

  async #catchUp(peer: MemberId, link: Carried, alliance: string): Promise<void> {
    const { client, charters, directory } = this.#parts
    const to = this.#target(link)
    if (!to) return
    const result = await catchUp({ client, charters, directory }, to, alliance)
    if (result === 'installed' || result === 'known' || result === 'fork')
      this.#dispatch({ type: 'caught-up', peer, alliance, now: this.#now() })
  }

  /** What the state machine found in what the author signed, or that nothing fresh of it comes any more. */
  async #alarm(link: Carried, { kind, log, message }: Extract<Effect, { type: 'alarm' }>): Promise<void> {
    const { context } = this.#parts
    if (kind === 'stale') return context.alarm(kind, link.carrier, this.#silence(link, 'has expired'))
    const to = this.#target(link)
    const evidence = log === undefined || !to ? undefined : await offeredEvidence(this.#parts, to, log)
    await context.alarm(kind, link.author, message, {
      ...(log ? { log } : {}),
      ...(evidence === undefined ? {} : { evidence }),
    })
  }

  /** A carrier that never had anything of an author is told of as one whose list has expired. */
  #tellSilence(): void {
    for (const [peer, link] of this.#links) {
      const isSilent = (this.#state.peers.get(peer)?.seen ?? null) === null
      if (link.isSilenceTold || !isSilent || this.#now() - link.since < SNAPSHOT_FRESH_MS) continue
      link.isSilenceTold = true
      void this.#parts.context.alarm('stale', link.carrier, this.#silence(link, 'never came'))
    }
  }

  #silence({ author, carrier }: Carried, what: string): string {
    const [from, by] = [this.#slugOf(author), this.#slugOf(carrier)]
    return `The list of ${from} that ${by} carries ${what}: ${from} does not reach ${by}, or ${by} holds it back`
  }

  /** What a carrier shows that its author did not sign so, or that is older than what it showed before: told once a while. */
  async #accuse(link: Carried, cause: unknown, shown: Json | undefined): Promise<void> {
    if (!(cause instanceof LogError) || cause.code === 'SNAPSHOT_BASE' || cause.code === 'SNAPSHOT_AHEAD') return
    const now = this.#now()
    if (now - (link.accused.get(cause.code) ?? -Infinity) < SNAPSHOT_FRESH_MS) return
    link.accused.set(cause.code, now)
    const kind =
      cause.code === 'SIGNATURE_INVALID'
        ? 'bad-signature'
        : cause.code === 'SNAPSHOT_REPLAYED'
          ? 'rollback'
          : 'bad-answer'
    const message = `${this.#slugOf(link.carrier)}, which carries ${this.#slugOf(link.author)}: ${cause.message}`
    const evidence = { carries: link.author, shown: shown ?? null, newest: link.newest }
    await this.#parts.context.alarm(kind, link.carrier, message, { evidence })
  }

  /** A log that stands in the list and is not given: a carrier hands on no list before it holds what that names. */
  async #missing(link: Carried, log: LogId, cause: unknown): Promise<void> {
    if (!(cause instanceof FederationError) || cause.details['status'] !== 404) return
    const now = this.#now()
    const first = link.refused.get(log) ?? now
    link.refused.set(log, first)
    if (now - first < WITHHELD_AFTER_MS || link.told.has(log)) return
    link.told.add(log)
    const [by, from] = [this.#slugOf(link.carrier), this.#slugOf(link.author)]
    const snapshot = this.#parts.signedRows.of(carriedLink(link.author, link.carrier), log)
    const evidence = { carries: link.author, snapshot: (snapshot ?? null) as unknown as Json }
    const message = `${by} does not give a log that stands in the list of ${from} which it carries`
    await this.#parts.context.alarm('omission', link.carrier, message, { log, evidence })
  }

  #target({ author, carrier }: Carried): Target | undefined {
    const to = this.#parts.target(carrier)
    return to && { ...to, carries: author }
  }

  #slugOf(member: MemberId): string {
    return this.#parts.directory.member(member)?.slug ?? member
  }

  #now(): Millis {
    return this.#parts.context.now()
  }

  #jitter(): number {
    return this.#parts.context.jitter()
  }
}

const newLink = (author: MemberId, carrier: MemberId, since: Millis): Carried => ({
  ...{ author, carrier, since, newest: 0, pushed: 0, isAsking: false, isSilenceTold: false },
  ...{ accused: new Map(), refused: new Map(), told: new Set() },
})

const reasonOf = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause))
