import { backUp, readEnvironment } from '#node'
import { counted, EXIT, examples, type Register, UsageError } from '../command.ts'

interface Options {
  dir?: string
  out: string
  withKeys?: boolean
  json?: boolean
}

/** `noroshi backup` */
export const register: Register = (program, { output, exit }) => {
  program
    .command('backup')
    .description('Copy a node into one verified file, also while it serves. Keys are in it only with --with-keys.')
    .requiredOption('--out <file>', 'file to write; it must not be there yet')
    .option('--dir <dir>', 'data directory (NOROSHI_DIR)')
    .option('--with-keys', 'put the keys and the operator’s token in it: whoever has the file then is this node')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples([
        'noroshi backup --dir node --out node-2026-07-01.backup',
        'noroshi restore node-2026-07-01.backup --dir restored --keys safe/keys',
      ]),
    )
    .action(async ({ dir: named, out, withKeys = false, json }: Options) => {
      const dir = named ?? readEnvironment().dir
      if (dir === undefined) throw new UsageError('Which node? Give --dir DIR, or set NOROSHI_DIR.')
      const progress = (what: string, done: number) => output.progress(`${what} ${Math.floor(done * 100)} %`)
      const manifest = await backUp({ dir, out, withKeys, now: Date.now(), progress })
      if (json) await output.line(JSON.stringify({ file: out, ...manifest }))
      else {
        const bytes = manifest.files.reduce((sum, { size }) => sum + size, 0)
        await output.line(
          `${out}: ${counted(manifest.files.length, 'file')}, ${counted(bytes, 'byte')}, read back and verified.`,
        )
        await output.line(
          withKeys
            ? 'It holds the keys: whoever has it can speak as this member. Keep it as you keep the root key.'
            : 'It holds no keys: keep the folder keys and operator.token elsewhere, or a restore cannot use it.',
        )
      }
      exit(EXIT.done)
    })
}
