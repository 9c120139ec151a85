import { counted, EXIT, examples, type Register, shaped } from '../command.ts'
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
  via?: string
}

interface Recall {
  time?: number
  reason?: string
  acknowledged: {
    member: string
    slug: string
    withheld: number
    purged: number | null
    arrived: number
    via?: string
  }[]
}

interface Entitled {
  member: string
  slug: string
  link: string
  lastSeen: number | null
}

interface Entry {
  log: string
  index: number
  published: number
  /** Members that may have the log now. */
  entitled: Entitled[]
  /** Slugs of those whom a grant names, where it stands by one. */
  granted?: string[]
  recall?: Recall
}

/** An entry of another member, with what that member shows of its receipts. */
interface Elsewhere {
  log: string
  index: number
  slug: string
  published: number
  state: 'shown' | 'closed' | 'unreachable'
  receipts: { kind: Receipt['kind']; member: string; slug: string; arrived: number }[]
}

interface Standing extends Entry {
  received: { member: string; time: number; arrived: number; via?: string }[]
  armed: { member: string; time: number; arrived: number }[]
  /** Entitled, but no receipt has come for so long, or `waitMs` is not over yet. */
  missing: (Entitled & { waitedMs: number; late: boolean; lagEntries: number })[]
}

/** How long a receipt may take until its member counts as late. */
const LATE_SECONDS = '60'

const toSeconds = shaped(/^\d{1,9}$/, 'A number of seconds.')

/** `noroshi who` */
export const register: Register = (program, { output, exit }) => {
  withNodeOptions(
    program
      .command('who <id>')
      .description(
        'Who may have an object that this node published, who has proved receipt, and who is late, by the receipts that its recipients signed; after a recall, who acknowledged it. Of what others published, what their charter opens to the alliance. Exit code 1 where nobody is known to hold it.',
      ),
  )
    .option('--late <seconds>', 'a member without a receipt for so long is late', toSeconds, LATE_SECONDS)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples(['noroshi who indicator--0f3c… --dir node', 'noroshi who indicator--0f3c… --late 10 --dir node']),
    )
    .action(async (id: string, options: NodeOptions & { json?: boolean; late: string }) => {
      const node = await findNode(options)
      const { members } = await node.get<{ members: { member: string; slug: string }[] }>('/api/v1/members')
      const { standing, elsewhere } = await node.get<{ standing: Entry[]; elsewhere: Elsewhere[] }>(
        `/api/v1/objects/${encodeURIComponent(id)}/standing?elsewhere=true`,
      )
      const found: Standing[] = []
      for (const entry of standing) {
        const { receipts } = await node.get<{ receipts: Receipt[] }>(`/api/v1/receipts?log=${entry.log}`)
        const covering = receipts.filter(
          ({ verified, from, size }) => verified && from <= entry.index && entry.index < size,
        )
        const of = (kind: Receipt['kind']) =>
          covering
            .filter((one) => one.kind === kind)
            .map(({ member, time, arrived, via }) => ({ member, time, arrived, ...(via ? { via } : {}) }))
        const received = of('received')
        const waitedMs = Date.now() - entry.published
        const missing = entry.entitled
          .filter(({ member }) => !received.some((one) => one.member === member))
          .map((one) => {
            const proved = receipts.filter(
              ({ member, kind, verified }) => member === one.member && kind === 'received' && verified,
            )
            const lagEntries = entry.index + 1 - Math.max(0, ...proved.map(({ size }) => size))
            return { ...one, waitedMs, late: waitedMs > Number(options.late) * 1_000, lagEntries }
          })
        found.push({ ...entry, received, armed: of('armed'), missing })
      }
      const slugOf = (member: string) => members.find((one) => one.member === member)?.slug ?? member
      if (found.length === 0) output.note(`This node published no ${id}.`)
      if (options.json) await output.line(JSON.stringify({ id, standing: found, elsewhere }))
      else
        for (const line of [...found.flatMap((one) => toLines(one, slugOf)), ...elsewhere.flatMap(elsewhereLines)])
          await output.line(line)
      const isHeld = found.some(({ received, recall }) => received.length > 0 || recall)
      exit(isHeld || elsewhere.some(({ receipts }) => receipts.length > 0) ? EXIT.done : EXIT.no)
    })
}

function toLines(
  { log, index, published, entitled, granted, received, armed, missing, recall }: Standing,
  slugOf: (member: string) => string,
): string[] {
  const rows = received.map(({ member, arrived, via }) => {
    const claim = armed.find((one) => one.member === member)
    return [
      `  ${slugOf(member)}`,
      `${recall ? 'received it' : 'holds it'}, proved after ${arrived - published} ms${by(via, slugOf)}`,
      claim ? `armed, claimed after ${claim.arrived - published} ms` : 'not armed',
    ]
  })
  return [
    `Entry ${index} of log ${log.slice(0, 12)}…, published ${new Date(published).toISOString()}, ${granted ? `granted to ${granted.join(', ')}` : `${counted(entitled.length, 'member')} may have it`}:`,
    ...(rows.length === 0 ? ['  no receipt yet'] : table(rows)),
    ...(recall ? [] : table(missing.map(missingRow))),
    ...(recall ? recallLines(recall, [...new Set(received.map(({ member }) => slugOf(member)))], slugOf) : []),
  ]
}

const NOT_SHOWN: Record<Elsewhere['state'], string> = {
  shown: 'no receipt yet',
  closed: 'its receipts are for its author alone',
  unreachable: 'its author could not be asked: try again, or look at noroshi status',
}

function elsewhereLines({ log, index, slug, published, state, receipts }: Elsewhere): string[] {
  const rows = receipts
    .filter(({ kind }) => kind === 'received')
    .map(({ member, slug: holder, arrived }) => {
      const claim = receipts.find((one) => one.kind === 'armed' && one.member === member)
      return [
        `  ${holder}`,
        `holds it, proved after ${arrived - published} ms`,
        claim ? `armed, claimed after ${claim.arrived - published} ms` : 'not armed',
      ]
    })
  return [
    `Entry ${index} of log ${log.slice(0, 12)}… of ${slug}, published ${new Date(published).toISOString()}:`,
    ...(rows.length === 0 ? [`  ${NOT_SHOWN[state]}`] : table(rows)),
  ]
}

/** Names the carrier that brought a statement. */
const by = (via: string | undefined, slugOf: (member: string) => string) => (via ? `, via ${slugOf(via)}` : '')

function missingRow({ slug, late, waitedMs, lagEntries, link, lastSeen }: Standing['missing'][number]): string[] {
  const seen = lastSeen === null ? 'never seen' : `last seen ${new Date(lastSeen).toISOString()}`
  return [
    `  ${slug}`,
    `${late ? 'LATE: ' : ''}no receipt for ${Math.round(waitedMs / 1_000)} s`,
    `${lagEntries} ${lagEntries === 1 ? 'entry' : 'entries'} behind; link ${link}, ${seen}`,
  ]
}

/** The recall, with a row for everybody who acknowledged it and everybody who received the entry and did not yet. */
function recallLines(
  { time, reason, acknowledged }: Recall,
  holders: readonly string[],
  slugOf: (member: string) => string,
): string[] {
  const when = time === undefined ? '' : ` ${new Date(time).toISOString()}`
  const after = (at: number) => (time === undefined ? new Date(at).toISOString() : `after ${at - time} ms`)
  const silent = holders.filter((slug) => !acknowledged.some((one) => one.slug === slug))
  return [
    `  Recalled${when}${reason === undefined ? '' : `, reason: ${reason}`}.`,
    ...table([
      ...acknowledged.map(({ slug, withheld, purged, arrived, via }) => [
        `    ${slug}`,
        `acknowledged ${after(arrived)}${by(via, slugOf)}`,
        `withheld ${new Date(withheld).toISOString()}`,
        purged === null ? 'not purged' : `purged ${new Date(purged).toISOString()}`,
      ]),
      ...silent.map((slug) => [`    ${slug}`, 'has not acknowledged it yet', '', '']),
    ]),
    ...(acknowledged.length + silent.length === 0 ? ['    nobody has acknowledged it yet'] : []),
  ]
}
