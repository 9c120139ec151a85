import { isHash, type Json, parseJson } from '#base'
import { type EvidenceFile, examineEvidence, examineSigned, type Examined, isEvidence, type SignedThing } from '#log'
import {
  collect,
  type CommandContext,
  counted,
  EXIT,
  type ExitCode,
  examples,
  type Register,
  shaped,
  UsageError,
} from '../command.ts'
import { readBounded } from '../input.ts'
import { type Output, printable, table } from '../output.ts'
import { allianceLines, verdictLines } from '../verdict.ts'

interface Options {
  charters?: string[]
  founding?: string
  json?: boolean
}

/** A report of a large drill. */
const FILE_MAX_BYTES = 268_435_456
/** Things shown one by one; the others are counted. */
const SHOWN = 20
const toHash = shaped(/^[0-9a-f]{64}$/, 'The hash of a charter: 64 small hex digits.')

/** `noroshi verify` */
export const register: Register = (program, context) => {
  program
    .command('verify <file>')
    .description(
      'Examine evidence, receipts, the JSON report of a drill, charters or a checkpoint, without a node and without trust in whoever made the file; - for stdin. Exit code 0: proved, or everything holds; 1: not.',
    )
    .option('--charters <file>', 'take charters from this file too; may be given several times', collect)
    .option('--founding <hash>', 'only keys of the alliance count whose first charter has this hash', toHash)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples([
        'noroshi verify fork.json --founding 22ca1fc1…',
        'noroshi verify .noroshi/drills/router-botnet-20260101000000/report.json',
        'noroshi verify receipts.json --charters fork.json --json',
      ]),
    )
    .action(async (file: string, options: Options) => context.exit(await run(file, options, context)))
}

async function run(file: string, options: Options, { output }: CommandContext): Promise<ExitCode> {
  const founding = isHash(options.founding) ? options.founding : undefined
  const value = await readValue(file)
  if (isEvidence(value)) {
    const verdict = examineEvidence(value, founding)
    if (options.json) await output.line(JSON.stringify(verdict))
    else for (const line of verdictLines(value as unknown as EvidenceFile, verdict)) await output.line(line)
    return verdict.isProved ? EXIT.done : EXIT.no
  }
  const more: Json[] = []
  for (const path of options.charters ?? []) more.push(await readValue(path))
  const examined = examineSigned(value, more, founding)
  if (examined.things.length === 0 && examined.alliances.length === 0 && examined.fault === undefined)
    throw new UsageError(`${file} holds nothing that is signed: no evidence, statement, charter or checkpoint.`)
  if (options.json) await output.line(JSON.stringify(examined))
  else await show(examined, output)
  return examined.fault === undefined && examined.things.every(({ result }) => result === 'holds') ? EXIT.done : EXIT.no
}

/** JSON, JSON in lines, or a note as it is. */
async function readValue(path: string): Promise<Json> {
  const bytes = await readBounded(path, FILE_MAX_BYTES)
  const text = Buffer.from(bytes).toString('utf8')
  if (text.startsWith('noroshi/v1/')) return text
  try {
    return parseJson(bytes, { maxBytes: FILE_MAX_BYTES })
  } catch (cause) {
    const lines = text.split('\n').filter((line) => line.trim() !== '')
    if (lines.length < 2) throw cause
    return lines.map((line) => parseJson(line))
  }
}

async function show({ things, alliances, fault }: Examined, output: Output): Promise<void> {
  const groups = Map.groupBy(things, ({ type, result }) => `${type} ${result}`)
  const rows = [...groups.values()].map((some) => [
    `  ${some[0]?.type}`,
    some.length,
    WORDS[some[0]?.result ?? 'unknown'],
  ])
  await output.line(`${counted(things.length, 'signed thing')}:`)
  for (const line of table(rows)) await output.line(line)
  const bad = things.filter(({ result }) => result !== 'holds')
  for (const thing of bad.slice(0, SHOWN)) await output.line(badLine(thing))
  if (bad.length > SHOWN) await output.line(`  and ${bad.length - SHOWN} more; --json lists them`)
  if (things.some(({ by }) => by === 'list'))
    await output.line(
      'Some keys are only those that the file itself lists: that they are their members’ is not shown. Give --charters.',
    )
  if (fault !== undefined) await output.line(`The charters do not count: ${printable(fault)}.`)
  for (const line of allianceLines(alliances)) await output.line(line)
}

const WORDS = { holds: 'signature holds', fails: 'SIGNATURE FAILS', unknown: 'whose key it is, is unknown' } as const
const badLine = ({ path, type, name, result, why }: SignedThing) =>
  printable(
    `  ${path === '' ? 'the file' : path}: ${type}${name === undefined ? '' : ` of ${name}`}: ${WORDS[result]}. ${why ?? ''}`,
  )
