import { examples, oneOf, type Register, UsageError } from '../command.ts'
import { findNode, type NodeOptions } from '../node-client.ts'
import { table } from '../output.ts'
import { subcommandsOf } from '../subcommands.ts'

interface Token {
  id: string
  name: string
  scope: string
  org?: string
  program?: { caveats?: boolean; tlpVersion?: 1 }
  created: number
  expires?: number
}

interface JsonOption extends NodeOptions {
  json?: boolean
}

const DAY_MS = 86_400_000
const SCOPES = ['operator', 'read', 'publish', 'submit', 'telemetry', 'metrics']

interface CreateOptions extends JsonOption {
  scope: string
  org?: string
  days?: string
  knowsCaveats?: boolean
  tlp1?: boolean
}

/** `noroshi token …` */
export const register: Register = (program, context) => {
  const { output } = context
  const token = program
    .command('token')
    .description('Access of clients and machines.')
    .addHelpText(
      'after',
      examples(['noroshi token create prometheus --scope metrics --dir node', 'noroshi token list --dir node']),
    )
  const { sub, say } = subcommandsOf(token, context)

  sub('create <name>', 'Make a token; its text is shown this once.', [
    'noroshi token create "bank SOC" --scope read --org ph-bank --days 90 --dir node',
    'noroshi token create prometheus --scope metrics --dir node',
  ])
    .requiredOption('--scope <scope>', 'operator, read, publish, submit, telemetry or metrics', oneOf(...SCOPES))
    .option('--org <org>', 'organisation for which its bearer reads; absent = this member')
    .option(
      '--knows-caveats',
      'the program that reads with it keeps to Noroshi’s caveats (releasable_to, community, …) and passes them on; without this nothing under a caveat goes to it',
    )
    .option('--tlp-1', 'that program knows TLP 1.0 alone, and gets no AMBER+STRICT')
    .option('--days <days>', 'days until it expires')
    .action(async (name: string, options: CreateOptions) => {
      const node = await findNode(options)
      const days = Number(options.days ?? 1)
      if (!(days > 0)) throw new UsageError('--days: a number above 0.')
      const created = await node.post<{ token: Token; text: string }>('/api/v1/tokens', {
        name,
        scope: options.scope,
        ...(options.org === undefined ? {} : { org: options.org }),
        ...programOf(options),
        ...(options.days === undefined ? {} : { expires: Math.round(Date.now() + days * DAY_MS) }),
      })
      if (!options.json) output.note(`Token ${created.token.id}; it is shown this once:`)
      await say(options.json, created, [created.text])
    })

  sub('list', 'Tokens, without their texts.', ['noroshi token list --dir node']).action(async (options: JsonOption) => {
    const node = await findNode(options)
    const { tokens } = await node.get<{ tokens: Token[] }>('/api/v1/tokens')
    const rows = tokens.map(({ id, name, scope, org = '', program, expires }) => [
      id,
      scope,
      name,
      org,
      [...(program?.caveats ? ['knows caveats'] : []), ...(program?.tlpVersion ? ['TLP 1.0'] : [])].join(', '),
      expires === undefined ? 'never expires' : `until ${new Date(expires).toISOString()}`,
    ])
    await say(options.json, { tokens }, tokens.length === 0 ? ['No tokens but the operator’s.'] : table(rows))
  })

  sub('revoke <id>', 'Revoke a token at once.', ['noroshi token revoke 0f3c5ab1d2e4f607 --dir node']).action(
    async (id: string, options: JsonOption) => {
      const node = await findNode(options)
      await node.delete(`/api/v1/tokens/${encodeURIComponent(id)}`)
      await say(options.json, { revoked: id }, [`Revoked ${id}.`])
    },
  )
}

function programOf({ knowsCaveats = false, tlp1 = false }: CreateOptions): { program?: object } {
  if (!knowsCaveats && !tlp1) return {}
  return { program: { ...(knowsCaveats ? { caveats: true } : {}), ...(tlp1 ? { tlpVersion: 1 } : {}) } }
}
