import type { LogId, Millis } from '#base'
import { LogMap } from './log-map.ts'
import type { Effect, Head, MachineSettings, PeerState } from './machine-state.ts'
import { paceOf, type Turn, turnOf } from './quota.ts'
import type { QuotaName, QuotaState } from './quota-limits.ts'

/** An author that is held back again and again is told of once in this time. */
const TOLD_AGAIN_MS = 600_000

/** How far what is held of a peer is behind what it offers. */
export interface Lag {
  /** Logs that are behind. */
  readonly logs: number
  /** Of those, logs of which nothing is held. */
  readonly fresh: number
  readonly entries: number
}

/**
 * Logs that wait, those that waited longest first. It is made anew once it is used up or another list is offered: so a
 * batch costs the same, whether its author has ten logs or ten thousand.
 */
export interface TurnQueue {
  readonly logs: readonly LogId[]
  /** What stands before has had its turn, or waits no more. */
  readonly at: number
  /** The count of turns when it was made: a log that was taken from later stands in the next one. */
  readonly upTo: number
  /** A log waits again that was under way when it was made. */
  readonly isOld: boolean
}

export const NO_LAG: Lag = { logs: 0, fresh: 0, entries: 0 }
export const EMPTY_QUEUE: TurnQueue = { logs: [], at: 0, upTo: 0, isOld: false }

/** Counts over all logs that are offered. */
export function lagOf(offered: PeerState['offered'], held: PeerState['held']): Lag {
  let lag = NO_LAG
  for (const [log, row] of offered) lag = changed(lag, row, held.get(log), 1)
  return lag
}

/** The same counts once so much of one log is held. */
export function lagWith({ offered, held, lag }: PeerState, log: LogId, head: Head): Lag {
  const row = offered.get(log)
  return row ? changed(changed(lag, row, held.get(log), -1), row, head, 1) : lag
}

function changed(lag: Lag, offered: Head, held: Head | undefined, by: 1 | -1): Lag {
  const missing = offered.size - (held?.size ?? 0)
  if (missing <= 0) return lag
  return { logs: lag.logs + by, fresh: lag.fresh + (held ? 0 : by), entries: lag.entries + missing * by }
}

/**
 * Which logs of a peer are fetched now: those that waited longest first, as far as the author's quota goes. Pure.
 *
 * What is over a rate waits until time has paid for it; what is over a total stays with the author until an operator
 * raises it, and its logs are read on for their recalls alone. Neither touches another author.
 */
export function takeTurns(
  settings: MachineSettings,
  peer: PeerState,
  now: Millis,
): { next: PeerState; effects: Effect[] } {
  // What a newer charter admits would be judged by the older one: caught up with first.
  if (peer.ahead.size > 0) return { next: peer, effects: [] }
  if (peer.lag.logs === 0 && peer.account.state.state === 'ok') return { next: settledAt(peer), effects: [] }
  const over = totalOf(peer, now)
  const fetching = new Set(peer.fetching)
  let { turns, turnCount } = peer
  const passed = over === undefined && peer.passed.size > 0 ? LogMap.of<number>() : peer.passed
  const effects: Effect[] = []
  let later: Extract<Turn, { take: 'later' }> | undefined
  const waiting = new Waiting(settings, peer, fetching, now)
  while (fetching.size < settings.fetches) {
    const log = waiting.next()
    if (log === undefined) break
    const [held, offered] = [peer.held.get(log), peer.offered.get(log)]
    const opening = [...fetching].filter((one) => !peer.held.has(one)).length
    let turn = turnOf(peer.account, { isNew: !held, opening }, now)
    const isOver = turn.take === 'never'
    // A recall frees: it passes also where nothing else does.
    if (isOver && (!held || (passed.get(log) ?? held.size) >= (offered?.size ?? 0))) continue
    if (isOver) turn = paceOf(peer.account, now)
    if (turn.take === 'later') {
      later = turn
      break
    }
    if (peer.calls || !offered) break
    if ((isOver || turn.take === 'alone') && fetching.size > 0) break
    waiting.took(log)
    fetching.add(log)
    turns = turns.with(log, ++turnCount)
    const what = { type: 'fetch' as const, peer: peer.peer, log, offered, ...(held ? { held } : {}) }
    effects.push(isOver ? { ...what, only: 'recalls' } : what)
  }
  const state = stateOf(peer, peer.lag.logs > 0, over, later?.what, now)
  const tells = telling(peer, state, now)
  const { paceAt: _, ...rest } = peer
  const next: PeerState = {
    ...rest,
    fetching,
    turns,
    turnCount,
    queue: waiting.queue,
    passed,
    account: { ...peer.account, state },
    ...(later ? { paceAt: later.at } : {}),
    told: tells && state.state !== 'ok' ? { ...peer.told, [state.state]: now } : peer.told,
  }
  if (tells) effects.push(tells)
  if (state.state !== peer.account.state.state) effects.push({ type: 'link-changed', peer: peer.peer })
  return { next, effects }
}

/** Whether the peer offers more of a log than is durable here. */
export const isBehind = (peer: PeerState, log: LogId): boolean =>
  (peer.offered.get(log)?.size ?? 0) > (peer.held.get(log)?.size ?? 0)

/** Whether any log is behind that is neither under way nor failed a moment ago. */
export function hasWaiting(peer: PeerState, fetching = peer.fetching): boolean {
  let waiting = peer.lag.logs
  for (const log of fetching) if (isBehind(peer, log)) waiting--
  for (const log of peer.blocked.keys()) if (isBehind(peer, log) && !fetching.has(log)) waiting--
  return waiting > 0
}

/** Goes once through the logs that may be taken from now: the queue, and between them those whose last failure is over. */
class Waiting {
  queue: TurnQueue
  readonly #peer: PeerState
  readonly #fetching: ReadonlySet<LogId>
  /** Logs whose last fetch failed, and that may be tried again. */
  readonly #again: LogId[]
  readonly #seen = new Set<LogId>()
  #at: number
  #isMade = false

  /** `fetching` grows as logs are taken. */
  constructor(settings: MachineSettings, peer: PeerState, fetching: ReadonlySet<LogId>, now: Millis) {
    this.#peer = peer
    this.#fetching = fetching
    this.queue = peer.queue
    this.#at = this.queue.at
    this.#again = [...peer.blocked]
      .filter(([log, { until }]) => isBehind(peer, log) && !fetching.has(log) && isPast(settings, until, now))
      .map(([log]) => log)
      .sort((a, b) => this.#turn(a) - this.#turn(b))
  }

  next(): LogId | undefined {
    let log = this.#ofQueue()
    if (log === undefined && this.#isDueAnew()) {
      this.queue = this.#made()
      this.#at = 0
      log = this.#ofQueue()
    }
    const [again] = this.#again
    if (again !== undefined && (log === undefined || this.#turn(again) < this.#turn(log))) return this.#again.shift()
    if (log === undefined) return undefined
    this.#seen.add(log)
    this.#at++
    return log
  }

  /** A log was taken: the next go begins behind it, unless another stands before it. */
  took(log: LogId): void {
    if (this.queue.logs[this.queue.at] === log) this.queue = { ...this.queue, at: this.queue.at + 1 }
  }

  #ofQueue(): LogId | undefined {
    for (; ; this.#at++) {
      const log = this.queue.logs[this.#at]
      if (log === undefined) return undefined
      if (this.#turn(log) <= this.queue.upTo && this.#isFree(log)) {
        if (!this.#seen.has(log)) return log
      } else if (this.queue.at === this.#at) this.queue = { ...this.queue, at: this.#at + 1 }
    }
  }

  #isDueAnew(): boolean {
    const { isOld, at, logs } = this.queue
    return !this.#isMade && (isOld || at >= logs.length) && hasWaiting(this.#peer, this.#fetching)
  }

  #made(): TurnQueue {
    this.#isMade = true
    const { offered, turnCount } = this.#peer
    const logs = [...offered.keys()].filter((log) => this.#isFree(log)).sort((a, b) => this.#turn(a) - this.#turn(b))
    return { logs, at: 0, upTo: turnCount, isOld: false }
  }

  #isFree(log: LogId): boolean {
    return isBehind(this.#peer, log) && !this.#fetching.has(log) && !this.#peer.blocked.has(log)
  }

  #turn(log: LogId): number {
    return this.#peer.turns.get(log) ?? 0
  }
}

/** Whether a wait has ended; one that seems too long was set before the clock was set back. */
const isPast = ({ pollMs, backoff: { maxMs } }: MachineSettings, until: Millis, now: Millis) =>
  now >= until || until - now > Math.max(pollMs, maxMs)

/** The total that keeps something of what is offered out. */
function totalOf(peer: PeerState, now: Millis): QuotaName | undefined {
  if (peer.lag.logs === 0) return undefined
  const opening = [...peer.fetching].filter((log) => !peer.held.has(log) && isBehind(peer, log)).length
  const turn = turnOf(peer.account, { isNew: peer.lag.fresh > opening, opening: 0 }, now)
  return turn.take === 'never' ? turn.what : undefined
}

function stateOf(
  { account }: PeerState,
  isAnyBehind: boolean,
  over: QuotaName | undefined,
  slowed: QuotaName | undefined,
  now: Millis,
): QuotaState {
  const before = account.state
  const to = (state: 'over' | 'slowed', what: QuotaName): QuotaState =>
    before.state === state && before.what === what ? before : { state, what, since: now }
  if (over) return to('over', over)
  if (slowed) return to('slowed', slowed)
  // Between two batches of a flood nothing is held back for a moment.
  return before.state === 'slowed' && isAnyBehind ? before : { state: 'ok' }
}

function telling(peer: PeerState, state: QuotaState, now: Millis): Effect | undefined {
  if (state.state === 'ok' || state.state === peer.account.state.state) return undefined
  const last = peer.told[state.state]
  if (last !== undefined && now >= last && now - last < TOLD_AGAIN_MS) return undefined
  const limit = `${peer.account.limits[state.what]} ${WORDS[state.what]}`
  const message =
    state.state === 'slowed'
      ? `${peer.slug} brings more than its quota of ${limit}: it is taken as fast as that, nothing is lost`
      : `${peer.slug} has reached its quota of ${limit}: nothing more of it is taken, until \`noroshi quota set ${peer.slug}\` raises it`
  return { type: 'alarm', peer: peer.peer, kind: 'quota', message }
}

const WORDS: Record<QuotaName, string> = {
  entries: 'entries',
  bytes: 'bytes',
  logs: 'open logs',
  entriesPerSecond: 'entries per second',
  bytesPerSecond: 'bytes per second',
}

function settledAt(peer: PeerState): PeerState {
  if (peer.paceAt === undefined && peer.passed.size === 0) return peer
  const { paceAt: _, ...rest } = peer
  return { ...rest, passed: LogMap.of<number>() }
}
