import { NodeError, type NodeErrorCode, toNodeError } from '#node'
import { collect, EXIT, examples, oneOf, type Register } from '../command.ts'
import { findNode, type NodeClient, type NodeOptions, type RequestBody, withNodeOptions } from '../node-client.ts'
import { readLines } from '../batch.ts'
import { openInput } from '../input.ts'
import type { Output } from '../output.ts'
import { PublishParts } from '../publish-parts.ts'
import { JoinedResult, type Result, toLines } from '../publish-result.ts'

export { type Result, toLines } from '../publish-result.ts'

interface Options extends NodeOptions {
  tlp?: string
  to?: string[]
  dryRun?: boolean
  json?: boolean
}

/** A submission up to this size goes in one request, as it is. */
const WHOLE_BYTES = 8_388_608
/** Bounds of each request of a larger one; what belongs together by references may exceed them. */
const PART_LIMITS = { bytes: WHOLE_BYTES, objects: 5_000 }

/** `noroshi publish` */
export const register: Register = (program, { output, exit }) => {
  withNodeOptions(
    program
      .command('publish <file>')
      .description(
        'Publish STIX objects: an object, a bundle, an array or NDJSON; - for stdin. The objects’ bytes stay as they are. More than 8 MB go in several requests, in each of which an object is together with all that it refers to.',
      ),
  )
    .option(
      '--tlp <level>',
      'clear, green, amber, amber+strict or red: the level of what carries none; it tightens the others, never loosens',
      oneOf('clear', 'green', 'amber', 'amber+strict', 'red'),
    )
    .option(
      '--to <whom>',
      'alliance:SLUG, member:SLUG, nation:CC, sector:SLUG or kind:SLUG; may be given several times',
      collect,
    )
    .option('--dry-run', 'say who would receive what, and why; publish nothing')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples([
        'noroshi publish iocs.json --dir node --tlp amber --to alliance:trilateral --dry-run',
        'noroshi publish iocs.json --dir node --tlp amber --to alliance:trilateral',
        'cat object.json | noroshi publish - --dir node --tlp clear --json',
      ]),
    )
    .action(async (file: string, options: Options) => {
      const node = await findNode(options)
      const result = await send(node, file, options, output)
      if (options.json) await printJson(result, output)
      else for (const line of toLines(result)) await output.line(line)
      exit(result.refused.length === 0 ? EXIT.done : EXIT.no)
    })
}

interface Target {
  node: NodeClient
  query: string
  output: Output
}

async function send(node: NodeClient, file: string, options: Options, output: Output): Promise<Result> {
  const query = new URLSearchParams()
  if (options.tlp !== undefined) query.set('tlp', options.tlp.toLowerCase())
  for (const to of options.to ?? []) query.append('to', to)
  if (options.dryRun) query.set('dryRun', 'true')
  const target: Target = { node, query: query.toString(), output }
  const what = file === '-' ? 'stdin' : file
  const chunks: Buffer[] = []
  let size = 0
  let parts: PublishParts | undefined
  try {
    for await (const chunk of openInput(file)) {
      if (parts === undefined) {
        chunks.push(chunk)
        size += chunk.length
        if (size <= WHOLE_BYTES) continue
        parts = new PublishParts(what, PART_LIMITS)
        for (const one of chunks.splice(0)) parts.push(one)
      } else parts.push(chunk)
      output.progress(`${parts.objects} objects read`)
    }
    return parts ? await sendParts(target, parts) : await sendOne(target, Buffer.concat(chunks))
  } finally {
    parts?.[Symbol.dispose]()
  }
}

/** Sends the parts one after the other; where one fails, what the earlier ones published is told with the failure. */
async function sendParts(target: Target, parts: PublishParts): Promise<Result> {
  const joined = new JoinedResult()
  joined.add({ refused: parts.tooLarge })
  let before = 0
  for (const { body, done } of parts.bodies()) {
    try {
      joined.add(await sendOne(target, body, { before, after: done, all: parts.objects }))
    } catch (error) {
      const { code, message } = toNodeError(error)
      const told = `${before} of the ${parts.objects} objects went in earlier requests, which are complete`
      throw new NodeError(
        code,
        `${message.replace(/\.?$/, '.')} ${told}; publish the file again, nothing is published twice.`,
      )
    }
    before = done
  }
  return joined.result
}

/** Where a request stands in the whole submission. */
interface Share {
  before: number
  after: number
  all: number
}

async function sendOne({ node, query, output }: Target, body: Uint8Array, share?: Share): Promise<Result> {
  const headers = { 'content-type': 'application/x-ndjson', accept: 'application/x-ndjson' }
  const response = await node.send('POST', `/api/v1/publish?${query}`, { headers, body: body as RequestBody })
  let durable = 0
  try {
    for await (const line of readLines(response.body as unknown as AsyncIterable<Buffer>, Infinity)) {
      if ('tooLong' in line) continue
      const value = JSON.parse(line.text) as {
        progress?: { done: number; total: number }
        problem?: { code: NodeErrorCode; detail: string }
      } & Result
      if (value.problem) throw new NodeError(value.problem.code, value.problem.detail)
      if (value.progress === undefined) return value
      durable = value.progress.done
      output.progress(progressText(value.progress, share))
    }
  } catch (error) {
    if (error instanceof NodeError) throw error
    // The connection broke: what follows says it.
  }
  throw new NodeError(
    'NODE_UNREACHABLE',
    `The node ended the answer before it was complete, after it had made ${durable} entries durable; publish again, nothing is published twice.`,
  )
}

function progressText({ done, total }: { done: number; total: number }, share?: Share): string {
  if (!share) return `${done} of ${total} published`
  const part = total === 0 ? 1 : done / total
  return `${Math.floor(share.before + part * (share.after - share.before))} of ${share.all} published`
}

/** Prints a result of any size, a piece at a time. */
async function printJson({ published, ...rest }: Result, output: Output): Promise<void> {
  const tail = JSON.stringify(rest)
  await output.text('{"published":[')
  for (let at = 0; at < published.length; at += PRINTED_ROWS) {
    const rows = published.slice(at, at + PRINTED_ROWS).map((row) => JSON.stringify(row))
    await output.text(`${at === 0 ? '' : ','}${rows.join(',')}`)
  }
  await output.line(`],${tail.slice(1)}`)
}

const PRINTED_ROWS = 1_000
