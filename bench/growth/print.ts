// Figures as a table, and each column as bars, for a terminal and for a page of text.

const BAR = 50
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

type Row = Readonly<Record<string, number>>

/** A Markdown table, a column for each member of the rows. */
export function table(rows: readonly Row[]): string {
  const columns = Object.keys(rows[0] ?? {})
  const cells = [
    columns.map(words),
    columns.map(() => '--:'),
    ...rows.map((row) => columns.map((name) => figure(row[name]!))),
  ]
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => line[i]!.length)))
  return cells.map((line) => `| ${line.map((cell, i) => cell.padStart(widths[i]!)).join(' | ')} |`).join('\n')
}

/** One column as bars: the largest figure is the longest. */
export function plot(rows: readonly Row[], by: string, column: string): string {
  const most = Math.max(...rows.map((row) => row[column]!))
  const names = rows.map((row) => figure(row[by]!))
  const width = Math.max(...names.map(({ length }) => length))
  const lines = rows.map((row, i) => `${names[i]!.padStart(width)} ${bar(row[column]! / most)} ${figure(row[column]!)}`)
  return `\n${words(column)} by ${by}\n${lines.join('\n')}`
}

function bar(part: number): string {
  const eighths = Math.round(Math.max(0, part) * BAR * 8)
  return '█'.repeat(eighths >> 3) + EIGHTHS[eighths & 7]
}

const words = (name: string) =>
  name.replace(/[A-Z]+/g, (letters) => ` ${letters.toLowerCase()}`).replace(/ ms$/, ', ms')
const figure = (n: number) =>
  Math.abs(n) >= 100 || Number.isInteger(n) ? Math.round(n).toLocaleString('en') : n.toPrecision(3)
