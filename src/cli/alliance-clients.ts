import { readFile } from 'node:fs/promises'
import { isJsonObject, parseJson } from '#base'
import { type CharterMember, type CharterStatement, clientIdOf } from '#log'
import { collect, type CommandContext, shaped, UsageError } from './command.ts'
import { findNode, type NodeClient, type NodeOptions } from './node-client.ts'
import { printable, table } from './output.ts'
import { withRootSignatures } from './root-signatures.ts'
import { subcommandsOf } from './subcommands.ts'
import type { Command } from 'commander'

type Client = NonNullable<CharterMember['clients']>[number]

interface ProposeOptions extends NodeOptions {
  json?: boolean
  rival?: boolean
}

interface ClientOptions extends ProposeOptions {
  slug: string
  name: string
  kind: string
  sector: string[]
  nation?: string
}

type AddOptions = ProposeOptions & Partial<ClientOptions> & { sector: string[]; ownNode?: string }

/** `noroshi alliance client …`: whom this member serves. Each change is voted on like any other of its row. */
export function registerClients(alliance: Command, context: CommandContext): void {
  const client = alliance.command('client').description('Organisations that this member serves: add, list, remove.')
  const { sub, say } = subcommandsOf(client, context)

  const propose = async (slug: string, options: ProposeOptions, change: (row: CharterMember) => Client[]) => {
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
  const withRival = (command: Command) =>
    command.option('--rival', 'also while another proposal waits: each member votes for one alone')

  const adding = 'Propose that this member serves an organisation, here or with a node of its own; the others vote.'
  withRival(
    sub('add <alliance>', adding, [
      'noroshi alliance client add trilateral --slug ph-bank --name "Bank of Manila Bay" --kind bank --sector finance --nation PH --dir node',
      'noroshi alliance client add trilateral --own-node ph-bank.json --dir node',
    ]),
  )
    .option(
      '--own-node <file>',
      'the client runs a node of its own: what `noroshi alliance client profile` printed there',
    )
    .option('--slug <slug>', 'short name of the client', slugOption)
    .option('--name <name>', 'its name')
    .option('--kind <kind>', 'kind of organisation, such as bank, hospital, telecom, ministry', slugOption)
    .option('--sector <sector>', 'sector; repeat for several', collect, [])
    .option('--nation <CC>', 'nation, two letters; absent = this member’s')
    .action(async (slug: string, options: AddOptions) => {
      const own = options.ownNode === undefined ? undefined : await readProfile(options.ownNode)
      await propose(slug, options, (row) => {
        const { clients = [] } = row
        const client = own ?? clientOf(row, described(options))
        if (clients.some((one) => one.slug === client.slug || one.id === client.id))
          throw new UsageError(`--slug: ${client.slug} is a client in ${slug} already.`)
        return [...clients, client]
      })
    })

  sub('profile', 'What a client’s own node hands to its provider: its name and keys; nothing in it is secret.', [
    'noroshi alliance client profile --dir bank > ph-bank.json',
  ]).action(async (options: NodeOptions) => {
    const profile = await (await findNode(options)).get<Client>('/api/v1/profile')
    await say(true, profile, [])
  })

  sub('enrolment <alliance>', 'What a client with a node of its own needs to follow the charter; hand it over.', [
    'noroshi alliance client enrolment trilateral --dir node > enrolment.txt',
  ]).action(async (slug: string, options: NodeOptions & { json?: boolean }) => {
    const node = await findNode(options)
    const told = await node.get<{ enrolment: string }>(`/api/v1/alliances/${slug}/enrolment`)
    await say(options.json, told, [told.enrolment])
  })

  sub('enrol <enrolment>', 'At a client’s own node: follow the charter, and link to the provider.', [
    'noroshi alliance client enrol "$(cat enrolment.txt)" --dir bank',
  ]).action(async (enrolment: string, options: NodeOptions & { json?: boolean }) => {
    const node = await findNode(options)
    const state = await node.post<{ alliance: string; provider: string; enrolled: boolean }>(
      '/api/v1/alliances/enrol',
      { enrolment },
    )
    await say(options.json, state, [
      state.enrolled
        ? `This node is a client of ${state.provider} in ${state.alliance}, and links to it.`
        : `${state.provider} does not serve this node yet: the others are still to vote. It is asked again by itself.`,
    ])
  })

  withRival(
    sub('remove <alliance>', 'Propose that this member serves an organisation no longer.', [
      'noroshi alliance client remove trilateral --slug ph-bank --dir node',
    ]),
  )
    .requiredOption('--slug <slug>', 'short name of the client', slugOption)
    .action((slug: string, options: ClientOptions) =>
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
      one.slug + (one.root === undefined ? '' : ' (own node)'),
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

/** A client that its provider hosts is described here; one with a node of its own describes itself. */
function described(options: AddOptions): ClientOptions {
  const { slug, name, kind } = options
  if (slug === undefined || name === undefined || kind === undefined)
    throw new UsageError('Whom? Give --slug, --name and --kind, or --own-node FILE.')
  return { ...options, slug, name, kind }
}

/** What the client's node printed; the node, and then every voter's, checks its keys. */
async function readProfile(file: string): Promise<Client> {
  let value: unknown
  try {
    value = parseJson(await readFile(file))
  } catch (cause) {
    throw new UsageError(`--own-node: ${file} can't be read as JSON: ${(cause as Error).message}`)
  }
  if (isJsonObject(value) && typeof value['root'] === 'string') return value as unknown as Client
  throw new UsageError(`--own-node: ${file} is not what \`noroshi alliance client profile\` prints.`)
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
