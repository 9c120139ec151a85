import { inflateRawSync } from 'node:zlib'
import { ExchangeError } from '../error.ts'
import { PARTS_MAX, UNPACKED_MAX_BYTES } from '../limits.ts'

/** The parts of a zip file by name, unpacked when they are asked for. */
export type Parts = (name: string) => Uint8Array | undefined

const END_OF_DIRECTORY = 0x06054b50
const DIRECTORY_ENTRY = 0x02014b50
const LOCAL_ENTRY = 0x04034b50
/** Bytes of the end record with the longest comment. */
const END_MAX_BYTES = 65_557

interface Entry {
  method: number
  packed: number
  offset: number
}

/**
 * Opens a zip file by its central directory. Unpacking stops at the limit, whatever the directory says.
 * @throws EXCHANGE_SYNTAX for what is no zip file, EXCHANGE_TOO_LARGE for a part that unpacks beyond the limit
 * @see APPNOTE.TXT, sections 4.3.12 and 4.3.16
 */
export function openZip(bytes: Uint8Array): Parts {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const entries = directoryOf(bytes, view)
  let left = UNPACKED_MAX_BYTES
  return (name) => {
    const entry = entries.get(name.toLowerCase())
    if (!entry) return undefined
    const part = unpack(bytes, view, name, entry, left)
    left -= part.length
    return part
  }
}

function directoryOf(bytes: Uint8Array, view: DataView): Map<string, Entry> {
  const end = endOf(view)
  const count = Math.min(view.getUint16(end + 10, true), PARTS_MAX)
  let at = view.getUint32(end + 16, true)
  const entries = new Map<string, Entry>()
  for (let i = 0; i < count; i++) {
    if (at + 46 > view.byteLength || view.getUint32(at, true) !== DIRECTORY_ENTRY)
      throw broken('its directory is cut off')
    const nameLength = view.getUint16(at + 28, true)
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength))
    entries.set(name.toLowerCase(), {
      method: view.getUint16(at + 10, true),
      packed: view.getUint32(at + 20, true),
      offset: view.getUint32(at + 42, true),
    })
    at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true)
  }
  return entries
}

function endOf(view: DataView): number {
  const first = Math.max(0, view.byteLength - END_MAX_BYTES)
  for (let at = view.byteLength - 22; at >= first; at--) if (view.getUint32(at, true) === END_OF_DIRECTORY) return at
  throw broken('it has no directory')
}

function unpack(
  bytes: Uint8Array,
  view: DataView,
  name: string,
  { method, packed, offset }: Entry,
  limit: number,
): Uint8Array {
  if (offset + 30 > view.byteLength || view.getUint32(offset, true) !== LOCAL_ENTRY)
    throw broken(`${name} is not where its directory says`)
  const start = offset + 30 + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true)
  const content = bytes.subarray(start, start + packed)
  if (method === 0 && content.length <= limit) return content
  if (method !== 8 && method !== 0) throw broken(`${name} is packed by method ${method}, which workbooks do not use`)
  try {
    return inflateRawSync(content, { maxOutputLength: Math.max(1, limit) })
  } catch (cause) {
    const isTooLarge = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    throw isTooLarge
      ? new ExchangeError(
          'EXCHANGE_TOO_LARGE',
          `its parts unpack to more than ${UNPACKED_MAX_BYTES} bytes; save less per file.`,
        )
      : broken(`${name} does not unpack`, cause)
  }
}

const broken = (why: string, cause?: unknown) =>
  new ExchangeError('EXCHANGE_SYNTAX', `The file is no readable workbook: ${why}. Save it again as .xlsx.`, { cause })
