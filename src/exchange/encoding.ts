import { guessEncoding } from './encoding-guess.ts'
import { ExchangeError } from './error.ts'

/** Encodings that text is read in, by the names of the WHATWG standard. */
export const ENCODINGS = [
  'utf-8',
  'utf-16le',
  'utf-16be',
  'shift_jis',
  'euc-jp',
  'iso-2022-jp',
  'gb18030',
  'big5',
  'euc-kr',
  'windows-874',
  'windows-1250',
  'windows-1251',
  'windows-1252',
  'windows-1258',
] as const

/** Name of an encoding. */
export type Encoding = (typeof ENCODINGS)[number]

/** Text of a file, and the encoding it was read with. */
export interface DecodedText {
  text: string
  encoding: Encoding
}

/** Bytes looked at to tell encodings apart. */
const SAMPLE_BYTES = 65_536
/** Share of NUL bytes at odd or even places from which a text counts as UTF-16 without its mark. */
const UTF_16_SHARE = 0.6

/**
 * Decodes text: in the encoding that is named, else by its mark, else UTF-8 where it is valid, else the encoding whose
 * characters it looks most like (Japanese, Chinese, Korean, Thai, Western European).
 * @throws EXCHANGE_ENCODING for an unknown name, for bytes that are not of the named encoding, and for what holds NUL
 * characters, so is no text
 */
export function decodeText(bytes: Uint8Array, named?: string): DecodedText {
  const decoded = named === undefined ? recognised(bytes) : inNamed(bytes, named)
  if (decoded.text.includes('\0'))
    throw new ExchangeError('EXCHANGE_ENCODING', 'The input holds NUL bytes, so it is no text; give its --format.')
  return decoded
}

/** Text of the first lines, as far as they can be read; empty where they are no text. */
export function decodeStart(bytes: Uint8Array, maxBytes: number, named?: string): string {
  const end = bytes.length <= maxBytes ? bytes.length : bytes.subarray(0, maxBytes).lastIndexOf(LINE_FEED) + 1
  // In UTF-16 with the low byte first, a line feed has its NUL behind it.
  const whole = bytes[end] === 0 && end < bytes.length ? end + 1 : end
  try {
    return decodeText(bytes.subarray(0, whole), named).text
  } catch {
    return ''
  }
}

const LINE_FEED = 0x0a

function inNamed(bytes: Uint8Array, named: string): DecodedText {
  const encoding = ENCODINGS.find((one) => one === named)
  const decoded = encoding && fatally(bytes, encoding)
  if (decoded) return decoded
  throw new ExchangeError(
    'EXCHANGE_ENCODING',
    encoding
      ? `The input is no ${encoding}; leave --encoding out, or name another: ${ENCODINGS.join(', ')}.`
      : `No encoding ${named}; known are ${ENCODINGS.join(', ')}.`,
  )
}

function recognised(bytes: Uint8Array): DecodedText {
  const marked = byMark(bytes) ?? byZeros(bytes.subarray(0, SAMPLE_BYTES))
  if (marked) return { text: new TextDecoder(marked).decode(bytes), encoding: marked }
  const sample = new TextDecoder('latin1').decode(bytes.subarray(0, SAMPLE_BYTES))
  const isSwitching = sample.includes('\u001B$B') || sample.includes('\u001B$@')
  const guessed = guessEncoding(bytes.subarray(0, SAMPLE_BYTES))
  const decoded =
    (isSwitching ? fatally(bytes, 'iso-2022-jp') : undefined) ?? fatally(bytes, 'utf-8') ?? fatally(bytes, guessed)
  return decoded ?? { text: new TextDecoder('windows-1252').decode(bytes), encoding: 'windows-1252' }
}

function byMark(bytes: Uint8Array): Encoding | undefined {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf-8'
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  return bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : undefined
}

/** UTF-16 without its mark: in a table, most characters are of ASCII, and every other byte is NUL. */
function byZeros(bytes: Uint8Array): Encoding | undefined {
  const zeros = [0, 0]
  for (let at = 0; at < bytes.length; at++) if (bytes[at] === 0) zeros[at % 2] = (zeros[at % 2] ?? 0) + 1
  const [even = 0, odd = 0] = zeros.map((count) => count / (bytes.length / 2))
  if (even + odd === 0 || bytes.length % 2 === 1) return undefined
  return odd > UTF_16_SHARE && even === 0 ? 'utf-16le' : even > UTF_16_SHARE && odd === 0 ? 'utf-16be' : undefined
}

function fatally(bytes: Uint8Array, encoding: Encoding): DecodedText | undefined {
  try {
    return { text: new TextDecoder(encoding, { fatal: true }).decode(bytes), encoding }
  } catch {
    return undefined
  }
}
