import type { Json, JsonObject } from '#base'
import { parsePath, type Step } from './path.ts'

/** Finds objects by id, for references. */
export type Lookup = ReadonlyMap<string, JsonObject>

/** A value of an observable, and the ids of the objects on the way to it. */
export interface Placed {
  value: Json
  via: readonly string[]
}

/** Values at a path of an observable: references are followed, items of lists are all taken. */
export const valuesAt = (root: JsonObject, text: string, lookup: Lookup): Json[] =>
  placedAt(root, text, lookup).map(({ value }) => value)

/** The same values, each with the objects that lead to it. */
export function placedAt(root: JsonObject, text: string, lookup: Lookup): Placed[] {
  const { object, steps } = parsePath(text)
  return root['type'] === object ? walk(root, steps, lookup, []) : []
}

function walk(at: JsonObject, [step, ...rest]: readonly Step[], lookup: Lookup, via: readonly string[]): Placed[] {
  if (step === undefined) return []
  const value = Object.hasOwn(at, step.name) ? at[step.name] : undefined
  if (value === undefined) return []
  const items = Array.isArray(value) ? value : [value]
  if (rest.length === 0) return items.map((one) => ({ value: one, via }))
  return items.flatMap((item) => {
    const next = typeof item === 'string' ? lookup.get(item) : item
    if (typeof next !== 'object' || next === null || Array.isArray(next)) return []
    return walk(next, rest, lookup, typeof item === 'string' ? [...via, item] : via)
  })
}

/** Key of a path, as comparisons have it: names without quotes, and no items. */
export function keyOf(text: string): string {
  const { object, steps } = parsePath(text)
  return `${object}:${steps.map(({ name }) => name).join('.')}`
}
