import { EXIT, examples, oneOf, type Register, UsageError } from '../command.ts'
import { findNode, type NodeOptions, withNodeOptions } from '../node-client.ts'

interface Options extends NodeOptions {
  reason: string
  json?: boolean
}

const REASONS = ['error', 'legal', 'marking', 'other', 'personal-data', 'source-protection', 'superseded']

/** `noroshi recall` */
export const register: Register = (program, { output, exit }) => {
  withNodeOptions(
    program
      .command('recall <id>')
      .description('Take back an object, or one entry as LOG:INDEX: every recipient stops using it and acknowledges.'),
  )
    .option('--reason <reason>', `${REASONS.join(', ')}`, oneOf(...REASONS), 'error')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples([
        'noroshi recall indicator--0f3c… --dir node --reason error',
        'noroshi recall 5ab1…:17 --dir node --reason personal-data',
      ]),
    )
    .action(async (id: string, options: Options) => {
      const node = await findNode(options)
      const answer = await node.post<{ recalled: { log: string; index: number }[] }>('/api/v1/recall', {
        ...what(id),
        reason: options.reason,
      })
      if (options.json) await output.line(JSON.stringify(answer))
      else
        await output.line(
          `Recalled ${id} in ${answer.recalled.length} ${answer.recalled.length === 1 ? 'log' : 'logs'}.`,
        )
      exit(EXIT.done)
    })
}

function what(text: string): object {
  const entry = /^([0-9a-f]{64}):(\d+)$/.exec(text)
  if (entry) return { log: entry[1], index: Number(entry[2]) }
  if (/^[a-z][a-z0-9-]*--[0-9a-fA-F-]{36}$/.test(text)) return { id: text }
  throw new UsageError(`${text} is neither an object id nor LOG:INDEX.`)
}
