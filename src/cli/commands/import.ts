import { basename } from 'node:path'
import { createInterface } from 'node:readline/promises'
import type { JsonObject } from '#base'
import {
  ExchangeError,
  IMPORT_FORMATS,
  type ImportFormat,
  INPUT_MAX_BYTES,
  readInput,
  type Understood,
  writeOutput,
} from '#exchange'
import { collect, type CommandContext, EXIT, type ExitCode, examples, type Register, UsageError } from '../command.ts'
import { openInput } from '../input.ts'
import { findNode, type NodeClient, type NodeOptions, withNodeOptions } from '../node-client.ts'
import { type Output, table } from '../output.ts'
import { PublishParts } from '../publish-parts.ts'
import { type Result, toLines } from './publish.ts'

interface Options extends NodeOptions {
  format: ImportFormat | 'auto'
  source?: string
  tlp?: string
  to?: string[]
  yes?: boolean
  dryRun?: boolean
  print?: boolean
  json?: boolean
}

/** Rows and losses shown one by one; the others are counted. */
const SHOWN = 10
/** Bounds of one request; what belongs together by references goes together. */
const PART_LIMITS = { bytes: 8_388_608, objects: 5_000 }
/** Requests at once that ask what the node already has. */
const ASKED_AT_ONCE = 8

/** `noroshi import` */
export const register: Register = (program, context) => {
  withNodeOptions(
    program
      .command('import <file>')
      .description(
        'Publish what analysts have: MISP events, tables (CSV, Excel), Shadowserver reports, or text with defanged indicators; - for stdin. Shows what was understood, what was left out and why, and who would receive it.',
      ),
  )
    .option('--format <format>', `auto, ${IMPORT_FORMATS.join(', ')}`, 'auto')
    .option('--source <name>', 'where it is from; part of the ids that are made (default: the file’s name)')
    .option('--tlp <level>', 'level of what carries none: clear, green, amber, amber+strict, red')
    .option(
      '--to <whom>',
      'alliance:SLUG, member:SLUG, nation:CC, sector:SLUG or kind:SLUG; may be given several times',
      collect,
    )
    .option('--dry-run', 'show it all, publish nothing')
    .option('--yes', 'publish without asking')
    .option('--print', 'print the STIX bundle instead of publishing it; needs no node')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples([
        'noroshi import event.json --dir node --tlp amber --to alliance:trilateral --dry-run',
        'noroshi import report.csv --format shadowserver --dir node --tlp amber --to nation:JP --yes',
        'pbpaste | noroshi import - --format text --source "mail of 3 May" --dir node --tlp green --yes',
        'noroshi import indicators.xlsx --print > bundle.json',
      ]),
    )
    .action(async (file: string, options: Options) => context.exit(await run(file, options, context)))
}

async function run(file: string, options: Options, { output }: CommandContext): Promise<ExitCode> {
  if (options.format !== 'auto' && !IMPORT_FORMATS.includes(options.format))
    throw new UsageError(`--format is auto or one of ${IMPORT_FORMATS.join(', ')}, not ${options.format}.`)
  const understood = await understand(file, options)
  const { objects } = understood
  if (options.print) return await print(understood, output)
  if (!options.json) for (const line of summary(understood)) await output.line(line)
  if (objects.length === 0) return await answer(understood, {}, options, output, 'Nothing in it could be taken.')
  const node = await findNode(options)
  const fresh = await notHeld(node, objects, output)
  const unchanged = objects.length - fresh.length
  if (fresh.length === 0)
    return await answer(understood, { unchanged }, options, output, 'The node has all of it already.', EXIT.done)
  const unmarked = fresh.filter((object) => object['object_marking_refs'] === undefined).length
  if (unmarked > 0 && options.tlp === undefined)
    return await answer(
      understood,
      { unchanged, unmarked },
      options,
      output,
      `${unmarked} objects carry no marking, so nothing is published: say with --tlp how far they may go.`,
    )
  const preview = await send(node, fresh, options, true)
  if (!options.json) for (const line of toLines(preview)) await output.line(line)
  if (options.dryRun)
    return await answer(
      understood,
      { unchanged, unmarked, ...preview },
      options,
      output,
      '',
      preview.refused.length === 0 ? EXIT.done : EXIT.no,
    )
  if (!(options.yes ?? (await isConfirmed(fresh.length))))
    return await answer(
      understood,
      { unchanged, unmarked },
      options,
      output,
      'Nothing was published; --yes publishes without asking.',
    )
  const result = await send(node, fresh, options, false)
  if (!options.json) for (const line of toLines(result)) await output.line(line)
  return await answer(
    understood,
    { unchanged, unmarked, ...result },
    options,
    output,
    '',
    result.refused.length === 0 ? EXIT.done : EXIT.no,
  )
}

async function understand(file: string, { format, source, print: asTranslated = false }: Options): Promise<Understood> {
  const bytes = await readBounded(file)
  try {
    const name = source ?? (file === '-' ? 'stdin' : basename(file))
    return readInput(bytes, { format, source: name, now: new Date().toISOString(), asTranslated })
  } catch (error) {
    if (error instanceof ExchangeError) throw new UsageError(`${file}: ${error.message}`)
    throw error
  }
}

async function readBounded(file: string): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of openInput(file)) {
    size += chunk.length
    if (size > INPUT_MAX_BYTES) throw new UsageError(`${file} has more than ${INPUT_MAX_BYTES} bytes; split it.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

async function print({ objects, losses }: Understood, output: Output): Promise<ExitCode> {
  await output.line(writeOutput(objects, 'stix', { now: new Date().toISOString() }).text.trimEnd())
  for (const line of lossLines(losses)) output.note(line)
  return objects.length === 0 ? EXIT.no : EXIT.done
}

function summary({ format, counts, preview, notes, losses }: Understood): string[] {
  return [
    `Read as ${format}. ${notes.join(' ')}`,
    ...table(Object.entries(counts).map(([type, count]) => [`  ${type}`, count])),
    ...preview.slice(0, SHOWN).map((line) => `  ${printable(line)}`),
    ...(preview.length > SHOWN ? [`  and ${preview.length - SHOWN} more`] : []),
    ...lossLines(losses),
  ]
}

function lossLines({ total, listed }: Understood['losses']): string[] {
  if (total === 0) return ['Everything was taken.']
  return [
    `Not taken as it is, ${total}:`,
    ...listed.slice(0, SHOWN).map(({ path, why }) => `  ${printable(path)}: ${printable(why)}`),
    ...(total > SHOWN ? [`  and ${total - SHOWN} more; --json lists them`] : []),
  ]
}

/** Text of others on a terminal: control characters become visible. */
const printable = (text: string) =>
  text.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (char) => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  )

async function answer(
  { format, counts, notes, preview, losses }: Understood,
  result: object,
  { json }: Options,
  output: Output,
  message: string,
  code: ExitCode = EXIT.no,
): Promise<ExitCode> {
  const told = message === '' ? {} : { message }
  if (json)
    await output.line(
      JSON.stringify({ format, counts, notes, preview: preview.slice(0, SHOWN), losses, ...result, ...told }),
    )
  else if (message !== '') await output.line(message)
  return code
}

/** The objects that the node does not have yet, in any version that says the same. */
async function notHeld(node: NodeClient, objects: readonly JsonObject[], output: Output): Promise<JsonObject[]> {
  const fresh: JsonObject[] = []
  for (let at = 0; at < objects.length; at += ASKED_AT_ONCE) {
    output.progress(`${at} of ${objects.length} compared with what the node has`)
    const some = objects.slice(at, at + ASKED_AT_ONCE)
    const held = await Promise.all(some.map((object) => isHeld(node, object)))
    fresh.push(...some.filter((_, index) => !held[index]))
  }
  return fresh
}

async function isHeld(node: NodeClient, object: JsonObject): Promise<boolean> {
  const query = new URLSearchParams({ id: String(object['id']), order: 'newest', limit: '5' })
  const { objects } = await node.get<{ objects: { object: JsonObject }[] }>(`/api/v1/objects?${query.toString()}`)
  return objects.some((row) => content(row.object) === content(object))
}

/** What an object says, without when it was written down, and without the marking that publishing adds. */
function content(object: JsonObject): string {
  const names = Object.keys(object).filter((name) => !WRITTEN_DOWN.has(name))
  return JSON.stringify(names.sort().map((name) => [name, object[name]]))
}

const WRITTEN_DOWN = new Set(['created', 'modified', 'valid_from', 'object_marking_refs'])

async function send(
  node: NodeClient,
  objects: readonly JsonObject[],
  { tlp, to }: Options,
  dryRun: boolean,
): Promise<Result> {
  using parts = new PublishParts('The import', PART_LIMITS)
  parts.push(Buffer.from(JSON.stringify(objects)))
  // An object that others refer to may go in several requests; it is published, and counted, once.
  const published = new Map<string, Result['published'][number]>()
  const refused = new Map<string, Result['refused'][number]>()
  for (const { body } of parts.bodies()) {
    const answer = await node.post<Result>('/api/v1/publish', {
      objects: JSON.parse(Buffer.from(body).toString('utf8')) as JsonObject[],
      ...(tlp === undefined ? {} : { tlp: tlp.toLowerCase() }),
      ...(to === undefined ? {} : { to }),
      dryRun,
    })
    for (const row of answer.published) published.set(JSON.stringify([row.id, row.log, row.index, row.audience]), row)
    for (const row of answer.refused) refused.set(JSON.stringify([row.id, row.code]), row)
  }
  return {
    ...(dryRun ? { dryRun: true as const } : {}),
    published: [...published.values()],
    refused: [...refused.values(), ...parts.tooLarge],
  }
}

/** Asks the person at the terminal; where there is none, the answer is no. */
async function isConfirmed(count: number): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false
  const asking = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(?:es)?$/i.test((await asking.question(`Publish ${count} objects? [y/N] `)).trim())
  } finally {
    asking.close()
  }
}
