import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { type CommandContext, EXIT, type ExitCode, UsageError } from './command.ts'
import { COMMANDS } from './commands.ts'
import type { Output } from './output.ts'

/** Runs one command line; answers its exit code, and never throws. */
export async function run(args: readonly string[], output: Output): Promise<ExitCode> {
  let code: ExitCode = EXIT.done
  const context: CommandContext = { output, exit: (answer) => (code = answer) }
  const program = newProgram(output)
  try {
    for (const entry of COMMANDS) {
      if (entry.name === args[0]) (await entry.load()).register(program, context)
      else program.command(entry.name, { hidden: false }).description(entry.summary).helpOption(false)
    }
    stopAtFaults(program)
    if (args.length === 0) {
      program.outputHelp({ error: true })
      return EXIT.failed
    }
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    return report(error, output)
  }
}

function newProgram(output: Output): Command {
  return (
    new Command('noroshi')
      .description('Noroshi: a cyber-defence network for allies.')
      .version(version(), '-V, --version')
      .helpCommand(false)
      // Before the command only: `alliance approve` has a --version of its own.
      .enablePositionalOptions()
      .configureHelp({ sortSubcommands: false })
      .configureOutput({ writeErr: (text) => output.note(text.trimEnd()) })
      .addHelpText(
        'after',
        '\nEvery command has --help with examples, and --json.\nExit codes: 0 done, 1 the answer is no, 2 wrong usage or cannot run.\n',
      )
  )
}

/** Faults of usage come back as errors, from every depth of subcommands. */
function stopAtFaults(command: Command): void {
  command.exitOverride()
  for (const child of command.commands) {
    child.copyInheritedSettings(command)
    stopAtFaults(child)
  }
}

/** Says what was wrong, where, and what to do next, in one line. */
async function report(error: unknown, output: Output): Promise<ExitCode> {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.failed
  if (error instanceof UsageError) output.note(`noroshi: ${oneLine(error.message)}`)
  else {
    const { describeFailure, stackOf } = await import('./failure.ts')
    const stack = stackOf(error)
    if (stack !== undefined) output.note(stack)
    output.note(`noroshi: ${oneLine(describeFailure(error))}`)
  }
  return EXIT.failed
}

const oneLine = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .join(' ')

function version(): string {
  const url = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(url, 'utf8')) as { version: string }).version
}
