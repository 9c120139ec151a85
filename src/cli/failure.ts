import { ERRORS, readEnvironment, toNodeError } from '#node'

/** One line about a failure: what, where, what to do next. */
export function describeFailure(error: unknown): string {
  const fault = error as NodeJS.ErrnoException
  if (typeof fault?.syscall === 'string' && typeof fault.path === 'string')
    return `${FILE_FAULTS[fault.code ?? ''] ?? fault.message}: ${fault.path}`
  const { code, message } = toNodeError(error)
  const next = code === 'INTERNAL' ? 'Run again with NOROSHI_DEBUG=1 to see where, and report it.' : ERRORS[code][1]
  const shown = message.endsWith('.') || message.endsWith('?') ? message : `${message}.`
  return `${shown} ${next}`
}

/** Where a failure arose, for those who asked with NOROSHI_DEBUG=1. */
export const stackOf = (error: unknown): string | undefined =>
  readEnvironment().debug && error instanceof Error ? error.stack : undefined

const FILE_FAULTS: Readonly<Record<string, string>> = {
  ENOENT: 'There is no such file; check the path',
  EACCES: 'The file cannot be read or written; check its owner and permissions',
  EISDIR: 'This is a folder; name a file',
  ENOTDIR: 'A part of the path is a file, not a folder',
  ENOSPC: 'The disk is full; free space and repeat',
  EFBIG: 'The file would grow beyond the limit of this process; raise the limit or free space, and repeat',
}
