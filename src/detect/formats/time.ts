import type { Json, Millis } from '#base'

const ISO = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s*(Z|[+-]\d{2}:?\d{2})?$/i
const CLF = /^(\d{2})\/([A-Z][a-z]{2})\/(\d{4}):(\d{2}):(\d{2}):(\d{2}) ([+-]\d{4})$/
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
/** Numbers from here on are milliseconds, below it seconds: 100,000,000,000 s is the year 5138. */
const MILLIS_FROM = 100_000_000_000
/** 10000-01-01: what comes later has no timestamp. */
const MILLIS_END = 253_402_300_800_000
const DOTNET = /^\/Date\((\d+)\)\/$/

/**
 * Time of an event field: ISO 8601 in the spellings sensors use (UTC where no zone is given), seconds or milliseconds
 * since 1970; `undefined` for anything else.
 */
export function toEventTime(value: Json | undefined): Millis | undefined {
  if (typeof value === 'number') return fromEpoch(value)
  if (typeof value !== 'string' || value.length > 40) return undefined
  const match = ISO.exec(value)
  if (match) {
    const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone = ''] = match
    const millis = Number(fraction.padEnd(3, '0').slice(0, 3))
    return utc([year, month, day, hour, minute, second].map(Number), millis, zone)
  }
  const dotnet = DOTNET.exec(value)
  if (dotnet) return inCalendar(Number(dotnet[1]))
  return /^\d{9,13}(\.\d{1,9})?$/.test(value) ? fromEpoch(Number(value)) : undefined
}

/** Time in the common log format: `10/Oct/2000:13:55:36 -0700`. */
export function fromClf(text: string): Millis | undefined {
  const match = CLF.exec(text)
  if (!match) return undefined
  const [, day, name, year, hour, minute, second, zone = ''] = match
  const month = MONTHS.indexOf(name ?? '') + 1
  return utc([Number(year), month, ...[day, hour, minute, second].map(Number)], 0, zone)
}

function fromEpoch(value: number): Millis | undefined {
  return inCalendar(Math.round(value < MILLIS_FROM ? value * 1000 : value))
}

const inCalendar = (millis: Millis): Millis | undefined => (millis >= 0 && millis < MILLIS_END ? millis : undefined)

function utc(parts: readonly number[], millis: number, zone: string): Millis | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts
  if (month < 1 || month > 12 || day < 1 || day > (DAYS[month - 1] ?? 0)) return undefined
  if (hour > 23 || minute > 59 || second > 60) return undefined
  const digits = zone.replace(':', '')
  const offset = /^[+-]/.test(digits) ? Number(digits.slice(1, 3)) * 60 + Number(digits.slice(3, 5)) : 0
  const sign = digits.startsWith('-') ? -1 : 1
  return inCalendar(Date.UTC(year, month - 1, day, hour, minute, second, millis) - sign * offset * 60_000)
}
