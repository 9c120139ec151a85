import type { Writer } from '../format.ts'
import { CELL_MAX_CHARS } from '../limits.ts'
import { LossReport } from '../loss.ts'
import { writeZip } from '../workbook/zip-writer.ts'
import { COLUMNS, rowsOf } from './csv-writer.ts'

/** Rows that a sheet of Excel holds, the header among them. */
const SHEET_ROWS = 1_048_576
const NAMESPACE = 'http://schemas.openxmlformats.org'
const MAIN = `${NAMESPACE}/spreadsheetml/2006/main`
const RELATIONS = `${NAMESPACE}/officeDocument/2006/relationships`
const DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

/** An Excel workbook with the table that CSV has, every cell a text, so that nothing in it is run as a formula. */
export const writeXlsx: Writer = {
  name: 'xlsx',
  write(objects) {
    const losses = new LossReport()
    const rows = [COLUMNS, ...objects.flatMap((object) => rowsOf(object, losses))]
    if (rows.length > SHEET_ROWS)
      losses.add('rows', `a sheet holds ${SHEET_ROWS}; ${rows.length - SHEET_ROWS} more are left out`)
    const sheet = rows.slice(0, SHEET_ROWS).map((cells) => `<row>${cells.map(cellOf).join('')}</row>`)
    return { text: '', bytes: writeZip(filesOf(sheet.join(''))), losses }
  },
}

const filesOf = (rows: string): Record<string, string> => ({
  '[Content_Types].xml': `${DECLARATION}<Types xmlns="${NAMESPACE}/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>`,
  '_rels/.rels': `${DECLARATION}<Relationships xmlns="${NAMESPACE}/package/2006/relationships"><Relationship Id="rId1" Type="${RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
  'xl/workbook.xml': `${DECLARATION}<workbook xmlns="${MAIN}" xmlns:r="${RELATIONS}"><sheets><sheet name="indicators" sheetId="1" r:id="rId1"/></sheets></workbook>`,
  'xl/_rels/workbook.xml.rels': `${DECLARATION}<Relationships xmlns="${NAMESPACE}/package/2006/relationships"><Relationship Id="rId1" Type="${RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
  'xl/worksheets/sheet1.xml': `${DECLARATION}<worksheet xmlns="${MAIN}"><sheetData>${rows}</sheetData></worksheet>`,
})

const cellOf = (text: string): string =>
  text === ''
    ? '<c/>'
    : `<c t="inlineStr"><is><t xml:space="preserve">${escaped(text.slice(0, CELL_MAX_CHARS))}</t></is></c>`

/** Text for XML; control characters that XML has no place for become the sign for what cannot be shown. */
const escaped = (text: string): string =>
  text
    .toWellFormed()
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
