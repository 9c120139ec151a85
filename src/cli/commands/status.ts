import { EXIT, examples, type Register } from '../command.ts'
import { findNode, type NodeOptions, withNodeOptions } from '../node-client.ts'
import { charterText, isDifferent, type SeenCharter } from '../charter-text.ts'
import { clockText } from '../clock-text.ts'
import { type QuotaHold, quotaText } from '../quota-text.ts'
import { printable, table } from '../output.ts'

interface Status {
  member: string
  slug: string
  name: string
  nodes: { url: string; version: string; started: number; demo: boolean }[]
  links: {
    peer: string
    state: string
    lagEntries: number
    clockOffsetMs: number | null
    clockBoundMs: number | null
    lastError?: string
    quota?: QuotaHold
  }[]
  alliances: {
    slug: string
    version: number
    hash: string
    members: number
    seen: (SeenCharter & { slug: string })[]
  }[]
  logs: number
  ownLogs: number
  entries: number
  objects: number
  bytes: number
  /** Present while peers are asked what they hold of this node's logs. */
  notSigning?: string
  sources: {
    name: string
    paused: boolean
    result?: string
    failures: number
    lastSuccess?: number
    lastError?: string
    lastErrorTime?: number
  }[]
  armed: {
    active: number
    refused: number
    /** Present while a start is still arming what the store holds. */
    pending?: { done: number; total: number }
    evaluated: {
      patterns: number
      kept: number
      observers: number
      dropped: number
      overBudget: number
      incomparable: number
    }
  }
}

/** `noroshi status` */
export const register: Register = (program, { output, exit }) => {
  withNodeOptions(program.command('status').description('Look at a running node: member, links, logs.'))
    .option('--json', 'print JSON')
    .addHelpText('after', examples(['noroshi status --dir node', 'noroshi status --dir node --json | jq .links']))
    .action(async (options: NodeOptions & { json?: boolean }) => {
      const node = await findNode(options)
      const status = await node.get<Status>('/api/v1/status')
      if (options.json) await output.line(JSON.stringify(status))
      else for (const line of toLines(status)) await output.line(line)
      exit(EXIT.done)
    })
}

function toLines(status: Status): string[] {
  const [node] = status.nodes
  const { pending } = status.armed
  const links = status.links.map(({ peer, state, lagEntries, clockOffsetMs, clockBoundMs, lastError = '', quota }) => [
    `  ${peer}`,
    state,
    `${lagEntries} behind`,
    clockText({ clockOffsetMs, clockBoundMs }),
    quotaText(quota) || lastError,
  ])
  return [
    `${status.name} (${status.slug}, ${status.member})`,
    `  at ${node?.url}, version ${node?.version}${node?.demo ? ', demo keys' : ''}`,
    `  ${status.logs} logs (${status.ownLogs} own), ${status.entries} entries, ${status.objects} objects, ${Math.ceil(status.bytes / 1_024)} KiB`,
    `  ${status.armed.active} indicators and rules active, ${status.armed.refused} refused`,
    ...(pending ? [`  arming what the store holds: ${pending.done} of ${pending.total}; telemetry waits`] : []),
    ...(status.notSigning === undefined ? [] : [`  ${status.notSigning}`]),
    ...evaluatedLines(status.armed.evaluated),
    `Alliances: ${status.alliances.map(({ slug, version, members }) => `${slug} (version ${version}, ${members} members)`).join(', ') || 'none'}`,
    ...status.alliances.flatMap(({ slug, seen }) =>
      seen.filter(isDifferent).map((one) => `  ${slug}: ${one.slug} ${charterText(one)}`),
    ),
    'Links:',
    ...(links.length === 0 ? ['  none'] : table(links)),
    ...(status.sources.length === 0 ? [] : ['TAXII sources:', ...table(status.sources.map(toSourceRow))]),
  ]
}

function toSourceRow({ name, paused, result, failures, lastSuccess, lastError, lastErrorTime }: Status['sources'][0]) {
  const state = failures > 0 ? `${failures} failed runs` : (result ?? 'not run yet')
  const time = lastErrorTime === undefined ? '' : `${new Date(lastErrorTime).toISOString()} `
  return [
    `  ${name}`,
    paused ? `paused, ${state}` : state,
    lastSuccess === undefined ? 'no success yet' : `last success ${new Date(lastSuccess).toISOString()}`,
    lastError === undefined ? '' : printable(`last error ${time}${lastError}`),
  ]
}

function evaluatedLines({ patterns, ...counts }: Status['armed']['evaluated']): string[] {
  if (patterns === 0) return []
  const { kept, observers, dropped, overBudget, incomparable } = counts
  const lost = dropped + overBudget + incomparable
  return [
    `  ${patterns} patterns outside of the index, ${kept} events of ${observers} observers kept for them`,
    ...(lost === 0
      ? []
      : [
          `  limits met: ${dropped} events dropped, ${overBudget} evaluations over budget, ${incomparable} not comparable`,
        ]),
  ]
}
