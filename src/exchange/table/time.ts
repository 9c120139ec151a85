import { toTimestamp } from '#base'

/** First and last second that is taken for a time: 1990 to 2100. */
const EARLIEST_MS = 631_152_000_000
const LATEST_MS = 4_102_444_800_000
/** Years between the Buddhist era, which Thailand counts in, and the common one. */
const BUDDHIST_YEARS = 543
/** Characters of a time. */
const TIME_MAX_CHARS = 60

/**
 * RFC 3339 time of a cell: ISO 8601, `2026/1/15 3:12`, `15.01.2026`, `15 Jan 2026`, `Thu, 15 Jan 2026 03:12:44 GMT`,
 * `Jan 15, 2026 3:12 PM`, `2026年1月15日`, `令和8年1月15日`, years of the Buddhist era, seconds or milliseconds of Unix; without
 * a zone it is UTC. `1/2/2026` is understood where only one of its orders is a date.
 */
export function timeOf(cell: string): string | undefined {
  const text = cell.trim().normalize('NFKC')
  if (text.length > TIME_MAX_CHARS) return undefined
  const ms = fromCount(text) ?? fromDate(text)
  return ms !== undefined && ms >= EARLIEST_MS && ms < LATEST_MS ? toTimestamp(Math.trunc(ms)) : undefined
}

function fromCount(text: string): number | undefined {
  if (!/^\d{9,13}(?:\.\d{1,9})?$/.test(text)) return undefined
  const count = Number(text)
  return count < 100_000_000_000 ? count * 1_000 : count
}

type Day = readonly [year: number, month: number, day: number]

const CLOCK =
  /^[T ,]*(?:at )?(\d{1,2})[:時](\d{1,2})(?:[:分](\d{1,2})(?:[.,](\d{1,9}))?秒?|分)?\s*([ap]\.?m\.?)?\s*(Z|[A-Z]{3,4}|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?)?$/i

function fromDate(text: string): number | undefined {
  const { day, rest } = dayOf(text) ?? {}
  if (day === undefined || rest === undefined) return undefined
  const [year, month, date] = day
  const midnight = Date.UTC(year, month - 1, date)
  if (new Date(midnight).getUTCDate() !== date || month > 12) return undefined
  if (rest.trim() === '') return midnight
  const parts = CLOCK.exec(rest.trimEnd())
  if (!parts) return undefined
  const [hour, minute, second] = [Number(parts[1]), Number(parts[2]), Number(parts[3] ?? 0)]
  const half = parts[5]?.toLowerCase().charAt(0)
  const offset = offsetOf(parts[6])
  if (offset === undefined || hour > (half === undefined ? 23 : 12) || minute > 59 || second > 59) return undefined
  const hours = half === undefined ? hour : (hour % 12) + (half === 'p' ? 12 : 0)
  return midnight + ((hours * 60 + minute) * 60 + second + Number(`0.${parts[4] ?? '0'}`)) * 1_000 - offset
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const YEAR_FIRST = /^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?/
const REIWA = /^(?:令和|R)(\d{1,2})[年./-](\d{1,2})[月./-](\d{1,2})日?/
const DAY_FIRST = /^(?:[a-z]{3,9},? )?(\d{1,2})[ -]([a-z]{3,9})\.?,?[ -](\d{4})/i
const MONTH_FIRST = /^(?:[a-z]{3,9},? )?([a-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})/i
const NUMBERS = /^(\d{1,2})([./-])(\d{1,2})\2(\d{4})/

/** The day that a text begins with, and what follows it. */
function dayOf(text: string): { day: Day; rest: string } | undefined {
  const found = (parts: RegExpExecArray, year: unknown, month: number, day: unknown) => {
    const plain = Number(year)
    const common = plain >= 2_400 && plain < 2_700 ? plain - BUDDHIST_YEARS : plain
    return { day: [common, month, Number(day)] as const, rest: text.slice(parts[0].length) }
  }
  const yearFirst = YEAR_FIRST.exec(text)
  if (yearFirst) return found(yearFirst, yearFirst[1], Number(yearFirst[2]), yearFirst[3])
  const reiwa = REIWA.exec(text)
  if (reiwa) return found(reiwa, 2018 + Number(reiwa[1]), Number(reiwa[2]), reiwa[3])
  const dayFirst = DAY_FIRST.exec(text)
  if (dayFirst) return found(dayFirst, dayFirst[3], monthOf(dayFirst[2]), dayFirst[1])
  const monthFirst = MONTH_FIRST.exec(text)
  if (monthFirst) return found(monthFirst, monthFirst[3], monthOf(monthFirst[1]), monthFirst[2])
  const numbers = NUMBERS.exec(text)
  if (!numbers) return undefined
  const [first, second] = [Number(numbers[1]), Number(numbers[3])]
  if (numbers[2] === '.' || first > 12 || first === second) return found(numbers, numbers[4], second, first)
  return second > 12 ? found(numbers, numbers[4], first, second) : undefined
}

/** Number of a month by its English name; 0 for none. */
const monthOf = (name = ''): number => MONTHS.indexOf(name.slice(0, 3).toLowerCase()) + 1 || NaN

/** Hours of the zones that are named without a number. */
const ZONES: Readonly<Record<string, number>> = {
  Z: 0,
  UTC: 0,
  GMT: 0,
  ICT: 7,
  WIB: 7,
  HKT: 8,
  MYT: 8,
  PHT: 8,
  PHST: 8,
  SGT: 8,
  WITA: 8,
  JST: 9,
  KST: 9,
  WIT: 9,
}

function offsetOf(zone = 'Z'): number | undefined {
  const named = ZONES[zone.toUpperCase()]
  if (named !== undefined) return named * 3_600_000
  const parts = /^(?:UTC|GMT)?([+-])(\d{1,2}):?(\d{2})?$/i.exec(zone)
  if (!parts) return undefined
  return (parts[1] === '-' ? -1 : 1) * (Number(parts[2]) * 60 + Number(parts[3] ?? 0)) * 60_000
}
