import { type Json, type JsonObject, toTimestamp } from '#base'

/** Text of a field; numbers and booleans as text; empty where there is none. */
export function textOf(object: JsonObject, name: string): string {
  const value = object[name]
  return typeof value === 'string'
    ? value
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : ''
}

/** Objects of a list field; anything else in it is left out. */
export function objectsOf(object: JsonObject, name: string): JsonObject[] {
  const value = object[name]
  return Array.isArray(value) ? value.filter(isObject) : []
}

/** The object of a field. */
export function objectOf(object: JsonObject, name: string): JsonObject | undefined {
  const value = object[name]
  return isObject(value) ? value : undefined
}

/** Texts of a field that is a text or a list of them. */
export function textsOf(object: JsonObject, name: string): string[] {
  const value = object[name]
  if (Array.isArray(value))
    return value.flatMap((one) => (typeof one === 'string' ? [one] : typeof one === 'number' ? [String(one)] : []))
  const text = textOf(object, name)
  return text === '' ? [] : [text]
}

/** The objects of some keys, as far as they are known. */
export function found(keys: readonly string[], known: ReadonlyMap<string, JsonObject>): JsonObject[] {
  return keys.map((key) => known.get(key)).filter((one) => one !== undefined)
}

/** Whether a JSON value is an object. */
export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A flag that MISP writes as boolean, number or text; undefined where it is absent. */
export function flagOf(object: JsonObject, name: string): boolean | undefined {
  const text = textOf(object, name).toLowerCase()
  return text === '' ? undefined : text === 'true' || text === '1'
}

/** The last second that STIX times can tell. */
const LAST_SECOND = 253_402_300_799

/** Milliseconds of a field of Unix seconds. */
export function secondsOf(object: JsonObject, name: string): number | undefined {
  const text = textOf(object, name)
  if (!/^\d{1,12}(?:\.\d{1,9})?$/.test(text)) return undefined
  const seconds = Number(text)
  return seconds > 0 && seconds <= LAST_SECOND ? Math.trunc(seconds * 1_000) : undefined
}

/** RFC 3339 time with milliseconds of a field of Unix seconds. */
export function timeAt(object: JsonObject, name: string): string | undefined {
  const ms = secondsOf(object, name)
  return ms === undefined ? undefined : toTimestamp(ms)
}
