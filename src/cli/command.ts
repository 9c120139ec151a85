import { type Command, InvalidArgumentError } from 'commander'
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

/** Takes one of the values, in whatever case; refuses others by naming these. */
export const oneOf =
  (...values: readonly string[]) =>
  (value: string): string => {
    if (values.includes(value.toLowerCase())) return value.toLowerCase()
    throw new InvalidArgumentError(`Allowed: ${values.join(', ')}.`)
  }

/** Takes what the pattern fits; refuses others by saying what is right. */
export const shaped =
  (pattern: RegExp, right: string) =>
  (value: string): string => {
    if (pattern.test(value)) return value
    throw new InvalidArgumentError(right)
  }

/** A port number as an option. */
export const toPort = (value: string): string => {
  if (/^\d{1,5}$/.test(value) && Number(value) <= 65_535) return value
  throw new InvalidArgumentError('A port is a number from 0 to 65535.')
}

/** Count and noun, in the right number. */
export const counted = (count: number, noun: string, plural = `${noun}s`): string =>
  `${count} ${count === 1 ? noun : plural}`

/** Collects an option that may be given several times. */
export const collect = (value: string, before: string[] = []): string[] => [...before, value]
