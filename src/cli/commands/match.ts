import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type JsonObject, timestampMillis, toTimestamp } from '#base'
import { Detector, type Hit, LineMatcher, toHitLine } from '#detect'
import { BundleReader } from '#stix'
import { collect, EXIT, examples, type Register, UsageError } from '../command.ts'
import { openInput } from '../input.ts'
import type { Output } from '../output.ts'

interface Options {
  rules?: string[]
  indicators?: string[]
  input?: string[]
  format: string
  json?: boolean
}

/** `noroshi match` */
export const register: Register = (program, { output, exit }) => {
  program
    .command('match')
    .description(
      'Detection without a node: indicators and Sigma rules against telemetry, by event time within validity. Exit code 1 where nothing matches.',
    )
    .option('--rules <path>', 'Sigma rule, or folder of rules; may be given several times', collect)
    .option('--indicators <file>', 'STIX bundle or NDJSON with indicators; may be given several times', collect)
    .option('--input <file>', 'JSON lines or log lines; - for stdin; may be given several times', collect)
    .option('--format <format>', 'of the input: zeek, eve, windows, … or auto', 'auto')
    .option('--json', 'print one JSON object per match')
    .addHelpText(
      'after',
      examples([
        'noroshi match --indicators iocs.json --input conn.log --format zeek',
        'noroshi match --rules sigma/ --input events.jsonl --json',
      ]),
    )
    .action(async (options: Options) => {
      const { rules = [], indicators = [], input = [] } = options
      if (rules.length + indicators.length === 0)
        throw new UsageError('Nothing to look for: give --rules or --indicators.')
      if (input.length === 0) throw new UsageError('Nothing to look at: give --input FILE; - for stdin.')
      const detector = new Detector()
      const refused = [...(await armRules(detector, rules)), ...(await armIndicators(detector, indicators))]
      for (const line of refused) output.note(`not armed: ${line}`)
      output.note(`${detector.size} armed, ${refused.length} refused`)
      const hits = await matchAll(detector, input, options, output)
      exit(hits > 0 ? EXIT.done : EXIT.no)
    })
}

async function matchAll(
  detector: Detector,
  input: readonly string[],
  options: Options,
  output: Output,
): Promise<number> {
  const total = { events: 0, hits: 0, bad: 0 }
  for (const file of input) {
    const matcher = new LineMatcher(detector, { format: options.format, file })
    const print = async (hits: readonly Hit[]) => {
      for (const hit of hits) {
        const line = toHitLine(hit)
        await output.line(
          options.json ? JSON.stringify(line) : `${file}:${hit.event.line}  ${hit.value}  ${hit.id}${spanText(hit)}`,
        )
      }
    }
    for await (const chunk of openInput(file)) {
      await print(matcher.push(chunk))
      output.progress(
        `${file}: ${total.events + matcher.report.events} events, ${total.hits + matcher.report.hits} matches`,
      )
    }
    await print(matcher.end())
    total.events += matcher.report.events
    total.hits += matcher.report.hits
    total.bad += matcher.report.badLines
  }
  output.note(`${total.events} events, ${total.hits} matches, ${total.bad} lines that are no events`)
  const { dropped, overBudget, incomparable } = detector.memory().evaluated
  if (dropped + overBudget + incomparable > 0)
    output.note(
      `limits met, matches may be missing: ${dropped} events dropped, ${overBudget} evaluations over budget, ${incomparable} not comparable`,
    )
  return total.hits
}

const spanText = ({ span }: Hit): string =>
  span === undefined
    ? ''
    : `  (${span.events} events from ${toTimestamp(span.first.time)} to ${toTimestamp(span.last.time)})`

async function armRules(detector: Detector, paths: readonly string[]): Promise<string[]> {
  const refused: string[] = []
  for (const file of (await Promise.all(paths.map(ruleFiles))).flat()) {
    const armed = detector.arm({ id: file, kind: 'sigma', pattern: await readFile(file, 'utf8'), validFrom: 0 })
    if (!armed.armed) refused.push(`${file}: ${armed.code}: ${armed.message}`)
  }
  return refused
}

async function ruleFiles(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path]
  const found = await readdir(path, { recursive: true })
  return found
    .filter((name) => /\.ya?ml$/.test(name))
    .sort()
    .map((name) => join(path, name))
}

async function armIndicators(detector: Detector, files: readonly string[]): Promise<string[]> {
  const refused: string[] = []
  for (const file of files) {
    const reader = new BundleReader()
    const take = (items: ReturnType<BundleReader['push']>) => {
      for (const item of items) {
        if (item.kind === 'fault') refused.push(`${file}, object ${item.index}: ${item.error.message}`)
        else if (item.kind === 'object') {
          const fault = armIndicator(detector, item.value as JsonObject)
          if (fault !== undefined) refused.push(`${file}: ${fault}`)
        }
      }
    }
    for await (const chunk of openInput(file)) take(reader.push(chunk))
    take(reader.end())
  }
  return refused
}

function armIndicator(detector: Detector, object: JsonObject): string | undefined {
  const { type, id, pattern, pattern_type: language, valid_from: from, valid_until: until, revoked } = object
  if (type !== 'indicator' || revoked === true) return undefined
  if (language !== 'stix' && language !== 'sigma')
    return `${String(id)}: patterns of type ${String(language)} are not run here`
  try {
    const armed = detector.arm({
      id: String(id),
      kind: language,
      pattern: String(pattern),
      validFrom: timestampMillis(String(from)),
      ...(typeof until === 'string' ? { validUntil: timestampMillis(until) } : {}),
    })
    return armed.armed ? undefined : `${String(id)}: ${armed.code}: ${armed.message}`
  } catch (error) {
    return `${String(id)}: ${(error as Error).message}`
  }
}
