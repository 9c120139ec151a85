import { crc32, deflateRawSync } from 'node:zlib'

const LOCAL_ENTRY = 0x04034b50
const DIRECTORY_ENTRY = 0x02014b50
const END_OF_DIRECTORY = 0x06054b50
/** Version of the format that knows deflate, in tenths. */
const VERSION = 20
const DEFLATE = 8
/** Names are UTF-8. @see APPNOTE.TXT, section 4.4.4, bit 11 */
const UTF_8_NAMES = 0x0800
/** The first of January 1980: the same files give the same bytes on every day. */
const DATE = 0x0021

/** A zip file of some texts by their names. */
export function writeZip(files: Readonly<Record<string, string>>): Uint8Array {
  const locals: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const [name, text] of Object.entries(files)) {
    const plain = Buffer.from(text)
    const packed = deflateRawSync(plain)
    const path = Buffer.from(name)
    const facts = Buffer.alloc(26)
    facts.writeUInt16LE(VERSION, 0)
    facts.writeUInt16LE(UTF_8_NAMES, 2)
    facts.writeUInt16LE(DEFLATE, 4)
    facts.writeUInt16LE(DATE, 8)
    facts.writeUInt32LE(crc32(plain), 10)
    facts.writeUInt32LE(packed.length, 14)
    facts.writeUInt32LE(plain.length, 18)
    facts.writeUInt16LE(path.length, 22)
    const place = Buffer.alloc(14)
    place.writeUInt32LE(offset, 10)
    locals.push(number(LOCAL_ENTRY), facts, path, packed)
    directory.push(number(DIRECTORY_ENTRY), Buffer.from([VERSION, 0]), facts, place, path)
    offset += 4 + facts.length + path.length + packed.length
  }
  const listed = Buffer.concat(directory)
  const end = Buffer.alloc(18)
  const count = Object.keys(files).length
  end.writeUInt16LE(count, 4)
  end.writeUInt16LE(count, 6)
  end.writeUInt32LE(listed.length, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...locals, listed, number(END_OF_DIRECTORY), end])
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
