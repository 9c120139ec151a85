import type { Command } from 'commander'
import type { JsonObject } from '#base'
import { parseObjects, type Position, type PulledPage, pullPages, SourceMarkings } from '#taxii'
import { collect, type CommandContext, EXIT, examples, shaped } from './command.ts'
import { findNode, type NodeClient, type NodeOptions, withNodeOptions } from './node-client.ts'
import { atRemote, findRemote, openRemote, type RemoteOptions, withRemoteOptions } from './taxii-account.ts'
import { PulledLines } from './pulled-lines.ts'
import { PagedLines, readState, statePath, writeState } from './taxii-state.ts'

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
  /** Bytes of the file of objects, or of the quarantine, that count. */
  bytes?: number
  /** Marking-definitions that came: later objects may name them. */
  definitions?: JsonObject[]
}

/** What a pull did: what was not taken, and why. */
interface Report {
  collection: string
  pages: number
  taken: number
  /** Objects whose marking is absent or not understood, and the file that keeps them. */
  quarantined: number
  quarantine?: string
  lost: { id: string; code: string; message: string }[]
}

/** Puts objects where they are safe. */
interface Sink {
  take(objects: PulledPage['objects'], report: Report): Promise<void>
  /** What the state keeps besides the position. */
  kept(): Partial<State>
}

/** Losses listed one by one for a person. */
const LISTED = 10
/** Objects and bytes of one request to the node. */
const REQUEST_OBJECTS = 1_000
const REQUEST_BYTES = 16_777_216
/** Reasons for which an object waits instead of being lost. */
const WAITS = new Set(['UNMARKED', 'UNKNOWN_MARKING'])

/** `noroshi taxii pull` */
export function registerPull(taxii: Command, { output, exit }: CommandContext): void {
  withNodeOptions(withRemoteOptions(taxii.command('pull <address>')))
    .description('Take what is new in a collection of another server, into a node or a file; goes on where it stopped.')
    .option('--tlp <level>', 'marking of objects that carry none; absent = those go to quarantine')
    .option('--to <whom>', 'whom the node shows them: alliance:SLUG, member:SLUG, …', collect)
    .option('--type <type>', 'only objects of this type; may be given several times', collect)
    .option('--limit <objects>', 'objects of one page', shaped(/^[1-9]\d{0,5}$/, 'Give a number of objects.'))
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
        const state = await readState<State>(path, remote.url)
        const sink = node
          ? await intoNode(node, options, state, `${path}.quarantine.ndjson`)
          : await intoFile(options.out ?? '', state)
        const asked = {
          ...(options.limit === undefined ? {} : { limit: Number(options.limit) }),
          ...(options.type ? { types: options.type } : {}),
        }
        for await (const page of pullPages(http, remote.url, state?.position ?? {}, asked)) {
          await sink.take(page.objects, report)
          report.lost.push(...page.unreadable)
          if (page.gap !== undefined) report.lost.push({ id: '', code: 'NOT_REACHED', message: page.gap })
          await writeState(path, { collection: remote.url, position: page.position, ...sink.kept() } satisfies State)
          report.pages++
          output.progress(`${report.taken} objects taken`)
        }
        if (options.json) await output.line(JSON.stringify(report))
        else for (const line of toLines(report)) await output.line(line)
        exit(report.lost.length + report.quarantined === 0 ? EXIT.done : EXIT.no)
      }),
    )
}

/** Publishes at a node; markings become what the node understands, and what it does not waits in a file. */
async function intoNode(
  node: NodeClient,
  { tlp, to = [] }: Options,
  state: State | undefined,
  quarantine: string,
): Promise<Sink> {
  const waiting = await PagedLines.open(quarantine, state?.bytes)
  const definitions = state?.definitions ?? []
  const markings = new SourceMarkings([], definitions)
  const publish = async (objects: readonly Uint8Array[], level: string | undefined): Promise<Report['lost']> => {
    const query = new URLSearchParams(level === undefined ? {} : { tlp: level.toLowerCase() })
    for (const whom of to) query.append('to', whom)
    const body = Buffer.concat([
      Buffer.from('['),
      ...objects.flatMap((bytes, i) => (i === 0 ? [bytes] : [Buffer.from(','), bytes])),
      Buffer.from(']'),
    ])
    const headers = { 'content-type': 'application/json' }
    const answer = await node.send('POST', `/api/v1/publish?${query.toString()}`, { body, headers })
    return ((await answer.json()) as { refused: Report['lost'] }).refused
  }
  return {
    kept: () => ({ bytes: waiting.bytes, definitions }),
    async take(objects, report) {
      for (const { value } of parseObjects(objects.filter(({ id }) => id.startsWith('marking-definition--'))).parsed)
        if (markings.learn(value)) definitions.push(value)
      for (const part of partsOf(objects)) {
        const { parsed, faults } = parseObjects(part)
        report.lost.push(...faults)
        const definitionsHere = parsed.filter(({ value }) => value['type'] === 'marking-definition')
        const objectsHere = parsed.filter(({ value }) => value['type'] !== 'marking-definition')
        report.taken += definitionsHere.length
        let todo = objectsHere.flatMap((object) => {
          const read = markings.translate(object)
          return 'unknown' in read ? [] : [{ ...read, came: object.bytes }]
        })
        const isRead = new Set(todo.map(({ came }) => came))
        const held = objectsHere.filter(({ bytes }) => !isRead.has(bytes)).map(({ bytes }) => bytes)
        for (const level of tlp === undefined ? [undefined] : [undefined, tlp]) {
          if (todo.length === 0) break
          const along = new Set(todo.flatMap((one) => one.definitions))
          const own = new Set(todo.map(({ value }) => value['id']))
          const extra = [...along].filter(({ id }) => !own.has(id)).map((one) => Buffer.from(JSON.stringify(one)))
          const refused = await publish([...extra, ...todo.map(({ bytes }) => bytes)], level)
          const reasons = new Map(refused.map((refusal) => [refusal.id, refusal]))
          const codeOf = ({ value }: { value: JsonObject }) => reasons.get(String(value['id']))?.code ?? ''
          report.taken += todo.filter((one) => codeOf(one) === '').length
          report.lost.push(
            ...todo.flatMap((one) => {
              const reason = reasons.get(String(one.value['id']))
              return reason && !WAITS.has(reason.code) ? [reason] : []
            }),
          )
          held.push(...todo.filter((one) => codeOf(one) === 'UNKNOWN_MARKING').map(({ came }) => came))
          todo = todo.filter((one) => codeOf(one) === 'UNMARKED')
        }
        held.push(...todo.map(({ came }) => came))
        await waiting.add(held.map(oneLine))
        report.quarantined += held.length
        if (held.length > 0) report.quarantine = quarantine
      }
    },
  }
}

async function intoFile(path: string, state: State | undefined): Promise<Sink> {
  const file = await PagedLines.open(path, state?.bytes)
  const lines = await PulledLines.of(path)
  return {
    kept: () => ({ bytes: file.bytes }),
    async take(objects, report) {
      const fresh = objects.map(({ bytes }) => oneLine(bytes)).filter((line) => lines.isNew(line))
      await file.add(fresh)
      report.taken += fresh.length
    },
  }
}

/** Requests that the node takes. */
function* partsOf(objects: PulledPage['objects']): Generator<PulledPage['objects']> {
  let part: PulledPage['objects'][number][] = []
  let size = 0
  for (const object of objects) {
    if (part.length === REQUEST_OBJECTS || (part.length > 0 && size + object.bytes.length > REQUEST_BYTES)) {
      yield part
      part = []
      size = 0
    }
    part.push(object)
    size += object.bytes.length
  }
  if (part.length > 0) yield part
}

/** Line ends can stand between the values of a JSON text only, where a space means the same. */
const oneLine = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => (byte === 0x0a || byte === 0x0d ? 0x20 : byte))

function toLines({ pages, taken, quarantined, quarantine, lost }: Report): string[] {
  return [
    `Took ${taken} objects on ${pages} pages.`,
    ...(quarantined === 0 ? [] : [`${quarantined} whose marking is absent or not understood wait in ${quarantine}.`]),
    ...(lost.length === 0 ? [] : [`Not taken ${lost.length}:`]),
    ...lost.slice(0, LISTED).map(({ id, code, message }) => `  ${id}: ${code}: ${message}`),
    ...(lost.length > LISTED ? [`  and ${lost.length - LISTED} more; --json lists all`] : []),
  ]
}
