import type { JsonObject } from '#base'
import { ExchangeError } from '../error.ts'
import type { Reader } from '../format.ts'
import { readTable } from '../table/indicators.ts'
import { readSheets } from '../workbook/sheets.ts'

/** Excel workbooks (.xlsx): every sheet is a table. */
export const xlsx: Reader = {
  name: 'xlsx',
  detects: (bytes) => bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 0x03 && bytes[3] === 0x04,
  read(bytes, context) {
    const sheets = readSheets(bytes, context.losses).filter(({ rows }) => rows.length > 0)
    if (sheets.length === 0) throw new ExchangeError('EXCHANGE_EMPTY', 'The workbook has no rows.')
    const objects = new Map<string, JsonObject>()
    const preview: string[] = []
    const notes: string[] = []
    for (const { name, rows } of sheets) {
      const reading = readTable(rows, context, `sheet "${name}" row`)
      for (const object of reading.objects) objects.set(String(object['id']), object)
      preview.push(...reading.preview)
      notes.push(`Sheet "${name}": ${rows.length} rows. ${reading.notes.join(' ')}`)
    }
    return { objects: [...objects.values()], preview, notes }
  },
}
