import { CELL_MAX_CHARS, COLUMNS_MAX, ROWS_MAX } from '../limits.ts'
import type { LossReport } from '../loss.ts'

/** A table of texts. */
export type Rows = string[][]

const DELIMITERS = [',', ';', '\t', '|'] as const
/** Lines looked at to find the delimiter. */
const SAMPLE_LINES = 20

/** The delimiter that cuts the first lines into the most columns, the same number in most lines. */
export function delimiterOf(text: string): string {
  const lines = firstLines(text)
  let best: { delimiter: string; score: number } = { delimiter: ',', score: 0 }
  for (const delimiter of DELIMITERS) {
    const counts = lines.map((line) => cutsOf(line, delimiter))
    const usual = mostFrequent(counts)
    const score = usual * counts.filter((count) => count === usual).length
    if (score > best.score) best = { delimiter, score }
  }
  return best.delimiter
}

function firstLines(text: string): string[] {
  return text
    .slice(0, SAMPLE_LINES * CELL_MAX_CHARS)
    .split(/\r\n|\n|\r/, SAMPLE_LINES)
    .filter((line) => line !== '' && !line.startsWith('#'))
}

function cutsOf(line: string, delimiter: string): number {
  let cuts = 0
  let quoted = false
  for (const char of line) {
    if (char === '"') quoted = !quoted
    else if (char === delimiter && !quoted) cuts++
  }
  return cuts
}

function mostFrequent(counts: readonly number[]): number {
  const times = new Map<number, number>()
  for (const count of counts) times.set(count, (times.get(count) ?? 0) + 1)
  return [...times].sort((a, b) => b[1] - a[1] || b[0] - a[0])[0]?.[0] ?? 0
}

/**
 * Rows of delimited text: quoted cells may hold delimiters, line breaks and doubled quotes; lines that begin with `#`
 * are comments. What is beyond the limits is told to the loss report.
 * @see RFC 4180
 */
export function parseDelimited(text: string, delimiter: string, losses: LossReport): Rows {
  const rows: Rows = []
  let row: string[] = []
  let at = 0
  while (at < text.length && rows.length < ROWS_MAX) {
    if (row.length === 0 && text[at] === '#') {
      at = lineEnd(text, at)
      continue
    }
    const cell = text[at] === '"' ? quotedCell(text, at, delimiter) : plainCell(text, at, delimiter)
    if (row.length < COLUMNS_MAX) row.push(cell.value.slice(0, CELL_MAX_CHARS))
    at = cell.end
    if (text[at] === delimiter) {
      at++
      if (at < text.length) continue
      row.push('')
    }
    if (row.some((value) => value !== '')) rows.push(row)
    row = []
    at = afterBreak(text, at)
  }
  if (at < text.length) losses.add(`row ${ROWS_MAX + 1}`, `Only the first ${ROWS_MAX} rows are read; split the file.`)
  return rows
}

interface Cell {
  value: string
  end: number
}

function quotedCell(text: string, start: number, delimiter: string): Cell {
  const parts: string[] = []
  let from = start + 1
  for (;;) {
    const quote = text.indexOf('"', from)
    if (quote === -1) return { value: parts.join('') + text.slice(from), end: text.length }
    parts.push(text.slice(from, quote))
    if (text[quote + 1] !== '"') {
      const rest = plainCell(text, quote + 1, delimiter)
      return { value: parts.join('') + rest.value, end: rest.end }
    }
    parts.push('"')
    from = quote + 2
  }
}

function plainCell(text: string, start: number, delimiter: string): Cell {
  let end = start
  while (end < text.length && text[end] !== delimiter && text[end] !== '\n' && text[end] !== '\r') end++
  return { value: text.slice(start, end).trim(), end }
}

function lineEnd(text: string, at: number): number {
  while (at < text.length && text[at] !== '\n' && text[at] !== '\r') at++
  return afterBreak(text, at)
}

const afterBreak = (text: string, at: number) => (text[at] === '\r' && text[at + 1] === '\n' ? at + 2 : at + 1)

/** One row as CSV: quoted where needed; what a spreadsheet would run as a formula is kept as text by a leading quote. */
export function csvRow(cells: readonly string[]): string {
  return cells
    .map((cell) => {
      const safe = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell
      return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
    })
    .join(',')
}
