import { createReadStream, existsSync } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { ERRORS, NodeError, type NodeErrorCode } from '#node'
import { counted, EXIT, type ExitCode, UsageError } from './command.ts'
import { findNode, type NodeClient, type NodeOptions } from './node-client.ts'
import { type Output, printable } from './output.ts'

/** How an age file begins. */
const AGE = Buffer.from('age-encryption.org/v1\n')
/** Between two questions how far the node is. */
const ASK_AGAIN_MS = 300
const BAR_CELLS = 30

interface Job {
  state: 'running' | 'done' | 'failed'
  done: number
  total?: number
  result?: Imported
  error?: { code: string; detail: string }
}

interface Imported {
  slug: string
  sequence: number
  time: number
  logs: { log: string; size: number; added: number }[]
  entries: number
  statements: { accepted: number; refused: { index: number; code: string }[] }
  behind: string[]
}

interface Exported {
  id: string
  slug: string
  sequence: number
  logs: number
  entries: number
  statements: number
}

/** Whether a file is encrypted with age; nothing else that is imported begins like that. */
export async function isAirGapFile(path: string): Promise<boolean> {
  if (path === '-' || !existsSync(path) || !(await stat(path)).isFile()) return false
  await using file = await open(path)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(AGE.length), 0, AGE.length, 0)
  return bytesRead === AGE.length && buffer.equals(AGE)
}

/** Writes one encrypted file for a member: complete, synced and under its name, or not at all. */
export async function exportAirGap(
  options: NodeOptions & { to: string; out?: string; all?: boolean; json?: boolean },
  output: Output,
): Promise<ExitCode> {
  const { to, out, all = false } = options
  if (out === undefined || out === '-')
    throw new UsageError('--to needs --out FILE: the file must be on disk to count.')
  if (existsSync(out)) throw new UsageError(`${out} exists; name another file, so that none is lost.`)
  const node = await findNode(options)
  const answer = await node.send('POST', '/api/v1/air-gap/exports', {
    body: JSON.stringify({ to, all }),
    headers: { 'content-type': 'application/json' },
  })
  const told = JSON.parse(answer.headers.get('noroshi-air-gap') ?? '{}') as Exported
  const bytes = await write(
    answer,
    out,
    (size) => output.progress(bar(size.done, told.entries, size.bytes)),
    () => node.get<Job>(`/api/v1/air-gap/jobs/${told.id}`),
  )
  await node.post('/api/v1/air-gap/written', { to, sequence: told.sequence })
  const { slug, sequence, logs, entries, statements } = told
  if (options.json) await output.line(JSON.stringify({ out, to: slug, sequence, logs, entries, statements, bytes }))
  else
    await output.line(
      `${out}: ${counted(entries, 'entry', 'entries')} of ${counted(logs, 'log')}, ${counted(statements, 'receipt')} and acknowledgements, for ${printable(slug)} alone (${bytes} bytes).`,
    )
  return EXIT.done
}

/** Hands an encrypted file to the node, which alone can open it. */
export async function importAirGap(
  path: string,
  options: NodeOptions & { json?: boolean },
  output: Output,
): Promise<ExitCode> {
  const node = await findNode(options)
  const { size } = await stat(path)
  output.progress(`${size} bytes to the node`)
  const answer = await node.send('POST', '/api/v1/air-gap/imports', {
    body: Readable.toWeb(createReadStream(path)) as ReadableStream,
    headers: { 'content-type': 'application/octet-stream' },
  })
  const { job } = (await answer.json()) as { job: string }
  const result = await finished(node, job, (done) => output.progress(`${counted(done, 'entry', 'entries')} taken`))
  if (options.json) await output.line(JSON.stringify(result))
  else for (const line of importLines(result)) await output.line(line)
  return result.behind.length > 0 || result.statements.refused.length > 0 ? EXIT.no : EXIT.done
}

async function write(
  answer: Response,
  out: string,
  show: (size: { done: number; bytes: number }) => void,
  ask: () => Promise<Job>,
): Promise<number> {
  const part = `${out}.part`
  const file = await open(part, 'wx', 0o600)
  let bytes = 0
  let done = 0
  const timer = setInterval(() => {
    show({ done, bytes })
    ask().then(
      (job) => (done = job.done),
      () => undefined,
    )
  }, ASK_AGAIN_MS)
  try {
    if (!answer.body) throw new NodeError('NODE_UNREACHABLE', 'The node sent no file.')
    for await (const chunk of answer.body) {
      await file.write(chunk)
      bytes += chunk.length
    }
    await file.sync()
    await file.close()
    await rename(part, out)
    await syncFolder(dirname(out))
    return bytes
  } catch (cause) {
    await file.close().catch(() => undefined)
    await rm(part, { force: true })
    throw cause
  } finally {
    clearInterval(timer)
  }
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path)
  await folder.sync()
}

async function finished(node: NodeClient, id: string, show: (done: number) => void): Promise<Imported> {
  while (true) {
    const { state, done, result, error } = await node.get<Job>(`/api/v1/air-gap/jobs/${id}`)
    show(done)
    if (state === 'done' && result) return result
    if (state === 'failed') {
      const { code, detail } = error ?? { code: 'INTERNAL', detail: 'The file could not be read.' }
      throw new NodeError(code in ERRORS ? (code as NodeErrorCode) : 'AIR_GAP_REFUSED', detail)
    }
    await sleep(ASK_AGAIN_MS)
  }
}

function importLines({ slug, time, logs, entries, statements, behind }: Imported): string[] {
  const extended = logs.filter(({ added }) => added > 0)
  return [
    `By ${printable(slug)}, written ${new Date(time).toISOString()}:`,
    `  ${counted(entries, 'new entry', 'new entries')} in ${counted(extended.length, 'log')}, verified and taken.`,
    `  ${counted(statements.accepted, 'receipt')} and acknowledgements taken.`,
    ...statements.refused.slice(0, 10).map(({ index, code }) => `  Statement ${index} was refused: ${printable(code)}`),
    ...(behind.length > 0
      ? [`  ${counted(behind.length, 'log')} stood further then than this node holds: ask for a file with --all.`]
      : []),
  ]
}

function bar(done: number, total: number, bytes: number): string {
  const full = total === 0 ? BAR_CELLS : Math.floor((BAR_CELLS * Math.min(done, total)) / total)
  return `[${'#'.repeat(full)}${' '.repeat(BAR_CELLS - full)}] ${done} of ${total} entries, ${bytes} bytes`
}
