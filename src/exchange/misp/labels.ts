import type { JsonObject } from '#base'
import { textsOf } from '../fields.ts'

/** The value of a label such as `misp:type="domain"`. */
export function labelOf(object: JsonObject, name: string): string | undefined {
  const start = `misp:${name}="`
  const label = textsOf(object, 'labels').find((one) => one.startsWith(start) && one.endsWith('"'))
  return label?.slice(start.length, -1)
}
