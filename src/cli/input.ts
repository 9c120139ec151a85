import { createReadStream } from 'node:fs'
import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { UsageError } from './command.ts'

/** Bytes of an input, read once; what is packed with gzip is unpacked on the way. */
export interface Input extends AsyncIterable<Buffer> {
  /** Bytes of the file or stdin taken so far, as they are there: packed ones where it is packed. */
  bytesRead(): number
}

const CHUNK_BYTES = 262_144
const GZIP_MAGIC = Buffer.of(0x1f, 0x8b)

/** Opens a file, or stdin for `-`. Reading throws where there is no such file, or where its gzip data are broken. */
export function openInput(path: string): Input {
  let taken = 0
  async function* raw(): AsyncGenerator<Buffer> {
    const source = path === '-' ? process.stdin : createReadStream(path, { highWaterMark: CHUNK_BYTES })
    for await (const chunk of source as AsyncIterable<Buffer>) {
      taken += chunk.length
      yield chunk
    }
  }
  return { bytesRead: () => taken, [Symbol.asyncIterator]: () => unpacked(raw(), path) }
}

/** All bytes of a file or stdin. @throws UsageError beyond the limit */
export async function readBounded(path: string, maxBytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of openInput(path)) {
    size += chunk.length
    if (size > maxBytes) throw new UsageError(`${path} has more than ${maxBytes} bytes; split it.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

async function* unpacked(chunks: AsyncGenerator<Buffer>, path: string): AsyncGenerator<Buffer> {
  let head = Buffer.alloc(0)
  while (head.length < GZIP_MAGIC.length) {
    const { value, done } = await chunks.next()
    if (done) break
    head = Buffer.concat([head, value])
  }
  if (!head.subarray(0, GZIP_MAGIC.length).equals(GZIP_MAGIC)) {
    if (head.length > 0) yield head
    return yield* chunks
  }
  try {
    // The iteration below hears of every failure; the callback is there because pipeline wants one.
    yield* pipeline(Readable.from(joined(head, chunks)), createGunzip(), () => undefined) as AsyncIterable<Buffer>
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (!code?.startsWith('Z_')) throw error
    throw new UsageError(
      `${path} is packed with gzip, and cannot be unpacked: ${message}. Pack it again, or unpack it first.`,
    )
  }
}

async function* joined(head: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield head
  yield* rest
}
