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
