import { openSync } from 'node:fs'
import { createInterface, type Interface } from 'node:readline'
import { ReadStream } from 'node:tty'

/** A person who can be asked; dispose to let the process end. */
export interface Terminal extends Disposable {
  /** The answer, without spaces around it; empty where the person ended the input instead. */
  ask(question: string): Promise<string>
}

/**
 * The person at this process's terminal; undefined where there is none. Where stdin was the input of the command, the
 * terminal itself is read.
 */
export function openTerminal({ isStdinTaken }: { isStdinTaken: boolean }): Terminal | undefined {
  if (!process.stderr.isTTY) return undefined
  const own = isStdinTaken ? openDevice() : undefined
  const input = isStdinTaken ? own : process.stdin.isTTY ? process.stdin : undefined
  if (!input) return undefined
  const asking = createInterface({ input, output: process.stderr, terminal: false })
  return {
    ask: (question) => nextLine(asking, question),
    [Symbol.dispose]() {
      asking.close()
      own?.destroy()
    },
  }
}

/** The terminal of the process where there is one; Windows has no such device. */
function openDevice(): ReadStream | undefined {
  try {
    return new ReadStream(openSync('/dev/tty', 'r'))
  } catch {
    return undefined
  }
}

function nextLine(asking: Interface, question: string): Promise<string> {
  return new Promise((resolve) => {
    const ended = () => resolve('')
    asking.once('close', ended)
    asking.question(question, (answer) => {
      asking.off('close', ended)
      resolve(answer.trim())
    })
  })
}
