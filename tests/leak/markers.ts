// Markers stand in every property of every object of a world. Whoever finds one in raw bytes, in whatever form, has
// that property of that object.
import { gunzipSync } from 'node:zlib'

/** What of an object a marker stands for. */
export type Part = 'i' | 'n' | 'd' | 'l' | 'u' | 'p' | 'c' | 'm'

/** Names of the parts, as a failure tells them. */
export const PARTS: Readonly<Record<Part, string>> = {
  i: 'id',
  n: 'name',
  d: 'description',
  l: 'label',
  u: 'external reference',
  p: 'pattern',
  c: 'creator',
  m: 'marking-definition',
}

/** A marker that was found: the object's number and the part. */
export interface Found {
  object: number
  part: Part
}

const PREFIX = 'lkmk'
const LETTERS = 'ndlupm'
const ID_PREFIXES: Readonly<Record<string, Part>> = { '5ec2e7aa': 'i', '5ec2e7cc': 'c', '5ec2e7dd': 'm' }

const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0')

/** Text of a part: letters and digits alone, so that no escaping changes it. */
export const markerText = (object: number, part: Part): string =>
  `${PREFIX}${part}${hex(object, 4)}${hex((object * 40_503 + part.charCodeAt(0) * 9_973) % 65_536, 4)}`

/** A UUID that begins with what tells ids of secrets apart. */
export function markerId(type: string, object: number, part: 'i' | 'c' | 'm' = 'i'): string {
  const prefix = Object.entries(ID_PREFIXES).find(([, of]) => of === part)?.[0] ?? ''
  return `${type}--${prefix}-${hex(object, 4)}-4${hex((object * 2_713) % 4_096, 3)}-8abc-${hex(object, 12)}`
}

/** The id of something that is nowhere, of the same form. */
export const absentId = (type: string, n = 0): string => `${type}--5ec2e7ee-${hex(n, 4)}-4fff-8abc-${hex(n, 12)}`

const TEXT = new RegExp(`${PREFIX}([${LETTERS}])([0-9a-f]{4})[0-9a-f]{4}`, 'gi')
const UUID = new RegExp(`(${Object.keys(ID_PREFIXES).join('|')})-?([0-9a-f]{4})-?4`, 'gi')
const HEX = /(?:6c6b6d6b|4c4b4d4b|3565633265376[1-9a-f])[0-9a-f]{16,}/gi

/** What stays of the base64 of a text, whatever stands before it: for each of the three offsets. */
const base64Forms = (text: string) =>
  [0, 1, 2].map((offset) => {
    const whole = Buffer.from('\0'.repeat(offset) + text).toString('base64')
    const from = offset === 0 ? 0 : offset === 1 ? 2 : 3
    const sure = Math.floor(((offset + text.length) * 8) / 6)
    return { form: whole.slice(from, sure), from }
  })
const BASE64 = [PREFIX, '5ec2e7'].flatMap(base64Forms)
/** Characters of base64 that hold a whole marker and what it begins with. */
const BASE64_WINDOW = 60

/** Every marker in an answer's bytes: as it is, without case, in hex, in base64 of any offset, and under gzip. */
export function markersIn(bytes: Uint8Array | string, deep = true): Map<string, Found> {
  const found = new Map<string, Found>()
  const buffer =
    typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const text = buffer.toString('latin1')
  scan(text, found)
  for (const [run] of text.matchAll(HEX))
    scan(Buffer.from(run.slice(0, run.length & ~1), 'hex').toString('latin1'), found)
  for (const { form, from } of BASE64) {
    for (let at = text.indexOf(form); at >= 0; at = text.indexOf(form, at + 1)) {
      const start = at - from
      const piece =
        start >= 0 ? text.slice(start, start + BASE64_WINDOW) : 'A'.repeat(-start) + text.slice(0, BASE64_WINDOW)
      scan(Buffer.from(piece.replaceAll('-', '+').replaceAll('_', '/'), 'base64').toString('latin1'), found)
    }
  }
  if (deep && buffer[0] === 0x1f && buffer[1] === 0x8b)
    for (const [key, one] of markersIn(gunzipSync(buffer), false)) found.set(key, one)
  return found
}

function scan(text: string, found: Map<string, Found>): void {
  for (const [, part = '', object = ''] of text.matchAll(TEXT))
    note(found, { object: Number.parseInt(object, 16), part: part.toLowerCase() as Part })
  for (const [, prefix = '', object = ''] of text.matchAll(UUID))
    note(found, { object: Number.parseInt(object, 16), part: ID_PREFIXES[prefix.toLowerCase()] ?? 'i' })
}

const note = (found: Map<string, Found>, one: Found) => found.set(`${one.part}${one.object}`, one)
