import { createInterface } from 'node:readline/promises'
import { type CharterStatement, statementHash } from '#log'
import { NodeError } from '#node'
import { AFTER_RESTORE, confirmed, registerChanges } from '../alliance-changes.ts'
import { registerClients } from '../alliance-clients.ts'
import { registerKeys } from '../alliance-keys.ts'
import { charterText, type SeenCharter } from '../charter-text.ts'
import { changeLines, joinerLines } from '../charter-change.ts'
import { collect, examples, oneOf, type Register, UsageError } from '../command.ts'
import { findNode, type NodeClient, type NodeOptions } from '../node-client.ts'
import { type Output, table } from '../output.ts'
import { subcommandsOf } from '../subcommands.ts'
import { withRootSignatures } from '../root-signatures.ts'

interface Member {
  member: string
  slug: string
  name: string
  nation: string
  kind: string
  standing: string
  alliances: string[]
  self: boolean
  charters?: (SeenCharter & { alliance: string })[]
}

interface Proposal {
  alliance: string
  version: number
  hash: string
  votes: string[]
  needed: number
  inForce: boolean
  charter: CharterStatement
  roots?: { slug: string; key: string; words: string; isSigned: boolean }[]
}

interface Waiting {
  member: boolean
  requests: { member: CharterStatement['members'][number]; words: string; time: number }[]
  proposals: Proposal[]
  /** The charter in force. */
  current: CharterStatement | null
  /** Of a fork that waits to be settled; the node's own first. */
  sides: { hash: string; charter: CharterStatement }[]
}

type JsonOption = NodeOptions & { json?: boolean }

interface ApproveOptions {
  member?: string
  words?: string
  version?: string
  standing: string
  backfill?: string
  afterRestore?: boolean
}

interface ApproveBody {
  member?: string
  words?: string
  version?: number
  charter?: string
  standing?: string
  backfill?: string
  afterRestore?: boolean
}

/** `noroshi alliance …` */
export const register: Register = (program, context) => {
  const { output } = context
  const alliance = program
    .command('alliance')
    .description('Found an alliance, invite, join, vote, change, leave; list members.')
    .addHelpText(
      'after',
      examples(['noroshi alliance create trilateral --dir node', 'noroshi alliance requests trilateral --dir node']),
    )
  const commands = subcommandsOf(alliance, context)
  const { sub, say } = commands

  sub('create <slug>', 'Found an alliance with this member alone; signs its charter with the root key.', [
    'noroshi alliance create trilateral --dir node',
  ])
    .option('--quorum <votes>', 'votes that admit a member: a number, or "majority"', 'majority')
    .option('--receipts <who>', 'who sees receipts: author or alliance', 'author')
    .option(
      '--backfill <what>',
      'what a new member gets of what was published before: everything, or joining (only what is published after it joined)',
      oneOf('everything', 'joining'),
      'everything',
    )
    .action(async (slug: string, options: JsonOption & { quorum: string; receipts: string; backfill: string }) => {
      const node = await findNode(options)
      const quorum = options.quorum === 'majority' ? 'majority' : Number(options.quorum)
      if (quorum !== 'majority' && !Number.isInteger(quorum)) throw new UsageError('--quorum: a number, or "majority".')
      const charter = await withRootSignatures(
        node,
        '/api/v1/alliances',
        {
          alliance: slug,
          rules: {
            quorum,
            receipts: options.receipts,
            ...(options.backfill === 'joining' ? { backfill: 'joining' } : {}),
          },
        },
        slug,
      )
      await say(options.json, charter, [`Founded ${slug}.`, `Invite others: noroshi alliance invite ${slug}`])
    })

  sub('invite <slug>', 'A one-time invitation for one new member; hand it over on a channel of trust.', [
    'noroshi alliance invite trilateral --dir node > invitation.txt',
  ])
    .option('--address <url>', 'address under which the new member reaches this node')
    .option('--valid <hours>', 'how long it may be used', '72')
    .action(async (slug: string, options: JsonOption & { address?: string; valid: string }) => {
      const node = await findNode(options)
      const body = {
        ...(options.address ? { address: options.address } : {}),
        validMs: Math.round(Number(options.valid) * 3_600_000),
      }
      const invitation = await node.post<{ text: string; expires: number }>(
        `/api/v1/alliances/${slug}/invitations`,
        body,
      )
      if (!options.json) output.note(`One member may use this until ${new Date(invitation.expires).toISOString()}:`)
      await say(options.json, invitation, [invitation.text])
    })

  sub('join <invitation>', 'Ask to join; then compare the words with the inviter by voice.', [
    'noroshi alliance join "$(cat invitation.txt)" --dir node',
  ]).action(async (invitation: string, options: JsonOption) => {
    const node = await findNode(options)
    const asked = await node.post<{ alliance: string; inviterSlug: string; words: string }>('/api/v1/alliances/join', {
      invitation,
    })
    await say(options.json, asked, [
      `Asked ${asked.inviterSlug} to join ${asked.alliance}. Call them and compare these words:`,
      `  ${asked.words}`,
      `They admit you with: noroshi alliance approve ${asked.alliance} --member … --words "${asked.words}"`,
    ])
  })

  sub('requests <slug>', 'Who asks to join, and which proposals wait for a vote.', [
    'noroshi alliance requests trilateral --dir node',
  ]).action(async (slug: string, options: JsonOption) => {
    const node = await findNode(options)
    const waiting = await node.get<Waiting>(`/api/v1/alliances/${slug}/requests`)
    await say(options.json, waiting, requestLines(slug, waiting))
  })

  sub(
    'approve <slug>',
    'Admit a member after comparing the words, or vote for the proposal that waits, after reading what it changes; signs with the root key.',
    [
      'noroshi alliance approve trilateral --dir node --member ph-ncert --words "amber fox lantern river"',
      'noroshi alliance requests trilateral --dir node',
      'noroshi alliance approve trilateral --dir node --version 4',
    ],
  )
    .option('--member <slug>', 'who asked to join')
    .option(
      '--words <words>',
      'the words that they read out: of a join, or of a root key that replaces a lost one',
      collectWords,
    )
    .option('--version <version>', 'the version of the charter that was read, for a vote')
    .option('--standing <standing>', 'admit as active, observer or candidate', 'active')
    .option(
      '--backfill <what>',
      'with --member: everything, though the rules give new members nothing older',
      oneOf('everything'),
    )
    .option('--after-restore', AFTER_RESTORE)
    .action(async (slug: string, options: JsonOption & ApproveOptions) => {
      const node = await findNode(options)
      if (options.member !== undefined && options.words === undefined)
        throw new UsageError('--member needs --words: the words that the new member read out to you.')
      const { member, words, standing, backfill } = options
      const body: ApproveBody =
        member === undefined
          ? words === undefined
            ? {}
            : { words }
          : { member, words: words ?? '', standing, ...(backfill === undefined ? {} : { backfill }) }
      Object.assign(body, confirmed(options))
      const charter = options.member === undefined ? await readProposal(node, slug, options.version, output) : undefined
      if (charter !== undefined) body.version = charter.version
      const path = `/api/v1/alliances/${slug}/approve`
      const hash = charter && statementHash({ ...charter })
      if (hash !== undefined) body.charter = hash
      const state = await withRootSignatures<Proposal>(
        node,
        path,
        body,
        slug,
        hash === undefined ? {} : { charter: hash },
      )
      await say(options.json, state, [
        state.inForce
          ? `Version ${state.version} of ${slug} is in force.`
          : `Voted for version ${state.version} of ${slug}: ${state.votes.length} of ${state.needed} votes.`,
      ])
    })

  sub('members [slug]', 'Members of one alliance, or of all.', ['noroshi alliance members --dir node']).action(
    async (slug: string | undefined, options: JsonOption) => {
      const node = await findNode(options)
      const [members, held] = [await membersOf(node, slug), await alliancesOf(node, slug)]
      const rows = members.map(({ slug: name, nation, kind, standing, alliances, member, self, charters = [] }) => [
        name,
        nation,
        kind,
        standing,
        alliances.join(', '),
        self
          ? 'this node'
          : charters
              .filter((one) => slug === undefined || one.alliance === slug)
              .map((one) => `${one.alliance}: ${charterText(one)}`)
              .join('; '),
        member,
      ])
      const lines = [
        ...held.map(
          ({ slug: name, version, hash = '', differ = [] }) =>
            `${name}: version ${version} here (${hash.slice(0, 12)}), ${differ.length === 0 ? 'nobody was seen with another' : `other versions at ${differ.join(', ')}`}`,
        ),
        ...(await backfillLines(
          node,
          held.map(({ slug: name }) => name),
        )),
        ...table(rows),
      ]
      await say(
        options.json,
        { alliances: held, members },
        members.length === 0 ? ['No members: found an alliance, or join one.'] : lines,
      )
    },
  )

  registerChanges(commands)
  registerClients(alliance, context)
  registerKeys(commands, context)
}

const collectWords = (words: string, before?: string) => collect(words, before === undefined ? [] : [before]).join(' ')

interface Held {
  slug: string
  version: number
  hash?: string
  differ?: string[]
}

async function alliancesOf(node: NodeClient, slug: string | undefined): Promise<Held[]> {
  const { alliances } = await node.get<{ alliances: Held[] }>('/api/v1/alliances')
  return slug === undefined ? alliances : alliances.filter((one) => one.slug === slug)
}

async function membersOf(node: NodeClient, slug: string | undefined): Promise<Member[]> {
  const { members } = await node.get<{ members: Member[] }>('/api/v1/members')
  return slug === undefined ? members : members.filter(({ alliances }) => alliances.includes(slug))
}

/** What new members get of what was published before they joined, where that is not everything. */
async function backfillLines(node: NodeClient, slugs: readonly string[]): Promise<string[]> {
  const lines: string[] = []
  for (const slug of slugs) {
    const { current } = await node.get<Waiting>(`/api/v1/alliances/${slug}/requests`)
    if (current?.rules.backfill === 'joining')
      lines.push(`${slug}: a new member gets what is published after it joined`)
  }
  return lines
}

/** The proposal that a vote is for, after its changes were shown: named by its version, or by a yes at the terminal. */
async function readProposal(
  node: NodeClient,
  slug: string,
  version: string | undefined,
  output: Output,
): Promise<CharterStatement> {
  const { proposals, current } = await node.get<Waiting>(`/api/v1/alliances/${slug}/requests`)
  if (version !== undefined && !/^[1-9]\d{0,8}$/.test(version))
    throw new UsageError('--version: a whole number from 1.')
  const proposal = proposals.find((one) => version === undefined || one.version === Number(version))
  if (!proposal)
    throw new NodeError(
      'ALLIANCE_REFUSED',
      version === undefined || proposals.length === 0
        ? `No charter of ${slug} waits for votes.`
        : `Version ${version} of ${slug} does not wait for votes; version ${proposals.map((one) => one.version).join(', ')} does.`,
    )
  for (const line of proposalLines(slug, proposal, current)) output.note(line)
  if (version !== undefined || (await isConfirmed(`Vote for version ${proposal.version}?`))) return proposal.charter
  throw new UsageError(`Nothing was signed. If this is what you want: --version ${proposal.version}.`)
}

async function isConfirmed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false
  const asking = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(?:es)?$/i.test((await asking.question(`${question} [y/N] `)).trim())
  } finally {
    asking.close()
  }
}

const proposalLines = (
  slug: string,
  { version, votes, needed, charter, roots = [] }: Proposal,
  current: CharterStatement | null,
) => [
  `Version ${version} of ${slug} waits: ${votes.length} of ${needed} votes. It changes:`,
  ...changeLines(current ?? undefined, charter).map((line) => `  ${line}`),
  ...roots.flatMap(({ slug: of, key, isSigned }) => [
    `  the root key of ${of} becomes ${key}`,
    isSigned
      ? `  its root key before voted for that`
      : `  its root key before did NOT vote for that: call ${of}, let its people read the twelve words of their key, and vote with --words`,
  ]),
]

function requestLines(slug: string, { member, requests, proposals, current, sides }: Waiting): string[] {
  return [
    ...forkLines(slug, sides),
    member ? `This member stands in ${slug}.` : `This member does not stand in ${slug} yet.`,
    ...requests.flatMap(({ member: who, words }) => [
      `${who.slug} asks to join; its words must be: ${words}`,
      ...joinerLines(who).map((line) => `  ${line}`),
    ]),
    ...proposals.flatMap((proposal) => proposalLines(slug, proposal, current)),
    ...proposals.slice(0, 1).map(({ version }) => `Vote: noroshi alliance approve ${slug} --version ${version}`),
  ]
}

function forkLines(slug: string, sides: Waiting['sides']): string[] {
  const [own, ...others] = sides
  if (!own) return []
  return [
    `${slug} is forked: members voted twice. Until it is settled, the version before the fork counts, less whom a side removed.`,
    `  side ${own.hash.slice(0, 12)}: version ${own.charter.version}, which this node followed`,
    ...others.flatMap(({ hash, charter }) => [
      `  side ${hash.slice(0, 12)}: version ${charter.version}; seen from this node's:`,
      ...changeLines(own.charter, charter).map((line) => `    ${line}`),
    ]),
    `Agree with the others on one side: noroshi alliance settle ${slug} --side …`,
  ]
}
