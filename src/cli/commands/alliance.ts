import type { Command } from 'commander'
import { collect, EXIT, examples, type Register, UsageError } from '../command.ts'
import { findNode, type NodeClient, type NodeOptions, withNodeOptions } from '../node-client.ts'
import { table } from '../output.ts'
import { withRootSignatures } from '../root-signatures.ts'

interface Member {
  member: string
  slug: string
  name: string
  nation: string
  kind: string
  standing: string
  alliances: string[]
}

interface Proposal {
  alliance: string
  version: number
  hash: string
  votes: string[]
  needed: number
  inForce: boolean
}

interface Waiting {
  member: boolean
  requests: { member: { id: string; slug: string; name: string }; words: string; time: number }[]
  proposals: Proposal[]
}

type JsonOption = NodeOptions & { json?: boolean }

/** `noroshi alliance …` */
export const register: Register = (program, { output, exit }) => {
  const alliance = program.command('alliance').description('Found an alliance, invite, join, approve, list members.')
  const sub = (usage: string, description: string, lines: string[]): Command =>
    withNodeOptions(alliance.command(usage).description(description))
      .option('--json', 'print JSON')
      .addHelpText('after', examples(lines))
  const say = async (json: boolean | undefined, value: unknown, lines: readonly string[]) => {
    if (json) await output.line(JSON.stringify(value))
    else for (const line of lines) await output.line(line)
    exit(EXIT.done)
  }

  sub('create <slug>', 'Found an alliance with this member alone; signs its charter with the root key.', [
    'noroshi alliance create trilateral --dir node',
  ])
    .option('--quorum <votes>', 'votes that admit a member: a number, or "majority"', 'majority')
    .option('--receipts <who>', 'who sees receipts: author or alliance', 'author')
    .action(async (slug: string, options: JsonOption & { quorum: string; receipts: string }) => {
      const node = await findNode(options)
      const quorum = options.quorum === 'majority' ? 'majority' : Number(options.quorum)
      if (quorum !== 'majority' && !Number.isInteger(quorum)) throw new UsageError('--quorum: a number, or "majority".')
      const charter = await withRootSignatures(
        node,
        '/api/v1/alliances',
        { alliance: slug, rules: { quorum, receipts: options.receipts } },
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
    'Admit a member after comparing the words, or vote for the proposal that waits; signs with the root key.',
    [
      'noroshi alliance approve trilateral --dir node --member ph-ncert --words "amber fox lantern"',
      'noroshi alliance approve trilateral --dir node',
    ],
  )
    .option('--member <slug>', 'who asked to join')
    .option('--words <words>', 'the words that they read out', collectWords)
    .option('--version <version>', 'the version that was read, for a vote')
    .action(async (slug: string, options: JsonOption & { member?: string; words?: string; version?: string }) => {
      const node = await findNode(options)
      if (options.member !== undefined && options.words === undefined)
        throw new UsageError('--member needs --words: the words that the new member read out to you.')
      const body = {
        ...(options.member === undefined ? {} : { member: options.member, words: options.words }),
        ...(options.version === undefined ? {} : { version: Number(options.version) }),
      }
      const state = await withRootSignatures<Proposal>(node, `/api/v1/alliances/${slug}/approve`, body, slug)
      await say(options.json, state, [
        state.inForce
          ? `Version ${state.version} of ${slug} is in force.`
          : `Voted for version ${state.version} of ${slug}: ${state.votes.length} of ${state.needed} votes.`,
      ])
    })

  sub('members [slug]', 'Members of one alliance, or of all.', ['noroshi alliance members --dir node']).action(
    async (slug: string | undefined, options: JsonOption) => {
      const node = await findNode(options)
      const members = await membersOf(node, slug)
      const rows = members.map(({ slug: name, nation, kind, standing, alliances, member }) => [
        name,
        nation,
        kind,
        standing,
        alliances.join(', '),
        member,
      ])
      await say(
        options.json,
        { members },
        members.length === 0 ? ['No members: found an alliance, or join one.'] : table(rows),
      )
    },
  )
}

const collectWords = (words: string, before?: string) => collect(words, before === undefined ? [] : [before]).join(' ')

async function membersOf(node: NodeClient, slug: string | undefined): Promise<Member[]> {
  const { members } = await node.get<{ members: Member[] }>('/api/v1/members')
  return slug === undefined ? members : members.filter(({ alliances }) => alliances.includes(slug))
}

function requestLines(slug: string, { member, requests, proposals }: Waiting): string[] {
  return [
    member ? `This member stands in ${slug}.` : `This member does not stand in ${slug} yet.`,
    ...requests.map(({ member: who, words }) => `${who.slug} (${who.name}) asks to join; its words must be: ${words}`),
    ...proposals.map(({ version, votes, needed }) => `Version ${version} waits: ${votes.length} of ${needed} votes.`),
  ]
}
