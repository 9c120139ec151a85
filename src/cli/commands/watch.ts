import { setTimeout as sleep } from 'node:timers/promises'
import { readLines } from '../batch.ts'
import { EXIT, examples, type Register } from '../command.ts'
import { openInput } from '../input.ts'
import { findNode, type NodeOptions, withNodeOptions } from '../node-client.ts'

/** Most lines sent together, and about as many bytes. */
const BATCH_LINES = 1_000
const BATCH_BYTES = 8_388_608
const LINE_BYTES = 1_048_576
/** A stream that is silent for so long has its lines sent. */
const PAUSE_MS = 200

interface Line {
  number: number
  text: string
}

interface Options extends NodeOptions {
  format: string
  json?: boolean
}

/** One end of a match over several events; with its line where it was sent together with the last of them. */
interface End {
  time: number
  event?: { line: number }
}

interface Answer {
  events: number
  bad: number
  hits: {
    indicator?: string
    rule?: string
    name?: string
    value: string
    time: number | null
    event: { line: number }
    events?: number
    first?: End
    last?: End
  }[]
}

/** `noroshi watch` */
export const register: Register = (program, { output, exit }) => {
  withNodeOptions(
    program
      .command('watch <file>')
      .description(
        'Match telemetry on a running node; - for stdin, as from tail -F. Matches are journaled and sighted there.',
      ),
  )
    .option('--format <format>', 'zeek, eve, windows, … or auto', 'auto')
    .option('--json', 'print one JSON object per match')
    .addHelpText(
      'after',
      examples([
        'noroshi watch conn.log --dir node',
        'tail -F eve.json | noroshi watch - --dir node --format eve --json',
      ]),
    )
    .action(async (file: string, options: Options) => {
      const node = await findNode(options)
      const total = { events: 0, bad: 0, hits: 0 }
      const send = async (lines: Line[]) => {
        const path = `/api/v1/telemetry?format=${encodeURIComponent(options.format)}`
        const response = await node.send('POST', path, {
          body: lines.map(({ text }) => text).join('\n'),
          headers: { 'content-type': 'application/x-ndjson' },
        })
        const answer = (await response.json()) as Answer
        for (const hit of answer.hits) {
          const at = inFile(hit, (line) => ({ file, line: lines[line - 1]?.number ?? 0 }))
          await output.line(
            options.json
              ? JSON.stringify(at)
              : `${at.event.file}:${at.event.line}  ${hit.value}  ${hit.name ?? hit.indicator ?? hit.rule}`,
          )
        }
        total.events += answer.events
        total.bad += answer.bad
        total.hits += answer.hits.length
        output.progress(`${total.events} events, ${total.hits} matches`)
      }
      for await (const batch of batches(file)) await send(batch)
      output.note(`${total.events} events, ${total.hits} matches, ${total.bad} lines that are no events`)
      exit(total.hits > 0 ? EXIT.done : EXIT.no)
    })
}

/** A hit with its lines counted as in the file. */
function inFile(hit: Answer['hits'][number], place: (line: number) => { file: string; line: number }) {
  const end = (one: End) => (one.event ? { ...one, event: place(one.event.line) } : one)
  return {
    ...hit,
    event: place(hit.event.line),
    ...(hit.first ? { first: end(hit.first) } : {}),
    ...(hit.last ? { last: end(hit.last) } : {}),
  }
}

/** Lines in batches; of a stream that pauses, what has come so far. */
async function* batches(file: string): AsyncGenerator<Line[]> {
  const lines = readLines(openInput(file), LINE_BYTES)
  let batch: Line[] = []
  let bytes = 0
  let next = lines.next()
  for (;;) {
    const got = batch.length === 0 ? await next : await Promise.race([next, sleep(PAUSE_MS)])
    if (got === undefined || batch.length >= BATCH_LINES || bytes >= BATCH_BYTES) {
      yield batch
      batch = []
      bytes = 0
    }
    if (got === undefined) continue
    if (got.done) break
    const line = 'tooLong' in got.value ? { number: got.value.number, text: '' } : got.value
    batch.push(line)
    bytes += line.text.length
    next = lines.next()
  }
  if (batch.length > 0) yield batch
}
