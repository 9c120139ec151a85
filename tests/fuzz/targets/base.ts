// Timestamps and encodings, against Date and Buffer.
import {
  compareTimestamps,
  EncodingError,
  fromBase64,
  fromHex,
  fromUtf8,
  parseTimestamp,
  TimestampError,
  timestampKey,
  timestampMillis,
  toBase64,
  toHex,
} from '#base'
import { toEventTime } from '../../../src/detect/formats/time.ts'
import { timeOf } from '../../../src/exchange/table/time.ts'
import { ODD_TIMES } from '../mutate/odd-values.ts'
import { attempt, must, mustEqual, randomOf, type Target, textOf } from '../target.ts'

export const timestamp: Target = {
  name: 'timestamp',
  weight: 3,
  shape: 'text',
  maxBytes: 2_000,
  words: [
    'T',
    'Z',
    ':',
    '-',
    '.',
    '60',
    '59',
    '24',
    '00',
    '02',
    '29',
    '30',
    '31',
    '12',
    '13',
    '+00:00',
    '0000',
    '9999',
  ],
  seeds: [
    ...ODD_TIMES,
    '2026/1/15 3:12',
    '2026年1月15日 12:00 JST',
    '1768446000',
    '1768446000123',
    '/Date(1768446000000)/',
  ],
  make: (random) => {
    const two = (most: number) => String(random.below(most + 2)).padStart(2, '0')
    const fraction = random.once(2) ? `.${random.word('0123456789', 1, 12)}` : ''
    const year = String(random.pick([0, 1, 1900, 1969, 1970, 2000, 2023, 2024, 9999, 2026])).padStart(4, '0')
    return `${year}-${two(12)}-${two(31)}T${two(23)}:${two(59)}:${two(59)}${fraction}Z`
  },
  run: (input) => {
    const text = textOf(input)
    for (const ms of [toEventTime(text)])
      must(
        ms === undefined || (Number.isFinite(ms) && Number.isInteger(ms)),
        'the time of an event is a whole number',
        ms,
      )
    const cell = timeOf(text)
    must(cell === undefined || parseTimestamp(cell) !== undefined, 'the time of a cell is a timestamp', cell)
    const instant = parseTimestamp(text)
    const key = attempt(() => timestampKey(text), TimestampError)
    mustEqual(key.ok, instant !== undefined, 'all functions take the same timestamps')
    mustEqual(instant !== undefined, isTimestamp(text), 'a timestamp is one of the calendar')
    if (!instant) return 'refused'
    const millis = Date.parse(`${text.slice(0, 19)}.${fractionOf(text)}Z`)
    mustEqual(timestampMillis(text), millis, 'milliseconds are those of Date')
    const other = randomOf(input).pick(ODD_TIMES.filter(isTimestamp))
    const order = timestampKey(text) < timestampKey(other) ? -1 : timestampKey(text) === timestampKey(other) ? 0 : 1
    mustEqual(compareTimestamps(text, other), order, 'keys sort as instants do')
    mustEqual(compareTimestamps(other, text), order === 0 ? 0 : -order, 'the order has two sides')
    return 'read'
  },
}

const fractionOf = (text: string) => (/\.(\d+)Z$/.exec(text)?.[1] ?? '').slice(0, 3).padEnd(3, '0')

/** By Date, which takes 30 February for 1 March: so it must come back as it was. */
function isTimestamp(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/.test(text)) return false
  const date = new Date(`${text.slice(0, 19)}Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().slice(0, 19) === text.slice(0, 19)
}

export const encodings: Target = {
  name: 'encodings',
  weight: 3,
  shape: 'text',
  maxBytes: 2_000,
  words: ['A', '=', '==', '+', '/', '-', '_', '0f', '0F', ' ', '\n'],
  seeds: ['', 'AA==', 'AAA=', 'AAAA', 'AB==', 'AAB=', '00ff', '0', 'zz', '+/+/', '-_-_', 'AAAA\n'],
  run: (input) => {
    const text = textOf(input)
    const base64 = attempt(() => fromBase64(text), EncodingError)
    const canonical = Buffer.from(text, 'base64').toString('base64') === text
    mustEqual(base64.ok, canonical, 'exactly canonical base64 is read')
    if (base64.ok) mustEqual(toBase64(base64.value), text, 'base64 comes back')
    const hex = attempt(() => fromHex(text), EncodingError)
    if (hex.ok) mustEqual(toHex(hex.value), text, 'hex comes back')
    else must(Buffer.from(text, 'hex').toString('hex') !== text, 'lower-case hex is read', text)
    const utf8 = attempt(() => fromUtf8(input), EncodingError)
    if (utf8.ok) mustEqual(Buffer.from(utf8.value).equals(input), true, 'UTF-8 comes back')
    return [base64, hex, utf8].map(({ ok }) => Number(ok)).join('')
  },
}
