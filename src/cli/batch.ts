import type { CommandContext } from './command.ts'
import { UsageError } from './command.ts'
import { openInput } from './input.ts'

/** Bytes of one batch request. */
const LINE_BYTES = 33_554_432
const NEWLINE = 0x0a

/** One line of an input, or the fact that it was too long. */
export type InputLine = { number: number; text: string } | { number: number; tooLong: true }

/** Lines of an input; blank ones are passed over, and one that is too long costs its bytes once and no memory. */
export async function* readLines(input: AsyncIterable<Buffer>, maxBytes = LINE_BYTES): AsyncGenerator<InputLine> {
  let held: Buffer[] = []
  let size = 0
  let number = 0
  const take = (end: Buffer): InputLine | undefined => {
    number++
    const tooLong = size + end.length > maxBytes
    const text = tooLong ? '' : Buffer.concat([...held, end]).toString('utf8')
    held = []
    size = 0
    if (tooLong) return { number, tooLong: true }
    return text.trim() === '' ? undefined : { number, text }
  }
  for await (const chunk of input) {
    let from = 0
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      const line = take(chunk.subarray(from, at))
      if (line) yield line
      from = at + 1
    }
    size += chunk.length - from
    if (size <= maxBytes) held.push(chunk.subarray(from))
    else held = []
  }
  if (size > 0) {
    size -= held.reduce((sum, part) => sum + part.length, 0)
    const line = size > 0 ? ({ number: number + 1, tooLong: true } as const) : take(Buffer.alloc(0))
    if (line) yield line
  }
}

/**
 * Answers one JSON request per line by one JSON answer per line, in order; what cannot be processed is answered
 * `{"id","error"}`.
 */
export async function runBatch(
  path: string,
  context: CommandContext,
  answer: (request: Record<string, unknown>) => unknown,
): Promise<void> {
  for await (const line of readLines(openInput(path)))
    await context.output.line(JSON.stringify(answerLine(line, answer)))
  context.exit(0)
}

function answerLine(line: InputLine, answer: (request: Record<string, unknown>) => unknown): unknown {
  if ('tooLong' in line) return { id: null, error: `line ${line.number} has more than ${LINE_BYTES} bytes` }
  let id: unknown = null
  try {
    const request: unknown = JSON.parse(line.text)
    if (typeof request !== 'object' || request === null || Array.isArray(request))
      return { id, error: `line ${line.number} is not a JSON object` }
    id = (request as { id?: unknown }).id ?? null
    return answer(request as Record<string, unknown>)
  } catch (error) {
    if (error instanceof RangeError) return { id, error: `line ${line.number} is nested too deeply` }
    const { code, message } = error as { code?: unknown; message?: unknown }
    return { id, error: typeof code === 'string' ? code : String(message) }
  }
}

/** Refuses a command line that gives neither or both of its two forms. */
export function exactlyOneForm(batch: string | undefined, other: boolean, usage: string): void {
  if ((batch !== undefined) === other) throw new UsageError(`${usage}; see --help.`)
}
