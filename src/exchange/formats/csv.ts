import { decodeStart, decodeText } from '../encoding.ts'
import { ExchangeError } from '../error.ts'
import type { Reader } from '../format.ts'
import { recognise } from '../indicators/recognise.ts'
import { refang } from '../indicators/refang.ts'
import { LossReport } from '../loss.ts'
import { rolesOf } from '../table/columns.ts'
import { delimiterOf, parseDelimited } from '../table/delimited.ts'
import { readTable } from '../table/indicators.ts'

/** Bytes looked at to tell a table from text. */
const SAMPLE_BYTES = 16_384
/** Rows that have to agree on their number of columns, and to hold an indicator each where no header names them. */
const SAMPLE_ROWS = 10

/** Tables of any delimiter and encoding. */
export const csv: Reader = {
  name: 'csv',
  detects(bytes, encoding) {
    const body = decodeStart(bytes, SAMPLE_BYTES, encoding).replace(SEPARATOR_LINE, '')
    const rows = parseDelimited(body, delimiterOf(body), new LossReport()).slice(0, SAMPLE_ROWS)
    const [first = []] = rows
    if (first.length < 2 || rows.some((row) => row.length !== first.length)) return false
    if (commentedHeader(body, delimiterOf(body), first)) return true
    const isNamed = rolesOf(first).some((role) => role !== undefined)
    return isNamed || rows.every((row) => row.some((cell) => recognise(refang(cell).text) !== undefined))
  },
  read(bytes, context) {
    const { text, encoding } = decodeText(bytes, context.encoding)
    const said = SEPARATOR_LINE.exec(text)
    const body = said ? text.slice(said[0].length) : text
    const delimiter = said?.[1] ?? delimiterOf(body)
    const rows = parseDelimited(body, delimiter, context.losses)
    const named = commentedHeader(body, delimiter, rows[0] ?? [])
    if (named) rows.unshift(named)
    if (rows.length === 0) throw new ExchangeError('EXCHANGE_EMPTY', 'The table has no rows.')
    const reading = readTable(rows, context)
    const name = delimiter === '\t' ? 'tab' : `“${delimiter}”`
    return { ...reading, notes: [`Table in ${encoding}, delimiter ${name}, ${rows.length} rows.`, ...reading.notes] }
  },
}

/** The line by which Excel is told the delimiter. */
const SEPARATOR_LINE = /^\uFEFF?sep=([,;\t|])\r?\n/i
/** Characters of the comments before a table that are looked at. */
const COMMENTS_MAX_CHARS = 65_536

/** The header that feeds write as the last comment before their rows. */
function commentedHeader(text: string, delimiter: string, first: readonly string[]): string[] | undefined {
  let last: string | undefined
  for (const line of text.slice(0, COMMENTS_MAX_CHARS).split(/\r\n|\n|\r/)) {
    if (line !== '' && !line.startsWith('#')) break
    if (/[^#\s]/.test(line)) last = line
  }
  const [header] = last === undefined ? [] : parseDelimited(last.replace(/^[#\s]+/, ''), delimiter, new LossReport())
  return header && header.length === first.length && rolesOf(header).some((role) => role !== undefined)
    ? header
    : undefined
}
