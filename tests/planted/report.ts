// What a person sees of a campaign: where it stands, and in the end one row for each bug.
import type { Progress, Result } from './campaign.ts'

const CATCHER_COLUMNS = 58
const WHY_CHARACTERS = 1_500

const SAID: Record<Result['verdict'], string> = {
  caught: 'caught',
  unnoticed: 'NOT NOTICED',
  'another-test': 'ANOTHER TEST',
  hangs: 'HANGS',
  'red-without-it': 'RED WITHOUT IT',
  'does-not-fit': 'DOES NOT FIT',
}

/** Tells of each result in a line; on a terminal also what is under way, in a line that is written over. */
export function progressOn(out: NodeJS.WriteStream, total: number): Progress {
  const began = performance.now()
  const underWay = new Set<string>()
  let done = 0
  const seconds = () => Math.round((performance.now() - began) / 1_000)
  const state = () => {
    if (!out.isTTY) return
    const line = `${done} of ${total}, ${seconds()} s: ${[...underWay].join(', ') || 'copying the tree'}`
    out.write(`\r\x1B[K${line.slice(0, out.columns - 1)}`)
  }
  const timer = setInterval(state, 1_000).unref()
  return {
    began(what) {
      underWay.add(what)
      state()
    },
    ended(what) {
      underWay.delete(what)
      state()
    },
    result({ bug, verdict, seconds: own }) {
      done++
      if (out.isTTY) out.write('\r\x1B[K')
      const place = `${String(done).padStart(String(total).length)} of ${total}`
      out.write(
        `${place} ${String(seconds()).padStart(5)} s  ${SAID[verdict].padEnd(14)} ${bug.id} (${own.toFixed(1)} s)\n`,
      )
      if (done === total) clearInterval(timer)
    },
  }
}

/** One row for each bug, then what is wrong, then one sentence. */
export function summary(results: readonly Result[], seconds: number): string {
  const head = ['Suite', 'Patch', 'Caught by', 'Seconds', 'Promise']
  const rows = results.map(({ bug, verdict, by, seconds: own }) => {
    const [suite = '', patch = ''] = bug.id.split('/')
    return [suite, patch, by === undefined ? SAID[verdict] : cut(by, CATCHER_COLUMNS), own.toFixed(1), bug.promise]
  })
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]!.length)))
  const lines = [head, widths.map((width) => '-'.repeat(width)), ...rows].map((row) =>
    row
      .map((cell, column) => (column === 3 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd(),
  )
  const wrong = results.filter(({ verdict }) => verdict !== 'caught')
  const reasons = wrong.map(
    ({ bug, verdict, why = '' }) => `\n${SAID[verdict]}: ${bug.id}\n${cut(why, WHY_CHARACTERS)}`,
  )
  const all = `${results.length} planted bugs, ${results.length - wrong.length} caught, in ${Math.round(seconds)} s.`
  return [...lines, ...reasons, '', all].join('\n')
}

const cut = (text: string, most: number) => (text.length <= most ? text : `${text.slice(0, most - 1)}…`)
