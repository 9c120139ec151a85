import type { Millis } from '#base'

/** Round trips that are remembered. */
const SAMPLES_KEPT = 8
/** One such short round trip is good enough; else it takes some, of which the shortest counts. */
const GOOD_ROUND_TRIP_MS = 200
const SAMPLES_ENOUGH = 3

/** What one round trip tells of the peer's clock: `offset`, give or take half of the round trip. */
export interface ClockSample {
  at: Millis
  offset: number
  roundTrip: number
}

/** The peer's clock minus ours, and by how much that may be wrong either way; null until it is known well enough. */
export interface ClockEstimate {
  clockOffsetMs: number | null
  clockBoundMs: number | null
}

/**
 * Adds a round trip: the request left at `sent`, the peer signed its answer at `time`, it was here at `now`. Earlier
 * ones that can't be true along with it are dropped: one of the clocks was set since.
 */
export function withSample(
  samples: readonly ClockSample[],
  { sent, time, now }: { sent: Millis; time: Millis; now: Millis },
): ClockSample[] {
  const roundTrip = Math.max(0, now - sent)
  const sample = { at: now, offset: Math.round(time - (sent + now) / 2), roundTrip }
  const agree = samples.filter((other) => Math.abs(other.offset - sample.offset) <= boundOf(other) + boundOf(sample))
  return [...agree.slice(-(SAMPLES_KEPT - 1)), sample]
}

/** Whether the peer's clock is known well enough to be shown. */
export function isSettled(samples: readonly ClockSample[]): boolean {
  return samples.length >= SAMPLES_ENOUGH || samples.some(({ roundTrip }) => roundTrip < GOOD_ROUND_TRIP_MS)
}

/** By the shortest round trip, which leaves the least room. */
export function estimateOf(samples: readonly ClockSample[]): ClockEstimate {
  if (!isSettled(samples)) return { clockOffsetMs: null, clockBoundMs: null }
  const best = samples.reduce((one, other) => (other.roundTrip <= one.roundTrip ? other : one))
  return { clockOffsetMs: best.offset, clockBoundMs: boundOf(best) }
}

/** Half the round trip, and a millisecond for rounding. */
const boundOf = ({ roundTrip }: ClockSample) => Math.ceil(roundTrip / 2) + 1
