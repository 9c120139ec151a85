import { writeFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { isJsonObject, type Json, type JsonObject } from '#base'
import {
  EXPORT_FORMATS,
  ExchangeError,
  type ExportFormat,
  INPUT_MAX_BYTES,
  type LossReport,
  OUTPUT_ENCODINGS,
  withMarking,
  writeFeed,
  writeOutput,
  type Writing,
} from '#exchange'
import {
  collect,
  type CommandContext,
  counted,
  EXIT,
  type ExitCode,
  examples,
  oneOf,
  type Register,
  UsageError,
} from '../command.ts'
import { exportAirGap } from '../air-gap-file.ts'
import { writeFeedTo } from '../export-feed.ts'
import { gatherFromFile, gatherFromNode, idsIn, writeBundle } from '../export-stix.ts'
import { readBounded } from '../input.ts'
import { NodeError } from '#node'
import { findNode, type NodeClient, type NodeOptions, withNodeOptions } from '../node-client.ts'
import { sinceOf } from '../object-pages.ts'
import type { Output } from '../output.ts'

interface Options extends NodeOptions {
  format: ExportFormat | typeof FEED
  type?: string[]
  since?: string
  from?: string
  id?: string[]
  idsFrom?: string
  mark?: boolean
  out?: string
  encoding?: string
  json?: boolean
  to?: string
  all?: boolean
}

/** Objects in one page, and in one export. */
const PAGE_OBJECTS = 1_000
const EXPORT_MAX_OBJECTS = 1_000_000
/** Types that a node is told of an export; with more, it is one of all. */
const TYPES_MOST = 100
/** Losses told one by one; the others are counted. */
const SHOWN = 10

/** The format that is a folder of files. */
const FEED = 'misp-feed'
const FORMATS = [...EXPORT_FORMATS, FEED]

/** `noroshi export` */
export const register: Register = (program, context) => {
  withNodeOptions(
    program
      .command('export')
      .description(
        'What a node holds, or a STIX file, in another format: the newest version of each object that the token may read.',
      ),
  )
    .option('--format <format>', FORMATS.join(', '))
    .option('--to <member>', 'instead of a format: one encrypted file of what that member may mirror, for import there')
    .option('--all', 'of --to: everything, not what came since the last file for that member')
    .option('--type <type>', 'STIX type, such as indicator; may be given several times', collect)
    .option('--since <time>', 'only what arrived since then, such as 2026-05-01 or 2026-05-01T12:00:00Z')
    .option('--from <file>', 'convert this STIX bundle instead of asking a node; - for stdin')
    .option('--id <id>', 'only this object, of --format stix; may be given several times, which is the order', collect)
    .option('--ids-from <file>', 'only the objects that this STIX file names, in its order; of --format stix')
    .option('--mark', 'of --format stix: write the level into objects that carry none; their bytes change by it')
    .option('--out <file>', 'write to this file instead of stdout; of misp-feed, the folder')
    .option('--encoding <name>', 'of csv (else utf-8-mark) and text (else utf-8)', oneOf(...OUTPUT_ENCODINGS))
    .option('--json', 'print JSON about the export; needs --out')
    .addHelpText(
      'after',
      examples([
        'noroshi export --format csv --type indicator --dir node > indicators.csv',
        'noroshi export --format csv --encoding shift_jis --dir node --out indicators.csv',
        'noroshi export --format xlsx --dir node --out indicators.xlsx',
        'noroshi export --format misp --since 2026-05-01 --dir node --out events.json',
        'noroshi export --format misp-feed --dir node --out /srv/feed',
        'noroshi export --format text --from bundle.json',
        'noroshi export --format stix --ids-from bundle.json --dir node --out again.json',
        'noroshi export --to us-cisa --out for-us-cisa.age --dir node',
      ]),
    )
    .action(async (options: Options) => context.exit(await run(options, context)))
}

async function run(options: Options, { output }: CommandContext): Promise<ExitCode> {
  const { format, out, to, all } = options
  if (to !== undefined && format === undefined) return exportAirGap({ ...options, to }, output)
  if (format === undefined) throw new UsageError(`Give --format (${FORMATS.join(', ')}), or --to MEMBER.`)
  if (to !== undefined || all) throw new UsageError('--to and --all write an air-gap file, which has no --format.')
  if (!FORMATS.includes(format)) throw new UsageError(`--format is one of ${FORMATS.join(', ')}, not ${format}.`)
  if (options.json && out === undefined) throw new UsageError('--json needs --out FILE for the export itself.')
  if (format === 'xlsx' && out === undefined && process.stdout.isTTY)
    throw new UsageError('xlsx is no text for a terminal: give --out FILE.')
  if (format === FEED && out === undefined) throw new UsageError('misp-feed needs --out DIR for its files.')
  if (format === 'stix' && !options.mark) return runExact(options, output)
  if (options.id ?? options.idsFrom) throw new UsageError('--id and --ids-from go with --format stix, without --mark.')
  const objects =
    options.from === undefined ? await fromNode(options, output) : ofTypes(await fromFile(options.from), options.type)
  const losses =
    format === FEED ? await writeAsFeed(objects, options, output) : await writeAs(format, objects, options, output)
  if (options.json)
    await output.line(
      JSON.stringify({
        format: options.format,
        objects: objects.length,
        out: options.out,
        losses: { total: losses.total, listed: losses.listed },
      }),
    )
  else {
    output.note(`${objects.length} ${objects.length === 1 ? 'object' : 'objects'} read.`)
    if (losses.total > 0) output.note(`Without a place in ${options.format}, ${losses.total}:`)
    for (const { path, why } of losses.listed.slice(0, SHOWN)) output.note(`  ${path}: ${why}`)
    if (losses.total > SHOWN) output.note(`  and ${losses.total - SHOWN} more`)
  }
  return objects.length === 0 ? EXIT.no : EXIT.done
}

/** STIX with the authors' bytes. */
async function runExact(options: Options, output: Output): Promise<ExitCode> {
  const { from, out, type } = options
  const { objects, strictest } = from === undefined ? await gather(options, output) : await gatherFromFile(from, type)
  await writeBundle(objects, out, output)
  const losses = { total: 0, listed: [] }
  if (options.json)
    await output.line(
      JSON.stringify({ format: 'stix', objects: objects.length, out, losses, ...(strictest ? { strictest } : {}) }),
    )
  else {
    output.note(`${counted(objects.length, 'object')} read.`)
    if (strictest !== undefined)
      output.note(
        `The strictest of it is ${strictest}: hand it to nobody who may not have that. The objects are as they were published; --mark writes the level into those that carry none.`,
      )
  }
  return objects.length === 0 ? EXIT.no : EXIT.done
}

async function gather(options: Options, output: Output) {
  const since = sinceOf(options.since)
  const ids = options.idsFrom === undefined ? options.id : [...(options.id ?? []), ...(await idsIn(options.idsFrom))]
  const asked = { ...(since === undefined ? {} : { since }), ...(ids === undefined ? {} : { ids }) }
  const node = await findNode(options)
  const gathered = await gatherFromNode(node, asked, options.type ?? [undefined], output)
  const types = options.type ?? ids?.map((id) => id.slice(0, Math.max(0, id.indexOf('--'))))
  await remember(node, 'stix', gathered.objects.length, types)
  return gathered
}

/** A node remembers what was exported, so that a recall can tell of the file; an older one does not know how. */
async function remember(node: NodeClient, format: string, objects: number, types?: readonly string[]): Promise<void> {
  const some = [...new Set(types)]
  const isListed = types !== undefined && some.length > 0 && some.length <= TYPES_MOST
  try {
    await node.post('/api/v1/exports', { format, objects, ...(isListed ? { types: some } : {}) })
  } catch (error) {
    if (!(error instanceof NodeError) || error.code !== 'NOT_FOUND') throw error
  }
}

async function writeAs(
  format: ExportFormat,
  objects: readonly JsonObject[],
  { out, encoding }: Options,
  output: Output,
): Promise<LossReport> {
  const { text, bytes, losses } = written(format, objects, encoding)
  if (out !== undefined) await writeFile(out, bytes ?? text)
  else if (bytes) await pipeline(Readable.from([bytes]), process.stdout, { end: false })
  else await output.line(text.replace(/\r?\n$/, ''))
  return losses
}

function written(format: ExportFormat, objects: readonly JsonObject[], encoding: string | undefined): Writing {
  try {
    return writeOutput(objects, format, {
      now: new Date().toISOString(),
      ...(encoding === undefined ? {} : { encoding }),
    })
  } catch (error) {
    if (error instanceof ExchangeError) throw new UsageError(error.message)
    throw error
  }
}

/** With --since, events of earlier exports stay in the feed; without, it holds what the node holds. */
async function writeAsFeed(
  objects: readonly JsonObject[],
  { out = '.', since }: Options,
  output: Output,
): Promise<LossReport> {
  const feed = writeFeed(objects, { now: new Date().toISOString() })
  await writeFeedTo(out, feed, { keep: since !== undefined })
  output.note(`${counted(feed.events.size, 'event')} in ${out}.`)
  if (feed.strictest !== '')
    output.note(`The strictest of it is ${feed.strictest}: serve it to nobody who may not have that.`)
  return feed.losses
}

async function fromNode(options: Options, output: Output): Promise<JsonObject[]> {
  const node = await findNode(options)
  const newest = new Map<string, JsonObject>()
  for (const type of options.type ?? [undefined]) await collectPages(node, type, sinceOf(options.since), newest, output)
  const types = [...newest.values()].map(({ type }) => String(type))
  await remember(node, options.format, newest.size, types)
  return [...newest.values()]
}

interface Page {
  objects: { object: JsonObject; tlp: string }[]
  next?: string
}

async function collectPages(
  node: NodeClient,
  type: string | undefined,
  since: number | undefined,
  newest: Map<string, JsonObject>,
  output: Output,
): Promise<void> {
  let cursor: string | undefined
  do {
    const query = new URLSearchParams({ limit: String(PAGE_OBJECTS), order: 'oldest' })
    if (type !== undefined) query.set('type', type)
    if (since !== undefined) query.set('since', String(since))
    if (cursor !== undefined) query.set('cursor', cursor)
    const page = await node.get<Page>(`/api/v1/objects?${query.toString()}`)
    for (const { object, tlp } of page.objects) keepNewest(newest, withMarking(object, tlp))
    if (newest.size > EXPORT_MAX_OBJECTS)
      throw new UsageError(`More than ${EXPORT_MAX_OBJECTS} objects; export less at once with --type or --since.`)
    output.progress(`${newest.size} objects read`)
    cursor = page.next
  } while (cursor !== undefined)
}

function keepNewest(newest: Map<string, JsonObject>, object: JsonObject): void {
  const id = String(object['id'])
  const before = newest.get(id)
  if (!before || Date.parse(String(object['modified'])) > Date.parse(String(before['modified']))) newest.set(id, object)
}

async function fromFile(file: string): Promise<JsonObject[]> {
  const bytes = await readBounded(file, INPUT_MAX_BYTES)
  let json: Json
  try {
    json = JSON.parse(new TextDecoder().decode(bytes)) as Json
  } catch (error) {
    throw new UsageError(`${file} is no JSON: ${(error as Error).message}`)
  }
  const list =
    isJsonObject(json) && Array.isArray(json['objects']) ? json['objects'] : Array.isArray(json) ? json : [json]
  return list.filter(
    (one): one is JsonObject => isJsonObject(one) && typeof one['type'] === 'string' && typeof one['id'] === 'string',
  )
}

const ofTypes = (objects: JsonObject[], types: readonly string[] | undefined) =>
  types === undefined ? objects : objects.filter(({ type }) => types.includes(String(type)))
