import type { JsonObject } from '#base'
import { ENCODINGS, IMPORT_FORMATS, type ImportFormat, writeOutput } from '#exchange'
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
import { importAirGap, isAirGapFile } from '../air-gap-file.ts'
import { type ImportedInput, readImport } from '../import-input.ts'
import { askMarking, suggestedFor, suggestionLines } from '../import-marking.ts'
import { findNode, type NodeClient, type NodeOptions, withNodeOptions } from '../node-client.ts'
import { type Output, printable, table } from '../output.ts'
import { PublishParts } from '../publish-parts.ts'
import { JoinedResult, type Result, toLines } from '../publish-result.ts'
import { openTerminal, type Terminal } from '../terminal.ts'

interface Options extends NodeOptions {
  format: ImportFormat | 'auto'
  encoding?: string
  source?: string
  proposals?: boolean
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
        'Publish what analysts have: MISP events and feeds, tables (CSV, Excel), Shadowserver reports, or mail and text with defanged indicators; - for stdin. Shows what was understood, what was left out and why, and who would receive it; asks at a terminal for the marking of what has none, and before it publishes. An air-gap file (noroshi export --to) continues the mirrors of its author’s logs instead.',
      ),
  )
    .option('--format <format>', `auto, ${IMPORT_FORMATS.join(', ')}`, 'auto')
    .option('--encoding <name>', 'of a table or text, where it is not recognised', oneOf(...ENCODINGS))
    .option('--source <name>', 'where it is from; part of the ids that are made (default: the file’s name)')
    .option('--proposals', 'take proposals to MISP events too, as notes, which detect nothing')
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
        'noroshi import feed/ --dir node --tlp green --yes',
        'noroshi import https://misp.example.org/feed/ --dir node',
        'noroshi import report.csv --format shadowserver --dir node --tlp amber --to nation:JP --yes',
        'pbpaste | noroshi import - --format text --source "mail of 3 May" --dir node',
        'noroshi import indicators.xlsx --print > bundle.json',
        'noroshi import from-jp-nco.age --dir node',
      ]),
    )
    .action(async (file: string, options: Options) => context.exit(await run(file, options, context)))
}

async function run(file: string, options: Options, { output }: CommandContext): Promise<ExitCode> {
  if (await isAirGapFile(file)) return importAirGap(file, options, output)
  if (options.format !== 'auto' && !IMPORT_FORMATS.includes(options.format))
    throw new UsageError(`--format is auto or one of ${IMPORT_FORMATS.join(', ')}, not ${options.format}.`)
  const how = { ...options, asTranslated: options.print === true }
  if (options.print) return await print(await readImport(file, how, undefined, output), output)
  const understood = await readImport(file, how, () => findNode(options), output)
  if (!options.json) for (const line of summary(understood)) await output.line(line)
  const answer = new Answer(understood, options, output)
  if (understood.objects.length === 0)
    return understood.feed && understood.feed.unchanged > 0 && understood.feed.failed === 0
      ? await answer.end('The node has all of it already.', EXIT.done)
      : await answer.end('Nothing in it could be taken.')
  using terminal = options.yes || options.json ? undefined : openTerminal({ isStdinTaken: file === '-' })
  return await publish(await findNode(options), understood, { options, output, answer, terminal })
}

interface Asking {
  options: Options
  output: Output
  answer: Answer
  terminal: Terminal | undefined
}

async function publish(
  node: NodeClient,
  { objects, sharedWith }: ImportedInput,
  { options, output, answer, terminal }: Asking,
): Promise<ExitCode> {
  const fresh = await notHeld(node, objects, output)
  const unchanged = objects.length - fresh.length
  answer.add({ unchanged })
  if (fresh.length === 0) return await answer.end('The node has all of it already.', EXIT.done)
  const unmarked = fresh.filter((object) => object['object_marking_refs'] === undefined).length
  const suggested = await suggestedFor(node, sharedWith)
  answer.add({ unmarked, ...(suggested.length > 0 ? { suggested } : {}) })
  if (!options.json) for (const line of suggestionLines(sharedWith, suggested)) await output.line(line)
  let { tlp, to } = options
  if (unmarked > 0 && tlp === undefined) {
    const asked = terminal && (await askMarking(terminal, unmarked, suggested, output))
    if (!asked)
      return await answer.end(
        `${counted(unmarked, 'object')} ${unmarked === 1 ? 'carries' : 'carry'} no marking, so nothing is published: say with --tlp how far they may go.`,
      )
    ;({ tlp, to = to } = asked)
  }
  const marking = { ...(tlp === undefined ? {} : { tlp }), ...(to === undefined ? {} : { to }) }
  const preview = await send(node, fresh, marking, true)
  if (!options.json) for (const line of toLines(preview)) await output.line(line)
  if (options.dryRun) {
    answer.add(preview)
    return await answer.end('', preview.refused.length === 0 ? EXIT.done : EXIT.no)
  }
  if (!options.yes && !(await isConfirmed(terminal, fresh.length)))
    return await answer.end('Nothing was published; --yes publishes without asking.')
  const result = await send(node, fresh, marking, false)
  if (!options.json) for (const line of toLines(result)) await output.line(line)
  answer.add(result)
  return await answer.end('', result.refused.length === 0 ? EXIT.done : EXIT.no)
}

async function print({ objects, losses }: ImportedInput, output: Output): Promise<ExitCode> {
  await output.line(writeOutput(objects, 'stix', { now: new Date().toISOString() }).text.trimEnd())
  for (const line of lossLines(losses)) output.note(line)
  return objects.length === 0 ? EXIT.no : EXIT.done
}

function summary({ format, counts, preview, notes, losses }: ImportedInput): string[] {
  return [
    `Read as ${format}. ${printable(notes.join(' '))}`,
    ...table(Object.entries(counts).map(([type, count]) => [`  ${type}`, count])),
    ...preview.slice(0, SHOWN).map((line) => `  ${printable(line)}`),
    ...(preview.length > SHOWN ? [`  and ${preview.length - SHOWN} more`] : []),
    ...lossLines(losses),
  ]
}

function lossLines({ total, listed }: ImportedInput['losses']): string[] {
  if (total === 0) return ['Everything was taken.']
  return [
    `Not taken as it is, ${total}:`,
    ...listed.slice(0, SHOWN).map(({ path, why }) => `  ${printable(path)}: ${printable(why)}`),
    ...(total > SHOWN ? [`  and ${total - SHOWN} more; --json lists them`] : []),
  ]
}

/** What the command answers in the end: one JSON object, or the last line. */
class Answer {
  readonly #understood: ImportedInput
  readonly #isJson: boolean
  readonly #output: Output
  readonly #facts: object = {}

  constructor(understood: ImportedInput, { json }: Options, output: Output) {
    this.#understood = understood
    this.#isJson = json === true
    this.#output = output
  }

  add(facts: object): void {
    Object.assign(this.#facts, facts)
  }

  async end(message: string, code: ExitCode = EXIT.no): Promise<ExitCode> {
    const { format, counts, notes, preview, losses, feed } = this.#understood
    const told = { ...(feed ? { feed } : {}), ...this.#facts, ...(message === '' ? {} : { message }) }
    if (this.#isJson)
      await this.#output.line(
        JSON.stringify({ format, counts, notes, preview: preview.slice(0, SHOWN), losses, ...told }),
      )
    else if (message !== '') await this.#output.line(message)
    return code
  }
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
  { tlp, to }: { tlp?: string; to?: string[] },
  dryRun: boolean,
): Promise<Result> {
  using parts = new PublishParts('The import', PART_LIMITS)
  parts.push(Buffer.from(JSON.stringify(objects)))
  const joined = new JoinedResult()
  joined.add({ refused: parts.tooLarge, ...(dryRun ? { dryRun } : {}) })
  for (const { body } of parts.bodies())
    joined.add(
      await node.post<Result>('/api/v1/publish', {
        objects: JSON.parse(Buffer.from(body).toString('utf8')) as JsonObject[],
        ...(tlp === undefined ? {} : { tlp: tlp.toLowerCase() }),
        ...(to === undefined ? {} : { to }),
        dryRun,
      }),
    )
  return joined.result
}

/** Asks the person at the terminal; where there is none, the answer is no. */
const isConfirmed = async (terminal: Terminal | undefined, count: number): Promise<boolean> =>
  terminal !== undefined && /^y(?:es)?$/i.test(await terminal.ask(`Publish ${counted(count, 'object')}? [y/N] `))
