import type { JsonObject } from '#base'
import { ExchangeError } from '../error.ts'
import type { Reader } from '../format.ts'
import { readTable } from '../table/indicators.ts'
import { readSheets } from '../workbook/sheets.ts'

const ZIP = [0x50, 0x4b, 0x03, 0x04]
/** Compound files: the old formats of Office, and the new ones where they are encrypted. @see MS-CFB 2.2 */
const OLD_OFFICE = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]

const begins = (bytes: Uint8Array, magic: readonly number[]) => magic.every((byte, index) => bytes[index] === byte)

/** Excel workbooks (.xlsx): every sheet is a table. */
export const xlsx: Reader = {
  name: 'xlsx',
  detects: (bytes) => begins(bytes, ZIP) || begins(bytes, OLD_OFFICE),
  read(bytes, context) {
    if (begins(bytes, OLD_OFFICE))
      throw new ExchangeError(
        'EXCHANGE_SYNTAX',
        'The file is of Excel before 2007 (.xls), another old Office file, or protected by a password. Open it in Excel or LibreOffice, and save it as .xlsx or CSV without a password.',
      )
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
