/** First and longest wait, in milliseconds. */
export interface BackoffRange {
  readonly firstMs: number
  readonly maxMs: number
}

/**
 * Wait before try number `failures` + 1: doubles up to the longest, then full jitter over its upper half, so that peers
 * that lost the same link do not return together.
 * @param jitter from 0 to 1
 */
export function backoff(range: BackoffRange, failures: number, jitter: number): number {
  const whole = Math.min(range.maxMs, range.firstMs * 2 ** Math.min(30, Math.max(0, failures - 1)))
  return Math.round(whole / 2 + (whole / 2) * jitter)
}

/** A cut is young for so many tries: most are short, and whatever the peer tells meanwhile is late by the wait. */
const YOUNG_TRIES = 16
/** Longest wait, in milliseconds, while a cut is young. */
const YOUNG_MAX_MS = 2_000

/**
 * Wait before a peer that can't be reached is tried again: as `backoff`, but seconds at most in the first half minute,
 * from where it doubles on.
 * @param jitter from 0 to 1
 */
export function untilNextTry(range: BackoffRange, failures: number, jitter: number): number {
  const youngMaxMs = Math.min(YOUNG_MAX_MS, range.maxMs)
  if (failures <= YOUNG_TRIES) return backoff({ ...range, maxMs: youngMaxMs }, failures, jitter)
  return backoff({ ...range, firstMs: youngMaxMs * 2 }, failures - YOUNG_TRIES, jitter)
}
