import type { JsonObject } from '#base'
import { comparisonsOf } from '../comparisons.ts'
import { ATTRIBUTE_SHAPES, type AttributeShape, RULE_TYPES } from './attribute-table.ts'
import { textOf } from '../fields.ts'
import { keyOf, type Lookup, valuesAt } from './from-observable.ts'
import { uuidIn } from './ids.ts'
import { labelOf } from './labels.ts'

/** The attribute that an object's labels say it was; none where they say nothing. */
export function attributeOf(object: JsonObject, observables: readonly JsonObject[], lookup: Lookup): JsonObject[] {
  const type = labelOf(object, 'type')
  if (type === undefined) return []
  const value = valueOf(object, type, observables, lookup)
  if (value === undefined) return []
  return [
    {
      ...frameOf(object),
      type,
      value: value.text,
      category: labelOf(object, 'category') ?? 'Other',
      ...withData(value.data),
    },
  ]
}

const withData = (data: string | undefined): JsonObject => (data === undefined ? {} : { data })

/** Fields of an attribute that do not depend on its type. */
export function frameOf(object: JsonObject): JsonObject {
  const comment = textOf(object, 'description') || textOf(object, 'x_misp_comment')
  const ms = Date.parse(textOf(object, 'modified'))
  return {
    uuid: uuidIn(textOf(object, 'id')),
    to_ids: object['type'] === 'indicator' || labelOf(object, 'to_ids') === 'True' || object['x_misp_to_ids'] === true,
    disable_correlation: object['x_misp_disable_correlation'] === true,
    ...(Number.isFinite(ms) ? { timestamp: String(Math.trunc(ms / 1_000)) } : {}),
    ...seenOf(object),
    ...(comment === '' ? {} : { comment }),
  }
}

/** First and last time that an object names, where they say more than when it was written down. */
function seenOf(object: JsonObject): JsonObject {
  if (object['type'] !== 'indicator' && object['type'] !== 'observed-data') return keptTimes(object)
  const [from, until] =
    object['type'] === 'indicator' ? ['valid_from', 'valid_until'] : ['first_observed', 'last_observed']
  const isElsewhen = (name: string) =>
    object[name] !== undefined && Date.parse(textOf(object, name)) !== Date.parse(textOf(object, 'modified'))
  const first = isElsewhen(from) ? mispTime(textOf(object, from)) : ''
  const hasEnd = isElsewhen(until) && object['x_misp_expiration'] === undefined
  const last = hasEnd ? mispTime(textOf(object, until)) : ''
  return { ...(first === '' ? {} : { first_seen: first }), ...(last === '' ? {} : { last_seen: last }) }
}

/** The times that a domain object keeps as custom properties. */
const keptTimes = (object: JsonObject): JsonObject =>
  Object.fromEntries(
    ['first_seen', 'last_seen'].flatMap((name) => {
      const time = textOf(object, `x_misp_${name}`)
      return time === '' ? [] : [[name, mispTime(time)]]
    }),
  )

/** Time in MISP's form, with an offset. */
const mispTime = (time: string): string => time.replace(/(?:\.0+)?Z$/, '+00:00')

interface Value {
  text: string
  data?: string
}

function valueOf(
  object: JsonObject,
  type: string,
  observables: readonly JsonObject[],
  lookup: Lookup,
): Value | undefined {
  if (object['x_misp_value'] !== undefined) return { text: textOf(object, 'x_misp_value') }
  if (object['type'] === 'campaign' || object['type'] === 'vulnerability') return { text: textOf(object, 'name') }
  if (RULE_TYPES.has(type)) return { text: ruleText(textOf(object, 'pattern')) }
  const shape = ATTRIBUTE_SHAPES.get(type)
  if (!shape) return undefined
  const parts =
    object['type'] === 'indicator' ? patternParts(object, shape) : observableParts(observables, shape, lookup)
  const data = dataOf(object, observables, lookup)
  const needed = type === 'attachment' ? parts.slice(0, 1) : parts
  if (needed.some((part) => part === undefined)) return undefined
  const text = needed.join('|')
  return { text: type === 'AS' ? asNumber(text) : text, ...(data === undefined ? {} : { data }) }
}

/** Rules of attributes stand in brackets where other converters wrote them. */
const ruleText = (pattern: string) => (/^\[[^]*\]$/.test(pattern) ? pattern.slice(1, -1) : pattern)

/** MISP writes the number of an autonomous system with its letters. */
export const asNumber = (text: string): string => (/^\d+$/.test(text) ? `AS${text}` : text)

function patternParts(object: JsonObject, { parts }: AttributeShape): (string | undefined)[] {
  const all = comparisonsOf(textOf(object, 'pattern'))?.all ?? []
  return parts.map(
    ({ path, patternPath }) => all.find(({ key }) => key === keyOf(patternPath) || key === keyOf(path))?.value,
  )
}

function observableParts(
  observables: readonly JsonObject[],
  { parts }: AttributeShape,
  lookup: Lookup,
): (string | undefined)[] {
  return parts.map(({ path }) => {
    const value = observables.flatMap((one) => valuesAt(one, path, lookup))[0]
    return value === undefined || typeof value === 'object' ? undefined : String(value)
  })
}

/** The bytes that came with a value. */
function dataOf(object: JsonObject, observables: readonly JsonObject[], lookup: Lookup): string | undefined {
  if (object['type'] === 'indicator')
    return comparisonsOf(textOf(object, 'pattern'))?.all.find(({ key }) => key === 'file:content_ref.payload_bin')
      ?.value
  const value = observables.flatMap((one) => valuesAt(one, 'file:content_ref.payload_bin', lookup))[0]
  return typeof value === 'string' ? value : undefined
}
