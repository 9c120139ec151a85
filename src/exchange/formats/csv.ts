import { decodeText } from '../encoding.ts'
import { ExchangeError } from '../error.ts'
import type { Reader } from '../format.ts'
import { delimiterOf, parseDelimited } from '../table/delimited.ts'
import { readTable } from '../table/indicators.ts'

/** Bytes looked at to tell a table from text. */
const SAMPLE_BYTES = 16_384
/** Rows that have to agree on their number of columns. */
const SAMPLE_ROWS = 10

/** Tables of any delimiter and encoding. */
export const csv: Reader = {
  name: 'csv',
  detects(bytes) {
    const sample = new TextDecoder('latin1').decode(bytes.subarray(0, SAMPLE_BYTES))
    const delimiter = delimiterOf(sample)
    const lines = sample.split(/\r\n|\n|\r/, SAMPLE_ROWS + 1).filter((line) => line !== '' && !line.startsWith('#'))
    const cuts = lines.slice(0, -1).map((line) => line.split(delimiter).length)
    return cuts.length > 0 && (cuts[0] ?? 1) > 1 && cuts.every((count) => Math.abs(count - (cuts[0] ?? 0)) <= 1)
  },
  read(bytes, context) {
    const { text, encoding } = decodeText(bytes)
    const delimiter = delimiterOf(text)
    const rows = parseDelimited(text, delimiter, context.losses)
    if (rows.length === 0) throw new ExchangeError('EXCHANGE_EMPTY', 'The table has no rows.')
    const reading = readTable(rows, context)
    const name = delimiter === '\t' ? 'tab' : `“${delimiter}”`
    return { ...reading, notes: [`Table in ${encoding}, delimiter ${name}, ${rows.length} rows.`, ...reading.notes] }
  },
}
