import { examples, type Register, shaped, UsageError } from '../command.ts'
import { findNode, type NodeOptions } from '../node-client.ts'
import { table } from '../output.ts'
import { QUOTA_WORDS, type QuotaHold, quotaText } from '../quota-text.ts'
import { subcommandsOf } from '../subcommands.ts'

/** Options by the name of what they limit. */
const OPTIONS = {
  entries: '--entries <number>',
  bytes: '--bytes <number>',
  logs: '--logs <number>',
  entriesPerSecond: '--entries-per-second <number>',
  bytesPerSecond: '--bytes-per-second <number>',
} as const
type Name = keyof typeof OPTIONS
const NAMES = Object.keys(OPTIONS) as Name[]

interface Quota {
  author: string
  slug: string
  limits: Record<Name, number>
  setBy: Record<Name, string>
  held: { entries: number; bytes: number; logs: number }
  quota: { state: 'ok' } | QuotaHold
}

type JsonOption = NodeOptions & { json?: boolean }

const toLimit = shaped(/^(?:[1-9]\d{0,15}|node)$/, 'A whole number from 1, or "node" for the limit of the node.')

/** `noroshi quota …` */
export const register: Register = (program, context) => {
  const quota = program
    .command('quota')
    .description('What each author may bring to this node: totals stop it, rates slow it down.')
    .addHelpText(
      'after',
      examples(['noroshi quota list --dir node', 'noroshi quota set ph-ncert --entries 20000000 --dir node']),
    )
  const { sub, say } = subcommandsOf(quota, context)

  sub('list', 'Limits of every author, who set them, what is held, and who is held back.', [
    'noroshi quota list --dir node',
    'noroshi quota list --dir node --json | jq .quotas',
  ]).action(async (options: JsonOption) => {
    const node = await findNode(options)
    const { quotas } = await node.get<{ quotas: Quota[] }>('/api/v1/quotas')
    const lines = quotas.length === 0 ? ['No authors: found an alliance, or join one.'] : table(quotas.map(toRow))
    await say(options.json, { quotas }, lines)
  })

  const set = sub('set <member>', 'Set limits of one author; in force at once. A charter may let it have less.', [
    'noroshi quota set ph-ncert --entries 20000000 --dir node',
    'noroshi quota set ph-ncert --bytes-per-second node --dir node',
  ])
  for (const name of NAMES) set.option(OPTIONS[name], `${QUOTA_WORDS[name]}, or "node"`, toLimit)
  set.action(async (member: string, options: JsonOption & Partial<Record<Name, string>>) => {
    const given = NAMES.filter((name) => options[name] !== undefined)
    if (given.length === 0)
      throw new UsageError(`Which limit? Give one of ${NAMES.map((name) => OPTIONS[name]).join(', ')}.`)
    const change = Object.fromEntries(
      given.map((name) => [name, options[name] === 'node' ? null : Number(options[name])]),
    )
    const node = await findNode(options)
    const { quota: now } = await node.patch<{ quota: Quota }>(`/api/v1/quotas/${encodeURIComponent(member)}`, change)
    const capped = given.filter((name) => now.setBy[name].startsWith('charter:'))
    await say(options.json, { quota: now }, [
      ...table([toRow(now)]),
      ...capped.map(
        (name) =>
          `${QUOTA_WORDS[name]}: ${now.setBy[name]} lets it have no more than ${now.limits[name]}; its members change that: noroshi alliance change ${now.setBy[name].slice(8)} --member ${now.slug} --quota …`,
      ),
    ])
  })
}

function toRow({ slug, limits, setBy, held, quota }: Quota): string[] {
  const of = (name: 'entries' | 'bytes' | 'logs') =>
    `${held[name]} of ${limits[name]} ${QUOTA_WORDS[name]}${by(setBy[name])}`
  const rate = (name: Name) => `${limits[name]} ${QUOTA_WORDS[name]}${by(setBy[name])}`
  return [
    slug,
    quota.state === 'ok' ? 'ok' : quotaText(quota),
    of('entries'),
    of('bytes'),
    of('logs'),
    rate('entriesPerSecond'),
    rate('bytesPerSecond'),
  ]
}

const by = (who: string) => (who === 'node' ? '' : ` (${who})`)
