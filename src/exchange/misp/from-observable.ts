import type { Json, JsonObject } from '#base'
import { parsePath, type Step } from './path.ts'

/** Finds objects by id, for references. */
export type Lookup = ReadonlyMap<string, JsonObject>

/** Values at a path of an observable: references are followed, items of lists are all taken. */
export function valuesAt(root: JsonObject, text: string, lookup: Lookup): Json[] {
  const { object, steps } = parsePath(text)
  return root['type'] === object ? walk(root, steps, lookup) : []
}

function walk(at: JsonObject, [step, ...rest]: readonly Step[], lookup: Lookup): Json[] {
  if (step === undefined) return []
  const value = Object.hasOwn(at, step.name) ? at[step.name] : undefined
  if (value === undefined) return []
  if (rest.length === 0) return Array.isArray(value) ? value : [value]
  const items = Array.isArray(value) ? value : [value]
  return items.flatMap((item) => {
    const next = typeof item === 'string' ? lookup.get(item) : item
    return typeof next === 'object' && next !== null && !Array.isArray(next) ? walk(next, rest, lookup) : []
  })
}

/** Key of a path, as comparisons have it: names without quotes, and no items. */
export function keyOf(text: string): string {
  const { object, steps } = parsePath(text)
  return `${object}:${steps.map(({ name }) => name).join('.')}`
}
