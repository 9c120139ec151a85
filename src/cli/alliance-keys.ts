import { fromBase64 } from '#base'
import { type CharterStatement, keyIdOf } from '#log'
import {
  changeRecipientKey,
  changeSealKey,
  openRootSigner,
  openRootSigners,
  prepareKeyChange,
  prepareRootChange,
  readEnvironment,
  readRunning,
  rootKeyWords,
} from '#node'
import { type CommandContext, EXIT, UsageError } from './command.ts'
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
export function registerKeys({ sub, say }: Subcommands, { output, exit }: CommandContext): void {
  sub(
    'rekey',
    'Replace the node key while links run; the keys replaced before it end. Or another key: the root key (the alliances vote), the seal key, the recipient key of air-gap files.',
    [
      'noroshi alliance rekey --dir node',
      'noroshi alliance rekey --root --dir node',
      'noroshi alliance rekey --root --lost --dir node',
      'noroshi alliance rekey --seal --dir node',
      'noroshi alliance rekey --recipient --dir node',
    ],
  )
    .option('--root', 'the root key: each alliance votes for the next one, and the member keeps its id')
    .option('--lost', 'with --root: the key before or its passphrase is lost, and the others alone vote')
    .option('--seal', 'the seal key')
    .option('--recipient', 'the key to which air-gap files are encrypted')
    .action(async (options: KeyOptions & { root?: boolean; lost?: boolean; seal?: boolean; recipient?: boolean }) => {
      const { root = false, lost = false, seal = false, recipient = false } = options
      if ([root, seal, recipient].filter(Boolean).length > 1) throw new UsageError('One key at a time.')
      if (lost && !root) throw new UsageError('--lost goes with --root; a lost node key is replaced by rekey alone.')
      if (root) {
        const done = await changeRoot(dirOf(options), lost)
        await say(options.json, done, rootLines(done, lost))
        if (done.charters.some(({ why }) => why !== undefined)) exit(EXIT.no)
        return
      }
      const done = seal || recipient ? await changeOther(options, output, seal) : await changeKey(options, output)
      await say(options.json, done, outcomeLines(done, seal ? 'seal' : recipient ? 'recipient' : 'node'))
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

function dirOf(options: KeyOptions): string {
  const dir = options.dir ?? readEnvironment().dir
  if (dir !== undefined) return dir
  throw new UsageError(
    'This signs with the root key, which is in the data directory: run it on the node’s machine with --dir.',
  )
}

async function changeKey(options: KeyOptions, output: Output, compromisedSince?: number): Promise<Outcome> {
  const dir = dirOf(options)
  const passphrase = await readPassphrase('Passphrase of the root key')
  const roots = await openRootSigners(dir, passphrase)
  const since = compromisedSince === undefined ? {} : { compromisedSince }
  const { key } = await prepareKeyChange(dir, roots, { now: Date.now(), ...since })
  return takeUp(dir, { key: key.keyId, passphrase, output })
}

async function changeOther(options: KeyOptions, output: Output, isSeal: boolean): Promise<Outcome> {
  const dir = dirOf(options)
  const passphrase = await readPassphrase('Passphrase of the root key')
  const roots = await openRootSigners(dir, passphrase)
  const now = Date.now()
  const [delegation] = isSeal
    ? await changeSealKey(dir, roots, { passphrase, now })
    : await changeRecipientKey(dir, roots, now)
  const key = keyIdOf(fromBase64(String(delegation?.statement['key'])))
  const done = await takeUp(dir, { key, passphrase, output })
  return { ...done, key }
}

/** The node takes up what was prepared, and proposes to list it. */
async function takeUp(
  dir: string,
  { key, passphrase, output }: { key: string; passphrase: string; output: Output },
): Promise<Outcome> {
  if (!(await readRunning(dir))) {
    output.note('The node is stopped: it takes the key up, and tells its peers, when it starts.')
    return { key, charters: [] }
  }
  const node = await findNode({ dir })
  const done = await node.post<{ key: string; told: string[]; vouched: number }>('/api/v1/keys', {})
  return { ...done, charters: await listInCharters(node, () => Promise.resolve(passphrase)) }
}

/** What a change of the root key came to so far. */
interface RootOutcome {
  /** Id of the next root key. */
  root: string
  /** Twelve words of it, for those who vote. */
  words: string
  inUse: boolean
  charters: RootProposal[]
}

interface RootProposal {
  alliance: string
  version?: number
  votes?: number
  needed?: number
  inForce: boolean
  why?: string
}

/** Proposes the next root key to each alliance that does not name it yet; said again, it goes on. */
async function changeRoot(dir: string, isLost: boolean): Promise<RootOutcome> {
  if (!(await readRunning(dir)))
    throw new UsageError('The alliances vote on it: start the node first (noroshi serve), and say this again.')
  const asked = isLost ? 'Passphrase for the next root key' : 'Passphrase of the root key'
  const passphrase = await readPassphrase(asked, { confirm: isLost })
  // Nothing is made for somebody who does not know the passphrase, or does not have the key.
  if (!isLost) await openRootSigner(dir, passphrase)
  const { root, delegations } = await prepareRootChange(dir, passphrase)
  const node = await findNode({ dir })
  const { alliances } = await node.get<{ alliances: { slug: string }[] }>('/api/v1/status')
  const { member } = await node.get<{ member: string }>('/api/v1/status')
  const charters: RootOutcome['charters'] = []
  for (const { slug: alliance } of alliances) {
    const { current } = await node.get<{ current: CharterStatement | null }>(`/api/v1/alliances/${alliance}/requests`)
    const row = current?.members.find(({ id }) => id === member)
    if (row === undefined || row.standing === 'left' || row.root === root) {
      charters.push({ alliance, inForce: true })
      continue
    }
    try {
      const body = { root, delegations, ...(isLost ? { lost: true } : {}) }
      const path = `/api/v1/alliances/${alliance}/root`
      const state = await withRootSignatures<Proposed>(node, path, body, alliance, {
        passphrase: () => Promise.resolve(passphrase),
      })
      const { version, votes, needed, inForce } = state
      const others = (current?.members ?? []).filter(
        ({ id, standing }) => id !== member && standing === 'active',
      ).length
      const proposed = { alliance, version, votes: votes.length, needed, inForce }
      charters.push(isLost && others < needed ? { ...proposed, why: hopeless(proposed, others) } : proposed)
    } catch (error) {
      charters.push({ alliance, inForce: false, why: (error as Error).message })
    }
  }
  const done = await node.post<{ root: string }>('/api/v1/keys', {})
  const key = keyIdOf(fromBase64(root))
  return { root: key, words: rootKeyWords(root), inUse: done.root === key, charters }
}

const hopeless = ({ version, needed }: { version: number; needed: number }, others: number) =>
  `version ${version} needs ${needed} votes, and only ${others} other member${others === 1 ? ' has' : 's have'} one: found another alliance with them, and leave this one behind`

interface Proposed {
  version: number
  votes: string[]
  needed: number
  inForce: boolean
}

function rootLines({ root, words, inUse, charters }: RootOutcome, isLost: boolean): string[] {
  const waits = charters.filter(({ inForce }) => !inForce)
  return [
    `The next root key is ${root}.`,
    ...charters.map(({ alliance, version, votes = 0, needed = 0, inForce, why }) =>
      why !== undefined
        ? `  ${alliance}: ${why}`
        : inForce
          ? `  ${alliance}: its charter names the key`
          : `  ${alliance}: version ${version} waits, ${votes} of ${needed} votes`,
    ),
    ...(inUse
      ? ['It is in use: copy keys/root.json offline anew, and destroy the copies of the one before.']
      : [
          ...(isLost
            ? ['Call the others, and read them these words of the key; they vote only if they are the same:']
            : []),
          ...(isLost ? [`  ${words}`] : []),
          ...waits
            .slice(0, 1)
            .map(
              ({ alliance, version }) =>
                `They vote: noroshi alliance approve ${alliance} --version ${version}${isLost ? ' --words "…"' : ''}`,
            ),
          'The node takes it up when the last charter names it. Until then keep keys/root.next.json as you keep the root key.',
        ]),
  ]
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

function outcomeLines({ key, told, charters }: Outcome, purpose = 'node'): string[] {
  return [
    `The next ${purpose} key is ${key}.`,
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
