import { EXIT, examples, type Register } from '../command.ts'
import { findNode, type NodeOptions, withNodeOptions } from '../node-client.ts'
import { table } from '../output.ts'

interface Receipt {
  member: string
  kind: 'received' | 'armed'
  log: string
  from: number
  size: number
  time: number
  arrived: number
  verified: boolean
}

interface Recall {
  time?: number
  reason?: string
  acknowledged: { member: string; slug: string; withheld: number; purged: number | null; arrived: number }[]
}

interface Entry {
  log: string
  index: number
  published: number
  recall?: Recall
}

interface Standing extends Entry {
  received: { member: string; time: number; arrived: number }[]
  armed: { member: string; time: number; arrived: number }[]
}

/** `noroshi who` */
export const register: Register = (program, { output, exit }) => {
  withNodeOptions(
    program
      .command('who <id>')
      .description(
        'Who holds an object that this node published, by the receipts that its recipients signed; after a recall, who acknowledged it. Exit code 1 where nobody holds it.',
      ),
  )
    .option('--json', 'print JSON')
    .addHelpText('after', examples(['noroshi who indicator--0f3c… --dir node']))
    .action(async (id: string, options: NodeOptions & { json?: boolean }) => {
      const node = await findNode(options)
      const { members } = await node.get<{ members: { member: string; slug: string }[] }>('/api/v1/members')
      const { standing } = await node.get<{ standing: Entry[] }>(`/api/v1/objects/${encodeURIComponent(id)}/standing`)
      const found: Standing[] = []
      for (const entry of standing) {
        const { receipts } = await node.get<{ receipts: Receipt[] }>(`/api/v1/receipts?log=${entry.log}`)
        const covering = receipts.filter(
          ({ verified, from, size }) => verified && from <= entry.index && entry.index < size,
        )
        const of = (kind: Receipt['kind']) =>
          covering.filter((one) => one.kind === kind).map(({ member, time, arrived }) => ({ member, time, arrived }))
        found.push({ ...entry, received: of('received'), armed: of('armed') })
      }
      const slugOf = (member: string) => members.find((one) => one.member === member)?.slug ?? member
      if (found.length === 0) output.note(`This node published no ${id}.`)
      if (options.json) await output.line(JSON.stringify({ id, standing: found }))
      else for (const line of found.flatMap((one) => toLines(one, slugOf))) await output.line(line)
      exit(found.some(({ received, recall }) => received.length > 0 || recall) ? EXIT.done : EXIT.no)
    })
}

function toLines(
  { log, index, published, received, armed, recall }: Standing,
  slugOf: (member: string) => string,
): string[] {
  const rows = received.map(({ member, arrived }) => {
    const claim = armed.find((one) => one.member === member)
    return [
      `  ${slugOf(member)}`,
      `${recall ? 'received it' : 'holds it'}, proved after ${arrived - published} ms`,
      claim ? `armed, claimed after ${claim.arrived - published} ms` : 'not armed',
    ]
  })
  return [
    `Entry ${index} of log ${log.slice(0, 12)}…, published ${new Date(published).toISOString()}:`,
    ...(rows.length === 0 ? ['  no receipt yet'] : table(rows)),
    ...(recall ? recallLines(recall, [...new Set(received.map(({ member }) => slugOf(member)))]) : []),
  ]
}

/** The recall, with a row for everybody who acknowledged it and everybody who received the entry and did not yet. */
function recallLines({ time, reason, acknowledged }: Recall, holders: readonly string[]): string[] {
  const when = time === undefined ? '' : ` ${new Date(time).toISOString()}`
  const after = (at: number) => (time === undefined ? new Date(at).toISOString() : `after ${at - time} ms`)
  const silent = holders.filter((slug) => !acknowledged.some((one) => one.slug === slug))
  return [
    `  Recalled${when}${reason === undefined ? '' : `, reason: ${reason}`}.`,
    ...table([
      ...acknowledged.map(({ slug, withheld, purged, arrived }) => [
        `    ${slug}`,
        `acknowledged ${after(arrived)}`,
        `withheld ${new Date(withheld).toISOString()}`,
        purged === null ? 'not purged' : `purged ${new Date(purged).toISOString()}`,
      ]),
      ...silent.map((slug) => [`    ${slug}`, 'has not acknowledged it yet', '', '']),
    ]),
    ...(acknowledged.length + silent.length === 0 ? ['    nobody has acknowledged it yet'] : []),
  ]
}
