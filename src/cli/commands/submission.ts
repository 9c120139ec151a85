import { collect, examples, oneOf, type Register, UsageError } from '../command.ts'
import { findNode, type NodeOptions } from '../node-client.ts'
import { printable, table } from '../output.ts'
import { subcommandsOf } from '../subcommands.ts'

type JsonOption = NodeOptions & { json?: boolean }
type MarkingOptions = JsonOption & { tlp: string; to: string[] }

interface Shown {
  id: string
  state: string
  received: number
  objects: number
  consent: string | { value: string }
  source?: { slug: string; name: string }
  messages: { from: string; kind: string; text: string; time: number }[]
  edits?: { object: string; path: string; op: string; value?: unknown }[]
  refused: { id: string; code: string; message: string }[]
  reason?: string
  receipt?: {
    sharedWith: string
    acknowledged: string
    sighted: string
    source: string
    protected: Record<string, number>
  }
}

interface Finding {
  object: string
  path: string
  kind: string
  action: string
  reason: string
  was?: unknown
  keepable: boolean
}

interface Preview {
  alliance: string
  pseudonym: string
  publications: { form: string; tlp: string; recipients: { slug: string; code: string }[]; objects: object[] }[]
  refused: { id: string; code: string; message: string }[]
  findings: Finding[]
}

const LEVELS = ['clear', 'green', 'amber', 'amber+strict']

/** `noroshi submission …` */
export const register: Register = (program, context) => {
  const submission = program
    .command('submission')
    .description('Submissions of clients: follow one as its submitter; review, scrub and publish it as the provider.')
    .addHelpText(
      'after',
      examples(['noroshi submission list --dir node', 'noroshi submission preview 019a… --to trilateral --dir node']),
    )
  const { sub, say } = subcommandsOf(submission, context)
  const at = (id: string, path = '') => `/api/v1/submissions/${encodeURIComponent(id)}${path}`
  const saySubmission = (options: JsonOption, shown: Shown) => say(options.json, shown, linesOf(shown))

  sub('list', 'Own submissions; all of them with the operator’s token.', ['noroshi submission list --dir node']).action(
    async (options: JsonOption) => {
      const node = await findNode(options)
      const submissions: {
        id: string
        state: string
        received: number
        objects: number
        consent: string
        source?: string
      }[] = []
      for (let after = ''; ;) {
        const page = await node.get<{ submissions: typeof submissions; next?: string }>(`/api/v1/submissions${after}`)
        submissions.push(...page.submissions)
        if (page.next === undefined) break
        after = `?after=${page.next}`
      }
      const rows = submissions.map(({ id, state, received, objects, consent, source = '' }) => [
        id,
        state,
        new Date(received).toISOString(),
        objects,
        consent,
        source,
      ])
      await say(options.json, { submissions }, rows.length === 0 ? ['No submissions.'] : table(rows))
    },
  )

  sub('show <id>', 'One submission: its state, questions and answers, receipt.', [
    'noroshi submission show 019a… --dir node',
  ]).action(async (id: string, options: JsonOption) =>
    saySubmission(options, await (await findNode(options)).get<Shown>(at(id))),
  )

  const message = (name: string, description: string, kind?: string) =>
    sub(`${name} <id> <text>`, description, [`noroshi submission ${name} 019a… "…" --dir node`]).action(
      async (id: string, text: string, options: JsonOption) => {
        const body = kind === undefined ? { text } : { text, kind }
        await saySubmission(options, await (await findNode(options)).post<Shown>(at(id, '/messages'), body))
      },
    )
  message('ask', 'Ask the submitter back; it sees the question and answers.', 'question')
  message('answer', 'Answer a question, as the submitter.')
  message('note', 'Write down something that reviewers alone see.', 'note')

  sub('edit <id>', 'Set what the reviewer changes, in place of the edits before; places are written OBJECT#PATH.', [
    "noroshi submission edit 019a… --remove 'indicator--5f…#description' --replace 'indicator--5f…#name=Beacon' --dir node",
    "noroshi submission edit 019a… --keep 'indicator--5f…#pattern' --dir node",
  ])
    .option('--remove <place>', 'goes: a property, an element of a list, or OBJECT# for all of it', collect, [])
    .option('--replace <place=value>', 'becomes this text, or JSON', collect, [])
    .option('--keep <place>', 'stays although scrubbing would take it: it is the attacker’s', collect, [])
    .action(async (id: string, options: JsonOption & { remove: string[]; replace: string[]; keep: string[] }) => {
      const edits = [
        ...options.remove.map((text) => ({ op: 'remove', ...placeOf(text) })),
        ...options.keep.map((text) => ({ op: 'keep', ...placeOf(text) })),
        ...options.replace.map(replacementOf),
      ]
      const node = await findNode(options)
      const headers = { 'content-type': 'application/json' }
      const response = await node.send('PUT', at(id, '/edits'), { body: JSON.stringify({ edits }), headers })
      await saySubmission(options, (await response.json()) as Shown)
    })

  const marked = (usage: string, description: string, lines: string[]) =>
    sub(usage, description, lines)
      .requiredOption('--to <alliance>', 'alliance that gets it; repeat for several', collect, [])
      .option('--tlp <level>', LEVELS.join(', '), oneOf(...LEVELS), 'amber')

  marked('preview <id>', 'What each audience would get, and what goes and why; publishes nothing.', [
    'noroshi submission preview 019a… --to trilateral --tlp green --dir node',
  ]).action(async (id: string, options: MarkingOptions) => {
    const node = await findNode(options)
    const { alliances } = await node.post<{ alliances: Preview[] }>(at(id, '/preview'), {
      tlp: options.tlp,
      to: options.to,
    })
    await say(options.json, { alliances }, alliances.flatMap(previewLines))
  })

  marked('accept <id>', 'Publish what the preview shows, as this member’s own, and give the submitter a receipt.', [
    'noroshi submission accept 019a… --to trilateral --tlp green --dir node',
  ]).action(async (id: string, options: MarkingOptions) => {
    const body = { tlp: options.tlp, to: options.to }
    await saySubmission(options, await (await findNode(options)).post<Shown>(at(id, '/accept'), body))
  })

  sub(
    'withdraw <id>',
    'As its submitter: take back that you are named, or with --all the whole submission; what stands of it is recalled.',
    ['noroshi submission withdraw 019a…', 'noroshi submission withdraw 019a… --all'],
  )
    .option('--all', 'everything that came of it, and what the provider keeps of its content')
    .action(async (id: string, options: JsonOption & { all?: boolean }) => {
      const body = { what: options.all ? 'all' : 'consent' }
      await saySubmission(options, await (await findNode(options)).post<Shown>(at(id, '/withdraw'), body))
    })

  sub('decline <id>', 'End a submission without publishing anything of it.', [
    'noroshi submission decline 019a… --reason "Known already" --dir node',
  ])
    .requiredOption('--reason <text>', 'the submitter reads it')
    .action(async (id: string, options: JsonOption & { reason: string }) => {
      const body = { reason: options.reason }
      await saySubmission(options, await (await findNode(options)).post<Shown>(at(id, '/decline'), body))
    })
}

function placeOf(text: string): { object: string; path: string } {
  const [object = '', path] = text.split(/#(.*)/s)
  if (path === undefined) throw new UsageError(`"${text}": write OBJECT#PATH, such as indicator--5f…#description.`)
  return { object, path }
}

function replacementOf(text: string) {
  const [place = '', value] = text.split(/=(.*)/s)
  if (value === undefined) throw new UsageError(`"${text}": write OBJECT#PATH=VALUE.`)
  try {
    return { op: 'replace', ...placeOf(place), value: JSON.parse(value) as unknown }
  } catch (error) {
    if (error instanceof UsageError) throw error
    return { op: 'replace', ...placeOf(place), value }
  }
}

function linesOf({
  id,
  state,
  consent,
  source,
  objects,
  messages,
  edits = [],
  refused,
  reason,
  receipt,
}: Shown): string[] {
  return [
    `${id} is ${state}: ${objects} objects, consent ${typeof consent === 'string' ? consent : consent.value}${source ? `, from ${source.slug}` : ''}.`,
    ...refused.map((one) => `  not taken: ${printable(one.id)}: ${one.code}`),
    ...messages.map(
      ({ from, kind, text, time }) => `  ${new Date(time).toISOString()} ${from} (${kind}): ${printable(text)}`,
    ),
    ...edits.map(
      ({ op, object, path, value }) =>
        `  ${op} ${object}#${printable(path)}${value === undefined ? '' : ` = ${printable(JSON.stringify(value))}`}`,
    ),
    ...(reason === undefined ? [] : [`  declined: ${printable(reason)}`]),
    ...(receipt
      ? [
          `  shared with ${receipt.sharedWith} organisations; acknowledged by ${receipt.acknowledged}, seen at work by ${receipt.sighted}.`,
          `  the source is ${receipt.source}.`,
          `  protected: ${
            Object.entries(receipt.protected)
              .map(([kind, count]) => `${count} × ${kind}`)
              .join(', ') || 'nothing had to be'
          }`,
        ]
      : []),
  ]
}

function previewLines({ alliance, pseudonym, publications, refused, findings }: Preview): string[] {
  return [
    `${alliance}, as ${pseudonym}:`,
    ...publications.flatMap(({ form, tlp, recipients, objects }) => [
      `  ${form}, TLP:${tlp.toUpperCase()}, to ${recipients.map(({ slug, code }) => `${slug} (${code})`).join(', ') || 'nobody'}:`,
      ...objects.map((object) => `    ${printable(JSON.stringify(object))}`),
    ]),
    ...refused.map(({ id, code, message }) => `  refused: ${id}: ${code}: ${printable(message)}`),
    ...findings.map(
      ({ object, path, action, kind, reason, was, keepable }) =>
        `  ${action} ${object}#${printable(path)} (${kind}): ${reason}${was === undefined ? '' : ` It was ${printable(JSON.stringify(was))}.`}${keepable ? '' : ' Not to be kept.'}`,
    ),
  ]
}
