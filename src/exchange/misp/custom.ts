import type { Json, JsonObject } from '#base'
import { textOf } from '../fields.ts'

/** Relations that STIX has no property for, as `x_misp_…`; several values as a list, attachments with their data. */
export function addCustom(
  root: JsonObject,
  attributes: readonly JsonObject[],
  skip: ReadonlySet<string> = new Set(),
): void {
  for (const attribute of attributes) {
    const relation = textOf(attribute, 'object_relation')
    if (relation === '' || skip.has(relation)) continue
    const name = customName(relation)
    const data = textOf(attribute, 'data')
    const value: Json = data === '' ? plainValue(attribute) : { value: textOf(attribute, 'value'), data }
    const before = root[name]
    root[name] = before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value]
  }
}

/** Name of the custom property of a relation. */
export const customName = (relation: string): string =>
  `x_misp_${relation.replace(/[^A-Za-z0-9_]/g, '_')}`.slice(0, 250)

function plainValue(attribute: JsonObject): Json {
  const value = textOf(attribute, 'value')
  if (textOf(attribute, 'type') === 'boolean' && typeof attribute['value'] === 'boolean') return attribute['value']
  const isTime = textOf(attribute, 'type') === 'datetime' && /^\d{4}-\d\d-\d\dT[\d:.]+\+00:?00$/.test(value)
  return isTime ? value.replace(/\+00:?00$/, 'Z') : value
}
