import { inCharset } from './charset.ts'

/** Bytes of a part, out of base64 or quoted-printable; characters stand for bytes. */
export function decodeTransfer(body: string, encoding: string): Uint8Array {
  switch (encoding.trim().toLowerCase()) {
    case 'base64':
      return new Uint8Array(Buffer.from(body, 'base64'))
    case 'quoted-printable':
      return bytesOf(unquoted(body.replace(/=[ \t]{0,100}\n/g, '')))
    default:
      return bytesOf(body)
  }
}

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'))

const unquoted = (text: string) =>
  text.replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))

/** Header text with its encoded words, such as `=?utf-8?B?w6k=?=`, made readable. */
export function decodeWords(header: string): string {
  return header
    .replace(/\?=[ \t]+=\?/g, '?==?')
    .replace(/=\?([\w-]{1,40})\?([BbQq])\?([^?\s]{0,2000})\?=/g, (_, charset: string, kind: string, text: string) =>
      inCharset(
        kind.toUpperCase() === 'B'
          ? new Uint8Array(Buffer.from(text, 'base64'))
          : bytesOf(unquoted(text.replaceAll('_', ' '))),
        charset,
      ),
    )
}
