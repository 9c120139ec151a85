import { createHash } from 'node:crypto'
import type { Command } from 'commander'
import { BundleReader } from '#stix'
import { follow, push, type Pushed, type Submitted, toSubmissions } from '#taxii'
import { type CommandContext, EXIT, examples } from './command.ts'
import { openInput } from './input.ts'
import { atRemote, findRemote, openRemote, type RemoteOptions, withRemoteOptions } from './taxii-account.ts'
import { readState, writeState } from './taxii-state.ts'

interface Options extends RemoteOptions {
  state?: string
  json?: boolean
}

/** Submissions that were taken, by the hash of their bytes; and the one that the server had when the last run ended. */
interface State {
  collection: string
  done: string[]
  open?: { hash: string } & Submitted
}

interface Report {
  collection: string
  sent: number
  /** Sent by an earlier run that was cut off. */
  before: number
  pending: number
  failures: Pushed['failures']
  unreadable: { index: number; message: string }[]
}

const LISTED = 10

/** `noroshi taxii push` */
export function registerPush(taxii: Command, { output, exit }: CommandContext): void {
  withRemoteOptions(taxii.command('push <file> <address>'))
    .description(
      'Send STIX objects to a collection of another server; a run that was cut off goes on where it stopped.',
    )
    .option('--state <file>', 'where to keep how far it came; absent = beside the file')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples(['noroshi taxii push iocs.json https://taxii.example.org/taxii2/ --collection inbox --user soc']),
    )
    .action((file: string, address: string, options: Options) =>
      atRemote(async () => {
        const http = openRemote(options, output)
        const remote = await findRemote(http, address, options, ({ canWrite }) => canWrite)
        const path = options.state ?? `${file === '-' ? 'stdin' : file}.push-state`
        const state = (await readState<State>(path, remote.url)) ?? { collection: remote.url, done: [] }
        const report: Report = { collection: remote.url, sent: 0, before: 0, pending: 0, failures: [], unreadable: [] }
        for await (const submission of toSubmissions(objectsIn(file, report), remote.maxBytes)) {
          const hash = createHash('sha256').update(submission.body).digest('hex')
          if (state.done.includes(hash)) {
            report.before += submission.objects
            continue
          }
          const { failures, pending } =
            state.open?.hash === hash
              ? await follow(http, remote, state.open, submission.objects)
              : await push(http, remote, submission, async (submitted) => {
                  state.open = { hash, ...submitted }
                  await writeState(path, state)
                })
          report.sent += submission.objects
          report.pending += pending
          report.failures.push(...failures)
          delete state.open
          state.done.push(hash)
          await writeState(path, state)
          output.progress(`${report.sent} objects sent`)
        }
        if (options.json) await output.line(JSON.stringify(report))
        else for (const line of toLines(report)) await output.line(line)
        exit(report.failures.length + report.unreadable.length === 0 ? EXIT.done : EXIT.no)
      }),
    )
}

async function* objectsIn(file: string, report: Report): AsyncGenerator<Uint8Array> {
  const reader = new BundleReader()
  const take = (items: ReturnType<BundleReader['push']>) =>
    items.flatMap((item) => {
      if (item.kind === 'object') return [item.bytes]
      if (item.kind === 'fault') report.unreadable.push({ index: item.index, message: item.error.message })
      return []
    })
  for await (const chunk of openInput(file)) yield* take(reader.push(chunk))
  yield* take(reader.end())
}

function toLines({ sent, before, pending, failures, unreadable }: Report): string[] {
  return [
    `Sent ${sent} objects${before === 0 ? '' : `; ${before} had been sent before`}.`,
    ...(pending === 0 ? [] : [`The server still works on ${pending}.`]),
    ...(failures.length === 0 ? [] : [`The server refused ${failures.length}:`]),
    ...failures.slice(0, LISTED).map(({ id, message = 'no reason given' }) => `  ${id}: ${message}`),
    ...(failures.length > LISTED ? [`  and ${failures.length - LISTED} more; --json lists all`] : []),
    ...unreadable.slice(0, LISTED).map(({ index, message }) => `  object ${index} was not sent: ${message}`),
  ]
}
