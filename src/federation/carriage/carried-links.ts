import { isJsonObject, type Json, type MemberId, type Millis, parseJson, utf8 } from '#base'
import { type Envelope, LogError, parseEnvelope, type Snapshot, SNAPSHOT_FRESH_MS } from '#log'
import { catchUp } from '../alliance/exchange.ts'
import type { LinkState } from '../api.ts'
import { offeredEvidence } from '../evidence/offered.ts'
import { JSON_LIMITS } from '../limits.ts'
import type { Target } from '../link-client.ts'
import { machineSettings, type Effect, type LinkEvent, type MachineState } from '../machine-state.ts'
import { initialState, linkStateOf, nextWake, step } from '../machine.ts'
import { MirrorFault } from '../mirror-state.ts'
import type { ShellParts } from '../shell-parts.ts'
import { CarrierFaults } from './carrier-faults.ts'
import { type FollowedRows, FollowedList, offeredBy } from './followed-list.ts'
import { carriedLink } from './carriers.ts'
import { type Carrying, OutOfReach } from './out-of-reach.ts'

/** Steps of one list: more than any author's limits allow. */
const STEPS_MOST = 1_000
/** Between ticks at least. */
const TICK_LEAST_MS = 10

/** What these links work with. */
export interface CarriedLinkParts extends Pick<
  ShellParts,
  | 'context'
  | 'directory'
  | 'charters'
  | 'heads'
  | 'client'
  | 'mirrors'
  | 'outbox'
  | 'quotas'
  | 'keyStatements'
  | 'signedRows'
  | 'onEnds'
> {
  /** Members whose logs come from themselves. */
  up: () => MemberId[]
  target: (member: MemberId) => Target | undefined
  /** Statements for an author went to its carrier. */
  onSent: (author: MemberId, ids: readonly number[]) => void
}

/** One author that is read through one carrier. */
interface Carried extends Carrying {
  since: Millis
  list: FollowedList
  isAsking: boolean
  isSilenceTold: boolean
}

/**
 * Links to authors whom this node can't reach, through the members that a charter names as carriers: the same state machine
 * as for links to members, over requests to the carrier. A link to the author itself, when there is one, ends them.
 * @see docs/wire.md, Carriers
 */
export class CarriedLinks {
  readonly #parts: CarriedLinkParts
  readonly #faults: CarrierFaults
  readonly #links = new Map<MemberId, Carried>()
  readonly #outOfReach: OutOfReach
  #state: MachineState
  #timer: unknown
  #isStarted = false
  #isStopped = false

  constructor(parts: CarriedLinkParts) {
    this.#parts = parts
    this.#faults = new CarrierFaults(parts.context, parts.directory, parts.signedRows)
    this.#outOfReach = new OutOfReach(parts.directory)
    this.#state = initialState(machineSettings(parts.context.limits))
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
    const wanted = this.#outOfReach.carryings(this.#parts.up, this.#now())
    for (const [peer] of this.#links)
      if (!wanted.has(peer)) {
        this.#links.delete(peer)
        this.#parts.signedRows.forget(peer)
        this.#dispatch({ type: 'peer-removed', peer })
      }
    for (const [peer, of] of wanted) if (this.#parts.target(of.carrier)) this.#add(peer, of)
    this.#schedule()
  }

  /** A snapshot of an author came on a carrier's stream. */
  async push(carrier: MemberId, envelope: Json): Promise<void> {
    const { author } = parseEnvelope(envelope).statement as unknown as Snapshot
    const peer = carriedLink(author, carrier)
    const link = this.#links.get(peer)
    if (!link) return
    try {
      const taken = link.list.pushed(envelope, this.#expected(link))
      if (taken === 'unknown') return await this.#ask(peer)
      if (taken !== 'goes-on') this.#follow(peer, taken)
    } catch (cause) {
      if (cause instanceof LogError && cause.code === 'SNAPSHOT_BASE') link.list.forget()
      const { client, keyStatements, onEnds } = this.#parts
      const to = this.#target(link)
      if (to && (await keyStatements.learnedAfter(cause, client, to, onEnds))) return this.#ask(peer)
      await this.#faults.refused(link, cause, envelope)
    }
  }

  /** A carrier's stream was opened: what it sent before is asked for. */
  met(carrier: MemberId): void {
    for (const [peer, link] of this.#links) if (link.carrier === carrier) void this.#ask(peer)
  }

  #add(peer: MemberId, { author, carrier }: Carrying): void {
    const { directory, heads, quotas, outbox } = this.#parts
    const address = this.#parts.target(carrier)?.address ?? ''
    const isKnown = this.#links.has(peer)
    if (isKnown && this.#state.peers.get(peer)?.address === address) return
    const now = this.#now()
    if (!isKnown) {
      const onVerified = (envelope: Envelope) => this.#parts.signedRows.keep(peer, envelope)
      this.#links.set(peer, newLink({ author, carrier }, now, onVerified))
    }
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
    if (this.#isStopped) return
    const now = this.#now()
    const times = [this.#outOfReach.nextAt(now)]
    for (const { since, isSilenceTold } of this.#links.values())
      if (!isSilenceTold) times.push(since + SNAPSHOT_FRESH_MS)
    const wake = Math.min(nextWake(this.#state) ?? Infinity, ...times)
    if (wake === Infinity) return
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
    const [sent, least] = [this.#now(), link.list.newest]
    let shown: Json | undefined
    try {
      for (let steps = 0; ; steps++) {
        if (steps === STEPS_MOST) throw new Error('the list of logs does not end')
        const about = link.list.since
        const since = about === undefined ? '' : `&since=${about}`
        shown = parseJson(await this.#parts.client.get(to, `/link/v1/logs?author=${link.author}${since}`), JSON_LIMITS)
        const taken = link.list.answered(shown, this.#expected(link), least)
        if (taken === 'unknown' && link.list.since === about)
          throw new LogError('SNAPSHOT_FOREIGN', 'The snapshot does not follow the one asked about')
        if (typeof taken === 'string') continue
        this.#follow(peer, taken, sent)
        break
      }
    } catch (cause) {
      link.isAsking = false
      const { client, keyStatements, onEnds } = this.#parts
      if (await keyStatements.learnedAfter(cause, client, to, onEnds)) return this.#ask(peer)
      if (cause instanceof LogError && cause.code === 'SNAPSHOT_BASE') link.list.forget()
      await this.#faults.refused(link, cause, shown)
      this.#dispatch({ type: 'ask-failed', peer, reason: reasonOf(cause), jitter: this.#jitter(), now: this.#now() })
    } finally {
      link.isAsking = false
    }
  }

  #expected({ author, carrier: via }: Carried) {
    const { context, directory } = this.#parts
    const now = this.#now()
    return { author, reader: context.self.member, via, publicKeys: directory.nodeKeys(author, now), now }
  }

  /** The newest list of an author is known. */
  #follow(peer: MemberId, rows: FollowedRows, sent?: Millis): void {
    const { directory, charters, heads } = this.#parts
    const { sequence, time, expires, charters: named } = rows.snapshot
    const unknownCharters = Object.entries(named)
      .filter(([alliance, hash]) => directory.charter(alliance) && !charters.knows(alliance, hash))
      .map(([alliance]) => alliance)
    const offered = offeredBy(rows, (log) => heads.get(log))
    const [now, asked] = [this.#now(), sent === undefined ? {} : { sent }]
    this.#dispatch({ type: 'snapshot', peer, sequence, time, expires, offered, unknownCharters, now, ...asked })
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
      this.#faults.given(link, log)
      const [use, bytes] = [heads.use(link.author), Math.max(0, (heads.get(log)?.bytes ?? 0) - held)]
      this.#dispatch({ type: 'mirrored', peer, log, head, bytes, use, now: this.#now() })
    } catch (cause) {
      const [reason, jitter] = [reasonOf(cause), this.#jitter()]
      if (!(cause instanceof MirrorFault))
        context.log('debug', 'A log could not be had from a carrier', { peer: link.carrier, log, cause: reason })
      await this.#faults.missed(link, log, cause)
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
    if (kind === 'stale') return this.#faults.silent(link, 'has expired')
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
      if (link.isSilenceTold || this.#now() - link.since < SNAPSHOT_FRESH_MS) continue
      link.isSilenceTold = true
      if (isSilent) void this.#faults.silent(link, 'never came')
    }
  }

  #target({ author, carrier }: Carried): Target | undefined {
    const to = this.#parts.target(carrier)
    return to && { ...to, carries: author }
  }

  #now(): Millis {
    return this.#parts.context.now()
  }

  #jitter(): number {
    return this.#parts.context.jitter()
  }
}

const newLink = (
  { author, carrier }: { author: MemberId; carrier: MemberId },
  since: Millis,
  onVerified: (envelope: Envelope) => void,
): Carried => ({
  author,
  carrier,
  since,
  list: new FollowedList(onVerified),
  isAsking: false,
  isSilenceTold: false,
})

const reasonOf = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause))
