import { type CharterMember, type CharterStatement, clientIdOf } from '#log'
import { collect, type CommandContext, shaped, UsageError } from './command.ts'
import { findNode, type NodeClient, type NodeOptions } from './node-client.ts'
import { printable, table } from './output.ts'
import { withRootSignatures } from './root-signatures.ts'
import { subcommandsOf } from './subcommands.ts'
import type { Command } from 'commander'

type Client = NonNullable<CharterMember['clients']>[number]

interface ClientOptions extends NodeOptions {
  json?: boolean
  rival?: boolean
  slug: string
  name: string
  kind: string
  sector: string[]
  nation?: string
}

/** `noroshi alliance client …`: whom this member serves. Each change is voted on like any other of its row. */
export function registerClients(alliance: Command, context: CommandContext): void {
  const client = alliance.command('client').description('Organisations that this member serves: add, list, remove.')
  const { sub, say } = subcommandsOf(client, context)

  const propose = async (slug: string, options: ClientOptions, change: (row: CharterMember) => Client[]) => {
    const node = await findNode(options)
    const row = await ownRow(node, slug)
    const clients = change(row).sort((a, b) => (a.id < b.id ? -1 : 1))
    const amendment = { change: 'row', member: row.id, set: { clients: clients.length === 0 ? null : clients } }
    const body = { amendment, ...(options.rival ? { rival: true } : {}) }
    const path = `/api/v1/alliances/${slug}/amendments`
    const state = await withRootSignatures<Proposed>(node, path, body, slug)
    await say(options.json, { ...state, clients }, [
      state.inForce
        ? `Version ${state.version} of ${slug} is in force.`
        : `Proposed version ${state.version} of ${slug}: ${state.votes.length} of ${state.needed} votes.`,
    ])
  }
  const command = (usage: string, description: string, lines: string[]) =>
    sub(usage, description, lines)
      .option('--rival', 'also while another proposal waits: each member votes for one alone')
      .requiredOption('--slug <slug>', 'short name of the client', slugOption)

  command('add <alliance>', 'Propose that this member serves an organisation; the others vote.', [
    'noroshi alliance client add trilateral --slug ph-bank --name "Bank of Manila Bay" --kind bank --sector finance --nation PH --dir node',
  ])
    .requiredOption('--name <name>', 'its name')
    .requiredOption('--kind <kind>', 'kind of organisation, such as bank, hospital, telecom, ministry', slugOption)
    .option('--sector <sector>', 'sector; repeat for several', collect, [])
    .option('--nation <CC>', 'nation, two letters; absent = this member’s')
    .action((slug: string, options: ClientOptions) =>
      propose(slug, options, (row) => {
        const { clients = [] } = row
        if (clients.some((one) => one.slug === options.slug))
          throw new UsageError(`--slug: ${options.slug} is a client in ${slug} already.`)
        return [...clients, clientOf(row, options)]
      }),
    )

  command('remove <alliance>', 'Propose that this member serves an organisation no longer.', [
    'noroshi alliance client remove trilateral --slug ph-bank --dir node',
  ]).action((slug: string, options: ClientOptions) =>
    propose(slug, options, ({ clients = [] }) => {
      const left = clients.filter((one) => one.slug !== options.slug)
      if (left.length === clients.length)
        throw new UsageError(`--slug: this member has no client ${options.slug} in ${slug}.`)
      return left
    }),
  )

  sub('list <alliance>', 'Clients of this member, as the charter in force names them.', [
    'noroshi alliance client list trilateral --dir node',
  ]).action(async (slug: string, options: NodeOptions & { json?: boolean }) => {
    const { clients = [] } = await ownRow(await findNode(options), slug)
    const rows = clients.map((one) => [
      one.slug,
      printable(one.name),
      one.kind,
      one.sectors.join(', '),
      one.nation,
      one.id,
    ])
    await say(options.json, { clients }, rows.length === 0 ? [`This member has no clients in ${slug}.`] : table(rows))
  })
}

interface Proposed {
  version: number
  votes: string[]
  needed: number
  inForce: boolean
}

const slugOption = shaped(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'Small letters, digits and hyphens.')

const clientOf = (row: CharterMember, { slug, name, kind, sector, nation }: ClientOptions): Client => ({
  id: clientIdOf(row.id, slug),
  slug,
  name,
  kind,
  sectors: [...new Set(sector)].sort(),
  nation: nation ?? row.nation,
})

/** This member's row in the charter in force. */
async function ownRow(node: NodeClient, slug: string): Promise<CharterMember> {
  const { member } = await node.get<{ member: string }>('/api/v1/status')
  const { current } = await node.get<{ current: CharterStatement | null }>(`/api/v1/alliances/${slug}/requests`)
  const row = current?.members.find(({ id }) => id === member)
  if (!row) throw new UsageError(`This member does not stand in ${slug}.`)
  return row
}
