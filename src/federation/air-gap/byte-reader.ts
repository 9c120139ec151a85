import { createHash } from 'node:crypto'
import { LogError } from '#log'
import { ENTRY_MAX_BYTES, type Frame } from '#log'
import type { Chunks } from './age.ts'

const NEWLINE = 0x0a
const STUB = 0xffffffff

/** Reads lines and frames off pieces of bytes; holds no more than what was asked for and one piece. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>
  #chunk: Uint8Array = new Uint8Array()

  constructor(chunks: Chunks) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  /** Whether there is anything more. */
  async hasMore(): Promise<boolean> {
    return this.#fill()
  }

  /** Exactly so many bytes. @throws LogError AIR_GAP_INVALID */
  async take(count: number): Promise<Uint8Array> {
    const out = new Uint8Array(count)
    for (let have = 0; have < count;) {
      if (!(await this.#fill())) throw invalid('ends in the middle of a part')
      const piece = this.#chunk.subarray(0, count - have)
      out.set(piece, have)
      have += piece.length
      this.#chunk = this.#chunk.subarray(piece.length)
    }
    return out
  }

  /** The bytes up to the end of a line, which is passed over. @throws LogError AIR_GAP_INVALID */
  async line(most: number): Promise<Uint8Array> {
    const pieces: Uint8Array[] = []
    for (let bytes = 0; ;) {
      if (!(await this.#fill())) throw invalid('ends in the middle of a line')
      const end = this.#chunk.indexOf(NEWLINE)
      const piece = end < 0 ? this.#chunk : this.#chunk.subarray(0, end)
      bytes += piece.length
      if (bytes > most) throw invalid(`has a line of more than ${most} bytes`)
      pieces.push(piece)
      this.#chunk = this.#chunk.subarray(end < 0 ? piece.length : end + 1)
      if (end >= 0) return Buffer.concat(pieces)
    }
  }

  /** The next frame; an entry larger than any that is kept passes through the hash. @throws LogError AIR_GAP_INVALID */
  async frame(): Promise<Frame> {
    const head = await this.take(4)
    const length = new DataView(head.buffer).getUint32(0)
    if (length === STUB) return { leaf: await this.take(32) }
    if (length <= ENTRY_MAX_BYTES) return { bytes: await this.take(length) }
    const hasher = createHash('sha256').update(Uint8Array.of(0))
    for (let left = length; left > 0;) {
      const piece = await this.take(Math.min(left, ENTRY_MAX_BYTES))
      hasher.update(piece)
      left -= piece.length
    }
    return { leaf: new Uint8Array(hasher.digest()) }
  }

  async #fill(): Promise<boolean> {
    while (this.#chunk.length === 0) {
      const { done, value } = await this.#chunks.next()
      if (done) return false
      this.#chunk = value
    }
    return true
  }
}

const invalid = (what: string) => new LogError('AIR_GAP_INVALID', `The air-gap file ${what}`)
