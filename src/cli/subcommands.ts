import type { Command } from 'commander'
import { type CommandContext, EXIT, examples } from './command.ts'
import { withNodeOptions } from './node-client.ts'

/** What a command with subcommands of a running node is built from. */
export interface Subcommands {
  /** Adds one: usage, description, examples; it takes --json and names its node. */
  sub: (usage: string, description: string, lines: string[]) => Command
  /** Prints the answer as JSON or as lines, and ends with "done". */
  say: (json: boolean | undefined, value: unknown, lines: readonly string[]) => Promise<void>
}

/** The pieces that `alliance`, `link` and `token` share. */
export function subcommandsOf(parent: Command, { output, exit }: CommandContext): Subcommands {
  return {
    sub: (usage, description, lines) =>
      withNodeOptions(parent.command(usage).description(description))
        .option('--json', 'print JSON')
        .addHelpText('after', examples(lines)),
    async say(json, value, lines) {
      if (json) await output.line(JSON.stringify(value))
      else for (const line of lines) await output.line(line)
      exit(EXIT.done)
    },
  }
}
