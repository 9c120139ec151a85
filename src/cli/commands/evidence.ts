import { writeFile } from 'node:fs/promises'
import type { EvidenceFile, Verdict } from '#log'
import { EXIT, examples, type Register } from '../command.ts'
import { findNode, type NodeOptions } from '../node-client.ts'
import { printable, table } from '../output.ts'
import { subcommandsOf } from '../subcommands.ts'
import { verdictLines } from '../verdict.ts'

interface Row {
  id: string
  kind: string
  slug: string
  found: number
  message: string
  proved: boolean
}

interface Exported {
  file: EvidenceFile
  verdict: Verdict
}

/** `noroshi evidence list | show | export` */
export const register: Register = (program, context) => {
  const { output, exit } = context
  const evidence = program
    .command('evidence')
    .description('What a node keeps against members that broke their word; noroshi verify examines it without a node.')
    .addHelpText(
      'after',
      examples(['noroshi evidence list --dir node', 'noroshi evidence export 3 --dir node > fork.json']),
    )
  const { sub, say } = subcommandsOf(evidence, context)
  const find = async (id: string, options: NodeOptions) =>
    (await findNode(options)).get<Exported>(`/api/v1/evidence/${encodeURIComponent(id)}`)

  sub('list', 'Every piece, oldest first.', ['noroshi evidence list --dir node']).action(
    async (options: NodeOptions & { json?: boolean }) => {
      const node = await findNode(options)
      const rows: Row[] = []
      for (let after = 0; ;) {
        const page = await node.get<{ evidence: Row[] }>(`/api/v1/evidence?limit=100&after=${after}`)
        const last = page.evidence.at(-1)
        if (!last) break
        rows.push(...page.evidence)
        after = Number(last.id.split('-')[0])
      }
      const lines = table(
        rows.map(({ id, kind, slug, found, proved, message }) => [
          id,
          new Date(found).toISOString(),
          slug,
          kind,
          proved ? 'proved' : 'seen here',
          printable(message),
        ]),
      )
      await say(options.json, { evidence: rows }, lines.length > 0 ? lines : ['Nothing is kept against anybody.'])
    },
  )

  sub('show <id>', 'One piece in words: what it proves, and what not.', ['noroshi evidence show 3 --dir node']).action(
    async (id: string, options: NodeOptions & { json?: boolean }) => {
      const { file, verdict } = await find(id, options)
      await say(options.json, { ...verdict, accused: file.accused }, verdictLines(file, verdict))
    },
  )

  sub('charters', 'Charters from version 1, by which noroshi verify knows whose a key is.', [
    'noroshi evidence charters --dir node > charters.json',
  ]).action(async (options: NodeOptions) => {
    const node = await findNode(options)
    await output.line(JSON.stringify(await node.get<object>('/api/v1/evidence/charters'), null, 2))
    exit(EXIT.done)
  })

  sub('export <id>', 'One piece as a file, for noroshi verify.', [
    'noroshi evidence export 3 --dir node > fork.json',
    'noroshi evidence export 3 --dir node --out fork.json',
  ])
    .option('--out <file>', 'write to this file instead of stdout')
    .action(async (id: string, options: NodeOptions & { out?: string }) => {
      const { file, verdict } = await find(id, options)
      const text = JSON.stringify(file, null, 2)
      if (options.out === undefined) await output.line(text)
      else await writeFile(options.out, `${text}\n`, { flag: 'wx' })
      if (['equivocation', 'forged-author'].includes(file.proof.type))
        output.note('It holds the objects themselves: hand it to nobody who may not have them.')
      if (!verdict.isProved) output.note('It convicts nobody by itself: it is what this node saw.')
      exit(EXIT.done)
    })
}
