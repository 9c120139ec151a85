// Runs the command line at a pseudo terminal, as a person does: waits for each question, types the answer.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { HOME } from './command-line.ts'

const LIMIT_MS = 60_000

/** A question, by words of it, and what is typed; a lone Ctrl-D ends the input. */
export type Dialogue = readonly (readonly [question: RegExp, answer: string])[]

/** All that the terminal showed, and the exit code. */
export async function atTerminal(
  args: readonly string[],
  dialogue: Dialogue,
): Promise<{ code: number; shown: string }> {
  const words = [process.execPath, '--disable-warning=ExperimentalWarning', join(HOME, 'src/cli/main.ts'), ...args]
  const command = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
  const child = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS)
  let shown = ''
  let from = 0
  const left = [...dialogue]
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text
    for (let next = left[0]; next; next = left[0]) {
      const asked = next[0].exec(shown.slice(from))
      if (!asked) return
      from += asked.index + asked[0].length
      left.shift()
      child.stdin.write(next[1])
    }
  })
  const [code] = (await once(child, 'close')) as [number | null]
  clearTimeout(timer)
  if (code === null || left.length > 0)
    throw new Error(`ended with ${code}, ${left.length} questions were not asked:\n${shown}`)
  return { code, shown }
}
