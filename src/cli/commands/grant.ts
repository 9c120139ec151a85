import { canonicalJson, fromUtf8, type JsonObject, parseJson } from '#base'
import { NodeError, openSealSigner } from '#node'
import { counted, examples, type Register, shaped, UsageError } from '../command.ts'
import { findNode, type NodeOptions } from '../node-client.ts'
import { table } from '../output.ts'
import { readPassphrase } from '../passphrase.ts'
import { withSignatures } from '../root-signatures.ts'
import { subcommandsOf } from '../subcommands.ts'

type JsonOption = NodeOptions & { json?: boolean }

interface GrantOptions extends JsonOption {
  to: string
  until?: string
  version?: string
}

/** A grant as the node shows it. */
interface Grant {
  id: string
  object: string
  version?: string
  form?: string
  tlp: string
  /** `hosted`: a client without a node of its own. */
  to: { member: string; slug: string; hosted?: true }[]
  from: number
  until: number | null
  log: string
  index: number
  state: 'in-force' | 'expired' | 'ended' | 'taken-back'
}

/** Rounds beside one for each organisation: a log may have grown meanwhile. */
const ROUNDS_MORE = 8
const GRANT_PREFIX = 'noroshi/grant/v1\n'
const toInstant = shaped(/^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/, 'A time as in 2026-12-01T00:00:00Z.')

/** `noroshi grant …` */
export const register: Register = (program, context) => {
  const grant = program
    .command('grant')
    .description(
      'Give an object that this node published to organisations that its marking leaves out, by name, until an instant. The seal key signs it.',
    )
    .addHelpText(
      'after',
      examples([
        'noroshi grant indicator--0f3c… --to th-cert --until 2026-12-01T00:00:00Z --dir node',
        'noroshi grant list --dir node',
        'noroshi grant end 4be1… --dir node',
      ]),
    )
  const { sub, say } = subcommandsOf(grant, context)

  grant
    .command('give <object>', { isDefault: true, hidden: true })
    .requiredOption('--to <orgs>', 'organisations, by slug or id, separated by commas')
    .option('--until <time>', 'when it ends; RFC 3339', toInstant)
    .option('--version <modified>', 'the version that is granted; above GREEN that is always the one in use')
    .option('--dir <dir>', 'data directory of a node that runs on this machine (NOROSHI_DIR)')
    .option('--url <url>', 'address of the node (NOROSHI_URL)')
    .option('--token <token>', 'token for it (better: NOROSHI_TOKEN)')
    .option('--json', 'print JSON')
    .action(async (object: string, { to, until, version, ...options }: GrantOptions) => {
      if (!/^[a-z][a-z0-9-]*--[0-9a-fA-F-]{36}$/.test(object)) throw new UsageError(`${object} is no object id.`)
      const ends = until === undefined ? undefined : Date.parse(until)
      if (ends !== undefined && Number.isNaN(ends)) throw new UsageError('--until: a time as in 2026-12-01T00:00:00Z.')
      const names = to.split(',').map((name) => name.trim())
      if (names.includes('')) throw new UsageError('--to: organisations, separated by commas.')
      const body = {
        object,
        to: names,
        ...(ends === undefined ? {} : { until: ends }),
        ...(version === undefined ? {} : { version }),
      }
      const node = await findNode(options)
      const answer = await withSignatures<{ grants: Grant[] }>(node, '/api/v1/grants', body, {
        name: 'the seal key',
        // One for each organisation, where all of them get different parts, and one more for the answer.
        rounds: names.length + ROUNDS_MORE,
        check: (bytes) => assertGrant(bytes, object, ends),
        open: async (dir, key) => openSealSigner(dir, await readPassphrase('Passphrase of the seal key'), key),
      })
      await say(options.json, answer, answer.grants.flatMap(grantedLines))
    })

  sub('list', 'The grants of this node’s objects, the newest first.', ['noroshi grant list --dir node']).action(
    async (options: JsonOption) => {
      const answer = await (await findNode(options)).get<{ grants: Grant[] }>('/api/v1/grants')
      await say(options.json, answer, answer.grants.length === 0 ? ['No grants.'] : table(answer.grants.map(row)))
    },
  )

  sub(
    'end <id>',
    'End a grant, named by the start of its id: the copies are recalled. What was read or exported meanwhile stays with those who did.',
    ['noroshi grant end 4be1… --dir node'],
  ).action(async (start: string, options: JsonOption) => {
    const node = await findNode(options)
    const { grants } = await node.get<{ grants: Grant[] }>('/api/v1/grants')
    const meant = grants.filter(({ id }) => id.startsWith(start.replace(/…$/, '')))
    if (meant.length !== 1 || start === '')
      throw new NodeError(
        'NOT_FOUND',
        meant.length === 0
          ? 'There is no such grant; noroshi grant list names them.'
          : `${start} begins ${meant.length} ids; write more of it.`,
      )
    const { id = '' } = meant[0] ?? {}
    const answer = await node.post<{ grant: Grant; recalled: object[] }>(`/api/v1/grants/${id}/end`, {})
    await say(options.json, answer, [
      `Ended: ${answer.grant.object} is granted to ${slugs(answer.grant)} no more.`,
      answer.recalled.length === 0
        ? 'No copy was recalled: none is in use that no other grant covers.'
        : `Recalled ${counted(answer.recalled.length, 'copy', 'copies')}: their nodes stop using it and acknowledge (noroshi who ${answer.grant.object}).`,
      'What they have read or exported meanwhile stays with them.',
    ])
  })
}

/**
 * The seal key signs grants of this object until that instant here, whatever a node may ask for. Where a part is kept from
 * the grantees, the copy has an id of its own, of the same type.
 */
function assertGrant(bytes: Uint8Array, object: string, until: number | undefined): void {
  const text = fromUtf8(bytes)
  const rest = text.slice(GRANT_PREFIX.length)
  const grant = text.startsWith(GRANT_PREFIX) ? (parseJson(rest) as JsonObject) : {}
  const isMeant = grant['type'] === 'grant' && isForm(String(grant['object']), object) && canonicalJson(grant) === rest
  if (isMeant && (until === undefined || grant['until'] === until)) return
  throw new NodeError(
    'GRANT_REFUSED',
    'The node asked the seal key to sign something other than this grant; nothing was signed.',
  )
}

const isForm = (id: string, of: string) => id.slice(0, id.indexOf('--')) === of.slice(0, of.indexOf('--'))
const slugs = ({ to }: Grant) => to.map(({ slug }) => slug).join(', ')
const time = (at: number) => new Date(at).toISOString()
const ends = ({ until }: Grant) => (until === null ? 'without an end' : `until ${time(until)}`)

function grantedLines(grant: Grant): string[] {
  const { id, object, version, form, log, index, to, until } = grant
  return [
    `Granted ${object} to ${slugs(grant)}, ${ends(grant)}: entry ${index} of log ${log.slice(0, 12)}…, grant ${id.slice(0, 12)}….`,
    ...(form === undefined ? [] : [`A part of it is kept from them: they get ${form}, without that part.`]),
    version === undefined
      ? 'Later versions go to them too, while they are no stricter than GREEN.'
      : `It covers the version of ${version} alone: a new version recalls this copy, and does not go to them. Grant it again then.`,
    ...to
      .filter(({ hosted }) => hosted)
      .map(
        ({ slug }) =>
          `${slug} has no node: it reads the copy here, with a token of this node (noroshi token create NAME --scope read --org ${slug}).`,
      ),
    ...(until === null ? [] : ['At that instant nobody is answered with it any more, and their nodes drop it.']),
  ]
}

const STATES: Record<Grant['state'], string> = {
  'in-force': 'in force',
  expired: 'expired',
  ended: 'ended',
  'taken-back': 'no copy in use',
}

const row = (grant: Grant): string[] => [
  grant.id.slice(0, 12),
  STATES[grant.state],
  grant.object,
  grant.version ?? 'and later versions',
  `to ${slugs(grant)}`,
  ends(grant),
]
