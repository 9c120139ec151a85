/**
 * Which of the old encodings some bytes look like: each reads them in its own units, and gives points for units that are
 * frequent in its language and takes some for what is not in use. The best mean per unit wins.
 *
 * `82 A0` is `あ` in Shift_JIS (1 point) and an ideograph that nobody writes in GBK (0.02), so the first reads it better.
 */
import type { Encoding } from './encoding.ts'

/** Points of one unit, and how many bytes it takes. */
type Reader = (lead: number, trail: number) => readonly [points: number, bytes: number]

const BROKEN = [-1, 1] as const
const within = (byte: number, from: number, to: number) => byte >= from && byte <= to

const shiftJis: Reader = (lead, trail) => {
  if (within(lead, 0xa1, 0xdf)) return [0.15, 1]
  if (!within(lead, 0x81, 0x9f) && !within(lead, 0xe0, 0xfc)) return BROKEN
  if (!within(trail, 0x40, 0x7e) && !within(trail, 0x80, 0xfc)) return BROKEN
  if (lead === 0x82 || lead === 0x83) return [1, 2]
  if (lead === 0x81) return [0.5, 2]
  return [within(lead, 0x88, 0x97) ? 0.4 : within(lead, 0xeb, 0xfc) ? -0.3 : 0.1, 2]
}

const eucJp: Reader = (lead, trail) => {
  if (!within(trail, 0xa1, 0xfe)) return BROKEN
  if (lead === 0x8e) return [0.3, 2]
  if (lead === 0xa4 || lead === 0xa5) return [1, 2]
  if (lead === 0xa1) return [0.5, 2]
  return within(lead, 0xb0, 0xcf) ? [0.35, 2] : within(lead, 0xd0, 0xf4) ? [0.1, 2] : BROKEN
}

const gbk: Reader = (lead, trail) => {
  if (!within(lead, 0x81, 0xfe) || trail < 0x40 || trail === 0x7f || trail === 0xff) return BROKEN
  if (trail < 0xa1 || lead < 0xa1) return [0.02, 2]
  if (within(lead, 0xa4, 0xa6)) return [-0.3, 2]
  return [within(lead, 0xb0, 0xd7) || lead === 0xa1 || lead === 0xa3 ? 0.4 : 0.1, 2]
}

const big5: Reader = (lead, trail) => {
  const isLow = within(trail, 0x40, 0x7e)
  if (!within(lead, 0xa1, 0xf9) || (!isLow && !within(trail, 0xa1, 0xfe))) return BROKEN
  if (within(lead, 0xa4, 0xc6)) return [isLow ? 0.9 : 0.3, 2]
  return [lead < 0xa4 ? 0.4 : 0.05, 2]
}

const eucKr: Reader = (lead, trail) => {
  if (!within(trail, 0xa1, 0xfe) || !within(lead, 0xa1, 0xfd)) return BROKEN
  return [within(lead, 0xb0, 0xc8) ? 0.8 : lead < 0xa4 ? 0.4 : -0.8, 2]
}

const READERS: readonly (readonly [Encoding, Reader])[] = [
  ['shift_jis', shiftJis],
  ['gb18030', gbk],
  ['euc-jp', eucJp],
  ['big5', big5],
  ['euc-kr', eucKr],
]
/** Mean from which a text counts as one of an Asian language; below it, it is Western European. */
const LEAST_POINTS = 0.14

/** The encoding that some bytes look most like, of those that UTF-8 is not. */
export function guessEncoding(bytes: Uint8Array): Encoding {
  let best: readonly [Encoding, number] = ['windows-1252', Math.max(LEAST_POINTS, westernPoints(bytes))]
  const thai = thaiPoints(bytes)
  if (thai > best[1]) best = ['windows-874', thai]
  for (const [encoding, reader] of READERS) {
    const points = meanPoints(bytes, reader)
    if (points > best[1]) best = [encoding, points]
  }
  return best[0]
}

function meanPoints(bytes: Uint8Array, reader: Reader): number {
  let points = 0
  let units = 0
  for (let at = 0; at < bytes.length; at++) {
    const lead = bytes[at] ?? 0
    if (lead < 0x80) continue
    if (at === bytes.length - 1 && units > 0) break
    const [one, length] = reader(lead, bytes[at + 1] ?? 0)
    points += one
    units++
    at += length - 1
  }
  return units === 0 ? 0 : points / units
}

/** Letters with accents stand alone between others. */
function westernPoints(bytes: Uint8Array): number {
  let alone = 0
  let high = 0
  for (let at = 0; at < bytes.length; at++) {
    if ((bytes[at] ?? 0) < 0x80) continue
    high++
    if ((bytes[at - 1] ?? 0) < 0x80 && (bytes[at + 1] ?? 0) < 0x80) alone++
  }
  return high === 0 ? 0 : (0.9 * alone) / high
}

const isLatin = (byte: number) => within(byte | 0x20, 0x61, 0x7a)

/** Marks of Thai stand behind a consonant or another mark; words have any length, where other scripts have pairs. */
function thaiPoints(bytes: Uint8Array): number {
  let high = 0
  let faults = 0
  let run = 0
  let hasOddRun = false
  for (let at = 0; at <= bytes.length; at++) {
    const byte = bytes[at] ?? 0
    if (byte < 0x80) {
      hasOddRun ||= run % 2 === 1 && run > 1
      run = 0
      continue
    }
    high++
    run++
    const before = bytes[at - 1] ?? 0
    const isMark = byte === 0xd1 || within(byte, 0xd4, 0xda) || within(byte, 0xe7, 0xee)
    const touches = isLatin(before) || isLatin(bytes[at + 1] ?? 0)
    if (touches || within(byte, 0xdb, 0xde) || byte > 0xfb || byte < 0xa0) faults++
    else if (isMark && !within(before, 0xa1, 0xce) && !within(before, 0xd1, 0xda) && !within(before, 0xe7, 0xee))
      faults++
  }
  if (high === 0 || faults / high > 0.03) return 0
  return hasOddRun ? 0.6 : 0.38
}
