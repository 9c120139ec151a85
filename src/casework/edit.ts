import { isJsonObject, type Json, type JsonObject } from '#base'
import type { CaseEdit } from './case.ts'

/** Properties that make an object the one that it is. */
const FIXED = new Set(['id', 'type', 'spec_version'])

/** What is wrong with an edit of a case with these objects; undefined where it can be made. */
export function editFault(
  objects: readonly JsonObject[],
  { object: id, path, op, value }: CaseEdit,
): string | undefined {
  const object = objects.find((one) => one['id'] === id)
  if (!object) return `the case holds no object ${id}`
  if (path !== '' && select(object, path) === undefined) return `${id} has nothing at ${JSON.stringify(path)}`
  if (FIXED.has(path)) return `${path} of an object can't be edited`
  if ((op === 'replace') !== (value !== undefined)) return 'replace takes a value, and nothing else does'
  if (op === 'replace' && path === '') return 'a whole object is removed or kept, not replaced'
  return undefined
}

/** What a selector selects: `external_references.[0].url`. */
function select(object: JsonObject, path: string): Json | undefined {
  let value: Json | undefined = object
  for (const step of path.split('.')) {
    const index = /^\[(\d{1,6})\]$/.exec(step)?.[1]
    if (Array.isArray(value)) value = index === undefined ? undefined : value[Number(index)]
    else if (isJsonObject(value) && Object.hasOwn(value, step)) value = value[step]
    else return undefined
  }
  return value
}
