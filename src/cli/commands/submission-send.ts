import { isJsonObject, type JsonObject, parseJson } from '#base'
import { CONSENTS } from '#policy'
import { collect, EXIT, examples, oneOf, type Register, UsageError } from '../command.ts'
import { readBounded } from '../input.ts'
import { findNode, type NodeOptions, withNodeOptions } from '../node-client.ts'
import { printable } from '../output.ts'

interface Options extends NodeOptions {
  consent: string
  protect: string[]
  note?: string
  json?: boolean
}

interface Submitted {
  id: string
  state: string
  objects: number
  refused: { id: string; code: string; message: string }[]
}

/** Bytes of a submission: a report of one incident; what a node takes by default. */
const SUBMISSION_BYTES = 1_048_576

/** `noroshi submit` */
export const register: Register = (program, { output, exit }) => {
  withNodeOptions(
    program
      .command('submit <file>')
      .description('Submit STIX objects in confidence to the member that serves this organisation; `-` for stdin.'),
  )
    .option('--consent <whom>', `who may learn the source: ${CONSENTS.join(', ')}`, oneOf(...CONSENTS), 'none')
    .option('--protect <term>', 'a name or word that must never show; repeat for several', collect, [])
    .option('--note <text>', 'a word to the reviewer')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples([
        'NOROSHI_TOKEN=… noroshi submit incident.json --url https://cert.example --consent own-gov',
        'NOROSHI_TOKEN=… noroshi submit incident.json --url https://cert.example --protect "Manila branch" --protect bank.example',
      ]),
    )
    .action(async (file: string, options: Options) => {
      const objects = objectsOf(parseJson(await readBounded(file, SUBMISSION_BYTES)), file)
      const node = await findNode(options)
      const { consent, protect, note } = options
      const body = { objects, consent, protect, ...(note === undefined ? {} : { note }) }
      const answer = await node.post<Submitted>('/api/v1/submissions', body)
      if (options.json) await output.line(JSON.stringify(answer))
      else {
        await output.line(`Submitted ${answer.objects} objects as ${answer.id}; it is ${answer.state}.`)
        for (const { id, code, message } of answer.refused)
          output.note(`Not taken: ${printable(id)}: ${code}: ${printable(message)}`)
        output.note(`Answers and the receipt: noroshi submission show ${answer.id}`)
      }
      exit(answer.refused.length > 0 ? EXIT.no : EXIT.done)
    })
}

function objectsOf(value: unknown, file: string): JsonObject[] {
  const list = Array.isArray(value)
    ? value
    : isJsonObject(value) && value['type'] === 'bundle'
      ? value['objects']
      : [value]
  if (Array.isArray(list) && list.every(isJsonObject)) return list
  throw new UsageError(`${file} holds no STIX object, bundle or array of objects.`)
}
