/**
 * The text of a mail, as it is saved (`.eml`) or pasted with its source: headers, then a body that may have parts, each in
 * an encoding of its own.
 *
 * `Content-Type: multipart/mixed; boundary=b` is cut at `--b`; of the alternatives, plain text is read before HTML; HTML
 * gives its text and the addresses of its links; what is attached as a file is told, not read.
 * @see RFC 5322, RFC 2045, RFC 2046, RFC 2047
 */
import type { LossReport } from '../loss.ts'
import { inCharset } from './charset.ts'
import { textOfHtml } from './html.ts'
import { decodeTransfer, decodeWords } from './transfer.ts'

/** What a mail says, and who wrote it to whom. */
export interface MailText {
  text: string
  /** Addresses of the headers, which are no indicators. */
  people: string[]
}

/** Parts of one mail, and how deep they may lie in each other. */
const PARTS_MAX = 200
const PARTS_MAX_DEPTH = 8
/** Bytes of headers that are read. */
const HEADERS_MAX_CHARS = 262_144
const HEADER_LINE = /^[A-Za-z][A-Za-z0-9-]{0,70}:/
const KNOWN_HEADER =
  /^(?:return-path|received|delivered-to|from|to|subject|date|message-id|mime-version|content-type):/i

/** Whether bytes begin with the headers of a mail: two that every mail has, and nothing but headers before the first empty line. */
export function isMail(sample: string): boolean {
  const [head = ''] = sample.split(/\r?\n\r?\n/, 1)
  const lines = head.split(/\r?\n/)
  const known = new Set(lines.flatMap((line) => KNOWN_HEADER.exec(line)?.[0].toLowerCase() ?? []))
  return (
    known.size >= 3 &&
    (known.has('message-id:') || known.has('mime-version:') || known.has('received:') || known.has('content-type:')) &&
    lines.every((line, index) => HEADER_LINE.test(line) || (index > 0 && /^[ \t]/.test(line)))
  )
}

/** Reads a mail. Characters above 0x7F stand for bytes: the source is taken as Latin-1, each part in its own charset. */
export function readMail(bytes: Uint8Array, losses: LossReport): MailText {
  const source = new TextDecoder('latin1').decode(bytes).replaceAll('\r\n', '\n')
  const reader = { left: PARTS_MAX, losses }
  const { headers, body } = split(source)
  const people = ['from', 'to', 'cc', 'reply-to', 'sender', 'return-path', 'delivered-to']
    .flatMap((name) => [...(headers.get(name) ?? '').matchAll(/[^\s<>@,;"]{1,64}@[A-Za-z0-9.-]{1,253}/g)])
    .map(([address]) => address.toLowerCase())
  const subject = decodeWords(headers.get('subject') ?? '')
  const texts = textsOfPart(headers, body, 0, reader)
  return { text: [subject, ...texts].filter(Boolean).join('\n'), people }
}

interface PartReader {
  left: number
  losses: LossReport
}

type Headers = ReadonlyMap<string, string>

function split(source: string): { headers: Headers; body: string } {
  const end = source.startsWith('\n') ? 0 : source.indexOf('\n\n')
  const head = source.slice(0, Math.min(end === -1 ? source.length : end, HEADERS_MAX_CHARS))
  const headers = new Map<string, string>()
  for (const line of head.replace(/\n[ \t]+/g, ' ').split('\n')) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    if (colon > 0 && !headers.has(name)) headers.set(name, line.slice(colon + 1).trim())
  }
  return { headers, body: end === -1 ? '' : source.slice(end + (end === 0 ? 1 : 2)) }
}

function textsOfPart(headers: Headers, body: string, depth: number, reader: PartReader): string[] {
  const type = (headers.get('content-type') ?? 'text/plain').toLowerCase()
  const [kind = 'text/plain'] = type.split(';')
  if (reader.left-- <= 0 || depth > PARTS_MAX_DEPTH) {
    if (reader.left === -1 || depth > PARTS_MAX_DEPTH)
      reader.losses.add('mail', 'more parts, or parts within parts, than are read')
    return []
  }
  if (kind.startsWith('multipart/')) return textsOfParts(headers, kind, body, depth, reader)
  const bytes = decodeTransfer(body, headers.get('content-transfer-encoding') ?? '')
  if (kind.trim() === 'message/rfc822') {
    const inner = split(new TextDecoder('latin1').decode(bytes))
    return [
      decodeWords(inner.headers.get('subject') ?? ''),
      ...textsOfPart(inner.headers, inner.body, depth + 1, reader),
    ]
  }
  const isAttached = /^attachment/i.test(headers.get('content-disposition') ?? '')
  if (isAttached || !kind.startsWith('text/')) {
    const name = decodeWords(
      parameter(headers.get('content-disposition') ?? '', 'filename') ??
        parameter(headers.get('content-type') ?? '', 'name') ??
        kind,
    )
    reader.losses.add('mail', `the attachment ${name.slice(0, 100)} is not read: save it, and import it on its own`)
    return []
  }
  const text = inCharset(bytes, parameter(headers.get('content-type') ?? '', 'charset'))
  return [kind.trim() === 'text/html' ? textOfHtml(text) : text]
}

function textsOfParts(headers: Headers, kind: string, body: string, depth: number, reader: PartReader): string[] {
  const boundary = parameter(headers.get('content-type') ?? '', 'boundary')
  if (boundary === undefined || boundary === '') return [body]
  const parts = `\n${body}`
    .split(`\n--${boundary}`)
    .slice(1, PARTS_MAX + 1)
    .filter((part) => !part.startsWith('--'))
    .map((part) => split(part.replace(/^[ \t]*\n/, '')))
  const kindOf = (part: { headers: Headers }) => (part.headers.get('content-type') ?? 'text/plain').toLowerCase()
  const plain = parts.find((part) => kindOf(part).startsWith('text/plain'))
  const chosen = kind.trim() === 'multipart/alternative' && plain ? [plain] : parts
  return chosen.flatMap((part) => textsOfPart(part.headers, part.body, depth + 1, reader))
}

/** A parameter of a header such as `text/plain; charset="utf-8"`. */
function parameter(header: string, name: string): string | undefined {
  for (const part of header.split(';').slice(1, 20)) {
    const equals = part.indexOf('=')
    if (part.slice(0, equals).trim().toLowerCase() === name)
      return part
        .slice(equals + 1)
        .trim()
        .replace(/^"(.*)"$/, '$1')
  }
  return undefined
}
