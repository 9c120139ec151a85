import { once } from 'node:events'

/** Width of a terminal that does not tell it, and the least in which progress says anything. */
const USUAL_COLUMNS = 80
const LEAST_COLUMNS = 20

/** Where a command writes: results, and what is said beside them. */
export interface Output {
  /** One line of result on stdout; resolves when more may be written. */
  line(text: string): Promise<void>
  /** A piece of a line of result. */
  text(text: string): Promise<void>
  /** One line beside the results, on stderr. */
  note(text: string): void
  /** Shows progress in place, where a person watches. */
  progress(text: string): void
  /** Whether a person watches stderr. */
  readonly isWatched: boolean
}

/** Output of this process. */
export function processOutput(): Output {
  let shown = false
  const clear = () => {
    if (shown) process.stderr.write('\r\u001b[2K')
    shown = false
  }
  const write = async (text: string) => {
    clear()
    // Of JSON and exports every byte counts, so only what a person watches is changed.
    if (!process.stdout.write(process.stdout.isTTY ? readable(text) : text)) await once(process.stdout, 'drain')
  }
  return {
    isWatched: process.stderr.isTTY,
    line: (text) => write(`${text}\n`),
    text: write,
    note(text) {
      clear()
      process.stderr.write(`${readable(text)}\n`)
    },
    progress(text) {
      if (!process.stderr.isTTY) return
      process.stderr.write(`\r\u001b[2K${text.slice(0, progressColumns(process.stderr.columns))}`)
      shown = true
    },
  }
}

/** Columns for progress on a terminal of that width; one that does not know its own says 0, or nothing. */
export const progressColumns = (columns: number | undefined): number =>
  Math.max(LEAST_COLUMNS, (columns || USUAL_COLUMNS) - 1)

/** Text of a table: cells padded to their column. */
export function table(rows: readonly (readonly (string | number)[])[]): string[] {
  const widths: number[] = []
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, String(cell).length)))
  return rows.map((row) =>
    row
      .map((cell, i) =>
        typeof cell === 'number' ? String(cell).padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  )
}

/** Text of several lines, of which others may have written parts. */
const readable = (text: string): string => text.replace(/[^\n\t]+/g, printable)

/** Text of others on a terminal: control characters become visible. */
export const printable = (text: string): string =>
  text.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (char) => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  )
