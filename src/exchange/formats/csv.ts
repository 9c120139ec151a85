import { decodeText } from '../encoding.ts'
import { ExchangeError } from '../error.ts'
import type { Reader } from '../format.ts'
import { recognise } from '../indicators/recognise.ts'
import { refang } from '../indicators/refang.ts'
import { LossReport } from '../loss.ts'
import { rolesOf } from '../table/columns.ts'
import { delimiterOf, parseDelimited } from '../table/delimited.ts'
import { readTable } from '../table/indicators.ts'

/** Bytes looked at to tell a table from text; the last line of them may be cut off. */
const SAMPLE_BYTES = 16_384
/** Rows that have to agree on their number of columns, and to hold an indicator each where no header names them. */
const SAMPLE_ROWS = 10

/** Tables of any delimiter and encoding. */
export const csv: Reader = {
  name: 'csv',
  detects(bytes) {
    const sample = new TextDecoder('utf-8').decode(bytes.subarray(0, SAMPLE_BYTES))
    const whole = bytes.length > SAMPLE_BYTES ? sample.slice(0, sample.lastIndexOf('\n') + 1) : sample
    const rows = parseDelimited(whole, delimiterOf(whole), new LossReport()).slice(0, SAMPLE_ROWS)
    const [first = []] = rows
    if (first.length < 2 || rows.some((row) => row.length !== first.length)) return false
    const isNamed = rolesOf(first).some((role) => role !== undefined)
    return isNamed || rows.every((row) => row.some((cell) => recognise(refang(cell).text) !== undefined))
  },
  read(bytes, context) {
    const { text, encoding } = decodeText(bytes, context.encoding)
    const delimiter = delimiterOf(text)
    const rows = parseDelimited(text, delimiter, context.losses)
    if (rows.length === 0) throw new ExchangeError('EXCHANGE_EMPTY', 'The table has no rows.')
    const reading = readTable(rows, context)
    const name = delimiter === '\t' ? 'tab' : `“${delimiter}”`
    return { ...reading, notes: [`Table in ${encoding}, delimiter ${name}, ${rows.length} rows.`, ...reading.notes] }
  },
}
