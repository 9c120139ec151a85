import { collect, UsageError } from './command.ts'
import { findNode, type NodeOptions } from './node-client.ts'
import { withRootSignatures } from './root-signatures.ts'
import type { Subcommands } from './subcommands.ts'

/** What the node says of a proposal. */
interface Proposed {
  version: number
  votes: string[]
  needed: number
  inForce: boolean
}

type ChangeOptions = NodeOptions & { json?: boolean; rival?: boolean; afterRestore?: boolean }

interface RowOptions {
  member?: string
  standing?: string
  name?: string
  nation?: string
  kind?: string
  sector?: string[]
  address?: string
  maxTlp?: string
  tlpVersion?: string
  quota?: string[]
}

interface RulesOptions {
  quorum?: string
  receipts?: string
  greenDefault?: string
  carrier?: string[]
  observers?: string
  candidates?: string
  backfill?: string
}

/** What `--after-restore` confirms. */
export const AFTER_RESTORE =
  'of a node that was restored from a backup: you know that this member voted for no other charter of this version since the backup, though not everybody could be asked'

/** What was confirmed, for the body of a request that votes. */
export const confirmed = ({ afterRestore }: { afterRestore?: boolean }) =>
  afterRestore === true ? { afterRestore } : {}

/** `noroshi alliance leave | suspend | reinstate | change`: proposals for the next charter, each with one change. */
export function registerChanges({ sub, say }: Subcommands): void {
  const propose = async (slug: string, amendment: object, options: ChangeOptions, done: string) => {
    const body = { amendment, ...(options.rival ? { rival: true } : {}), ...confirmed(options) }
    const node = await findNode(options)
    const state = await withRootSignatures<Proposed>(node, `/api/v1/alliances/${slug}/amendments`, body, slug)
    await say(options.json, state, outcomeLines(slug, state, done))
  }
  const command = (usage: string, description: string, lines: string[]) =>
    sub(usage, description, lines)
      .option('--rival', 'also while another proposal waits: each member votes for one alone')
      .option('--after-restore', AFTER_RESTORE)

  command('leave <slug>', 'Leave an alliance: the others vote; what was shared stays with those who have it.', [
    'noroshi alliance leave trilateral --dir node',
  ]).action((slug: string, options: ChangeOptions) =>
    propose(slug, { change: 'leave' }, options, `This member has left ${slug}.`),
  )

  command('suspend <slug>', 'Suspend a member: it gets nothing more and does not vote until it is reinstated.', [
    'noroshi alliance suspend trilateral --member ph-ncert --dir node',
  ])
    .requiredOption('--member <slug>', 'whom')
    .action((slug: string, options: ChangeOptions & { member: string }) =>
      propose(slug, standing(options.member, 'suspended'), options, `${options.member} is suspended in ${slug}.`),
    )

  command('reinstate <slug>', 'Make a suspended member, an observer or a candidate an active member.', [
    'noroshi alliance reinstate trilateral --member ph-ncert --dir node',
  ])
    .requiredOption('--member <slug>', 'whom')
    .action((slug: string, options: ChangeOptions & { member: string }) =>
      propose(slug, standing(options.member, 'active'), options, `${options.member} is active in ${slug}.`),
    )

  sub('settle <slug>', 'After a fork: propose to go on from one side; the others vote.', [
    'noroshi alliance requests trilateral --dir node',
    'noroshi alliance settle trilateral --side 3f9ac2d1 --dir node',
  ])
    .requiredOption('--side <hash>', 'the side, by the start of its hash')
    .option('--after-restore', AFTER_RESTORE)
    .action(async (slug: string, options: ChangeOptions & { side: string }) => {
      const node = await findNode(options)
      const body = { side: options.side, ...confirmed(options) }
      const state = await withRootSignatures<Proposed>(node, `/api/v1/alliances/${slug}/settle`, body, slug)
      await say(options.json, state, outcomeLines(slug, state, 'The fork is settled.'))
    })

  command('change <slug>', 'Change a member’s row, its standing, or the rules of the alliance.', [
    'noroshi alliance change trilateral --member ph-ncert --max-tlp green --dir node',
    'noroshi alliance change trilateral --member th-ncsa --standing observer --dir node',
    'noroshi alliance change trilateral --observers green --carrier jp-nco --dir node',
    'noroshi alliance change trilateral --member th-ncsa --quota entries=100000 --quota entriesPerSecond=50 --dir node',
  ])
    .option('--member <slug>', 'whose row')
    .option('--standing <standing>', 'active, observer, candidate, suspended or left')
    .option('--name <name>', 'name')
    .option('--nation <CC>', 'nation, two letters')
    .option('--kind <kind>', 'kind of organisation')
    .option('--sector <sector>', 'sector; repeat for several', collect, [])
    .option('--address <url>', 'address of its node, or "none"')
    .option('--max-tlp <level>', 'highest level that it takes, or "none"')
    .option('--tlp-version <version>', '1.0 or 2.0')
    .option(
      '--quota <name=number>',
      'the most that each of the others takes of it: entries, bytes, logs, entriesPerSecond, bytesPerSecond; repeat for several, "none" for no caps',
      collect,
      [],
    )
    .option('--quorum <votes>', 'rule: votes for the next version, a number or "majority"')
    .option('--receipts <who>', 'rule: who sees receipts, author or alliance')
    .option('--green-default <whom>', 'rule: community or cyber-defence')
    .option(
      '--carrier <slug>',
      'rule: a member that may serve others’ mirrors; repeat for several, "none" for none',
      collect,
      [],
    )
    .option('--observers <level>', 'rule: level up to which observers count as members, or "none"')
    .option('--candidates <level>', 'rule: the same for candidates, or "none"')
    .option(
      '--backfill <what>',
      'rule: what a new member gets of what is published from now on and before it joins, everything or joining',
    )
    .action((slug: string, options: ChangeOptions & RowOptions & RulesOptions) =>
      propose(slug, amendmentOf(options), options, `Changed in ${slug}.`),
    )
}

const standing = (member: string, to: string) => ({ change: 'standing', member, standing: to })

function outcomeLines(slug: string, { version, votes, needed, inForce }: Proposed, done: string): string[] {
  if (inForce) return [`Version ${version} of ${slug} is in force. ${done}`]
  return [
    `Proposed version ${version} of ${slug}: ${votes.length} of ${needed} votes.`,
    `The others read and vote: noroshi alliance requests ${slug}`,
  ]
}

/** One vote is about one thing: a standing, a row, or the rules. */
function amendmentOf(options: RowOptions & RulesOptions): object {
  const row = given({
    name: options.name,
    nation: options.nation,
    kind: options.kind,
    sectors: options.sector?.length ? [...new Set(options.sector)].sort() : undefined,
    address: orNull(options.address),
    maxTlp: orNull(options.maxTlp),
    tlpVersion: options.tlpVersion,
    quota: options.quota?.length ? quotaOf(options.quota) : undefined,
  })
  const rules = given({
    quorum: options.quorum === undefined || options.quorum === 'majority' ? options.quorum : Number(options.quorum),
    receipts: options.receipts,
    greenDefault: options.greenDefault,
    carriers: options.carrier?.length ? options.carrier.filter((name) => name !== 'none') : undefined,
    observers: orNull(options.observers),
    candidates: orNull(options.candidates),
    backfill: options.backfill,
  })
  const [hasRow, hasRules] = [Object.keys(row).length > 0, Object.keys(rules).length > 0]
  const asked = [options.standing !== undefined, hasRow, hasRules].filter(Boolean).length
  if (asked !== 1)
    throw new UsageError('Change one thing at a time: --standing, columns of a row (with --member), or rules.')
  if (hasRules) return { change: 'rules', set: rules }
  if (options.member === undefined) throw new UsageError('--member: whose row?')
  return options.standing === undefined
    ? { change: 'row', member: options.member, set: row }
    : standing(options.member, options.standing)
}

function quotaOf(given: readonly string[]): Record<string, number> | null {
  if (given.length === 1 && given[0] === 'none') return null
  const caps = given.map((one) => /^(entries|bytes|logs|entriesPerSecond|bytesPerSecond)=([1-9]\d{0,15})$/.exec(one))
  if (caps.includes(null)) throw new UsageError('--quota: name=number, as in --quota entries=100000, or "none".')
  return Object.fromEntries(caps.map((cap) => [cap?.[1], Number(cap?.[2])]))
}

const orNull = (value: string | undefined) => (value === 'none' ? null : value)

const given = (columns: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined))
