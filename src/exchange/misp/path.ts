/** One step of an object path: a property, with the item of its list: an index, any (`*`), or the next (`n`). */
export interface Step {
  name: string
  item?: number | '*' | 'n'
}

/** An object path: the type of the observable, and the steps from there. */
export interface ObjectPath {
  object: string
  steps: readonly Step[]
}

const cache = new Map<string, ObjectPath>()
/** Paths kept parsed: those of the tables, and few more. */
const CACHE_MAX = 2_000

/** Parses `file:hashes.'SHA-1'` or `process:parent_ref.image_ref.name`. Quoted names may hold dots. */
export function parsePath(text: string): ObjectPath {
  const known = cache.get(text)
  if (known) return known
  const colon = text.indexOf(':')
  const steps: Step[] = []
  for (const [, quoted, plain, item] of text
    .slice(colon + 1)
    .matchAll(/(?:'((?:[^'\\]|\\.)*)'|([^.'[\]]+))(?:\[(\*|n|\d{1,6})\])?/g)) {
    const name = quoted === undefined ? (plain ?? '') : quoted.replace(/\\(.)/g, '$1')
    steps.push(item === undefined ? { name } : { name, item: item === '*' || item === 'n' ? item : Number(item) })
  }
  const path = { object: text.slice(0, colon), steps }
  if (cache.size < CACHE_MAX) cache.set(text, path)
  return path
}
