/**
 * Selectors of granular markings: `external_references.[0].url` names the `url` of the first element of a list. A selector
 * covers everything below it.
 * @see STIX 2.1, 7.2.3
 */
import { isJsonObject, type Json, type JsonObject } from '#base'

const INDEX = /^\[(0|[1-9]\d{0,8})\]$/

/** What a selector selects, or undefined where it matches nothing. */
export function select(object: JsonObject, selector: string): Json | undefined {
  let value: Json | undefined = object
  for (const step of selector.split('.')) {
    if (Array.isArray(value)) {
      const index = indexOf(step)
      value = index === undefined ? undefined : value[index]
    } else if (isJsonObject(value) && Object.hasOwn(value, step)) value = value[step]
    else return undefined
  }
  return value
}

/** The index of a step `[2]`, or undefined where the step is a name. */
export function indexOf(step: string): number | undefined {
  const digits = INDEX.exec(step)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** Whether the first selector is the second or stands above it. */
export const covers = (above: string, below: string): boolean => below === above || below.startsWith(`${above}.`)

/** The selector one step up, or undefined for a property of the object itself. */
export function parentOf(selector: string): string | undefined {
  const at = selector.lastIndexOf('.')
  return at < 0 ? undefined : selector.slice(0, at)
}

/**
 * Selectors in order of first mention, without those that another one covers; where every element of a list goes, the
 * list goes.
 */
export function closeSelectors(object: JsonObject, selectors: readonly string[]): string[] {
  let closed = [...new Set(selectors)]
  for (let before = ''; before !== closed.join('\n');) {
    before = closed.join('\n')
    closed = uncovered(collapse(object, closed))
  }
  return closed
}

function uncovered(selectors: readonly string[]): string[] {
  const all = new Set(selectors)
  const isCovered = (selector: string) => {
    for (let above = parentOf(selector); above !== undefined; above = parentOf(above)) if (all.has(above)) return true
    return false
  }
  return [...all].filter((selector) => !isCovered(selector))
}

function collapse(object: JsonObject, selectors: readonly string[]): string[] {
  const elements = new Map<string, Set<number>>()
  for (const selector of selectors) {
    const parent = parentOf(selector)
    const index = indexOf(selector.slice((parent?.length ?? -1) + 1))
    if (parent === undefined || index === undefined) continue
    elements.set(parent, (elements.get(parent) ?? new Set()).add(index))
  }
  const isEmptied = (parent: string) => {
    const list = select(object, parent)
    return Array.isArray(list) && list.length > 0 && list.length === elements.get(parent)?.size
  }
  const emptied = new Set([...elements.keys()].filter(isEmptied))
  return selectors.map((selector) => {
    const parent = parentOf(selector)
    return parent !== undefined && emptied.has(parent) ? parent : selector
  })
}
