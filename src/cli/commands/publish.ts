import { Readable } from 'node:stream'
import { explain, type ReasonCode } from '#policy'
import { collect, EXIT, examples, type Register } from '../command.ts'
import { findNode, type NodeClient, type NodeOptions, type RequestBody, withNodeOptions } from '../node-client.ts'
import { NodeError, type NodeErrorCode } from '#node'
import { readLines } from '../batch.ts'
import { openInput } from '../input.ts'
import { type Output, table } from '../output.ts'

interface Options extends NodeOptions {
  tlp?: string
  to?: string[]
  dryRun?: boolean
  json?: boolean
}

interface Recipient {
  member: string
  slug?: string
  code: string
}

/** The node's answer to a publication, or to the preview of one. */
export interface Result {
  dryRun?: true
  published: {
    id: string
    log?: string
    index?: number
    audience: { tlp: string }
    recipients: (string | Recipient)[]
  }[]
  refused: { id: string; code: string; message: string }[]
  refusedByType?: Record<string, Record<string, number>>
}

/** Refusals listed one by one; the others are counted. */
const LISTED_REFUSALS = 10

/** `noroshi publish` */
export const register: Register = (program, { output, exit }) => {
  withNodeOptions(
    program
      .command('publish <file>')
      .description(
        'Publish STIX objects: an object, a bundle, an array or NDJSON; - for stdin. The objects’ bytes stay as they are.',
      ),
  )
    .option(
      '--tlp <level>',
      'clear, green, amber, amber+strict or red: the level of what carries none; it tightens the others, never loosens',
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
      if (options.json) await output.line(JSON.stringify(result))
      else for (const line of toLines(result)) await output.line(line)
      exit(result.refused.length === 0 ? EXIT.done : EXIT.no)
    })
}

async function send(node: NodeClient, file: string, options: Options, output: Output): Promise<Result> {
  const query = new URLSearchParams()
  if (options.tlp !== undefined) query.set('tlp', options.tlp.toLowerCase())
  for (const to of options.to ?? []) query.append('to', to)
  if (options.dryRun) query.set('dryRun', 'true')
  const headers = { 'content-type': 'application/x-ndjson', accept: 'application/x-ndjson' }
  const response = await sendInput(node, `/api/v1/publish?${query.toString()}`, headers, file)
  let result: Result | undefined
  for await (const line of readLines(response.body as unknown as AsyncIterable<Buffer>, Infinity)) {
    if ('tooLong' in line) continue
    const value = JSON.parse(line.text) as {
      progress?: { done: number; total: number }
      problem?: { code: NodeErrorCode; detail: string }
    } & Result
    if (value.problem) throw new NodeError(value.problem.code, value.problem.detail)
    if (value.progress) output.progress(`${value.progress.done} of ${value.progress.total} published`)
    else result = value
  }
  if (!result)
    throw new NodeError(
      'NODE_UNREACHABLE',
      'The node ended the answer before it was complete; publish again, nothing is published twice.',
    )
  return result
}

/** Streams a file as the body; a file that cannot be read is no fault of the node. */
async function sendInput(
  node: NodeClient,
  path: string,
  headers: Record<string, string>,
  file: string,
): Promise<Response> {
  let fault: Error | undefined
  const source = Readable.from(openInput(file)).once('error', (error) => (fault = error))
  const body = Readable.toWeb(source) as unknown as RequestBody
  try {
    return await node.send('POST', path, { headers, body })
  } catch (error) {
    throw fault ?? error
  }
}

/** That answer for people to read. */
export function toLines({ dryRun, published, refused, refusedByType = {} }: Result): string[] {
  return [
    ...(dryRun ? dryRunLines(published) : publishedLines(published)),
    ...(refused.length === 0 ? [] : [`Refused ${refused.length}:`]),
    ...Object.entries(refusedByType).map(
      ([code, types]) =>
        `  ${code}: ${Object.entries(types)
          .map(([type, count]) => `${count} ${type}`)
          .join(', ')}`,
    ),
    ...(refused.some(({ code }) => code === 'UNMARKED') ? ['  Unmarked objects need a level: repeat with --tlp.'] : []),
    ...refused.slice(0, LISTED_REFUSALS).map(({ id, code, message }) => `  ${id}: ${code}: ${message}`),
    ...(refused.length > LISTED_REFUSALS ? [`  and ${refused.length - LISTED_REFUSALS} more; --json lists all`] : []),
  ]
}

function publishedLines(published: Result['published']): string[] {
  const groups = Map.groupBy(
    published,
    ({ audience, recipients }) =>
      `TLP:${audience.tlp.toUpperCase()} to ${recipients.map(nameOf).join(', ') || 'nobody yet'}`,
  )
  return [...groups].map(
    ([whom, some]) => `Published ${some.length} ${some.length === 1 ? 'object' : 'objects'}, ${whom}.`,
  )
}

function dryRunLines(published: Result['published']): string[] {
  const groups = Map.groupBy(published, ({ audience, recipients }) => JSON.stringify([audience.tlp, recipients]))
  return [...groups.values()].flatMap((some) => {
    const { audience, recipients } = some[0] as Result['published'][number]
    const rows = recipients.map((one) =>
      typeof one === 'string'
        ? [`  ${one}`]
        : [`  ${one.slug ?? one.member}`, one.code, explain(one.code as ReasonCode)],
    )
    return [
      `Would publish ${some.length} ${some.length === 1 ? 'object' : 'objects'} as TLP:${audience.tlp.toUpperCase()} to:`,
      ...(rows.length === 0 ? ['  nobody'] : table(rows)),
    ]
  })
}

const nameOf = (recipient: string | Recipient) =>
  typeof recipient === 'string' ? recipient : (recipient.slug ?? recipient.member)
