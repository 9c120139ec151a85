import { createHash } from 'node:crypto'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
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
}

/** Adds lines to a file, on disk before it resolves. */
export async function appendLines(path: string, lines: readonly (string | Uint8Array)[]): Promise<void> {
  if (lines.length === 0) return
  const file = await open(path, 'a', 0o600)
  try {
    await file.writeFile(Buffer.concat(lines.flatMap((line) => [Buffer.from(line), Buffer.from('\n')])))
    await file.sync()
  } finally {
    await file.close()
  }
}
