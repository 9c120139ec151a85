import { setTimeout as sleep } from 'node:timers/promises'
import { counted, EXIT, examples, oneOf, type Register, shaped, UsageError } from '../command.ts'
import { findNode, type NodeClient, type NodeOptions, withNodeOptions } from '../node-client.ts'
import type { Output } from '../output.ts'

interface Options extends NodeOptions {
  reason: string
  wait?: string
  json?: boolean
}

interface Answer {
  recalled: Place[]
  tasks: { id: string; type: string; why: string }[]
}

interface Place {
  log: string
  index: number
}

interface Receipt {
  member: string
  kind: string
  from: number
  size: number
  verified: boolean
}

interface Standing extends Place {
  recall?: { acknowledged: { member: string }[] }
}

/** Between two looks at who has acknowledged. */
const LOOK_MS = 250

const REASONS = ['error', 'legal', 'marking', 'other', 'personal-data', 'source-protection', 'superseded']

const toSeconds = shaped(/^\d{1,6}$/, 'A number of seconds.')

/** `noroshi recall` */
export const register: Register = (program, { output, exit }) => {
  withNodeOptions(
    program
      .command('recall <id>')
      .description('Take back an object, or one entry as LOG:INDEX: every recipient stops using it and acknowledges.'),
  )
    .option('--reason <reason>', `${REASONS.join(', ')}`, oneOf(...REASONS), 'error')
    .option(
      '--wait <seconds>',
      'until every member that holds it has acknowledged; exit code 1 where one has not',
      toSeconds,
    )
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples([
        'noroshi recall indicator--0f3c… --dir node --reason error',
        'noroshi recall 5ab1…:17 --dir node --reason personal-data',
      ]),
    )
    .action(async (id: string, options: Options) => {
      if (options.wait !== undefined && !id.includes('--')) throw new UsageError('--wait needs the id of an object.')
      const node = await findNode(options)
      const answer = await node.post<Answer>('/api/v1/recall', {
        ...what(id),
        reason: options.reason,
      })
      const silent = options.wait === undefined ? [] : await waitFor(node, id, answer, Number(options.wait), output)
      if (options.json)
        await output.line(JSON.stringify({ ...answer, ...(options.wait === undefined ? {} : { silent }) }))
      else {
        const { length } = answer.recalled
        await output.line(`Recalled ${id} in ${counted(length, 'entry', 'entries')}.`)
        if (answer.tasks.length > 0) await output.line('For a person:')
        for (const { id: of, why } of answer.tasks) await output.line(`  ${of} ${why}`)
        if (options.wait !== undefined)
          await output.line(
            silent.length === 0
              ? 'Every member that holds it has acknowledged.'
              : `Not acknowledged by ${silent.join(', ')}.`,
          )
      }
      exit(silent.length === 0 ? EXIT.done : EXIT.no)
    })
}

function what(text: string): object {
  const entry = /^([0-9a-f]{64}):(\d+)$/.exec(text)
  if (entry) return { log: entry[1], index: Number(entry[2]) }
  if (/^[a-z][a-z0-9-]*--[0-9a-fA-F-]{36}$/.test(text)) return { id: text }
  throw new UsageError(`${text} is neither an object id nor LOG:INDEX.`)
}

/** Members that hold what was taken back, by their receipts, and have not acknowledged it when the time is over. */
async function waitFor(
  node: NodeClient,
  id: string,
  { recalled }: Answer,
  seconds: number,
  output: Output,
): Promise<string[]> {
  const { members } = await node.get<{ members: { member: string; slug: string }[] }>('/api/v1/members')
  const slugOf = (member: string) => members.find((one) => one.member === member)?.slug ?? member
  const holders = new Map<string, Set<string>>()
  for (const { log, index } of recalled) {
    const { receipts } = await node.get<{ receipts: Receipt[] }>(`/api/v1/receipts?log=${log}`)
    const covering = receipts.filter(
      ({ kind, verified, from, size }) => kind === 'received' && verified && from <= index && index < size,
    )
    holders.set(`${log} ${index}`, new Set(covering.map(({ member }) => member)))
  }
  for (const until = Date.now() + seconds * 1_000; ;) {
    const { standing } = await node.get<{ standing: Standing[] }>(`/api/v1/objects/${encodeURIComponent(id)}/standing`)
    const silent = new Set<string>()
    let acknowledged = 0
    for (const { log, index, recall } of standing)
      for (const member of holders.get(`${log} ${index}`) ?? []) {
        if (recall?.acknowledged.some((one) => one.member === member)) acknowledged++
        else silent.add(slugOf(member))
      }
    if (silent.size === 0 || Date.now() >= until) return [...silent].sort()
    output.progress(`${acknowledged} acknowledged, waiting for ${[...silent].sort().join(', ')}`)
    await sleep(LOOK_MS)
  }
}
