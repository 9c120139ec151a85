import type { JsonObject } from '#base'
import { textsOf } from '../fields.ts'
import type { Writer } from '../format.ts'
import { LossReport } from '../loss.ts'
import { csvRow } from '../table/delimited.ts'
import { tlpLabelOf, valuesTold } from '../told.ts'

/** Columns of the tables that are written, as the reader of tables knows them. */
export const COLUMNS = ['type', 'value', 'name', 'description', 'valid_from', 'valid_until', 'tags', 'tlp', 'stix_id']

/** A table of values, one per row, with the columns that the reader of tables knows; UTF-8 with its mark, for Excel. */
export const writeCsv: Writer = {
  name: 'csv',
  write(objects) {
    const losses = new LossReport()
    const rows = objects.flatMap((object) => rowsOf(object, losses))
    return { text: `\uFEFF${[COLUMNS, ...rows].map(csvRow).join('\r\n')}\r\n`, losses }
  },
}

/** Rows of an object: one per value; what has none is told. */
export function rowsOf(object: JsonObject, losses: LossReport): string[][] {
  const values = valuesTold(object)
  const told = (name: string) => (typeof object[name] === 'string' ? object[name] : '')
  if (!values) {
    losses.add(
      told('id'),
      object['type'] === 'indicator'
        ? 'its pattern is more than a list of values'
        : `a table of values has no place for ${told('type')}`,
    )
    return []
  }
  const labels = textsOf(object, 'labels').join(';')
  return values.map(({ kind, value }) => [
    kind,
    value,
    told('name'),
    told('description'),
    told('valid_from'),
    told('valid_until'),
    labels,
    tlpLabelOf(object),
    told('id'),
  ])
}
