import type { JsonObject } from '#base'
import { counted, EXIT, examples, oneOf, type Register, shaped } from '../command.ts'
import { findNode, type NodeOptions, withNodeOptions } from '../node-client.ts'
import { type Listed, rowPages, sinceOf } from '../object-pages.ts'
import { table } from '../output.ts'

interface Options extends NodeOptions {
  versions: string
  type?: string
  since?: string
  limit: string
  json?: boolean
}

/** Characters of an object's name in the table. */
const NAME_CHARACTERS = 40

/** `noroshi objects` */
export const register: Register = (program, { output, exit }) => {
  withNodeOptions(
    program
      .command('objects [id]')
      .description(
        'Objects that a node holds and the token may read, the last that arrived first: their versions, who says them, how far they may go. Exit code 1 where there is none.',
      ),
  )
    .option(
      '--versions <which>',
      'latest: the newest of each publisher; all; revoked: where the newest is; conflict: versions that contradict another',
      oneOf('latest', 'all', 'revoked', 'conflict'),
      'latest',
    )
    .option('--type <type>', 'STIX type, such as indicator')
    .option('--since <time>', 'only what arrived since then, such as 2026-05-01 or 2026-05-01T12:00:00Z')
    .option('--limit <count>', 'how many at most', shaped(/^[1-9]\d{0,6}$/, 'A number from 1 to 9999999.'), '50')
    .option('--json', 'print JSON, with the objects as their authors wrote them')
    .addHelpText(
      'after',
      examples([
        'noroshi objects --type indicator --dir node',
        'noroshi objects indicator--0f3c… --versions all --dir node',
        'noroshi objects --versions conflict --dir node',
        'noroshi objects --versions revoked --since 2026-05-01 --dir node --json',
      ]),
    )
    .action(async (id: string | undefined, options: Options) => {
      const node = await findNode(options)
      const since = sinceOf(options.since)
      const asked = {
        versions: options.versions,
        order: 'newest' as const,
        ...(options.type === undefined ? {} : { type: options.type }),
        ...(id === undefined ? {} : { ids: [id] }),
        ...(since === undefined ? {} : { since }),
      }
      const rows: Listed[] = []
      const limit = Number(options.limit)
      for await (const { items } of rowPages(node, asked)) {
        rows.push(...items)
        output.progress(`${rows.length} objects`)
        if (rows.length > limit) break
      }
      const hasMore = rows.length > limit
      rows.length = Math.min(rows.length, limit)
      if (options.json) {
        const list = rows.map(({ bytes }) => Buffer.from(bytes).toString())
        await output.line(`{"objects":[${list.join(',')}],"more":${hasMore}}`)
      } else {
        for (const line of rows.length === 0 ? [] : table([HEADER, ...rows.map(({ value }) => cells(value))]))
          await output.line(line)
        if (rows.length === 0) output.note('There is none here that this token may read.')
        if (hasMore) output.note(`The last ${counted(limit, 'object')} that arrived; --limit shows more.`)
      }
      exit(rows.length === 0 ? EXIT.no : EXIT.done)
    })
}

const HEADER = ['VERSION', 'ID', 'NAME', 'SAID BY', 'LEVEL', '']

function cells(row: JsonObject): string[] {
  const object = row['object'] as JsonObject
  const { name, value } = object
  const text = typeof name === 'string' ? name : typeof value === 'string' ? value : ''
  const refused = row['refused']
  return [
    textOf(row['modified'] ?? '(none)'),
    textOf(object['id']),
    shorten(text),
    textOf(row['by']),
    textOf(row['tlp']),
    [row['revoked'] === true ? 'revoked' : '', typeof refused === 'string' ? `refused: ${refused}` : '']
      .filter((one) => one !== '')
      .join(', '),
  ]
}

/** Texts of others on a terminal: no control characters. */
const textOf = (value: unknown) => String(value).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')

function shorten(text: string): string {
  const characters = Array.from(textOf(text))
  return characters.length <= NAME_CHARACTERS
    ? characters.join('')
    : `${characters.slice(0, NAME_CHARACTERS - 1).join('')}…`
}
