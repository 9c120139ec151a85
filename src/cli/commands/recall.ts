import { NodeError } from '#node'
import { counted, EXIT, examples, oneOf, type Register, shaped, UsageError } from '../command.ts'
import { findNode, type NodeClient, type NodeOptions, withNodeOptions } from '../node-client.ts'
import { followRecall, silentLines } from '../recall-progress.ts'

interface Options extends NodeOptions {
  reason: string
  wait?: string | true
  json?: boolean
}

interface Answer {
  recalled: Place[]
  dropped?: number
  tasks: { id: string; type: string; why: string }[]
}

interface Place {
  log: string
  index: number
}

const REASONS = ['error', 'legal', 'marking', 'other', 'personal-data', 'source-protection', 'superseded']

const toSeconds = shaped(/^\d{1,6}$/, 'A number of seconds.')

/** `noroshi recall` */
export const register: Register = (program, { output, exit }) => {
  withNodeOptions(
    program
      .command('recall <id>')
      .description('Take back an object, or one entry as LOG:INDEX: every recipient stops using it and acknowledges.'),
  )
    .option('--reason <reason>', `${REASONS.join(', ')}`, oneOf(...REASONS), 'error')
    .option(
      '--wait [seconds]',
      'until the last member that holds it, or may, has acknowledged; of what was recalled before as well. Exit code 1 where one has not in that time',
      toSeconds,
    )
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples([
        'noroshi recall indicator--0f3c… --dir node --reason error',
        'noroshi recall 5ab1…:17 --dir node --reason personal-data',
      ]),
    )
    .action(async (id: string, options: Options) => {
      if (options.wait !== undefined && !id.includes('--')) throw new UsageError('--wait needs the id of an object.')
      const answer = await takeBack(await findNode(options), id, options)
      const isWaited = options.wait !== undefined
      const waitMs = typeof options.wait === 'string' ? Number(options.wait) * 1_000 : Infinity
      const members = isWaited ? await followRecall(options, id, waitMs, output) : []
      const silent = members.filter(({ acknowledged }) => acknowledged === null).map(({ slug }) => slug)
      if (options.json) await output.line(JSON.stringify({ ...answer, ...(isWaited ? { silent, members } : {}) }))
      else {
        const { recalled, tasks, dropped = 0 } = answer
        if (dropped > 0) await output.line(`Not published: ${counted(dropped, 'release')} that an embargo held back.`)
        await output.line(
          recalled.length === 0
            ? `${id} ${dropped > 0 ? 'stands in no log' : 'was recalled before'}.`
            : `Recalled ${id} in ${counted(recalled.length, 'entry', 'entries')}.`,
        )
        if (tasks.length > 0) await output.line('For a person:')
        for (const { id: of, why } of tasks) await output.line(`  ${of} ${why}`)
        if (isWaited) for (const line of silentLines(members)) await output.line(line)
      }
      exit(silent.length === 0 ? EXIT.done : EXIT.no)
    })
}

/** Takes it back; where that was done before, whoever waits goes on to follow it. */
async function takeBack(node: NodeClient, id: string, { reason, wait }: Options): Promise<Answer> {
  try {
    return await node.post<Answer>('/api/v1/recall', { ...what(id), reason })
  } catch (error) {
    const isGone = wait !== undefined && error instanceof NodeError && error.code === 'NOT_FOUND'
    if (isGone && (await isRecalled(node, id))) return { recalled: [], tasks: [] }
    throw error
  }
}

async function isRecalled(node: NodeClient, id: string): Promise<boolean> {
  const { standing } = await node.get<{ standing: { recall?: object }[] }>(
    `/api/v1/objects/${encodeURIComponent(id)}/standing`,
  )
  return standing.some(({ recall }) => recall !== undefined)
}

function what(text: string): object {
  const entry = /^([0-9a-f]{64}):(\d+)$/.exec(text)
  if (entry) return { log: entry[1], index: Number(entry[2]) }
  if (/^[a-z][a-z0-9-]*--[0-9a-fA-F-]{36}$/.test(text)) return { id: text }
  throw new UsageError(`${text} is neither an object id nor LOG:INDEX.`)
}
