import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'

/** Hash of a line, short enough to hold millions. */
const HASH_CHARS = 16

/** The lines of a file of objects: a server may repeat what it gave, and no line is to stand there twice. */
export class PulledLines {
  readonly #hashes = new Set<string>()

  /** Those of a file; none where there is no file yet. */
  static async of(path: string): Promise<PulledLines> {
    const lines = new PulledLines()
    const input = createReadStream(path)
    try {
      for await (const line of createInterface({ input, crlfDelay: Infinity })) lines.isNew(Buffer.from(line))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    return lines
  }

  /** Whether the line is not among them; then it is from now on. */
  isNew(line: Uint8Array): boolean {
    const hash = createHash('sha256').update(line).digest('base64').slice(0, HASH_CHARS)
    if (this.#hashes.has(hash)) return false
    this.#hashes.add(hash)
    return true
  }
}
