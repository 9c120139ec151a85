import type { Command } from 'commander'
import type { Output } from './output.ts'

/** Exit codes: done; the answer is no (invalid, no match, a drill failed); wrong usage or cannot run. */
export const EXIT = { done: 0, no: 1, failed: 2 } as const

/** What a command answers. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** What every command is given besides its arguments. */
export interface CommandContext {
  output: Output
  /** Called by a command's action with its answer. */
  exit: (code: ExitCode) => void
}

/** Adds one command, with its options and examples, to the program. */
export type Register = (program: Command, context: CommandContext) => void

/** Examples below a command's help. */
export const examples = (lines: readonly string[]): string =>
  `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`

/** Wrong usage of a command; the message says what is right. */
export class UsageError extends Error {}

/** Collects an option that may be given several times. */
export const collect = (value: string, before: string[] = []): string[] => [...before, value]
