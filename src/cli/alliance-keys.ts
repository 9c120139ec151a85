import { openRootSigner, prepareKeyChange, readEnvironment, readRunning } from '#node'
import { UsageError } from './command.ts'
import { findNode, type NodeClient } from './node-client.ts'
import type { Output } from './output.ts'
import { readPassphrase } from './passphrase.ts'
import { withRootSignatures } from './root-signatures.ts'
import type { Subcommands } from './subcommands.ts'

interface KeyOptions {
  dir?: string
  json?: boolean
}

/** What a change of the key came to. */
interface Outcome {
  key: string
  /** Peers that were told at once; undefined where the node is stopped. */
  told?: string[]
  vouched?: number
  charters: { alliance: string; version?: number; inForce?: boolean; why?: string }[]
}

/** `noroshi alliance rekey | compromised`: the next node key, by the root key of this machine's data directory. */
export function registerKeys({ sub, say }: Subcommands, output: Output): void {
  sub('rekey', 'Replace the node key while links run; the keys replaced before it end.', [
    'noroshi alliance rekey --dir node',
  ]).action(async (options: KeyOptions) => {
    const done = await changeKey(options, output)
    await say(options.json, done, outcomeLines(done))
  })

  sub(
    'compromised',
    'The node key is in other hands: it ends at once, back to the time given, and the next one takes its place.',
    ['noroshi alliance compromised --since 2026-05-01T08:00:00Z --dir node'],
  )
    .requiredOption('--since <time>', 'since when others may have had it; RFC 3339')
    .action(async (options: KeyOptions & { since: string }) => {
      const since = Date.parse(options.since)
      if (!/^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(options.since) || Number.isNaN(since))
        throw new UsageError('--since: a time as in 2026-05-01T08:00:00Z.')
      const done = await changeKey(options, output, since)
      await say(options.json, done, [
        ...outcomeLines(done),
        `Peers hold back what reached them since ${new Date(since).toISOString()} until this node vouches for its logs, which it has done for ${done.vouched ?? 0}.`,
        'Look through what was published since then, and take back what is not yours:',
        `  noroshi objects --since ${new Date(since).toISOString()}`,
      ])
    })
}

async function changeKey(options: KeyOptions, output: Output, compromisedSince?: number): Promise<Outcome> {
  const dir = options.dir ?? readEnvironment().dir
  if (dir === undefined)
    throw new UsageError(
      'This signs with the root key, which is in the data directory: run it on the node’s machine with --dir.',
    )
  const passphrase = await readPassphrase('Passphrase of the root key')
  const root = await openRootSigner(dir, passphrase)
  const since = compromisedSince === undefined ? {} : { compromisedSince }
  const { key } = await prepareKeyChange(dir, root, { now: Date.now(), ...since })
  if (!(await readRunning(dir))) {
    output.note('The node is stopped: it takes the key up, and tells its peers, when it starts.')
    return { key: key.keyId, charters: [] }
  }
  const node = await findNode({ dir })
  const done = await node.post<{ key: string; told: string[]; vouched: number }>('/api/v1/keys', {})
  return { ...done, charters: await listInCharters(node, () => Promise.resolve(passphrase)) }
}

/** Proposes to each alliance to list the keys: they count already, and new members learn of them so. */
async function listInCharters(node: NodeClient, passphrase: () => Promise<string>): Promise<Outcome['charters']> {
  const { alliances } = await node.get<{ alliances: { slug: string }[] }>('/api/v1/status')
  const listed: Outcome['charters'] = []
  for (const { slug: alliance } of alliances) {
    try {
      const path = `/api/v1/alliances/${alliance}/amendments`
      const body = { amendment: { change: 'keys' } }
      const state = await withRootSignatures<{ version: number; inForce: boolean }>(node, path, body, alliance, {
        passphrase,
      })
      listed.push({ alliance, version: state.version, inForce: state.inForce })
    } catch (error) {
      listed.push({ alliance, why: (error as Error).message })
    }
  }
  return listed
}

function outcomeLines({ key, told, charters }: Outcome): string[] {
  return [
    `The next node key is ${key}.`,
    ...(told === undefined
      ? []
      : [`It is in use; ${told.length} peers know of it now, the others learn of it when they meet this node.`]),
    ...charters.map(({ alliance, version, inForce, why }) =>
      why === undefined
        ? `  ${alliance}: version ${version} lists it${inForce ? '' : ', once the others have voted'}`
        : `  ${alliance}: not proposed (${why}); it counts all the same`,
    ),
  ]
}
