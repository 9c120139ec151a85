import { fsckDirectory, readEnvironment } from '#node'
import { counted, EXIT, examples, type Register, UsageError } from '../command.ts'

/** Faults listed one by one. */
const LISTED_FAULTS = 50

/** `noroshi fsck` */
export const register: Register = (program, { output, exit }) => {
  program
    .command('fsck')
    .description(
      'Verify every log, root, signature and index on disk; exit code 1 where something is wrong. The node must be stopped.',
    )
    .option('--dir <dir>', 'data directory (NOROSHI_DIR)')
    .option('--json', 'print JSON')
    .addHelpText('after', examples(['noroshi fsck --dir node', 'noroshi fsck --dir node --json | jq .faults']))
    .action(async (options: { dir?: string; json?: boolean }) => {
      const dir = options.dir ?? readEnvironment().dir
      if (dir === undefined) throw new UsageError('Which node? Give --dir DIR, or set NOROSHI_DIR.')
      const report = await fsckDirectory(dir, (done) => output.progress(`verified ${Math.floor(done * 100)} %`))
      if (options.json) await output.line(JSON.stringify(report))
      else {
        const { logs, entries, checkpoints, objects, bytes } = report.checked
        await output.line(
          `Checked ${counted(logs, 'log')}, ${counted(entries, 'entry', 'entries')}, ${counted(checkpoints, 'checkpoint')}, ${counted(objects, 'object')}, ${counted(bytes, 'byte')}: ${report.ok ? 'all good' : counted(report.faults.length, 'fault')}.`,
        )
        for (const { log, index, kind, message } of report.faults.slice(0, LISTED_FAULTS))
          await output.line(
            `  ${kind}${log === undefined ? '' : ` in log ${log}`}${index === undefined ? '' : `, entry ${index}`}: ${message}`,
          )
      }
      exit(report.ok ? EXIT.done : EXIT.no)
    })
}
