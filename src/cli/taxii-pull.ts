import type { Command } from 'commander'
import { isJsonObject, parseJson } from '#base'
import { cutEnvelope } from '#node'
import { type Position, type PulledPage, pullPages } from '#taxii'
import { collect, type CommandContext, EXIT, examples } from './command.ts'
import { findNode, type NodeClient, type NodeOptions, withNodeOptions } from './node-client.ts'
import { atRemote, findRemote, openRemote, type RemoteOptions, withRemoteOptions } from './taxii-account.ts'
import { appendLines, readState, statePath, writeState } from './taxii-state.ts'

interface Options extends NodeOptions, RemoteOptions {
  tlp?: string
  to?: string[]
  type?: string[]
  limit?: string
  out?: string
  state?: string
  json?: boolean
}

interface State {
  collection: string
  position: Position
}

/** What a pull did: what was not taken, and why. */
interface Report {
  collection: string
  pages: number
  taken: number
  /** Objects without a marking, and the file that keeps them. */
  quarantined: number
  quarantine?: string
  lost: { id: string; code: string; message: string }[]
}

type Take = (objects: { id: string; bytes: Uint8Array }[]) => Promise<void>

/** Losses listed one by one for a person. */
const LISTED = 10

/** `noroshi taxii pull` */
export function registerPull(taxii: Command, { output, exit }: CommandContext): void {
  withNodeOptions(withRemoteOptions(taxii.command('pull <address>')))
    .description('Take what is new in a collection of another server, into a node or a file; goes on where it stopped.')
    .option('--tlp <level>', 'marking of objects that carry none; absent = those go to quarantine')
    .option('--to <whom>', 'whom the node shows them: alliance:SLUG, member:SLUG, …', collect)
    .option('--type <type>', 'only objects of this type; may be given several times', collect)
    .option('--limit <objects>', 'objects of one page')
    .option('--out <file>', 'write NDJSON to a file, instead of into a node')
    .option('--state <file>', 'where to keep how far it came')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples([
        'noroshi taxii pull https://taxii.example.org/taxii2/ --collection indicators --dir node --tlp amber',
        'noroshi taxii pull https://taxii.example.org/api1/collections/91a7b528/ --user soc --out feed.ndjson',
      ]),
    )
    .action((address: string, options: Options) =>
      atRemote(async () => {
        const http = openRemote(options, output)
        const remote = await findRemote(http, address, options, ({ canRead }) => canRead)
        const node = options.out === undefined ? await findNode(options) : undefined
        const path =
          options.state ??
          (node?.dir ? statePath(node.dir, 'pull', remote.url) : `${options.out ?? 'taxii-pull'}.state`)
        const report: Report = { collection: remote.url, pages: 0, taken: 0, quarantined: 0, lost: [] }
        const take = node
          ? intoNode(node, options, report, `${path}.quarantine.ndjson`)
          : intoFile(options.out ?? '', report)
        const state = await readState<State>(path, remote.url)
        const asked = {
          ...(options.limit === undefined ? {} : { limit: Number(options.limit) }),
          ...(options.type ? { types: options.type } : {}),
        }
        for await (const page of pullPages(http, remote.url, state?.position ?? {}, asked)) {
          await take(readable(page, report))
          await writeState(path, { collection: remote.url, position: page.position } satisfies State)
          report.pages++
          output.progress(`${report.taken} objects taken`)
        }
        if (options.json) await output.line(JSON.stringify(report))
        else for (const line of toLines(report)) await output.line(line)
        exit(report.lost.length + report.quarantined === 0 ? EXIT.done : EXIT.no)
      }),
    )
}

/** The page's new objects that can be read at all. */
function readable({ body, fresh }: PulledPage, report: Report): { id: string; bytes: Uint8Array }[] {
  const texts = cutEnvelope(body) ?? []
  return fresh.flatMap((i) => {
    const bytes = texts[i]
    if (!bytes) return []
    try {
      const value = parseJson(bytes)
      if (isJsonObject(value) && typeof value['id'] === 'string') return [{ id: value['id'], bytes }]
      report.lost.push({ id: 'unknown', code: 'NOT_STIX', message: `Element ${i} of a page is no STIX object.` })
    } catch (error) {
      report.lost.push({
        id: 'unknown',
        code: 'JSON_INVALID',
        message: `Element ${i} of a page: ${(error as Error).message}`,
      })
    }
    return []
  })
}

function intoNode(node: NodeClient, { tlp, to = [] }: Options, report: Report, quarantine: string): Take {
  const query = new URLSearchParams(tlp === undefined ? {} : { tlp: tlp.toLowerCase() })
  for (const whom of to) query.append('to', whom)
  return async (objects) => {
    if (objects.length === 0) return
    const body = Buffer.concat([
      Buffer.from('['),
      ...objects.flatMap(({ bytes }, i) => (i === 0 ? [bytes] : [Buffer.from(','), bytes])),
      Buffer.from(']'),
    ])
    const answer = await node.send('POST', `/api/v1/publish?${query.toString()}`, {
      body,
      headers: { 'content-type': 'application/json' },
    })
    const { refused } = (await answer.json()) as { refused: Report['lost'] }
    const unmarked = new Set(refused.filter(({ code }) => code === 'UNMARKED').map(({ id }) => id))
    const kept = objects.filter(({ id }) => unmarked.has(id))
    await appendLines(
      quarantine,
      kept.map(({ bytes }) => oneLine(bytes)),
    )
    if (kept.length > 0) report.quarantine = quarantine
    const lost = refused.filter(({ code }) => code !== 'UNMARKED')
    report.quarantined += kept.length
    report.lost.push(...lost)
    report.taken += objects.length - kept.length - lost.length
  }
}

function intoFile(file: string, report: Report): Take {
  return async (objects) => {
    await appendLines(
      file,
      objects.map(({ bytes }) => oneLine(bytes)),
    )
    report.taken += objects.length
  }
}

/** Line ends can stand between the values of a JSON text only, where a space means the same. */
const oneLine = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => (byte === 0x0a || byte === 0x0d ? 0x20 : byte))

function toLines({ pages, taken, quarantined, quarantine, lost }: Report): string[] {
  return [
    `Took ${taken} objects on ${pages} pages.`,
    ...(quarantined === 0
      ? []
      : [`${quarantined} without a marking wait in ${quarantine}: publish that file with --tlp.`]),
    ...(lost.length === 0 ? [] : [`Not taken ${lost.length}:`]),
    ...lost.slice(0, LISTED).map(({ id, code, message }) => `  ${id}: ${code}: ${message}`),
    ...(lost.length > LISTED ? [`  and ${lost.length - LISTED} more; --json lists all`] : []),
  ]
}
