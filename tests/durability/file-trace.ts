// Reads what file-trace.c or strace recorded.
import { execFileSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** One recorded operation, in the order in which the process did them. */
export type FileOp =
  | { op: 'write'; path: string; offset: number; data: Buffer }
  | { op: 'truncate'; path: string; length: number }
  | { op: 'create' | 'unlink' | 'sync-begin' | 'sync-end'; path: string }
  /** A write to stdout: from here on the world knows. */
  | { op: 'say'; text: string }

const HERE = dirname(fileURLToPath(import.meta.url))

/** Compiles the layer that is loaded into the publisher. */
export function buildLayer(folder: string): string {
  const library = join(folder, 'file-trace.so')
  execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-o', library, join(HERE, 'file-trace.c'), '-ldl'])
  return library
}

const NAMES = { C: 'create', U: 'unlink', S: 'sync-begin', E: 'sync-end' } as const

/** The operations of a recorded trace. */
export function readTrace(bytes: Buffer): FileOp[] {
  const ops: FileOp[] = []
  for (let at = 0; at < bytes.length;) {
    const op = String.fromCharCode(bytes[at] ?? 0)
    const pathLength = bytes.readUInt16LE(at + 1)
    const path = bytes.toString('utf8', at + 3, at + 3 + pathLength)
    at += 3 + pathLength
    const offset = Number(bytes.readBigInt64LE(at))
    const length = bytes.readUInt32LE(at + 8)
    const data = bytes.subarray(at + 12, at + 12 + length)
    at += 12 + length
    if (op === 'W') ops.push({ op: 'write', path, offset, data })
    else if (op === 'T') ops.push({ op: 'truncate', path, length: offset })
    else if (op === 'A') ops.push({ op: 'say', text: data.toString('utf8') })
    else ops.push({ op: NAMES[op as keyof typeof NAMES], path })
  }
  return ops
}

const CALL = /^(\d+)\s+(?:<\.\.\. )?(write|pwrite64|fsync|fdatasync)(?: resumed>|\((\d+)(?:<([^>]*)>)?)(.*)$/

/** The operations of `strace -f -y -o FILE`, without their data; paths relative to `folder`. */
export function readStrace(text: string, folder: string): FileOp[] {
  const ops: FileOp[] = []
  const unfinished = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [, pid = '', call = '', fd, target = '', rest = ''] = CALL.exec(line) ?? []
    if (!call) continue
    const isResumed = fd === undefined
    const isFile = target.startsWith(`${folder}/`)
    const path = isResumed ? unfinished.get(pid) : isFile ? target.slice(folder.length + 1) : undefined
    if (!isResumed && fd === '1') {
      // The start of what was said stands in the trace; its order is what counts.
      ops.push({ op: 'say', text: /"((?:[^"\\]|\\.)*)"/.exec(rest)?.[1] ?? '' })
      continue
    }
    if (path === undefined) continue
    const isDone = / = \d+/.test(rest)
    if (call.endsWith('sync')) {
      if (!isResumed) ops.push({ op: 'sync-begin', path })
      if (isDone) ops.push({ op: 'sync-end', path })
    } else if (!isResumed) {
      ops.push({ op: 'write', path, offset: 0, data: Buffer.alloc(0) })
    }
    if (isDone) unfinished.delete(pid)
    else unfinished.set(pid, path)
  }
  return ops
}
