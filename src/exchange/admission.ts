import type { Json, JsonObject } from '#base'
import { validateObject } from '#stix'
import type { LossReport } from './loss.ts'

const HIVES: ReadonlyMap<string, string> = new Map([
  ['HKLM', 'HKEY_LOCAL_MACHINE'],
  ['HKCU', 'HKEY_CURRENT_USER'],
  ['HKCR', 'HKEY_CLASSES_ROOT'],
  ['HKU', 'HKEY_USERS'],
  ['HKCC', 'HKEY_CURRENT_CONFIG'],
])

/**
 * The objects that are valid STIX, so that a node admits each of them: what can be put right is (names of custom
 * properties, abbreviated registry hives), the rest is left out and told, and nothing refers to it any more.
 */
export function admissible(objects: readonly JsonObject[], losses: LossReport): JsonObject[] {
  const left = new Set<string>()
  let kept = objects.flatMap((object) => {
    const fault = faultOf(object)
    if (fault === undefined) return [object]
    const repaired = repair(object)
    if (faultOf(repaired) === undefined) {
      if (repaired['key'] !== object['key']) losses.add(String(object['id']), 'the hive of its key is written out')
      return [repaired]
    }
    losses.add(String(object['id']), `not valid STIX, so no node admits it: ${fault}`)
    left.add(String(object['id']))
    return []
  })
  for (let before = -1; left.size > 0 && before !== left.size;) {
    before = left.size
    kept = kept.flatMap((object) => withoutReferences(object, left))
  }
  return kept
}

function faultOf(object: JsonObject): string | undefined {
  const { errors } = validateObject(object, {})
  const [first] = errors
  return first === undefined ? undefined : `${first.path} ${first.message}`
}

function repair(object: JsonObject): JsonObject {
  const named = Object.entries(object).map(([name, value]): [string, Json] =>
    name.startsWith('x_misp_') ? [name.toLowerCase().replace(/[^a-z0-9_]/g, '_'), value] : [name, value],
  )
  const repaired = Object.fromEntries(named)
  const key = repaired['key']
  if (object['type'] === 'windows-registry-key' && typeof key === 'string')
    repaired['key'] = key.replace(/^HK(?:LM|CU|CR|U|CC)(?=\\|$)/i, (hive) => HIVES.get(hive.toUpperCase()) ?? hive)
  return repaired
}

/** The object without references to what was left out; nothing where it says nothing without them. */
function withoutReferences(object: JsonObject, left: Set<string>): JsonObject[] {
  const entries = Object.entries(object)
  if (!entries.some(([name, value]) => isReference(name) && [value].flat().some((id) => left.has(String(id)))))
    return [object]
  const rest = Object.fromEntries(
    entries.flatMap(([name, value]): [string, Json][] => {
      if (!isReference(name)) return [[name, value]]
      if (!Array.isArray(value)) return left.has(String(value)) ? [] : [[name, value]]
      const ids = value.filter((id) => !left.has(String(id)))
      return ids.length === 0 ? [] : [[name, ids]]
    }),
  )
  if (faultOf(rest) === undefined) return [rest]
  left.add(String(object['id']))
  return []
}

const isReference = (name: string) => name.endsWith('_ref') || name.endsWith('_refs')
