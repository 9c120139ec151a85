// What a disk may hold after a power cut: everything that was synced, and of the rest any part.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { FileOp } from './file-trace.ts'

const SECTOR_BYTES = 512

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

type Unsynced = { at: number; offset: number; data: Buffer } | { at: number; length: number }

class DiskFile {
  /** Whether the folder's entry for it is on disk. */
  isLinked = false
  isRemoved = false
  content: Buffer = Buffer.alloc(0)
  unsynced: Unsynced[] = []
}

/** Kinds of cuts: what becomes of writes that were not synced. */
export type Cut = 'drop' | 'keep' | 'some' | 'torn'

export interface CrashOptions {
  /** Operations done before the cut. */
  until: number
  cut: Cut
  random: () => number
  /** A lying disk, which syncs nothing: what a test of the test needs. */
  isLying?: boolean
}

/** Writes the folder as a disk may hold it when the power fails after `until` operations. */
export function crash(ops: readonly FileOp[], folder: string, options: CrashOptions): void {
  const { until, cut, random, isLying = false } = options
  const files = new Map<string, DiskFile>()
  const begun = new Map<string, number>()
  const fileAt = (path: string) => {
    const file = files.get(path) ?? new DiskFile()
    files.set(path, file)
    return file
  }
  for (const [at, op] of ops.slice(0, until).entries()) {
    if (op.op === 'write') fileAt(op.path).unsynced.push({ at, offset: op.offset, data: op.data })
    else if (op.op === 'truncate') fileAt(op.path).unsynced.push({ at, length: op.length })
    else if (op.op === 'create') recreate(files, op.path)
    else if (op.op === 'unlink') fileAt(op.path).isRemoved = true
    else if (op.op === 'sync-begin') begun.set(op.path, at)
    else if (op.op === 'sync-end' && !isLying) sync(files, op.path, begun.get(op.path) ?? 0)
  }
  mkdirSync(folder, { recursive: true })
  for (const [path, file] of files) {
    if (!file.isLinked && (cut === 'drop' || random() < 0.5)) continue
    if (file.isRemoved && random() < 0.5) continue
    let content = file.content
    for (const change of file.unsynced) content = survive(content, change, cut, random)
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
}

function recreate(files: Map<string, DiskFile>, path: string): void {
  const known = files.get(path)
  if (known && !known.isRemoved) return
  files.set(path, new DiskFile())
}

/** A folder's sync makes names last, a file's its content up to where the sync began. */
function sync(files: Map<string, DiskFile>, path: string, begun: number): void {
  if (path === '') {
    for (const [name, file] of files) {
      file.isLinked = true
      if (file.isRemoved) files.delete(name)
    }
    return
  }
  const file = files.get(path)
  if (!file) return
  for (const change of file.unsynced) if (change.at < begun) file.content = apply(file.content, change)
  file.unsynced = file.unsynced.filter((change) => change.at >= begun)
}

function survive(content: Buffer, change: Unsynced, cut: Cut, random: () => number): Buffer {
  if (cut === 'drop' || (cut !== 'keep' && random() < 0.5)) return content
  if (cut !== 'torn' || !('data' in change)) return apply(content, change)
  let result = content
  for (let from = 0; from < change.data.length; from += SECTOR_BYTES) {
    const data = change.data.subarray(from, from + SECTOR_BYTES)
    if (random() < 0.5) result = apply(result, { at: change.at, offset: change.offset + from, data })
  }
  return result
}

function apply(content: Buffer, change: Unsynced): Buffer {
  if ('length' in change) {
    const cut = Buffer.alloc(change.length)
    content.copy(cut)
    return cut
  }
  const end = change.offset + change.data.length
  const result =
    end > content.length ? Buffer.concat([content, Buffer.alloc(end - content.length)]) : Buffer.from(content)
  change.data.copy(result, change.offset)
  return result
}
