import { examples, type Register } from '../command.ts'
import { findNode, type NodeOptions } from '../node-client.ts'
import { clockText } from '../clock-text.ts'
import { table } from '../output.ts'
import { type QuotaHold, quotaText } from '../quota-text.ts'
import { subcommandsOf } from '../subcommands.ts'

interface Link {
  peer: string
  slug: string
  address: string
  state: string
  lagEntries: number
  clockOffsetMs: number | null
  clockBoundMs: number | null
  way?: string
  via?: string
  quota?: QuotaHold
  lastError?: string
}

type JsonOption = NodeOptions & { json?: boolean }

/** `noroshi link …` */
export const register: Register = (program, context) => {
  const link = program
    .command('link')
    .description('Addresses of peers.')
    .addHelpText(
      'after',
      examples(['noroshi link list --dir node', 'noroshi link add us-cisa https://noroshi.example.gov --dir node']),
    )
  const { sub, say } = subcommandsOf(link, context)

  sub('list', 'Links and their state.', ['noroshi link list --dir node']).action(async (options: JsonOption) => {
    const node = await findNode(options)
    const { links } = await node.get<{ links: Link[] }>('/api/v1/links')
    const bySlug = (member = '') => links.find(({ peer }) => peer === member)?.slug ?? member
    const rows = links.map((row) => [
      row.slug,
      row.state,
      `${row.lagEntries} behind`,
      clockText(row),
      row.way === 'carrier'
        ? `through ${bySlug(row.via)}`
        : row.address + (row.way === 'offer' ? `${row.address ? ', ' : ''}it calls here` : ''),
      quotaText(row.quota) || (row.lastError ?? ''),
    ])
    await say(options.json, { links }, links.length === 0 ? ['No links: noroshi link add MEMBER URL'] : table(rows))
  })

  sub('add <member> <url>', 'Set the address of a peer; a proxy’s address does as well.', [
    'noroshi link add us-cisa https://noroshi.example.gov --dir node',
  ]).action(async (member: string, address: string, options: JsonOption) => {
    const node = await findNode(options)
    const answer = await node.post<{ links: Link[] }>('/api/v1/links', { member, address })
    await say(options.json, answer, [`Linked ${member} at ${address}.`])
  })

  sub('remove <member>', 'Drop the link to a peer.', ['noroshi link remove us-cisa --dir node']).action(
    async (member: string, options: JsonOption) => {
      const node = await findNode(options)
      await node.delete(`/api/v1/links/${encodeURIComponent(member)}`)
      await say(options.json, { removed: member }, [`Dropped the link to ${member}.`])
    },
  )
}
