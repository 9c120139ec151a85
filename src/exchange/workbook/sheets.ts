import { toTimestamp } from '#base'
import { ExchangeError } from '../error.ts'
import { CELL_MAX_CHARS, COLUMNS_MAX, ROWS_MAX } from '../limits.ts'
import type { LossReport } from '../loss.ts'
import type { Rows } from '../table/delimited.ts'
import { walkXml } from './xml.ts'
import { openZip, type Parts } from './zip.ts'

/** One sheet of a workbook, its cells as texts; dates in RFC 3339. */
export interface Sheet {
  name: string
  rows: Rows
}

/** Sheets that are read. */
const SHEETS_MAX = 64
/** Characters of a number format. */
const FORMAT_MAX_CHARS = 255
/** Days from Excel's day 0 to 1970. @see ECMA-376 part 1, 18.17.4.1 */
const EPOCH_DAYS = 25_569
/** The same for workbooks that count from 1904. */
const EPOCH_DAYS_1904 = 24_107
/** Built-in number formats that show a date. */
const DATE_FORMATS = new Set([
  14, 15, 16, 17, 18, 19, 20, 21, 22, 27, 28, 29, 30, 31, 36, 45, 46, 47, 50, 51, 52, 53, 54, 55, 56, 57, 58,
])

/**
 * Reads the sheets of an Office Open XML workbook: values only, no formula is run and nothing outside the file is fetched.
 * @throws EXCHANGE_SYNTAX, EXCHANGE_TOO_LARGE
 */
export function readSheets(bytes: Uint8Array, losses: LossReport): Sheet[] {
  const parts = openZip(bytes)
  const targets = relationsOf(textOf(parts, 'xl/_rels/workbook.xml.rels'))
  const workbook = textOf(parts, 'xl/workbook.xml')
  if (workbook === '')
    throw new ExchangeError('EXCHANGE_SYNTAX', 'The file holds no workbook (xl/workbook.xml). Save it as .xlsx.')
  const strings = sharedStrings(textOf(parts, 'xl/sharedStrings.xml'))
  const isDate = dateStyles(textOf(parts, 'xl/styles.xml'))
  const epoch = /<(?:\w+:)?workbookPr\b[^>]{0,500}\bdate1904="(?:1|true)"/.test(workbook) ? EPOCH_DAYS_1904 : EPOCH_DAYS
  return sheetNames(workbook).flatMap(({ name, relation, isHidden }, index) => {
    if (isHidden) {
      losses.add(`sheet "${name}"`, 'it is hidden, so it is left out; show it in the workbook to take it')
      return []
    }
    const target = targets.get(relation) ?? `worksheets/sheet${index + 1}.xml`
    const path = target.startsWith('/') ? target.slice(1) : `xl/${target}`
    return [{ name, rows: rowsOf(textOf(parts, path), { strings, isDate, epoch }, name, losses) }]
  })
}

function textOf(parts: Parts, name: string): string {
  const bytes = parts(name)
  return bytes === undefined ? '' : new TextDecoder().decode(bytes)
}

function relationsOf(xml: string): Map<string, string> {
  const targets = new Map<string, string>()
  for (const event of walkXml(xml)) {
    if (event.kind !== 'open' || event.name !== 'Relationship') continue
    const attributes = event.attributes()
    targets.set(attributes.get('Id') ?? '', attributes.get('Target') ?? '')
  }
  return targets
}

function sheetNames(xml: string): { name: string; relation: string; isHidden: boolean }[] {
  const sheets: { name: string; relation: string; isHidden: boolean }[] = []
  for (const event of walkXml(xml)) {
    if (event.kind !== 'open' || event.name !== 'sheet' || sheets.length === SHEETS_MAX) continue
    const attributes = event.attributes()
    sheets.push({
      name: attributes.get('name') ?? '',
      relation: attributes.get('id') ?? '',
      isHidden: /hidden/i.test(attributes.get('state') ?? ''),
    })
  }
  return sheets
}

function sharedStrings(xml: string): string[] {
  const strings: string[] = []
  let text = ''
  let phonetic = false
  let inText = false
  for (const event of walkXml(xml)) {
    if (event.kind === 'text') {
      if (inText && !phonetic) text += event.text
    } else if (event.name === 'si') {
      if (event.kind === 'close' || event.empty) strings.push(text.slice(0, CELL_MAX_CHARS))
      text = ''
    } else if (event.name === 'rPh') phonetic = event.kind === 'open' && !event.empty
    else if (event.name === 't') inText = event.kind === 'open' && !event.empty
  }
  return strings
}

function dateStyles(xml: string): (style: number) => boolean {
  const custom = new Set<number>()
  const styles: number[] = []
  let inCells = false
  for (const event of walkXml(xml)) {
    if (event.kind === 'text') continue
    if (event.name === 'cellXfs') inCells = event.kind === 'open'
    if (event.kind !== 'open') continue
    const attributes = event.attributes()
    if (
      event.name === 'numFmt' &&
      /[ymdhs]/i.test(
        (attributes.get('formatCode') ?? '').slice(0, FORMAT_MAX_CHARS).replace(/"[^"]*"|\[[^\]]*\]/g, ''),
      )
    )
      custom.add(Number(attributes.get('numFmtId')))
    if (event.name === 'xf' && inCells) styles.push(Number(attributes.get('numFmtId') ?? 0))
  }
  return (style) => DATE_FORMATS.has(styles[style] ?? 0) || custom.has(styles[style] ?? -1)
}

interface Cell {
  column: number
  type: string
  style: number
  text: string
}

/** What the cells of all sheets share: texts, which styles are dates, and the day that dates count from. */
interface Shared {
  strings: readonly string[]
  isDate: (style: number) => boolean
  epoch: number
}

function rowsOf(xml: string, shared: Shared, name: string, losses: LossReport): Rows {
  const rows: Rows = []
  let row: string[] = []
  let cell: Cell | undefined
  let taken = false
  for (const event of walkXml(xml)) {
    if (event.kind === 'text') {
      if (taken && cell && cell.text.length < CELL_MAX_CHARS) cell.text += event.text
    } else if (event.name === 'v' || event.name === 't') taken = event.kind === 'open' && !event.empty
    else if (event.name === 'c') {
      if (event.kind === 'open') cell = cellOf(event.attributes(), row.length)
      if (cell && (event.kind === 'close' || event.empty)) {
        if (cell.column < COLUMNS_MAX) place(row, cell.column, valueOf(cell, shared))
        cell = undefined
      }
    } else if (event.name === 'row' && (event.kind === 'close' || event.empty)) {
      if (row.some((value) => value !== '')) rows.push(row)
      row = []
      if (rows.length === ROWS_MAX) {
        losses.add(`sheet "${name}" row ${ROWS_MAX + 1}`, `Only the first ${ROWS_MAX} rows are read; split the sheet.`)
        break
      }
    }
  }
  return rows
}

function cellOf(attributes: Map<string, string>, next: number): Cell {
  return {
    column: columnOf(attributes.get('r')) ?? next,
    type: attributes.get('t') ?? 'n',
    style: Number(attributes.get('s') ?? 0),
    text: '',
  }
}

/** Column of a reference such as `AB12`, from 0. */
function columnOf(reference: string | undefined): number | undefined {
  const letters = /^([A-Z]{1,3})\d{1,7}$/.exec(reference ?? '')?.[1]
  if (letters === undefined) return undefined
  return letters.split('').reduce((column, letter) => column * 26 + letter.charCodeAt(0) - 64, 0) - 1
}

function place(row: string[], column: number, value: string): void {
  while (row.length < column) row.push('')
  row[column] = value
}

function valueOf({ type, style, text }: Cell, { strings, isDate, epoch }: Shared): string {
  if (type === 's') return (strings[Number(text)] ?? '').trim()
  if (type === 'e') return ''
  if (type === 'n' && text !== '' && isDate(style)) {
    const ms = Math.round((Number(text) - epoch) * 86_400_000)
    return Number.isSafeInteger(ms) && ms >= 0 && ms < LATEST_MS ? toTimestamp(ms) : text
  }
  // Excel writes large numbers with an exponent: 1.768446E9 is a time, or the number of a system.
  if (type === 'n' && /e/i.test(text) && Number.isSafeInteger(Number(text))) return String(Number(text))
  return text.trim().slice(0, CELL_MAX_CHARS)
}

/** The year 2100. */
const LATEST_MS = 4_102_444_800_000
