import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { JsonObject } from '#base'
import { answerValidateVector, BundleContext, BundleReader, type StreamItem, validateObject } from '#stix'
import { exactlyOneForm, runBatch } from '../batch.ts'
import { EXIT, examples, type Register, UsageError } from '../command.ts'
import { openInput } from '../input.ts'
import { type Output, printable } from '../output.ts'
import { progressBar } from './validate-progress.ts'

interface Options {
  batch?: string
  strict?: boolean
  json?: boolean
}

interface Finding {
  code: string
  path: string
  message: string
  /** Section of the specification; absent where the file itself is at fault. */
  section?: string
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
      const total = { objects: 0, invalid: 0, around: 0, notCompared: 0 }
      for (const file of files) await validateFile(file, options, output, total)
      if (total.notCompared > 0)
        output.note(
          `${total.notCompared} objects of large bundles were checked by themselves, but not compared with others of their bundle`,
        )
      const around = total.around === 0 ? '' : `, and ${total.around} of the bundles or files around them`
      if (!options.json) output.note(`${total.objects} objects, ${total.invalid} invalid${around}`)
      exit(total.invalid + total.around === 0 ? EXIT.done : EXIT.no)
    })
}

async function validateFile(
  file: string,
  options: Options,
  output: Output,
  total: { objects: number; invalid: number; around: number; notCompared: number },
): Promise<void> {
  const about = file === '-' ? undefined : await stat(file)
  if (about?.isDirectory())
    throw new UsageError(`${file} is a folder; name the files in it, such as ${join(file, '*.json')}.`)
  const size = about?.size
  let isEmpty = true
  let objects = 0
  const input = openInput(file)
  const name = file === '-' ? 'stdin' : file
  const reader = new BundleReader()
  const context = new BundleContext()
  const level = { strict: options.strict === true }
  const toReport = (item: StreamItem): Report => {
    if (item.kind === 'bundle' && item.objects > 0) return context.close(item.value as JsonObject, item.objects, level)
    context.add(item.kind === 'object' ? item.value : null, item.kind === 'object' ? item.bytes.length : 0)
    return item.kind === 'fault' ? faultReport(item.error) : validateObject(item.value, level)
  }
  const take = async (items: ReturnType<BundleReader['push']>) => {
    for (const item of items) {
      isEmpty = false
      const report = toReport(item)
      if (item.kind !== 'bundle') total.objects++
      if (!report.valid) total[item.kind === 'bundle' ? 'around' : 'invalid']++
      const { id = null, type, valid, errors, warnings } = report
      const place = item.kind === 'fault' ? name : `${name}, object ${objects}`
      if (item.kind !== 'bundle') objects++
      if (options.json)
        await output.line(
          JSON.stringify({
            id,
            ...(type === undefined ? {} : { type }),
            valid,
            errors: inFile(errors, name),
            warnings,
          }),
        )
      else for (const line of toLines(id ?? place, errors, warnings)) await output.line(line)
    }
  }
  const show = progressBar(output, name, size)
  for await (const chunk of input) {
    await take(reader.push(chunk))
    show(input.bytesRead(), total)
  }
  await take(reader.end())
  total.notCompared += context.notCompared
  if (!isEmpty) return
  total.around++
  const { errors } = faultReport({ code: 'EMPTY', message: 'it holds no object' })
  if (options.json)
    await output.line(JSON.stringify({ id: null, valid: false, errors: inFile(errors, name), warnings: [] }))
  else for (const line of toLines(name, errors, [])) await output.line(line)
}

interface Report {
  id?: string
  type?: string
  valid: boolean
  errors: readonly Finding[]
  warnings: readonly Finding[]
}

const faultReport = ({ code, message }: { code: string; message: string }): Report => ({
  valid: false,
  errors: [{ code, path: '', message }],
  warnings: [],
})

/** Faults of the file itself, which have no section, name it. */
const inFile = (errors: readonly Finding[], name: string): Finding[] =>
  errors.map((error) => (error.section === undefined ? { ...error, message: `${name}: ${error.message}` } : error))

/** One line per finding: where, what, and the section that says so; `where` is the object's id, or its place without one. */
function toLines(where: string, errors: readonly Finding[], warnings: readonly Finding[]): string[] {
  const line =
    (level: string) =>
    ({ code, path, message, section }: Finding) =>
      printable(
        `${where}: ${level} ${code}${path === '' ? '' : ` at ${path}`}: ${message}${section === undefined ? '' : ` (section ${section})`}`,
      )
  return [...errors.map(line('error')), ...warnings.map(line('warning'))]
}
