import { counted, examples, oneOf, type Register, shaped } from '../command.ts'
import { findNode, type NodeOptions } from '../node-client.ts'
import { table } from '../output.ts'
import { subcommandsOf } from '../subcommands.ts'

interface Rule {
  tlp: string
  days: number
}

interface Answer {
  rules?: Rule[]
  ended: (Rule & { objects: number })[]
}

type JsonOption = NodeOptions & { json?: boolean }

const toLevel = oneOf('clear', 'green', 'amber', 'amber+strict', 'red')
const toDays = shaped(/^[1-9]\d{0,4}$/, 'A number of days from 1 on.')

/** `noroshi retention …` */
export const register: Register = (program, context) => {
  const retention = program
    .command('retention')
    .description('How long this node’s own objects are kept, by level, here and at every recipient.')
    .addHelpText('after', examples(['noroshi retention set --tlp amber --days 365 --dry-run --dir node']))
  const { sub, say } = subcommandsOf(retention, context)

  sub('list', 'The rules.', ['noroshi retention list --dir node']).action(async (options: JsonOption) => {
    const node = await findNode(options)
    const answer = await node.get<{ rules: Rule[] }>('/api/v1/retention')
    const rows = answer.rules.map(({ tlp, days }) => [tlp, counted(days, 'day')])
    await say(options.json, answer, rows.length === 0 ? ['No rules: nothing ends by itself.'] : table(rows))
  })

  sub('set', 'End own objects of a level that were published longer ago; recipients purge them.', [
    'noroshi retention set --tlp amber --days 365 --dry-run --dir node',
    'noroshi retention set --tlp amber --days 365 --dir node',
  ])
    .requiredOption('--tlp <level>', 'level', toLevel)
    .requiredOption('--days <days>', 'days from publication', toDays)
    .option('--dry-run', 'only count what would end now')
    .action(
      async ({
        tlp,
        days,
        dryRun = false,
        ...options
      }: JsonOption & { tlp: string; days: string; dryRun?: boolean }) => {
        const node = await findNode(options)
        const answer = await node.post<Answer>('/api/v1/retention', { tlp, days: Number(days), dryRun })
        const count = counted(answer.ended.find((one) => one.tlp === tlp)?.objects ?? 0, 'object')
        const age = `published more than ${counted(Number(days), 'day')} ago`
        await say(options.json, answer, [
          dryRun
            ? `${count} of ${tlp} ${age} would end now.`
            : `Set. ${count} of ${tlp} ${age} ended now; the rest follows each hour.`,
        ])
      },
    )

  sub('remove', 'Take the rule of a level away; what has ended stays ended.', [
    'noroshi retention remove --tlp amber --dir node',
  ])
    .requiredOption('--tlp <level>', 'level', toLevel)
    .action(async ({ tlp, ...options }: JsonOption & { tlp: string }) => {
      const node = await findNode(options)
      const answer = await node.post<Answer>('/api/v1/retention', { tlp, days: null })
      await say(options.json, answer, [`Objects of ${tlp} are kept.`])
    })
}
