import type { Command } from 'commander'
import { collect, EXIT, examples, oneOf, type Register, shaped, UsageError } from '../command.ts'
import { findNode, type NodeClient, type NodeOptions, withNodeOptions } from '../node-client.ts'
import { table } from '../output.ts'
import { registerPull } from '../taxii-pull.ts'
import { registerPush } from '../taxii-push.ts'
import { registerSource } from '../taxii-source.ts'

const toLevel = oneOf('clear', 'green', 'amber', 'amber+strict', 'red')

type JsonOption = NodeOptions & { json?: boolean }

interface Collection {
  id: string
  alias: string
  title: string
  root: string
  to: string[]
  tlp?: string
  grants: { who: string; can: string }[]
}

interface Waiting {
  key: string
  id: string
  org: string
  time: number
  code?: string
  message?: string
}

/** Objects of one request for what waits. */
const PAGE_WAITING = 1_000

/** What waits at a node, page by page, up to so many. */
async function waiting(node: NodeClient, limit: number): Promise<{ quarantined: Waiting[]; hasMore: boolean }> {
  const quarantined: Waiting[] = []
  for (let cursor: string | undefined; ;) {
    const query = new URLSearchParams({
      limit: String(Math.min(PAGE_WAITING, limit - quarantined.length)),
      ...(cursor === undefined ? {} : { cursor }),
    })
    const page = await node.get<{ quarantined: Waiting[]; next?: string }>(
      `/api/v1/taxii/quarantine?${query.toString()}`,
    )
    for (const one of page.quarantined) quarantined.push(one)
    if (page.next === undefined || quarantined.length >= limit) return { quarantined, hasMore: page.next !== undefined }
    cursor = page.next
  }
}

/** `noroshi taxii …` */
export const register: Register = (program, context) => {
  const { output, exit } = context
  const taxii = program.command('taxii').description('TAXII 2.1: collections that take submissions; pull and push.')
  const say = async (json: boolean | undefined, value: unknown, lines: readonly string[]) => {
    if (json) await output.line(JSON.stringify(value))
    else for (const line of lines) await output.line(line)
    exit(EXIT.done)
  }
  registerPull(taxii, context)
  registerPush(taxii, context)
  registerSource(taxii, context)
  const collection = taxii.command('collection').description('Collections that take submissions.')
  const sub = (parent: Command, usage: string, description: string, lines: string[]): Command =>
    withNodeOptions(parent.command(usage).description(description))
      .option('--json', 'print JSON')
      .addHelpText('after', examples(lines))

  sub(collection, 'create <alias>', 'Create a collection that takes submissions.', [
    'noroshi taxii collection create partners --to alliance:trilateral --tlp amber --dir node',
  ])
    .option('--title <title>', 'shown to clients')
    .option('--description <text>', 'shown to clients')
    .option('--root <alliance>', 'alliance whose API root shows it; absent = the node’s own root')
    .option('--tlp <level>', 'marking of objects that carry none; absent = those go to quarantine', toLevel)
    .option('--to <whom>', 'audience of what is submitted; may be given several times', collect)
    .action(
      async (
        alias: string,
        options: JsonOption & Record<'title' | 'description' | 'root' | 'tlp', string> & { to?: string[] },
      ) => {
        const node = await findNode(options)
        const { title, description, root, tlp, to } = options
        const body = { alias, title, description, root, tlp: tlp?.toLowerCase(), to }
        const made = await node.post<Collection>('/api/v1/taxii/collections', body)
        await say(options.json, made, [
          `Created ${made.alias} (${made.id}). Nobody may write yet: noroshi taxii collection grant.`,
        ])
      },
    )

  sub(collection, 'list', 'Collections that take submissions.', ['noroshi taxii collection list --dir node']).action(
    async (options: JsonOption) => {
      const node = await findNode(options)
      const { collections } = await node.get<{ collections: Collection[] }>('/api/v1/taxii/collections')
      const rows = collections.map(({ alias, id, root, to, tlp, grants }) => [
        alias,
        id,
        root,
        tlp === undefined ? 'unmarked: quarantine' : `unmarked: TLP:${tlp.toUpperCase()}`,
        to.join(' ') || 'as marked',
        grants.map(({ who, can }) => `${can}: ${who}`).join(', ') || 'no grants',
      ])
      await say(options.json, { collections }, rows.length === 0 ? ['No collections take submissions.'] : table(rows))
    },
  )

  sub(collection, 'grant <alias>', 'Say who may write to a collection, or read it.', [
    'noroshi taxii collection grant partners --token-id 0f3c5ab1d2e4f607 --can write --dir node',
    'noroshi taxii collection grant partners --org ph-bank --can nothing --dir node',
  ])
    .option('--token-id <id>', 'the bearer of this token')
    .option('--org <org>', 'everybody of this organisation')
    .requiredOption(
      '--can <what>',
      'write (and read what it wrote), read, or nothing',
      oneOf('write', 'read', 'nothing'),
    )
    .action(async (alias: string, options: JsonOption & { tokenId?: string; org?: string; can: string }) => {
      const { tokenId: token, org, can } = options
      if ((token === undefined) === (org === undefined)) throw new UsageError('Give either --token-id or --org.')
      const node = await findNode(options)
      const path = `/api/v1/taxii/collections/${encodeURIComponent(alias)}/grants`
      const changed = await node.post<Collection>(path, { token, org, can })
      await say(options.json, changed, [`${token ?? org} may ${can === 'nothing' ? 'do nothing with' : can} ${alias}.`])
    })

  const quarantine = taxii
    .command('quarantine')
    .description('Objects that wait: submitted ones without a marking, and those of sources.')
  sub(quarantine, 'list', 'What waits, submitted or from a source.', [
    'noroshi taxii quarantine list --dir node',
    'noroshi taxii quarantine list --limit 20 --dir node',
  ])
    .option(
      '--limit <count>',
      'how many at most; absent = all',
      shaped(/^[1-9]\d{0,6}$/, 'A number from 1 to 9999999.'),
    )
    .action(async (options: JsonOption & { limit?: string }) => {
      const { quarantined, hasMore } = await waiting(await findNode(options), Number(options.limit ?? Infinity))
      const rows = quarantined.map(({ key, id, org, time, code = 'UNMARKED', message = '' }) => [
        key,
        id,
        org,
        new Date(time).toISOString(),
        code,
        message,
      ])
      if (hasMore && !options.json) output.note(`The first ${quarantined.length} that wait; --limit shows more.`)
      await say(options.json, { quarantined }, rows.length === 0 ? ['Nothing waits.'] : table(rows))
    })
  sub(quarantine, 'end <key>', 'Publish what waits with a marking, or drop it.', [
    'noroshi taxii quarantine end KEY --tlp amber --dir node',
    'noroshi taxii quarantine end KEY --drop --dir node',
  ])
    .option('--tlp <level>', 'marking with which it is published', toLevel)
    .option('--drop', 'forget it')
    .action(async (key: string, options: JsonOption & { tlp?: string; drop?: boolean }) => {
      const node = await findNode(options)
      const body = { tlp: options.tlp?.toLowerCase(), drop: options.drop }
      const answer = await node.post(`/api/v1/taxii/quarantine/${encodeURIComponent(key)}`, body)
      await say(options.json, answer, [options.drop ? `Dropped ${key}.` : `Published ${key}.`])
    })
}
