// Forms of single fields: each function answers whether a JSON value has the one accepted form.
import {
  fromBase64,
  isHash,
  isJsonObject,
  type Json,
  type JsonObject,
  type MemberId,
  type Millis,
  type Slug,
} from '#base'

const SLUG = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const MEMBER = /^identity--[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const NATION = /^[A-Z]{2}$/

/** Slug of an alliance, sector or kind. */
export function isSlug(value: unknown): value is Slug {
  return typeof value === 'string' && SLUG.test(value)
}

/** STIX id of an organisation: a member, or a client of one. */
export function isMemberId(value: unknown): value is MemberId {
  return typeof value === 'string' && MEMBER.test(value)
}

/** An integer from 0 to 2^53 − 1: a time in ms, an index or a size. */
export function isCount(value: unknown): value is Millis {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

/** ISO 3166-1 alpha-2, capitals. */
export function isNation(value: unknown): value is string {
  return typeof value === 'string' && NATION.test(value)
}

/** A text that is not empty and has no lone surrogates. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.isWellFormed()
}

/** Canonical base64 of exactly `length` bytes. */
export function isBase64(value: unknown, length: number): value is string {
  if (typeof value !== 'string') return false
  try {
    fromBase64(value, length)
    return true
  } catch {
    return false
  }
}

/** An array of which every item passes and each is greater, in UTF-16 code units or as a number, than the one before. */
export function isAscending<T extends string | number>(
  value: unknown,
  isItem: (item: unknown) => item is T,
): value is T[] {
  if (!Array.isArray(value)) return false
  return value.every((item: unknown, i) => isItem(item) && (i === 0 || (value[i - 1] as T) < item))
}

/** Whether an object has exactly these members. */
export function hasExactly(value: unknown, names: readonly string[]): value is JsonObject {
  if (!isJsonObject(value)) return false
  return Object.keys(value).length === names.length && names.every((name) => Object.hasOwn(value, name))
}

/** One row of a list of logs: `{log, size, root}`, nothing else, size at least 1. */
export function isLogRow(value: Json | undefined): value is { log: string; size: number; root: string } {
  return (
    hasExactly(value, ['log', 'size', 'root']) &&
    isHash(value['log']) &&
    isHash(value['root']) &&
    isCount(value['size']) &&
    value['size'] >= 1
  )
}
