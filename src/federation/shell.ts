import { type Json, type LogId, type MemberId, type Millis, parseJson, type Slug } from '#base'
import { type Envelope, LogError, type LogRow, SNAPSHOT_FRESH_MS } from '#log'
import type { LinkState } from './api.ts'
import { CatchUps } from './alliance/catch-ups.ts'
import { openTimed, readingOf } from './clock-fault.ts'
import { FederationError } from './error.ts'
import { parseEvents } from './event-stream.ts'
import { JSON_LIMITS } from './limits.ts'
import { clockReasonAmong, LinkAlarms } from './link-alarms.ts'
import type { Target } from './link-client.ts'
import { machineSettings, type Effect, type Head, type LinkEvent, type MachineState } from './machine-state.ts'
import { offeredList, type OfferedList } from './offered-list.ts'
import { initialState, linkStateOf, nextWake, standingOf, step, wakeOf } from './machine.ts'
import { MirrorFault } from './mirror-state.ts'
import { type Turn, turnOf } from './quota.ts'
import type { ShellParts } from './shell-parts.ts'
import { paced } from './stream-pace.ts'
import { toInline } from './server/inline.ts'

/** A tick that finds nothing to do must not be followed by another at once. */
const TICK_LEAST_MS = 10

/** A snapshot that deltas are applied to. */
interface Base {
  sequence: number
  logs: LogRow[]
}

/**
 * The thin shell around the link state machine: turns its effects into requests, commits and timers, and what comes of
 * them into events. It decides nothing itself.
 */
export class LinkShell {
  readonly #parts: ShellParts
  readonly #alarms: LinkAlarms
  #state: MachineState
  readonly #streams = new Map<MemberId, AbortController>()
  /** Peers whose last change could not be applied: the whole list is asked for. */
  readonly #whole = new Set<MemberId>()
  readonly #catchUps: CatchUps
  #timer: unknown
  /** When the timer is due. */
  #wakeAt = 0
  #stopped = false

  constructor(parts: ShellParts) {
    this.#parts = parts
    this.#alarms = new LinkAlarms(parts)
    this.#catchUps = new CatchUps(parts)
    this.#state = initialState(machineSettings(parts.context.limits))
    parts.outbox.onDue((peer, id, now) => this.#dispatch({ type: 'due', peer, id, now }))
  }

  links(): LinkState[] {
    const now = this.#now()
    return [...this.#state.peers.values()].map((peer) => linkStateOf(peer, now))
  }

  /** Members whose logs come from themselves. */
  up(): MemberId[] {
    const now = this.#now()
    return [...this.#state.peers.values()].flatMap((peer) => (standingOf(peer, now) === 'up' ? [peer.peer] : []))
  }

  /** What a peer's newest list offers. */
  listOf(peer: MemberId): OfferedList | undefined {
    return offeredList(this.#state.peers.get(peer), this.#parts.signedRows.newest(peer), this.#now())
  }

  /** Whether this node calls a member, and reaches it. */
  isCalled(member: MemberId): boolean {
    const peer = this.#state.peers.get(member)
    return peer !== undefined && !peer.calls && peer.address !== '' && standingOf(peer, this.#now()) === 'up'
  }

  /** Alliances in which a peer named a charter that is yet to be caught up with. */
  ahead(peer: MemberId): ReadonlySet<Slug> {
    return this.#state.peers.get(peer)?.ahead ?? new Set()
  }

  /** Whether a newer charter of an alliance was heard of, from whomever, and the first try to have it is under way. */
  isCatchingUp(alliance: string): boolean {
    return this.#catchUps.isFirstTry(alliance)
  }

  /** A charter came into force, from wherever: who named it is served again. */
  charterChanged(alliance: Slug): void {
    for (const [peer, { ahead }] of this.#state.peers)
      if (ahead.has(alliance) && this.#parts.isKnown(peer, alliance))
        this.#dispatch({ type: 'caught-up', peer, alliance, now: this.#now() })
  }

  target(peer: MemberId): Target | undefined {
    const address = this.#state.peers.get(peer)?.address ?? ''
    return address === '' ? undefined : { member: peer, address }
  }

  add(peer: MemberId, slug: string, address: string): void {
    if (this.#stopped) return
    const isKnown = this.#state.peers.has(peer)
    const held = new Map(this.#parts.heads.of(peer).map(({ log, size, root }) => [log, { size, root }]))
    const now = this.#now()
    const quota = this.#parts.quotas.of(peer)
    this.#dispatch({ type: 'peer-added', peer, slug, address, held, quota, now })
    if (!isKnown) for (const id of this.#parts.outbox.waitingFor(peer)) this.#dispatch({ type: 'due', peer, id, now })
  }

  remove(peer: MemberId): void {
    this.#dispatch({ type: 'peer-removed', peer })
  }

  /** Peers that can be called now. */
  reached(): MemberId[] {
    return [...this.#state.peers.keys()].filter((peer) => this.isCalled(peer))
  }

  /**
   * Takes the snapshot that a peer posted. Undefined where this node calls that peer itself and needs no offers.
   * @throws LogError as `openSnapshot` does
   */
  async hear(
    peer: MemberId,
    slug: string,
    envelope: Json,
  ): Promise<{ sequence: number; logs: readonly LogRow[]; ahead: ReadonlySet<string> } | undefined> {
    if (this.#stopped || this.reached().includes(peer)) return undefined
    if (!this.#state.peers.has(peer)) this.add(peer, slug, '')
    const { sequence, logs } = await this.#take(peer, envelope, this.#base(peer), { isOffer: true })
    return { sequence, logs, ahead: this.#state.peers.get(peer)?.ahead ?? new Set() }
  }

  /** A batch that a peer posted, of so many bytes, is durable. */
  mirrored(peer: MemberId, log: LogId, head: Head, bytes: number): void {
    const use = this.#parts.heads.use(peer)
    this.#dispatch({ type: 'mirrored', peer, log, head, bytes, use, now: this.#now() })
  }

  /** Whether the next batch of a log that a peer posts may be taken. */
  turn(peer: MemberId, log: LogId): Turn {
    const state = this.#state.peers.get(peer)
    const isNew = this.#parts.heads.get(log) === undefined
    return state ? turnOf(state.account, { isNew, opening: 0 }, this.#now()) : { take: 'freely' }
  }

  /** Limits of authors, or what is held of them, may have changed. */
  weigh(): void {
    for (const peer of this.#state.peers.keys()) {
      const { limits, use } = this.#parts.quotas.of(peer)
      this.#dispatch({ type: 'quota', peer, limits, use, now: this.#now() })
    }
  }

  /** Statements went to the peer in an answer. */
  handedOver(peer: MemberId, ids: readonly number[]): void {
    this.#dispatch({ type: 'sent', peer, ids, now: this.#now() })
  }

  stop(): void {
    this.#stopped = true
    this.#parts.context.timers.clear(this.#timer)
    for (const stream of this.#streams.values()) stream.abort(new Error('this node stops'))
    this.#streams.clear()
  }

  #dispatch(event: LinkEvent): void {
    if (this.#stopped) return
    const { state, effects } = step(this.#state, event)
    this.#state = state
    for (const effect of effects) this.#run(effect)
    this.#schedule(event.type === 'tick' ? undefined : event.peer)
  }

  /** Sets the timer; where one peer alone has changed, no other is looked at. */
  #schedule(changed?: MemberId): void {
    const now = this.#now()
    const peer = changed === undefined ? undefined : this.#state.peers.get(changed)
    // What was due for that peer before may have become due later: then the tick finds nothing, and looks at all of them.
    const isSet = this.#timer !== undefined && now <= this.#wakeAt
    if (isSet && peer && wakeOf(this.#state.settings, peer) >= this.#wakeAt) return
    const { timers } = this.#parts.context
    timers.clear(this.#timer)
    this.#timer = undefined
    const wake = nextWake(this.#state)
    if (wake === undefined || this.#stopped) return
    // Looks again after a poll's time whatever the clock says: it may have been set back.
    const { pollMs } = this.#parts.context.limits
    const delay = Math.min(pollMs, Math.max(TICK_LEAST_MS, wake - now))
    this.#wakeAt = now + delay
    this.#timer = timers.set(delay, () => {
      this.#timer = undefined
      this.#dispatch({ type: 'tick', now: this.#now() })
    })
  }

  #run(effect: Effect): void {
    const { context } = this.#parts
    const work = this.#perform(effect)
    work?.catch((cause: unknown) =>
      context.log('error', `The link effect ${effect.type} failed`, { peer: effect.peer, cause: String(cause) }),
    )
  }

  #perform(effect: Effect): Promise<void> | undefined {
    const { peer } = effect
    switch (effect.type) {
      case 'ask':
        return this.#ask(peer)
      case 'open-stream':
        return this.#follow(peer)
      case 'close-stream':
        this.#streams.get(peer)?.abort(new Error('the link was closed'))
        return undefined
      case 'fetch':
        return this.#fetch(effect)
      case 'send':
        return this.#send(peer, effect.ids)
      case 'backlog':
        return this.#parts.quotas.began(peer, effect.entries)
      case 'catch-up':
        return this.#catchUp(peer, effect.alliance)
      case 'alarm':
        return this.#alarms.found(effect, this.target(effect.peer))
      case 'link-changed': {
        const state = this.#state.peers.get(peer)
        if (state) this.#parts.context.emit('linkChanged', linkStateOf(state, this.#now()))
        return undefined
      }
    }
  }

  async #ask(peer: MemberId): Promise<void> {
    const to = this.target(peer)
    if (!to) return
    const base = this.#base(peer)
    const sent = this.#now()
    try {
      const query = base ? `?since=${base.sequence}` : ''
      const body = await this.#parts.client.get(to, `/link/v1/logs${query}`)
      let next = await this.#take(peer, parseJson(body, JSON_LIMITS), base, { sent })
      this.#whole.delete(peer)
      // A list that is too long for one answer comes in steps; each has something new, or there would be no next.
      while (next.hasMore && !this.#stopped) {
        const step = await this.#parts.client.get(to, `/link/v1/logs?since=${next.sequence}`)
        next = await this.#take(peer, parseJson(step, JSON_LIMITS), next)
      }
    } catch (cause) {
      const { client, keyStatements, onEnds } = this.#parts
      if (await keyStatements.learnedAfter(cause, client, to, onEnds)) return this.#ask(peer)
      if (cause instanceof LogError && cause.code === 'SNAPSHOT_BASE') this.#whole.add(peer)
      for (const alliance of lackedBy(cause)) this.#parts.onLacking(to, alliance)
      const clock = readingOf(cause, sent, this.#now())
      const reason = clock ? clockReasonAmong(this.links(), peer, clock) : reasonOf(cause)
      await this.#alarms.failed(peer, this.#state.peers.get(peer), cause, clock && reason)
      const [jitter, now] = [this.#jitter(), this.#now()]
      this.#dispatch({ type: 'ask-failed', peer, reason, jitter, now, ...(clock ? { clock } : {}) })
    }
  }

  async #follow(peer: MemberId): Promise<void> {
    const to = this.target(peer)
    if (!to) return
    const stop = new AbortController()
    this.#streams.get(peer)?.abort(new Error('another stream was opened'))
    this.#streams.set(peer, stop)
    try {
      let base = this.#base(peer)
      const query = base ? `?since=${base.sequence}` : ''
      const chunks = await this.#parts.client.stream(to, `/link/v1/stream${query}`, stop.signal)
      this.#dispatch({ type: 'stream-opened', peer, now: this.#now() })
      this.#parts.onStream(peer)
      const events = parseEvents(chunks, this.#parts.context.limits.responseBodyBytes)
      for await (const event of paced(this.#parts.context, events)) {
        if (event.event !== 'snapshot') {
          if (event.event === 'carried') this.#parts.onCarried(peer, parseJson(event.data, JSON_LIMITS))
          if (event.event === 'waiting') this.#parts.onWaiting(peer)
          this.#dispatch({ type: 'alive', peer, now: this.#now() })
          continue
        }
        const { snapshot, entries } = parseJson(event.data, JSON_LIMITS) as { snapshot: Json; entries: Json }
        for (const inline of toInline(entries)) this.#parts.mirrors.offer(peer, inline)
        base = await this.#take(peer, snapshot, base)
      }
    } catch (cause) {
      if (!stop.signal.aborted) await this.#alarms.failed(peer, this.#state.peers.get(peer), cause)
    } finally {
      if (this.#streams.get(peer) === stop) this.#streams.delete(peer)
      this.#dispatch({ type: 'stream-closed', peer, jitter: this.#jitter(), now: this.#now() })
    }
  }

  /** Verifies a snapshot and hands it to the machine; returns what the next change is applied to. */
  async #take(
    peer: MemberId,
    envelope: Json,
    base: Base | undefined,
    how: { sent?: Millis; isOffer?: true } = {},
  ): Promise<Base & { hasMore: boolean }> {
    const { context, directory, charters } = this.#parts
    const now = this.#now()
    const { snapshot, logs } = openTimed(envelope, {
      author: peer,
      reader: context.self.member,
      publicKeys: directory.nodeKeys(peer, now),
      now,
      ...(base ? { last: base } : {}),
    })
    // Opening it found it to be one.
    this.#parts.signedRows.keep(peer, envelope as unknown as Envelope)
    const unknownCharters = Object.entries(snapshot.charters)
      .filter(([alliance, hash]) => directory.charter(alliance) && !charters.knows(alliance, hash))
      .map(([alliance]) => alliance)
    this.#parts.onCharters(peer, snapshot.charters)
    const offered = new Map(logs.map(({ log, size, root }) => [log, { size, root }]))
    const { sequence, time, expires } = snapshot
    this.#dispatch({ type: 'snapshot', peer, sequence, time, expires, offered, unknownCharters, now, ...how })
    return { sequence, logs, hasMore: snapshot['more'] === true }
  }

  async #fetch(effect: Extract<Effect, { type: 'fetch' }>): Promise<void> {
    const { peer, log, offered } = effect
    const to = this.target(peer)
    if (!to) return
    try {
      const { mirrors, heads, watch } = this.#parts
      if (effect.only) {
        const read = await watch.pass(to, log, offered)
        this.#dispatch({ type: 'passed', peer, log, ...read, use: heads.use(peer), now: this.#now() })
        return
      }
      const held = heads.get(log)?.bytes ?? 0
      watch.forget(log)
      const head = await mirrors.extend(to, log, offered)
      this.mirrored(peer, log, head, Math.max(0, (heads.get(log)?.bytes ?? 0) - held))
    } catch (cause) {
      if (!(cause instanceof MirrorFault))
        this.#parts.context.log('warn', 'A mirror could not be extended', { peer, log, cause: reasonOf(cause) })
      this.#dispatch({
        type: 'fetch-failed',
        peer,
        log,
        reason: reasonOf(cause),
        jitter: this.#jitter(),
        now: this.#now(),
      })
    }
  }

  async #send(peer: MemberId, ids: readonly number[]): Promise<void> {
    const { outbox, client } = this.#parts
    try {
      const to = this.target(peer)
      if (!to) throw new Error('the link is gone')
      const most = await outbox.post(client, to, ids)
      this.#dispatch({ type: 'sent', peer, ids: most, now: this.#now() })
    } catch (cause) {
      this.#dispatch({ type: 'send-failed', peer, reason: reasonOf(cause), jitter: this.#jitter(), now: this.#now() })
    }
  }

  async #catchUp(peer: MemberId, alliance: string): Promise<void> {
    const to = this.target(peer)
    const isFirst = (this.#state.peers.get(peer)?.catchUps ?? 0) <= 1
    if (to && (await this.#catchUps.run(to, alliance, isFirst)))
      this.#dispatch({ type: 'caught-up', peer, alliance, now: this.#now() })
  }

  /** What changed since this peer's last snapshot can be asked for as long as that is fresh. */
  #base(peer: MemberId): Base | undefined {
    const state = this.#state.peers.get(peer)
    if (state?.sequence === undefined || this.#whole.has(peer)) return undefined
    if (this.#now() > state.expires + SNAPSHOT_FRESH_MS) return undefined
    return { sequence: state.sequence, logs: [...state.offered].map(([log, head]) => ({ log, ...head })) }
  }

  #now(): Millis {
    return this.#parts.context.now()
  }

  #jitter(): number {
    return this.#parts.context.jitter()
  }
}

const lackedBy = (cause: unknown) =>
  cause instanceof FederationError ? ((cause.details['lacks'] as Slug[] | undefined) ?? []) : []
const reasonOf = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause))
