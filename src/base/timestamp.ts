import { NoroshiError } from './error.ts'
import type { Millis } from './names.ts'

/** A text that is not a timestamp of the accepted form. */
export class TimestampError extends NoroshiError<'TIMESTAMP_INVALID'> {}

/** An instant: whole seconds since 1970 and the decimal digits after the point without trailing zeros. */
export interface Timestamp {
  seconds: number
  fraction: string
}

const FORM = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?Z$/
const DAYS_BEFORE_1970 = 719_468
const LAST_MILLIS = 253_402_300_799_999

/**
 * The instant of an RFC 3339 timestamp in UTC (`…Z`), with any number of decimals, or undefined.
 * A second of 60 is not accepted. Nothing passes through `Date`, which would cut decimals.
 */
export function parseTimestamp(text: string): Timestamp | undefined {
  const parts = FORM.exec(text)
  if (!parts) return undefined
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined
  if (hour > 23 || minute > 59 || second > 59) return undefined
  const seconds = ((daysSince1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second
  return { seconds, fraction: withoutTrailingZeros(parts[7] ?? '') }
}

/**
 * Order of two timestamps as instants.
 * @throws TimestampError TIMESTAMP_INVALID
 */
export function compareTimestamps(a: string, b: string): -1 | 0 | 1 {
  const [left, right] = [instantOf(a), instantOf(b)]
  if (left.seconds !== right.seconds) return left.seconds < right.seconds ? -1 : 1
  if (left.fraction === right.fraction) return 0
  return left.fraction < right.fraction ? -1 : 1
}

/**
 * Text that sorts as the instant does and is equal for equal instants: `2026-01-01T00:00:00.5`.
 * @throws TimestampError TIMESTAMP_INVALID
 */
export function timestampKey(text: string): string {
  const { fraction } = instantOf(text)
  return fraction === '' ? text.slice(0, 19) : `${text.slice(0, 19)}.${fraction}`
}

/**
 * Milliseconds since 1970, later decimals cut.
 * @throws TimestampError TIMESTAMP_INVALID
 */
export function timestampMillis(text: string): Millis {
  const { seconds, fraction } = instantOf(text)
  return seconds * 1000 + Number(fraction.slice(0, 3).padEnd(3, '0'))
}

/**
 * The timestamp with three decimals, as STIX writes it: `2026-01-01T00:00:00.000Z`.
 * @throws TimestampError TIMESTAMP_INVALID outside the years 1970 to 9999
 */
export function toTimestamp(ms: Millis): string {
  if (!Number.isInteger(ms) || ms < 0 || ms > LAST_MILLIS)
    throw new TimestampError('TIMESTAMP_INVALID', `${ms} ms is not a time between the years 1970 and 9999`)
  if (ms !== last.ms) last = { ms, text: new Date(ms).toISOString() }
  return last.text
}

/** Decisions on a thousand logs ask for the same millisecond. */
let last = { ms: NaN, text: '' }

function instantOf(text: string): Timestamp {
  const instant = parseTimestamp(text)
  if (instant) return instant
  throw new TimestampError(
    'TIMESTAMP_INVALID',
    `${JSON.stringify(text.slice(0, 40))} is not a timestamp like 2026-01-01T00:00:00.000Z`,
  )
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** Days from 1970-01-01, counting years from March so that the leap day is the last of its year. */
function daysSince1970(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - DAYS_BEFORE_1970
}

function withoutTrailingZeros(digits: string): string {
  let end = digits.length
  while (end > 0 && digits.charCodeAt(end - 1) === 0x30) end--
  return digits.slice(0, end)
}
