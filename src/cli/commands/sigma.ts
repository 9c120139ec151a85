import { readFile } from 'node:fs/promises'
import { answerSigmaVector, Detector, LineMatcher, parseSigma } from '#detect'
import { exactlyOneForm, runBatch } from '../batch.ts'
import { EXIT, examples, type Register, UsageError } from '../command.ts'
import { openInput } from '../input.ts'

/** `noroshi sigma …` */
export const register: Register = (program, context) => {
  const { output, exit } = context
  const sigma = program
    .command('sigma')
    .description('Match a Sigma rule with events.')
    .addHelpText('after', examples(['noroshi sigma match rule.yml events.jsonl']))
  sigma
    .command('match [rule] [files...]')
    .description(
      'Events of JSON lines that a Sigma rule matches; it sees events of its log source only. Exit code 1 where none matches.',
    )
    .option('--batch <file>', 'one {"id","rule","events"} per line; - for stdin')
    .option('--format <format>', 'of the events: zeek, eve, windows, … or auto', 'auto')
    .option('--json', 'print JSON, one object per match')
    .addHelpText(
      'after',
      examples(['noroshi sigma match rule.yml events.jsonl', 'noroshi sigma match --batch requests.jsonl']),
    )
    .action(
      async (
        rule: string | undefined,
        files: string[],
        options: { batch?: string; format: string; json?: boolean },
      ) => {
        exactlyOneForm(options.batch, rule !== undefined, 'Give RULE and FILE…, or --batch FILE')
        if (options.batch !== undefined)
          return runBatch(options.batch, context, (request) =>
            answerSigmaVector(request as Parameters<typeof answerSigmaVector>[0]),
          )
        if (files.length === 0) throw new UsageError('Give the files of events after the rule; - for stdin.')
        const yaml = await readFile(rule as string, 'utf8')
        parseSigma(yaml)
        const detector = new Detector()
        const armed = detector.arm({ id: rule as string, kind: 'sigma', pattern: yaml, validFrom: 0 })
        if (!armed.armed) throw new UsageError(`${rule}: ${armed.message}`)
        let matches = 0
        for (const file of files) {
          const matcher = new LineMatcher(detector, { format: options.format, file })
          const print = async (hits: ReturnType<LineMatcher['push']>) => {
            for (const { event, value } of hits)
              await output.line(
                options.json
                  ? JSON.stringify({ event: { file, line: event.line }, title: value })
                  : `${file}:${event.line}  ${value}`,
              )
            matches += hits.length
          }
          for await (const chunk of openInput(file)) await print(matcher.push(chunk))
          await print(matcher.end())
        }
        exit(matches > 0 ? EXIT.done : EXIT.no)
      },
    )
}
