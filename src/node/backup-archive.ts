// A backup is a tar file (POSIX ustar), so that an operator can look into it with what every machine has.
import type { FileHandle } from 'node:fs/promises'
import { NodeError } from './errors.ts'

const BLOCK = 512
/** Octal digits of a size; larger ones are written in base 256, as GNU tar does. */
const OCTAL_LIMIT = 8 ** 11
const READ_BYTES = 1_048_576

/** A member of an archive: where its bytes begin, and how many there are. */
export interface ArchiveMember {
  name: string
  size: number
  offset: number
}

/** The header block of a member, readable by its owner alone. */
export function toHeader(name: string, size: number, timeMs: number): Uint8Array {
  const header = Buffer.alloc(BLOCK)
  header.write(name, 0, 100, 'utf8')
  header.write('0000600\0', 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  if (size < OCTAL_LIMIT) header.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  else {
    header[124] = 0x80
    header.writeBigUInt64BE(BigInt(size), 128)
  }
  header.write(
    `${Math.floor(timeMs / 1_000)
      .toString(8)
      .padStart(11, '0')}\0`,
    136,
  )
  header.write('0', 156)
  header.write('ustar\0' + '00', 257)
  header.write(`${sumOf(header).toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

/** Zero bytes after a member's content, up to the next block. */
export const paddingOf = (size: number): Uint8Array => new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK)

/** Two empty blocks. */
export const ARCHIVE_END = new Uint8Array(2 * BLOCK)

/**
 * The members of an archive, in order; nothing but whole plain files between the first byte and the end.
 *
 * @throws BACKUP_BROKEN
 */
export async function readMembers(file: FileHandle, path: string, most: number): Promise<ArchiveMember[]> {
  const { size: total } = await file.stat()
  const members: ArchiveMember[] = []
  let at = 0
  for (;;) {
    const header = Buffer.alloc(BLOCK)
    const { bytesRead } = await file.read(header, 0, BLOCK, at)
    if (bytesRead < BLOCK) throw broken(path, 'it ends before its end mark: it was cut off')
    if (header.every((byte) => byte === 0)) return members
    const name = header.toString('utf8', 0, 100).replace(/\0.*$/s, '')
    if (sumOf(header) !== parseInt(header.toString('latin1', 148, 154), 8))
      throw broken(path, `the header at ${at} is damaged`)
    const size = sizeOf(header)
    const offset = at + BLOCK
    const next = offset + size + paddingOf(size).length
    if (header[156] !== 0x30 || !Number.isSafeInteger(next) || next + BLOCK > total || members.length >= most)
      throw broken(path, `its member ${JSON.stringify(name)} is no plain file that fits into it`)
    members.push({ name, size, offset })
    at = next
  }
}

/** A member's bytes in pieces. @throws BACKUP_BROKEN */
export async function* readMember(file: FileHandle, member: ArchiveMember, path: string): AsyncGenerator<Uint8Array> {
  const piece = Buffer.alloc(READ_BYTES)
  for (let done = 0; done < member.size;) {
    const want = Math.min(READ_BYTES, member.size - done)
    const { bytesRead } = await file.read(piece, 0, want, member.offset + done)
    if (bytesRead === 0) throw broken(path, `it ends within ${member.name}`)
    yield piece.subarray(0, bytesRead)
    done += bytesRead
  }
}

/** What is wrong with a backup file. */
export const broken = (path: string, why: string): NodeError =>
  new NodeError('BACKUP_BROKEN', `${path} is no backup that can be restored: ${why}.`)

function sumOf(header: Uint8Array): number {
  return header.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 0x20 : byte), 0)
}

function sizeOf(header: Buffer): number {
  if (header[124] === 0x80) return Number(header.readBigUInt64BE(128))
  return parseInt(header.toString('latin1', 124, 135), 8)
}
