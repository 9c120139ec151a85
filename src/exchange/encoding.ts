import { ExchangeError } from './error.ts'

/** Text of a file, and the encoding it was read with. */
export interface DecodedText {
  text: string
  encoding: 'utf-8' | 'utf-16le' | 'utf-16be' | 'shift_jis' | 'windows-1252'
}

/** Bytes looked at to tell Shift_JIS from Windows-1252. */
const SAMPLE_BYTES = 65_536
/** Share of two-byte characters, of all bytes above 0x7F, from which a text counts as Japanese. */
const JAPANESE_SHARE = 0.6

/**
 * Decodes text of unknown encoding: by its mark, else UTF-8 where it is valid, else Shift_JIS (CP932) where the bytes
 * read as Japanese, else Windows-1252.
 * @throws EXCHANGE_ENCODING for what holds NUL characters, so is no text
 */
export function decodeText(bytes: Uint8Array): DecodedText {
  const decoded = withMark(bytes) ?? asUtf8(bytes) ?? asJapanese(bytes) ?? asWestern(bytes)
  if (decoded.text.includes('\0'))
    throw new ExchangeError('EXCHANGE_ENCODING', 'The input holds NUL bytes, so it is no text; give its --format.')
  return decoded
}

function withMark(bytes: Uint8Array): DecodedText | undefined {
  const decode = (encoding: DecodedText['encoding']) => ({ text: new TextDecoder(encoding).decode(bytes), encoding })
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return decode('utf-8')
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return decode('utf-16le')
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return decode('utf-16be')
  return undefined
}

function asUtf8(bytes: Uint8Array): DecodedText | undefined {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), encoding: 'utf-8' }
  } catch {
    return undefined
  }
}

function asJapanese(bytes: Uint8Array): DecodedText | undefined {
  if (japaneseShare(bytes.subarray(0, SAMPLE_BYTES)) < JAPANESE_SHARE) return undefined
  try {
    return { text: new TextDecoder('shift_jis', { fatal: true }).decode(bytes), encoding: 'shift_jis' }
  } catch {
    return undefined
  }
}

/** Share of high bytes that belong to kana, common kanji or half-width kana runs in Shift_JIS. */
function japaneseShare(bytes: Uint8Array): number {
  let high = 0
  let japanese = 0
  for (let i = 0; i < bytes.length; i++) {
    const lead = bytes[i] ?? 0
    if (lead < 0x80) continue
    high++
    const trail = bytes[i + 1] ?? 0
    if (isLead(lead) && isTrail(trail)) {
      japanese++
      if (trail >= 0x80) {
        high++
        japanese++
      }
      i++
    } else if (isHalfKana(lead) && isHalfKana(trail)) {
      high++
      japanese += 2
      i++
    }
  }
  return high === 0 ? 0 : japanese / high
}

const isLead = (byte: number) => (byte >= 0x81 && byte <= 0x9f) || (byte >= 0xe0 && byte <= 0xfc)
const isTrail = (byte: number) => (byte >= 0x40 && byte <= 0x7e) || (byte >= 0x80 && byte <= 0xfc)
const isHalfKana = (byte: number) => byte >= 0xa1 && byte <= 0xdf

const asWestern = (bytes: Uint8Array): DecodedText => ({
  text: new TextDecoder('windows-1252').decode(bytes),
  encoding: 'windows-1252',
})
