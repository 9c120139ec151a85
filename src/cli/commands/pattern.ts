import { readFile } from 'node:fs/promises'
import { type Json, parseJson } from '#base'
import { answerPatternCheckVector, answerPatternMatchVector, checkPattern } from '#stix'
import { exactlyOneForm, runBatch } from '../batch.ts'
import { EXIT, examples, type Register, UsageError } from '../command.ts'
import { openInput } from '../input.ts'

/** Bytes and levels of one file of observations. */
const OBSERVED = { maxBytes: 268_435_456, maxDepth: 80 }

/** `noroshi pattern …` */
export const register: Register = (program, context) => {
  const { output, exit } = context
  const pattern = program
    .command('pattern')
    .description('Check STIX patterns, match them with observations.')
    .addHelpText('after', examples([`noroshi pattern check "[ipv4-addr:value = '198.51.100.7']"`]))

  pattern
    .command('check [pattern]')
    .description('Parse a STIX pattern; exit code 1 where it is none.')
    .option('--batch <file>', 'one {"id","pattern"} per line; - for stdin')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples([
        `noroshi pattern check "[ipv4-addr:value = '198.51.100.7']"`,
        'noroshi pattern check --batch patterns.jsonl',
      ]),
    )
    .action(async (text: string | undefined, options: { batch?: string; json?: boolean }) => {
      exactlyOneForm(options.batch, text !== undefined, 'Give one PATTERN, or --batch FILE')
      if (options.batch !== undefined)
        return runBatch(options.batch, context, (request) =>
          answerPatternCheckVector(request as Parameters<typeof answerPatternCheckVector>[0]),
        )
      const { valid, errors } = checkPattern(text as string)
      if (options.json) await output.line(JSON.stringify({ valid, errors }))
      else if (valid) await output.line('valid')
      else
        for (const { line, column, message } of errors) await output.line(`line ${line}, column ${column}: ${message}`)
      exit(valid ? EXIT.done : EXIT.no)
    })

  pattern
    .command('match [pattern] [file]')
    .description(
      'Match a STIX pattern with a bundle, or an array of bundles, of observed-data and SCOs; exit code 1 where it does not match.',
    )
    .option('--batch <file>', 'one {"id","pattern","observed"} per line; - for stdin')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples([
        `noroshi pattern match "[domain-name:value = 'c2.example']" observed.json`,
        'noroshi pattern match --batch requests.jsonl',
      ]),
    )
    .action(async (text: string | undefined, file: string | undefined, options: { batch?: string; json?: boolean }) => {
      exactlyOneForm(options.batch, text !== undefined, 'Give PATTERN and FILE, or --batch FILE')
      if (options.batch !== undefined)
        return runBatch(options.batch, context, (request) =>
          answerPatternMatchVector(request as Parameters<typeof answerPatternMatchVector>[0]),
        )
      if (file === undefined) throw new UsageError('Give the file of observations after the pattern; - for stdin.')
      const { valid, errors } = checkPattern(text as string)
      if (!valid)
        throw new UsageError(
          `Not a STIX pattern: line ${errors[0]?.line}, column ${errors[0]?.column}: ${errors[0]?.message}.`,
        )
      const value = parseJson(await readWhole(file), OBSERVED)
      const answer = answerPatternMatchVector({
        id: null,
        pattern: text as string,
        observed: Array.isArray(value) ? value : [value],
      } as Parameters<typeof answerPatternMatchVector>[0])
      const { match } = answer as unknown as { match: Json }
      await output.line(options.json ? JSON.stringify({ match }) : match ? 'match' : 'no match')
      exit(match ? EXIT.done : EXIT.no)
    })
}

async function readWhole(file: string): Promise<Uint8Array> {
  if (file !== '-') return readFile(file)
  const chunks: Buffer[] = []
  for await (const chunk of openInput('-')) chunks.push(chunk)
  return Buffer.concat(chunks)
}
