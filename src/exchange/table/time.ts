import { toTimestamp } from '#base'

/** First and last second that is taken for a time: 1990 to 2100. */
const EARLIEST_MS = 631_152_000_000
const LATEST_MS = 4_102_444_800_000

/** RFC 3339 time of a cell: ISO 8601 with or without zone (then UTC), `2026/1/15 3:12`, seconds or milliseconds of Unix. */
export function timeOf(cell: string): string | undefined {
  const text = cell.trim()
  const ms = fromCount(text) ?? fromDate(text)
  return ms !== undefined && ms >= EARLIEST_MS && ms < LATEST_MS ? toTimestamp(Math.trunc(ms)) : undefined
}

function fromCount(text: string): number | undefined {
  if (!/^\d{9,13}(?:\.\d{1,9})?$/.test(text)) return undefined
  const count = Number(text)
  return count < 100_000_000_000 ? count * 1_000 : count
}

const DATE =
  /^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s*(Z|UTC|GMT|JST|[+-]\d{2}:?\d{2})?$/i

function fromDate(text: string): number | undefined {
  const parts = DATE.exec(text)
  if (!parts) return undefined
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59) return undefined
  const fraction = Number(`0.${parts[7] ?? '0'}`) * 1_000
  const utc = Date.UTC(year, month - 1, day, hour, minute, second, Math.trunc(fraction))
  return new Date(utc).getUTCDate() === day ? utc - offsetOf(parts[8]) : undefined
}

function offsetOf(zone = 'Z'): number {
  if (/^JST$/i.test(zone)) return 9 * 3_600_000
  const parts = /^([+-])(\d{2}):?(\d{2})$/.exec(zone)
  if (!parts) return 0
  return (parts[1] === '-' ? -1 : 1) * (Number(parts[2]) * 60 + Number(parts[3])) * 60_000
}
