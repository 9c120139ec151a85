import type { Json, Millis } from '#base'
import { type Envelope, LogError, openSnapshot, type Snapshot } from '#log'
import { FederationError } from './error.ts'

/** Header of a 401: the time on the clock of the one who answers, in ms since 1970. */
export const TIME_HEADER = 'noroshi-time'

/** Clocks of two nodes that differ by more than this refuse each other's requests. @see docs/wire.md, Link requests */
export const CLOCKS_DIFFER_MS = 60_000

/** `created` counts whole seconds. */
const CLOCK_ROUNDING_MS = 1_000

/** What an exchange told of the peer's clock when it failed for that reason. */
export interface ClockReading {
  sent: Millis
  time: Millis
  now: Millis
}

/** The peer's clock minus ours, by one reading. */
export const offsetOf = ({ sent, time, now }: ClockReading): number => Math.round(time - (sent + now) / 2)

/**
 * Names the clock that is wrong, by what the clocks of the other peers say.
 * @param others offsets of other peers whose clocks are known, in ms
 */
export function clockReason(offset: number, others: readonly number[]): string {
  const direction = (ms: number) => (ms > 0 ? 'ahead of' : 'behind')
  const what = `its clock is ${spanOf(offset)} ${direction(offset)} ours, and nodes refuse what is 60 s off`
  const alike = others.filter((other) => Math.abs(other - offset) < CLOCKS_DIFFER_MS).length
  const withUs = others.filter((other) => Math.abs(other) < CLOCKS_DIFFER_MS).length
  if (withUs > alike) return `${what}; most peers agree with us: the peer must set its clock`
  if (alike > withUs) return `${what}; most peers agree with it: set this machine's clock by NTP`
  return `${what}; compare both with a third clock`
}

function spanOf(offset: number): string {
  const seconds = Math.round(Math.abs(offset) / 1_000)
  return seconds < 120
    ? `${seconds} s`
    : seconds < 7_200
      ? `${Math.round(seconds / 60)} min`
      : `${Math.round(seconds / 3_600)} h`
}

/** A snapshot that is refused for its time, with that time. */
class ClockFault extends LogError {
  readonly time: Millis

  constructor(time: Millis, cause: LogError) {
    super(cause.code, cause.message, { cause })
    this.time = time
  }
}

/**
 * Opens a snapshot; where its time is refused, the error holds it: the signature was checked before, so it is the author's own.
 * @throws LogError as `openSnapshot` does
 */
export function openTimed(envelope: Json, expected: Parameters<typeof openSnapshot>[1]) {
  try {
    return openSnapshot(envelope, expected)
  } catch (cause) {
    const isClock = cause instanceof LogError && (cause.code === 'SNAPSHOT_AHEAD' || cause.code === 'SNAPSHOT_EXPIRED')
    if (!isClock) throw cause
    throw new ClockFault((envelope as unknown as Envelope<Snapshot>).statement.time, cause)
  }
}

/** What a failed ask told of the peer's clock, where that is the reason. */
export function readingOf(cause: unknown, sent: Millis, now: Millis): ClockReading | undefined {
  if (cause instanceof ClockFault) return { sent, time: cause.time, now }
  const clock = cause instanceof FederationError ? (cause.details['clock'] as ClockReading | undefined) : undefined
  return clock && Math.abs(offsetOf(clock)) > CLOCKS_DIFFER_MS - CLOCK_ROUNDING_MS ? clock : undefined
}
