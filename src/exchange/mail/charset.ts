import { decodeText, ENCODINGS } from '../encoding.ts'

/** Text in the charset that its part names, or in the one it looks like where that is wrong. */
export function inCharset(bytes: Uint8Array, charset: string | undefined): string {
  const named = charset?.toLowerCase()
  const known = ENCODINGS.find((one) => one === (named === 'gb2312' || named === 'gbk' ? 'gb18030' : named))
  try {
    return decodeText(bytes, known).text
  } catch {
    return new TextDecoder('latin1').decode(bytes)
  }
}
