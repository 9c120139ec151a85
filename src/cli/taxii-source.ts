import { readFile, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { readEnvironment } from '#node'
import { collect, type CommandContext, counted, EXIT, examples, oneOf, shaped, UsageError } from './command.ts'
import { findNode, type NodeClient, type NodeOptions } from './node-client.ts'
import type { Output } from './output.ts'
import { table } from './output.ts'
import { subcommandsOf } from './subcommands.ts'

interface Run {
  number: number
  result: 'running' | 'done' | 'failed' | 'stopped'
  error?: string
  pages: number
  taken: number
  quarantined: number
  lost: number
  notes: string[]
  losses: Losses
}
type Losses = Record<string, { count: number; examples: { id: string; message: string }[] }>

interface Source {
  name: string
  address: string
  everyMs: number
  paused?: boolean
  waiting: number
  state: {
    nextRun: number
    failures: number
    lastError?: string
    total: { taken: number; quarantined: number; lost: number }
    losses: Losses
    run?: Run
  }
}

type JsonOption = NodeOptions & { json?: boolean }
type SettingsOption = JsonOption & {
  address?: string
  collection?: string
  every?: string
  tlp?: string
  to?: string[]
  type?: string[]
  limit?: string
  marking?: string[]
  author?: string[]
  user?: string
  passwordFile?: string
  tokenFile?: string
  allowPrivate?: boolean
}

const PATH = '/api/v1/taxii/sources'
const LOOK_MS = 300
const DEFAULT_INTERVAL = '15m'
const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const LISTED = 5
const pathOf = (name: string) => `${PATH}/${encodeURIComponent(name)}`

/** `noroshi taxii source …` */
export function registerSource(taxii: Command, context: CommandContext): void {
  const source = taxii
    .command('source')
    .description('Collections of other servers that the node takes from on its own.')
    .addHelpText(
      'after',
      examples(['noroshi taxii source list --dir node', 'noroshi taxii source report feedco --dir node']),
    )
  const { sub, say } = subcommandsOf(source, context)
  const { output, exit } = context

  withSettings(
    sub('add <name> <address>', 'Take from a collection of another server from now on.', [
      'NOROSHI_TAXII_PASSWORD=… noroshi taxii source add feedco https://taxii.example.org/taxii2/ --collection indicators --every 15m --user soc --to alliance:trilateral --dir node',
      'noroshi taxii source add feedco https://taxii.example.org/taxii2/ --tlp amber --marking "statement:Members only=amber+strict" --dir node',
    ]),
  ).action(async (name: string, address: string, options: SettingsOption) => {
    const node = await findNode(options)
    const { every = DEFAULT_INTERVAL } = options
    const body = { name, ...(await settingsOf({ ...options, every }, true)), address }
    const added = await node.post<Source>(PATH, body)
    await say(options.json, added, [
      `Added ${name}: it runs now, and then every ${every}. noroshi taxii source list shows how it goes.`,
    ])
  })

  withSettings(
    sub('change <name>', 'Change what is given; what waits is judged again at the next run.', [
      'noroshi taxii source change feedco --marking marking-definition--…=green --dir node',
      'noroshi taxii source change feedco --tlp none --every 1h --dir node',
    ]),
  )
    .option('--address <url>', 'address of the server')
    .action(async (name: string, options: SettingsOption) => {
      const node = await findNode(options)
      await say(options.json, await node.patch<Source>(pathOf(name), await settingsOf(options, false)), [
        `Changed ${name}.`,
      ])
    })

  sub('list', 'Sources, how far each has come, and its last error.', ['noroshi taxii source list --dir node']).action(
    async (options: JsonOption) => {
      const node = await findNode(options)
      const answer = await node.get<{ sources: Source[] }>(PATH)
      const rows = answer.sources.map(toRow)
      await say(
        options.json,
        answer,
        rows.length === 0 ? ['No sources: noroshi taxii source add NAME URL'] : table(rows),
      )
    },
  )

  sub('report <name>', 'What was not taken, and why.', ['noroshi taxii source report feedco --dir node']).action(
    async (name: string, options: JsonOption) => {
      const node = await findNode(options)
      const found = await node.get<Source>(pathOf(name))
      await say(options.json, found, toReport(found))
    },
  )

  sub('run <name>', 'Run a source now, and wait for its end.', ['noroshi taxii source run feedco --dir node']).action(
    async (name: string, options: JsonOption) => {
      const node = await findNode(options)
      const { run: number } = await node.post<{ run: number }>(`${pathOf(name)}/run`, {})
      const run = await ended(node, name, number, output)
      if (run.result !== 'done') throw new UsageError(`${name} ${run.result}: ${run.error ?? 'the node is stopping'}`)
      if (options.json) await output.line(JSON.stringify(run))
      else for (const line of toRunLines(run)) await output.line(line)
      exit(run.lost + run.quarantined === 0 ? EXIT.done : EXIT.no)
    },
  )

  for (const [verb, paused, done] of [
    ['pause', true, 'Paused'],
    ['resume', false, 'Resumed'],
  ] as const)
    sub(`${verb} <name>`, paused ? 'Run a source only by hand.' : 'Run a source on its own again.', [
      `noroshi taxii source ${verb} feedco --dir node`,
    ]).action(async (name: string, options: JsonOption) => {
      const node = await findNode(options)
      await say(options.json, await node.patch<Source>(pathOf(name), { paused }), [`${done} ${name}.`])
    })

  sub('remove <name>', 'Take no more from a source; what waits stays in quarantine.', [
    'noroshi taxii source remove feedco --dir node',
  ]).action(async (name: string, options: JsonOption) => {
    const node = await findNode(options)
    await node.delete(pathOf(name))
    await say(options.json, { removed: name }, [`Removed ${name}.`])
  })
}

const INTERVAL = /^([1-9]\d{0,5})([smhd])$/
const withSettings = (command: Command): Command =>
  command
    .option('--collection <name>', 'id, alias or title of the collection, where the address is not its own')
    .option(
      '--every <time>',
      `time between two runs: 30s, 15m, 2h, 1d (${DEFAULT_INTERVAL})`,
      shaped(INTERVAL, 'Give a time such as 15m.'),
    )
    .option(
      '--tlp <level>',
      'level of objects that carry none; absent or "none" = those go to quarantine',
      oneOf('clear', 'green', 'amber', 'amber+strict', 'red', 'none'),
    )
    .option('--to <whom>', 'whom the node shows them: alliance:SLUG, member:SLUG, …', collect)
    .option('--type <type>', 'only objects of this type; may be given several times', collect)
    .option('--limit <objects>', 'objects of one page', shaped(/^[1-9]\d{0,5}$/, 'Give a number of objects.'))
    .option('--marking <what=level>', 'level that a marking means: its id, or TYPE:TEXT of its definition', collect)
    .option('--author <from=to>', 'identity that a created_by_ref of the source becomes', collect)
    .option('--user <user>', 'user there; password in NOROSHI_TAXII_PASSWORD, or a bearer token in NOROSHI_TAXII_TOKEN')
    .option('--password-file <file>', 'file that holds the password')
    .option('--token-file <file>', 'file that holds a bearer token')
    .option('--allow-private', 'the server is in a private network, or on this machine')

/** The settings that options give; lists replace what was. */
async function settingsOf(options: SettingsOption, isNew: boolean): Promise<Record<string, unknown>> {
  const { address, collection, every, tlp, to, type: types, limit, marking, author, allowPrivate } = options
  const [, count = '', unit = ''] = INTERVAL.exec(every ?? '') ?? []
  const account = await accountOf(options, isNew)
  return {
    address,
    collection,
    everyMs: every === undefined ? undefined : Number(count) * (UNITS[unit] ?? 0),
    tlp,
    to,
    types,
    limit: limit === undefined ? undefined : Number(limit),
    markings: marking?.map((text) => {
      const [what, level] = parted(text, '--marking')
      return { marking: what, tlp: level.toLowerCase().replace(/^tlp:/, '') }
    }),
    authors: author?.map((text) => {
      const [from, becomes] = parted(text, '--author')
      return { from, to: becomes }
    }),
    allowPrivate,
    account,
  }
}

function parted(text: string, option: string): [string, string] {
  const at = text.lastIndexOf('=')
  if (at <= 0 || at === text.length - 1)
    throw new UsageError(`${option} ${text}: write what, an equals sign, and what it becomes.`)
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()]
}

/** The account: secrets come from files and variables alone. */
async function accountOf(
  { user, passwordFile, tokenFile }: SettingsOption,
  isNew: boolean,
): Promise<object | undefined> {
  const environment = readEnvironment()
  const name = user ?? (isNew ? environment.taxiiUser : undefined)
  if (name !== undefined || passwordFile !== undefined) {
    const password = passwordFile === undefined ? environment.taxiiPassword : await secretIn(passwordFile)
    if (name === undefined) throw new UsageError('Give --user with --password-file.')
    if (password === undefined)
      throw new UsageError(
        'Set NOROSHI_TAXII_PASSWORD or give --password-file: passwords are not taken from the command line.',
      )
    return { user: name, password }
  }
  const token = tokenFile === undefined ? (isNew ? environment.taxiiToken : undefined) : await secretIn(tokenFile)
  return token === undefined ? undefined : { token }
}

const SECRET_BYTES = 4_096
async function secretIn(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined)
  if (!found || found.size > SECRET_BYTES) throw new UsageError(`${path} is no file with a secret in it.`)
  return (await readFile(path, 'utf8')).trim()
}

async function ended(node: NodeClient, name: string, number: number, output: Output): Promise<Run> {
  for (;;) {
    const { run } = (await node.get<Source>(pathOf(name))).state
    if (run && (run.number > number || (run.number === number && run.result !== 'running'))) return run
    output.progress(`${run?.taken ?? 0} objects taken`)
    await sleep(LOOK_MS)
  }
}

function toRow({ name, address, paused, waiting, state }: Source): string[] {
  const { run, total, failures, lastError } = state
  const how = paused ? 'paused' : run?.result === 'running' ? 'running' : failures > 0 ? 'failing' : run ? 'ok' : 'new'
  return [
    name,
    how,
    `${total.taken} taken`,
    `${waiting} waiting`,
    `${total.lost} lost`,
    paused ? 'not on its own' : `next ${new Date(state.nextRun).toISOString()}`,
    address,
    lastError ?? '',
  ]
}

function toReport({ name, waiting, state }: Source): string[] {
  const { total, run, losses, lastError } = state
  return [
    `${name}: took ${counted(total.taken, 'object')} in all; ${waiting} wait in quarantine; ${total.lost} were lost.`,
    ...lossLines(losses),
    ...(waiting > 0 ? ['noroshi taxii quarantine list shows what waits, and why.'] : []),
    ...(run ? ['Last run:', ...toRunLines(run).map((line) => `  ${line}`)] : []),
    ...(lastError === undefined ? [] : [`Last error: ${lastError}`]),
  ]
}

const toRunLines = ({ pages, taken, quarantined, lost, losses, notes }: Run): string[] => [
  `Took ${counted(taken, 'object')} on ${counted(pages, 'page')}; ${quarantined} went to quarantine; ${lost} were lost.`,
  ...lossLines(losses),
  ...notes,
]

const lossLines = (losses: Losses): string[] =>
  Object.entries(losses).flatMap(([code, { count, examples: shown }]) => [
    `${code}: ${count}`,
    ...shown.slice(0, LISTED).map(({ id, message }) => `  ${id === '' ? '' : `${id}: `}${message}`),
  ])
