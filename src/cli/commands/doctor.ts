import { examine, type Finding, readEnvironment } from '#node'
import { EXIT, examples, type Register, UsageError } from '../command.ts'

const SIGNS: Readonly<Record<Finding['state'], string>> = { ok: '✔', warn: '⚠', fail: '✘' }

/** `noroshi doctor` */
export const register: Register = (program, { output, exit }) => {
  program
    .command('doctor')
    .description(
      'Look at disk, keys, clock, port, certificate, address, proxy (HTTPS_PROXY, NO_PROXY) and peers of a node, running or not, and say what to do. Exit code 1 where something does not work.',
    )
    .option('--dir <dir>', 'data directory (NOROSHI_DIR)')
    .option('--json', 'print JSON')
    .addHelpText('after', examples(['noroshi doctor --dir node', 'noroshi doctor --dir node --json | jq .findings']))
    .action(async (options: { dir?: string; json?: boolean }) => {
      const { dir: known, proxy } = readEnvironment()
      const dir = options.dir ?? known
      if (dir === undefined) throw new UsageError('Which node? Give --dir DIR, or set NOROSHI_DIR.')
      const findings = await examine(dir, Date.now(), proxy)
      const isWell = findings.every(({ state }) => state !== 'fail')
      if (options.json) await output.line(JSON.stringify({ ok: isWell, findings }))
      else for (const line of findings.flatMap(toLines)) await output.line(line)
      exit(isWell ? EXIT.done : EXIT.no)
    })
}

const toLines = ({ check, state, what, next }: Finding) => [
  `${SIGNS[state]} ${check}: ${what}`,
  ...(next === undefined ? [] : [`    ${next}`]),
]
