import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Json, JsonObject } from '#base'
import { answerValidateVector, BundleReader, type StreamItem, validateObject } from '#stix'
import { exactlyOneForm, runBatch } from '../batch.ts'
import { EXIT, examples, type Register, UsageError } from '../command.ts'
import { openInput } from '../input.ts'
import type { Output } from '../output.ts'

interface Options {
  batch?: string
  strict?: boolean
  json?: boolean
}

interface Finding {
  code: string
  path: string
  message: string
}

/** `noroshi validate` */
export const register: Register = (program, context) => {
  const { output, exit } = context
  program
    .command('validate [files...]')
    .description('Check STIX objects and bundles, JSON or NDJSON, of any size; exit code 1 where one is invalid.')
    .option('--strict', 'add the SHOULD level as warnings')
    .option('--batch <file>', 'one {"id","object"} per line; - for stdin')
    .option('--json', 'print one JSON object per object of the input')
    .addHelpText(
      'after',
      examples([
        'noroshi validate bundle.json',
        'cat objects.ndjson | noroshi validate - --strict --json',
        'noroshi validate --batch requests.jsonl',
      ]),
    )
    .action(async (files: string[], options: Options) => {
      exactlyOneForm(options.batch, files.length > 0, 'Give FILE… (- for stdin), or --batch FILE')
      const level = { strict: options.strict === true }
      if (options.batch !== undefined)
        return runBatch(options.batch, context, (request) =>
          answerValidateVector(request as Parameters<typeof answerValidateVector>[0], level),
        )
      const total = { objects: 0, invalid: 0 }
      for (const file of files) await validateFile(file, options, output, total)
      if (!options.json) output.note(`${total.objects} objects, ${total.invalid} invalid`)
      exit(total.invalid === 0 ? EXIT.done : EXIT.no)
    })
}

async function validateFile(
  file: string,
  options: Options,
  output: Output,
  total: { objects: number; invalid: number },
): Promise<void> {
  const about = file === '-' ? undefined : await stat(file)
  if (about?.isDirectory())
    throw new UsageError(`${file} is a folder; name the files in it, such as ${join(file, '*.json')}.`)
  const size = about?.size
  let isEmpty = true
  const input = openInput(file)
  const reader = new BundleReader()
  const take = async (items: ReturnType<BundleReader['push']>) => {
    for (const item of items) {
      isEmpty = false
      const report =
        item.kind === 'fault'
          ? faultReport(item.error, file)
          : validateObject(valueOf(item), { strict: options.strict === true })
      if (item.kind !== 'bundle') total.objects++
      if (item.kind === 'bundle' && report.valid && !options.json) continue
      if (!report.valid) total.invalid++
      const { id = null, type, valid, errors, warnings } = report
      if (options.json)
        await output.line(JSON.stringify({ id, ...(type === undefined ? {} : { type }), valid, errors, warnings }))
      else for (const line of toLines(id, errors, warnings)) await output.line(line)
    }
  }
  for await (const chunk of input) {
    await take(reader.push(chunk))
    output.progress(
      size
        ? `${bar(input.bytesRead() / size)} ${file}: ${total.objects} objects, ${total.invalid} invalid`
        : `${total.objects} objects, ${total.invalid} invalid`,
    )
  }
  await take(reader.end())
  if (!isEmpty) return
  total.invalid++
  const { errors } = faultReport({ code: 'EMPTY', message: 'it holds no object' }, file)
  if (options.json) await output.line(JSON.stringify({ id: null, valid: false, errors, warnings: [] }))
  else for (const line of toLines(null, errors, [])) await output.line(line)
}

/** A bundle's objects came before it, one by one; it has none of its own only where none came. */
function valueOf(item: Exclude<StreamItem, { kind: 'fault' }>): Json {
  if (item.kind === 'object' || item.objects === 0) return item.value
  const { objects: _, ...rest } = item.value as JsonObject
  return rest
}

interface Report {
  id?: string
  type?: string
  valid: boolean
  errors: readonly Finding[]
  warnings: readonly Finding[]
}

const faultReport = ({ code, message }: { code: string; message: string }, file: string): Report => ({
  valid: false,
  errors: [{ code, path: '', message: `${file === '-' ? 'stdin' : file}: ${message}` }],
  warnings: [],
})

function toLines(id: Json, errors: readonly Finding[], warnings: readonly Finding[]): string[] {
  const line =
    (level: string) =>
    ({ code, path, message }: Finding) =>
      `${String(id ?? '(no id)')}: ${level} ${code}${path === '' ? '' : ` at ${path}`}: ${message}`
  return [...errors.map(line('error')), ...warnings.map(line('warning'))]
}

const BAR_CELLS = 20
const bar = (share: number) => {
  const full = Math.round(Math.min(1, share) * BAR_CELLS)
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_CELLS - full)}] ${Math.floor(share * 100)} %`
}
