import { ENCODINGS } from './encoding.ts'
import { ExchangeError } from './error.ts'
import type { LossReport } from './loss.ts'

/** Encodings that tables are written in: UTF-8 with its mark, which Excel needs, without it, or an old one. */
export const OUTPUT_ENCODINGS = [
  'utf-8-mark',
  ...ENCODINGS.filter((one) => !['iso-2022-jp', 'utf-16be', 'gb18030'].includes(one)),
] as const

/** Characters that an encoding has none of are told up to this many. */
const TOLD_MAX = 20

/**
 * Text in an encoding. A character that the encoding has none of becomes `?`, and is told.
 * @throws EXCHANGE_ENCODING for a name that is not one of `OUTPUT_ENCODINGS`
 */
export function encodeText(text: string, encoding: string, losses: LossReport): Uint8Array {
  if (!OUTPUT_ENCODINGS.some((one) => one === encoding))
    throw new ExchangeError('EXCHANGE_ENCODING', `No encoding ${encoding}; known are ${OUTPUT_ENCODINGS.join(', ')}.`)
  const plain = text.replace(/^\uFEFF/, '')
  if (encoding === 'utf-8') return new TextEncoder().encode(plain)
  if (encoding === 'utf-8-mark') return new TextEncoder().encode(`\uFEFF${plain}`)
  if (encoding === 'utf-16le') return new Uint8Array(Buffer.from(`\uFEFF${plain}`, 'utf16le'))
  const bytes = bytesByChar(encoding)
  const out: number[] = []
  const missing = new Set<string>()
  for (const char of plain) {
    const known = bytes.get(char)
    if (known === undefined) missing.add(char)
    out.push(...(known ?? [QUESTION_MARK]))
  }
  for (const char of [...missing].slice(0, TOLD_MAX))
    losses.add(`“${char}”`, `${encoding} has no such character; “?” stands in its place`)
  return new Uint8Array(out)
}

const QUESTION_MARK = 0x3f

/** The bytes of each character, found by decoding every single byte and every pair; the first that give it are taken. */
function bytesByChar(encoding: string): ReadonlyMap<string, readonly number[]> {
  const decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true })
  const bytes = new Map<string, readonly number[]>()
  const learn = (...some: number[]) => {
    try {
      const char = decoder.decode(new Uint8Array(some))
      if (Array.from(char).length === 1 && !bytes.has(char)) bytes.set(char, some)
    } catch {
      // Not a character of this encoding.
    }
  }
  for (let byte = 0; byte < 0x100; byte++) learn(byte)
  if (encoding.startsWith('windows-')) return bytes
  for (let lead = 0x81; lead < 0xff; lead++) for (let trail = 0x40; trail < 0xff; trail++) learn(lead, trail)
  return bytes
}
