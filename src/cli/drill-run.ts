import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Rehearsal, runRehearsal } from '#node'
import type { Output } from './output.ts'

/** Folder of drills' reports where none is named. */
export const DRILLS_FOLDER = join('.noroshi', 'drills')
const REDRAW_MS = 250

/** How the command line runs a drill. */
export interface DrillRunOptions {
  scenarioPath: string
  members?: number
  firstPort?: number
  output: Output
  /** Gives the run up: the nodes are stopped and their data removed. */
  signal?: AbortSignal
}

/** A drill that was run, with its nodes still up; dispose to stop them and remove their data. */
export type DrillRun = Rehearsal

/** Runs a drill with a live scoreboard on stderr; the nodes' data lie in a temporary folder. */
export async function runDrillWithScoreboard(options: DrillRunOptions): Promise<DrillRun> {
  const { output } = options
  const folder = mkdtempSync(join(tmpdir(), 'noroshi-rehearsal-'))
  // Nodes that were killed a moment ago may still write: removing is tried again then.
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  process.once('exit', remove)
  const board = scoreboard(output)
  try {
    const rehearsal = await runRehearsal({
      scenarioPath: options.scenarioPath,
      folder,
      now: Date.now,
      ...(options.members === undefined ? {} : { members: options.members }),
      ...(options.firstPort === undefined ? {} : { firstPort: options.firstPort }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      onProgress: (text) => output.note(`  ${text} …`),
      onScoreboard: board.show,
    })
    return {
      ...rehearsal,
      async [Symbol.asyncDispose]() {
        await rehearsal[Symbol.asyncDispose]()
        remove()
        process.off('exit', remove)
      },
    }
  } catch (error) {
    remove()
    process.off('exit', remove)
    throw error
  } finally {
    board.close()
  }
}

/** Draws the scoreboard in place where a person watches; elsewhere a line for each new phase. */
function scoreboard(output: Output): { show: (lines: string[], phase: string) => void; close: () => void } {
  let drawn = 0
  let latest: string[] = []
  let phase = ''
  let clock: NodeJS.Timeout | undefined
  const draw = () => {
    const up = drawn > 0 ? `\u001b[${drawn}A` : ''
    process.stderr.write(
      `${up}${latest.map((line) => `\u001b[2K${line.slice(0, (process.stderr.columns ?? 120) - 1)}\n`).join('')}`,
    )
    drawn = latest.length
  }
  return {
    show(lines, now) {
      latest = lines
      if (!output.isWatched) {
        if (now !== phase) output.note(lines[0] ?? now)
        phase = now
        return
      }
      draw()
      clock ??= setInterval(draw, REDRAW_MS).unref()
    },
    close: () => clearInterval(clock),
  }
}
