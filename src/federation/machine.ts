import type { LogId, Millis } from '#base'
import type { AlarmKind, LinkState } from './api.ts'
import { backoff, untilNextTry } from './backoff.ts'
import { type ClockSample, estimateOf, isSettled, withSample } from './clock-offset.ts'
import { EMPTY_QUEUE, hasWaiting, isBehind, lagOf, lagWith, NO_LAG, takeTurns } from './fetch-turns.ts'
import { LogMap } from './log-map.ts'
import type { Effect, LinkEvent, MachineSettings, MachineState, PeerState, Step } from './machine-state.ts'
import { BACKLOG_ENTRIES_MOST, NO_USE, openAccount, spent, UNLIMITED, withLimits } from './quota.ts'

/** Between two asks while the peer's clock is not known well. */
const CLOCK_AGAIN_MS = 1_000
/** Receipts of a backlog of logs go out together this often: each request of theirs costs its receiver two syncs of its disk. */
const TOGETHER_MS = 250
/** Polls that the stream's snapshots may stand in for until the peer's clock is looked at again. */
const CLOCK_POLLS = 5

/** A node without peers. */
export function initialState(settings: MachineSettings): MachineState {
  return { settings, peers: new Map() }
}

/**
 * The link protocol as a pure function: (state, event) → (state, effects), for one node with many peers.
 *
 * One peer's way: `peer-added` → effect `ask` → event `snapshot` → effects `fetch` for each log that is behind and
 * `open-stream` → event `mirrored` when a batch is durable → effect `send` of the receipts that became due. Every
 * failure sets that peer's own retry time; nothing one peer does is waited for by another.
 * @see FEDERATION.md
 *
 * Applies one event; never throws, never looks at clock or randomness but those in the event.
 */
export function step(state: MachineState, event: LinkEvent): Step {
  if (event.type === 'tick') return tick(state, event.now)
  if (event.type === 'peer-added') return added(state, event)
  const peer = state.peers.get(event.peer)
  if (!peer) return { state, effects: [] }
  if (event.type === 'peer-removed') {
    const peers = new Map(state.peers)
    peers.delete(event.peer)
    return { state: { ...state, peers }, effects: [{ type: 'close-stream', peer: event.peer }] }
  }
  const before = standingOf(peer, event.now)
  const { next, effects } = change(state.settings, peer, event)
  const more = work(state.settings, next, event.now)
  const after = standingOf(more.next, event.now)
  if (after !== before || event.type === 'snapshot' || event.type === 'mirrored')
    more.effects.push({ type: 'link-changed', peer: peer.peer })
  return {
    state: { ...state, peers: new Map(state.peers).set(peer.peer, more.next) },
    effects: [...effects, ...more.effects],
  }
}

/** The earliest time at which a `tick` would do something. */
export function nextWake(state: MachineState): Millis | undefined {
  let wake = Infinity
  for (const peer of state.peers.values()) wake = Math.min(wake, wakeOf(state.settings, peer))
  return wake === Infinity ? undefined : wake
}

/** The earliest time at which a `tick` would do something for one peer; Infinity where none would. */
export function wakeOf({ fetches }: MachineSettings, peer: PeerState): Millis {
  let wake = Infinity
  const at = (time: Millis) => {
    if (time < wake) wake = time
  }
  if (!peer.asking && peer.address !== '') at(peer.askAt)
  if (peer.seen !== null && !peer.staleAlarmed) at(peer.expires)
  if (peer.seen === null || peer.failures > 0 || peer.calls) return wake
  if (peer.stream === 'closed' && !peer.asking) at(peer.streamAt)
  if (peer.ahead.size > 0) at(peer.catchUpAt)
  if (peer.outbox.length > 0 && !peer.sending) at(peer.sendAt)
  if (peer.fetching.size >= fetches) return wake
  if (peer.paceAt !== undefined) at(peer.paceAt)
  for (const [log, { until }] of peer.blocked)
    if (!peer.fetching.has(log) && isBehind(peer, log)) at(Math.max(until, peer.fetchAt))
  if (peer.fetchFailures > fetches && hasWaiting(peer)) at(peer.fetchAt)
  return wake
}

/** Whether a link stands. */
export function standingOf(peer: PeerState, now: Millis): LinkState['state'] {
  if (peer.failures > 0 && !peer.calls) return 'down'
  if (peer.seen === null) return 'connecting'
  return now >= peer.expires ? 'stale' : 'up'
}

/** What `links()` shows of a peer. */
export function linkStateOf(peer: PeerState, now: Millis): LinkState {
  const state = standingOf(peer, now)
  return {
    peer: peer.peer,
    slug: peer.slug,
    address: peer.address,
    state,
    lagEntries: peer.lag.entries,
    ...estimateOf(peer.clock),
    lastSeen: peer.seen,
    failures: peer.failures,
    ...(peer.lastError === undefined ? {} : { lastError: peer.lastError }),
    charterDiffers: [...peer.ahead],
    ...(peer.calls ? { way: 'offer' as const } : {}),
    ...(peer.account.state.state === 'ok' ? {} : { quota: peer.account.state }),
  }
}

type PeerEvent = Exclude<LinkEvent, { type: 'tick' | 'peer-added' | 'peer-removed' }>
interface PeerStep {
  next: PeerState
  effects: Effect[]
}

function added(state: MachineState, event: Extract<LinkEvent, { type: 'peer-added' }>): Step {
  const known = state.peers.get(event.peer)
  if (known && known.address === event.address) return { state, effects: [] }
  const { limits, use, backlog } = event.quota ?? { limits: UNLIMITED, use: NO_USE, backlog: 0 }
  const fresh: PeerState = {
    peer: event.peer,
    slug: event.slug,
    address: event.address,
    calls: false,
    asking: false,
    stream: 'closed',
    streamFailures: 0,
    streamOpened: 0,
    streamAt: event.now,
    failures: 0,
    askAt: event.now,
    seen: null,
    clock: [],
    expires: 0,
    staleAlarmed: false,
    offered: new Map(),
    held: LogMap.of(event.held),
    lag: NO_LAG,
    fetching: new Set(),
    blocked: new Map(),
    fetchFailures: 0,
    fetchAt: event.now,
    outbox: known?.outbox ?? [],
    sending: false,
    sendFailures: 0,
    sendAt: event.now,
    ahead: new Set(),
    catchUps: 0,
    catchUpAt: event.now,
    account: known?.account ?? openAccount(limits, use, event.now, backlog),
    turns: known?.turns ?? LogMap.of(),
    turnCount: known?.turnCount ?? 0,
    queue: EMPTY_QUEUE,
    passed: LogMap.of(),
    told: known?.told ?? {},
  }
  const { next, effects } = work(state.settings, fresh, event.now)
  const close: Effect[] = known ? [{ type: 'close-stream', peer: event.peer }] : []
  return {
    state: { ...state, peers: new Map(state.peers).set(event.peer, next) },
    effects: [...close, ...effects, { type: 'link-changed', peer: event.peer }],
  }
}

function tick(state: MachineState, now: Millis): Step {
  const peers = new Map(state.peers)
  const effects: Effect[] = []
  for (const peer of state.peers.values()) {
    const done = work(state.settings, peer, now)
    if (done.next !== peer) peers.set(peer.peer, done.next)
    effects.push(...done.effects)
  }
  return { state: { ...state, peers }, effects }
}

function change(settings: MachineSettings, peer: PeerState, event: PeerEvent): PeerStep {
  switch (event.type) {
    case 'snapshot':
      return applySnapshot(settings, peer, event)
    case 'ask-failed':
      return {
        next: {
          ...failed({ ...peer, asking: false }, settings, event),
          ...(event.clock ? { clock: withSample(peer.clock, event.clock) } : {}),
        },
        effects: [],
      }
    case 'stream-opened':
      return { next: { ...peer, stream: 'open', streamOpened: event.now }, effects: [] }
    case 'stream-closed': {
      // The next answer to an ask opens it again; a peer whose streams don't open or don't last is asked ever more slowly.
      const hasLasted = peer.stream === 'open' && event.now - peer.streamOpened >= settings.backoff.maxMs
      const streamFailures = hasLasted ? 1 : peer.streamFailures + 1
      const streamAt = event.now + backoff(settings.backoff, streamFailures, event.jitter)
      const askAt = Math.max(event.now, Math.min(peer.askAt, streamAt))
      return { next: { ...peer, stream: 'closed', streamFailures, streamAt, askAt }, effects: [] }
    }
    case 'alive':
      return { next: { ...peer, seen: Math.max(peer.seen ?? 0, event.now) }, effects: [] }
    case 'mirrored': {
      const held = peer.held.with(event.log, event.head)
      const entries = Math.max(0, event.head.size - (peer.held.get(event.log)?.size ?? 0))
      const { use = peer.account.use, bytes = 0 } = event
      const account = { ...spent(peer.account, entries, bytes, event.now), use }
      const done = { fetchFailures: 0, fetchAt: event.now, ...settled(peer, event.log) }
      return { next: { ...peer, held, lag: lagWith(peer, event.log, event.head), account, ...done }, effects: [] }
    }
    case 'passed': {
      const from = peer.passed.get(event.log) ?? peer.held.get(event.log)?.size ?? 0
      const paid = spent(peer.account, Math.max(0, event.size - from), event.bytes, event.now)
      const passed = peer.passed.with(event.log, event.size)
      const done = { fetchFailures: 0, fetchAt: event.now, ...settled(peer, event.log) }
      return { next: { ...peer, account: { ...paid, use: event.use }, passed, ...done }, effects: [] }
    }
    case 'quota': {
      const account = { ...withLimits(peer.account, event.limits, event.now), use: event.use }
      return { next: { ...peer, account }, effects: [] }
    }
    case 'fetch-failed': {
      const failures = (peer.blocked.get(event.log)?.failures ?? 0) + 1
      const until = event.now + backoff(settings.backoff, failures, event.jitter)
      const { fetching } = settled(peer, event.log)
      const blocked = new Map(peer.blocked).set(event.log, { until, failures })
      const fetchFailures = peer.fetchFailures + 1
      const beyond = fetchFailures - settings.fetches
      const fetchAt = event.now + (beyond > 0 ? backoff(settings.backoff, beyond, event.jitter) : 0)
      return { next: { ...peer, fetching, blocked, fetchFailures, fetchAt, lastError: event.reason }, effects: [] }
    }
    case 'due':
      return { next: { ...peer, outbox: [...peer.outbox, event.id] }, effects: [] }
    case 'sent': {
      const done = new Set(event.ids)
      const outbox = peer.outbox.filter((id) => !done.has(id))
      const sendAt = event.now + (peer.lag.logs > settings.fetches ? TOGETHER_MS : 0)
      return { next: { ...peer, sending: false, sendFailures: 0, sendAt, outbox }, effects: [] }
    }
    case 'send-failed': {
      const sendFailures = peer.sendFailures + 1
      const sendAt = event.now + backoff(settings.backoff, sendFailures + 2, event.jitter)
      return { next: { ...peer, sending: false, sendFailures, sendAt, lastError: event.reason }, effects: [] }
    }
    case 'caught-up': {
      const ahead = new Set(peer.ahead)
      ahead.delete(event.alliance)
      return { next: { ...peer, ahead, catchUps: ahead.size > 0 ? peer.catchUps : 0 }, effects: [] }
    }
  }
}

function applySnapshot(
  settings: MachineSettings,
  peer: PeerState,
  event: Extract<LinkEvent, { type: 'snapshot' }>,
): PeerStep {
  const { sent, now, isOffer = false } = event
  const asked = sent !== undefined
  const clock = asked ? withSample(peer.clock, { sent, time: event.time, now }) : peer.clock
  const askAt = asked || isSettled(clock) ? nextAsk(settings, clock, now) : peer.askAt
  const done = asked ? { ...peer, asking: false, askAt, clock } : peer
  // An answer and a push can cross: the older one says nothing new.
  if (peer.sequence !== undefined && event.sequence <= peer.sequence) return { next: done, effects: [] }
  const effects: Effect[] = []
  for (const [log, row] of event.offered) {
    const held = peer.held.get(log)
    if (held && row.size < held.size)
      effects.push(alarm(peer, 'rollback', log, `offers ${row.size} entries of a log of which it signed ${held.size}`))
    else if (held && row.size === held.size && row.root !== held.root)
      effects.push(alarm(peer, 'fork', log, `offers another root for ${row.size} entries than it signed before`))
  }
  const ahead = new Set(event.unknownCharters)
  const backlog = backlogOf(peer, event.offered)
  if (backlog > 0) effects.push({ type: 'backlog', peer: peer.peer, entries: backlog })
  const next: PeerState = {
    ...done,
    ...(backlog > 0 ? { account: { ...peer.account, backlog } } : {}),
    // What the peer posts tells nothing of the way to it.
    ...(isOffer ? { calls: true } : { calls: false, failures: 0, askAt }),
    seen: event.now,
    sequence: event.sequence,
    expires: event.expires,
    staleAlarmed: false,
    offered: event.offered,
    lag: lagOf(event.offered, peer.held),
    queue: EMPTY_QUEUE,
    ahead,
  }
  if (!isOffer || peer.address === '') delete (next as { lastError?: string }).lastError
  return { next, effects }
}

/** Everything that can be begun now for one peer. */
function work(settings: MachineSettings, peer: PeerState, now: Millis): PeerStep {
  let next = peer
  const effects: Effect[] = []
  if (next.seen !== null && now >= next.expires && !next.staleAlarmed) {
    next = { ...next, staleAlarmed: true }
    effects.push(alarm(next, 'stale', undefined, 'its last snapshot has expired: what it publishes now may be hidden'))
  }
  const isDue = (at: Millis) => now >= at || at - now > longestWait(settings)
  if (!next.asking && next.address !== '' && isDue(next.askAt)) {
    next = { ...next, asking: true }
    effects.push({ type: 'ask', peer: next.peer, ...since(next) })
  }
  if (next.calls) {
    const turns = takeTurns(settings, next, now)
    return { next: turns.next, effects: [...effects, ...turns.effects] }
  }
  if (next.seen === null || next.failures > 0) return { next, effects }
  if (next.ahead.size > 0 && isDue(next.catchUpAt)) {
    const catchUps = next.catchUps + 1
    next = { ...next, catchUps, catchUpAt: now + backoff({ ...settings.backoff, maxMs: settings.pollMs }, catchUps, 1) }
    for (const alliance of next.ahead) effects.push({ type: 'catch-up', peer: next.peer, alliance })
  }
  if (next.stream === 'closed' && !next.asking && isDue(next.streamAt)) {
    next = { ...next, stream: 'opening' }
    effects.push({ type: 'open-stream', peer: next.peer, ...since(next) })
  }
  if (isDue(next.fetchAt)) {
    const turns = takeTurns(settings, next, now)
    next = turns.next
    effects.push(...turns.effects)
  }
  if (next.outbox.length > 0 && !next.sending && isDue(next.sendAt)) {
    next = { ...next, sending: true }
    effects.push({ type: 'send', peer: next.peer, ids: next.outbox.slice(0, settings.sendMost) })
  }
  return { next, effects }
}

/** What an author has to tell whom nothing of it is held: its first sync, which is no flood. */
function backlogOf(peer: PeerState, offered: PeerState['offered']): number {
  if (peer.sequence !== undefined || peer.held.size > 0 || peer.account.limits === UNLIMITED) return 0
  const entries = [...offered.values()].reduce((sum, { size }) => sum + size, 0)
  return Math.min(entries, BACKLOG_ENTRIES_MOST)
}

function failed(peer: PeerState, settings: MachineSettings, event: { reason: string; jitter: number; now: Millis }) {
  const failures = peer.failures + 1
  const askAt = event.now + untilNextTry(settings.backoff, failures, event.jitter)
  return { ...peer, failures, askAt, lastError: event.reason }
}

function settled(peer: PeerState, log: LogId): Pick<PeerState, 'fetching' | 'blocked' | 'queue'> {
  const fetching = new Set(peer.fetching)
  fetching.delete(log)
  const queue = { ...peer.queue, isOld: true }
  if (!peer.blocked.has(log)) return { fetching, blocked: peer.blocked, queue }
  const blocked = new Map(peer.blocked)
  blocked.delete(log)
  return { fetching, blocked, queue }
}

/** Soon again while the peer's clock is not known well, and never so late that what is known of it is out of date. */
function nextAsk(settings: MachineSettings, clock: readonly ClockSample[], now: Millis): Millis {
  const newest = clock.at(-1)?.at ?? now
  const latest = isSettled(clock) ? newest + CLOCK_POLLS * settings.pollMs : now + CLOCK_AGAIN_MS
  return Math.max(now, Math.min(now + settings.pollMs, latest))
}

/** No wait is ever longer: one that seems so was set before the clock was set back. */
const longestWait = ({ pollMs, backoff: { maxMs } }: MachineSettings) => Math.max(pollMs, maxMs)

const since = (peer: PeerState) => (peer.sequence === undefined ? {} : { since: peer.sequence })

function alarm(peer: PeerState, kind: AlarmKind, log: LogId | undefined, what: string): Effect {
  return { type: 'alarm', peer: peer.peer, kind, ...(log ? { log } : {}), message: `${peer.slug} ${what}` }
}
