import { answerDecideVector } from '#policy'
import { exactlyOneForm, runBatch } from '../batch.ts'
import { examples, type Register } from '../command.ts'

/** `noroshi decide` */
export const register: Register = (program, context) => {
  program
    .command('decide [file]')
    .description('Answer policy vectors: one JSON request per line in, one decision per line out.')
    .option('--batch <file>', 'the same; - for stdin')
    .option('--json', 'print JSON (the only form)')
    .addHelpText('after', examples(['noroshi decide requests.jsonl', 'noroshi decide --batch - < requests.jsonl']))
    .action(async (file: string | undefined, { batch }: { batch?: string }) => {
      exactlyOneForm(batch, file !== undefined, 'Give one file of requests, as FILE or as --batch FILE')
      await runBatch(batch ?? (file as string), context, (request) =>
        answerDecideVector(request as Parameters<typeof answerDecideVector>[0]),
      )
    })
}
