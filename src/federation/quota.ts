/**
 * What one author may bring here, as pure arithmetic: totals that stop it, and rates (token buckets) that slow it down.
 *
 * A rate is spent after the fact: while there is anything left, a batch up to the author's next checkpoint is taken whole
 * and may leave a debt, which time pays off. So nothing that was begun is dropped, and on average the rate holds.
 */
import type { Millis } from '#base'
import type { QuotaLimits, QuotaName, QuotaState } from './quota-limits.ts'

/** What of an author is durable here. */
export interface QuotaUse {
  readonly entries: number
  readonly bytes: number
  /** Logs that still take entries. */
  readonly logs: number
  /** Logs that have ended. */
  readonly ended: number
}

/** One author's account. */
export interface Account {
  readonly limits: QuotaLimits
  readonly use: QuotaUse
  /** What is left of the rates, below 0 as a debt; counted up to `at`. */
  readonly left: { readonly entries: number; readonly bytes: number; readonly at: Millis }
  /** Entries that no rate counts: what the author offered when nothing of it was held. */
  readonly backlog: number
  readonly state: QuotaState
}

/** Whether a batch of a log may be taken now. */
export type Turn =
  | { take: 'freely' }
  /** Little is left: one batch at a time. */
  | { take: 'alone' }
  | { take: 'later'; what: QuotaName; at: Millis }
  | { take: 'never'; what: QuotaName }

/** No author is held back: for machines without an operator. */
export const UNLIMITED: QuotaLimits = {
  entries: Infinity,
  bytes: Infinity,
  logs: Infinity,
  entriesPerSecond: Infinity,
  bytesPerSecond: Infinity,
}

export const NO_USE: QuotaUse = { entries: 0, bytes: 0, logs: 0, ended: 0 }

/** A bucket holds what a minute brings: publications come in bursts, floods last. */
const BURST_SECONDS = 60
/** Most entries of a first sync that no rate counts; the totals count them. */
export const BACKLOG_ENTRIES_MOST = 2_000_000
/** Below so much of a rate or a total, batches come one at a time: several at once would overshoot by far. */
const ALONE_ENTRIES = 8_192
const ALONE_BYTES = 32 * 1_024 * 1_024
/** Logs that have ended, for each that may be open: they cost memory as well. */
const ENDED_PER_OPEN = 10

/** An account with full buckets. */
export function openAccount(limits: QuotaLimits, use: QuotaUse, now: Millis, backlog = 0): Account {
  const left = { entries: burst(limits.entriesPerSecond), bytes: burst(limits.bytesPerSecond), at: now }
  return { limits, use, left, backlog, state: { state: 'ok' } }
}

/** The same account under other limits; what is left of a rate never exceeds its new bucket. */
export function withLimits(account: Account, limits: QuotaLimits, now: Millis): Account {
  const { left } = refilled(account, now)
  const { entriesPerSecond, bytesPerSecond } = account.limits
  // Who raises a rate wants the author taken now: the debt was counted by the lower one.
  const of = (amount: number, before: number, rate: number) =>
    rate > before ? burst(rate) : Math.min(amount, burst(rate))
  return {
    ...account,
    limits,
    left: {
      entries: of(left.entries, entriesPerSecond, limits.entriesPerSecond),
      bytes: of(left.bytes, bytesPerSecond, limits.bytesPerSecond),
      at: now,
    },
  }
}

/** Entries and bytes came, whether they are kept or only passed by. */
export function spent(account: Account, entries: number, bytes: number, now: Millis): Account {
  const exempt = Math.min(account.backlog, entries)
  const share = entries > 0 ? (entries - exempt) / entries : 1
  const { left } = refilled(account, now)
  return {
    ...account,
    backlog: account.backlog - exempt,
    left: { entries: left.entries - (entries - exempt), bytes: left.bytes - bytes * share, at: now },
  }
}

/** Whether the author's next batch may be taken; `isNew`: of a log of which nothing is held; `opening`: such that are under way. */
export function turnOf(account: Account, log: { isNew: boolean; opening: number }, now: Millis): Turn {
  const { limits, use, backlog } = account
  if (use.entries >= limits.entries) return { take: 'never', what: 'entries' }
  if (use.bytes >= limits.bytes) return { take: 'never', what: 'bytes' }
  if (log.isNew && (use.logs + log.opening >= limits.logs || use.ended >= limits.logs * ENDED_PER_OPEN))
    return { take: 'never', what: 'logs' }
  const pace = paceOf(account, now)
  if (pace.take === 'later') return pace
  const isTight = limits.entries - use.entries < ALONE_ENTRIES || limits.bytes - use.bytes < ALONE_BYTES
  return { take: isTight || (pace.take === 'alone' && backlog === 0) ? 'alone' : 'freely' }
}

/** The same by the rates alone, for what is read and not kept. */
export function paceOf(account: Account, now: Millis): Exclude<Turn, { take: 'never' }> {
  const { limits, backlog } = account
  if (backlog > 0) return { take: 'freely' }
  const { left } = refilled(account, now)
  if (left.entries < 1)
    return { take: 'later', what: 'entriesPerSecond', at: dueAt(now, left.entries, limits.entriesPerSecond) }
  if (left.bytes < 1)
    return { take: 'later', what: 'bytesPerSecond', at: dueAt(now, left.bytes, limits.bytesPerSecond) }
  return { take: left.entries < ALONE_ENTRIES || left.bytes < ALONE_BYTES ? 'alone' : 'freely' }
}

function refilled({ limits, left }: Account, now: Millis): Pick<Account, 'left'> {
  // The clock may have been set back: then nothing is added, and counting begins anew.
  const seconds = Math.max(0, now - left.at) / 1_000
  const add = (amount: number, rate: number) =>
    rate === Infinity ? Infinity : Math.min(burst(rate), amount + rate * seconds)
  return {
    left: {
      entries: add(left.entries, limits.entriesPerSecond),
      bytes: add(left.bytes, limits.bytesPerSecond),
      at: now,
    },
  }
}

const burst = (perSecond: number) => perSecond * BURST_SECONDS

/** When a debt is paid off, and something is left again. */
const dueAt = (now: Millis, debt: number, perSecond: number) => now + Math.ceil(((1 - debt) / perSecond) * 1_000)
