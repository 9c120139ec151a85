import { restoreBackup } from '#node'
import { EXIT, examples, type Register } from '../command.ts'

interface Options {
  dir: string
  keys?: string
  json?: boolean
}

/** `noroshi restore` */
export const register: Register = (program, { output, exit }) => {
  program
    .command('restore <file>')
    .description(
      'Make a data directory of a backup. At its first start the node asks its peers what it has lost before it signs anything.',
    )
    .requiredOption('--dir <dir>', 'new or empty folder')
    .option('--keys <dir>', 'folder "keys" of the node, where the backup holds none')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples([
        'noroshi restore node-2026-07-01.backup --dir restored',
        'noroshi restore node-2026-07-01.backup --dir restored --keys safe/keys',
      ]),
    )
    .action(async (file: string, { dir, keys, json }: Options) => {
      const progress = (what: string, done: number) => output.progress(`${what} ${Math.floor(done * 100)} %`)
      const manifest = await restoreBackup({
        file,
        dir,
        now: Date.now(),
        progress,
        ...(keys === undefined ? {} : { keys }),
      })
      if (json) await output.line(JSON.stringify({ dir, ...manifest }))
      else {
        await output.line(`${dir} is ${manifest.slug} as of ${new Date(manifest.time).toISOString()}.`)
        await output.line('Make sure that the old node never runs again: two nodes with one key contradict each other.')
        await output.line(
          `Next: noroshi serve --dir ${dir}. It asks its peers what was published since, and signs nothing before.`,
        )
      }
      exit(EXIT.done)
    })
}
