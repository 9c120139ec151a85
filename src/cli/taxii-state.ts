import { createHash } from 'node:crypto'
import { mkdir, open, readFile, rename, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { UsageError } from './command.ts'

/** Where the state of work with another collection is kept, where nobody named a file. */
export const statePath = (dir: string, kind: string, collection: string): string =>
  join(dir, 'taxii', `${kind}-${createHash('sha256').update(collection).digest('hex').slice(0, 16)}.json`)

/** What an earlier run left; undefined for a first run. */
export async function readState<T extends { collection: string }>(
  path: string,
  collection: string,
): Promise<T | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const state = JSON.parse(text) as T
    if (state.collection === collection) return state
  } catch {
    // Named below.
  }
  throw new UsageError(`${path} holds no state of ${collection}; name another file with --state, or remove it.`)
}

/** Keeps the state: whole, on disk, or not at all. */
export async function writeState(path: string, state: object): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const file = await open(`${path}.tmp`, 'w', 0o600)
  try {
    await file.writeFile(`${JSON.stringify(state)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.tmp`, path)
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** A file of lines that grows page by page; what was written behind the last page that counts is cut off again. */
export class PagedLines {
  readonly path: string
  #bytes: number

  private constructor(path: string, bytes: number) {
    this.path = path
    this.#bytes = bytes
  }

  /** Opens it at the length that counts; absent = at its end. @throws UsageError where it is shorter than that */
  static async open(path: string, bytes: number | undefined): Promise<PagedLines> {
    const size = await stat(path).then(
      (found) => found.size,
      () => 0,
    )
    if (bytes !== undefined && size < bytes)
      throw new UsageError(
        `${path} has ${size} bytes, but an earlier run wrote ${bytes}: put it back, or remove the state to begin again.`,
      )
    if (bytes !== undefined && size > bytes) {
      const file = await open(path, 'r+')
      try {
        await file.truncate(bytes)
        await file.sync()
      } finally {
        await file.close()
      }
    }
    return new PagedLines(path, bytes ?? size)
  }

  /** Bytes up to the end of what was added. */
  get bytes(): number {
    return this.#bytes
  }

  /** Adds lines, on disk before it resolves. */
  async add(lines: readonly Uint8Array[]): Promise<void> {
    if (lines.length === 0) return
    const text = Buffer.concat(lines.flatMap((line) => [line, NEWLINE]))
    const file = await open(this.path, 'a', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    this.#bytes += text.length
  }
}

const NEWLINE = Buffer.from('\n')
