import { answerWireVector } from '#log'
import { runBatch } from '../batch.ts'
import { examples, type Register } from '../command.ts'

/** `noroshi wire` */
export const register: Register = (program, context) => {
  program
    .command('wire')
    .description('Answer vectors of the wire format: one JSON request per line in, one answer per line out.')
    .requiredOption('--batch <file>', 'requests; - for stdin')
    .option('--json', 'print JSON (the only form)')
    .addHelpText('after', examples(['noroshi wire --batch requests.jsonl']))
    .action(async ({ batch }: { batch: string }) => {
      await runBatch(batch, context, (request) => answerWireVector(request as Parameters<typeof answerWireVector>[0]))
    })
}
