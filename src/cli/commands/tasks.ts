import { counted, EXIT, examples, type Register } from '../command.ts'
import { findNode, type NodeOptions, withNodeOptions } from '../node-client.ts'

interface Task {
  id: string
  time: number
  kind: string
  why: string
  type?: string
  named: string[]
  count: number
  recalled: { slug: string; id: string; reason: string }
  done?: number
}

interface Options extends NodeOptions {
  all?: boolean
  done?: string[]
  json?: boolean
}

/** Names shown of one task. */
const SHOWN = 5

/** `noroshi tasks` */
export const register: Register = (program, { output, exit }) => {
  withNodeOptions(
    program
      .command('tasks')
      .description(
        'What waits for a person at a node: own advisories, renditions, cases and exports that may repeat what its author took back. Exit code 1 where something waits.',
      ),
  )
    .option('--all', 'also what is done')
    .option('--done <id...>', 'say that these are done')
    .option('--json', 'print JSON')
    .addHelpText('after', examples(['noroshi tasks --dir node', 'noroshi tasks --done 3f0c9a1b2d4e --dir node']))
    .action(async (options: Options) => {
      const node = await findNode(options)
      for (const id of options.done ?? []) await node.post(`/api/v1/tasks/${encodeURIComponent(id)}/done`, {})
      const { tasks } = await node.get<{ tasks: Task[] }>(`/api/v1/tasks${options.all ? '?all=true' : ''}`)
      const open = tasks.filter(({ done }) => done === undefined)
      if (options.json) await output.line(JSON.stringify({ tasks }))
      else {
        for (const line of tasks.flatMap(toLines)) await output.line(line)
        await output.line(open.length === 0 ? 'Nothing waits.' : `${counted(open.length, 'task')} to do.`)
      }
      exit(open.length === 0 ? EXIT.done : EXIT.no)
    })
}

function toLines({ id, time, why, type, named, count, recalled, done }: Task): string[] {
  const state = done === undefined ? '' : ` Done ${new Date(done).toISOString()}.`
  const more = count > SHOWN ? [`    and ${count - SHOWN} more`] : []
  return [
    `${id}  ${new Date(time).toISOString()}  ${recalled.slug} took back ${recalled.id} (${recalled.reason}).${state}`,
    `  ${type === undefined ? '' : `${type}: `}${why}`,
    ...named.slice(0, SHOWN).map((one) => `    ${one}`),
    ...more,
  ]
}
