import type { LogId, Millis } from '#base'
import type { Effect, MachineSettings, PeerState } from './machine-state.ts'
import { paceOf, type Turn, turnOf } from './quota.ts'
import type { QuotaName, QuotaState } from './quota-limits.ts'

/** An author that is held back again and again is told of once in this time. */
const TOLD_AGAIN_MS = 600_000

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
  const behind = [...peer.offered.keys()].filter((log) => isBehind(peer, log))
  if (behind.length === 0 && peer.account.state.state === 'ok') return { next: settledAt(peer), effects: [] }
  const over = totalOf(peer, behind, now)
  const fetching = new Set(peer.fetching)
  const turns = new Map(peer.turns)
  const passed = over === undefined && peer.passed.size > 0 ? new Map<LogId, number>() : peer.passed
  const effects: Effect[] = []
  let [count, later] = [Math.max(0, ...turns.values()), undefined as Extract<Turn, { take: 'later' }> | undefined]
  const isWaiting = (log: LogId) => {
    const until = peer.blocked.get(log)?.until ?? 0
    return !fetching.has(log) && (now >= until || until - now > Math.max(settings.pollMs, settings.backoff.maxMs))
  }
  const waiting = behind.filter(isWaiting).sort((a, b) => (turns.get(a) ?? 0) - (turns.get(b) ?? 0))
  for (const log of waiting) {
    if (fetching.size >= settings.fetches) break
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
    fetching.add(log)
    turns.set(log, ++count)
    const what = { type: 'fetch' as const, peer: peer.peer, log, offered, ...(held ? { held } : {}) }
    effects.push(isOver ? { ...what, only: 'recalls' } : what)
  }
  const state = stateOf(peer, behind.length > 0, over, later?.what, now)
  const tells = telling(peer, state, now)
  const { paceAt: _, ...rest } = peer
  const next: PeerState = {
    ...rest,
    fetching,
    turns,
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

/** The total that keeps something of what is offered out. */
function totalOf(peer: PeerState, behind: readonly LogId[], now: Millis): QuotaName | undefined {
  if (behind.length === 0) return undefined
  const isNew = behind.some((log) => !peer.held.has(log) && !peer.fetching.has(log))
  const turn = turnOf(peer.account, { isNew, opening: 0 }, now)
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
  return { ...rest, passed: new Map() }
}
