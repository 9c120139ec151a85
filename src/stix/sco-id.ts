import { canonicalJson, JsonError, uuid5 } from '#base'
import type { Json, JsonObject } from '#base'
import { ID_CONTRIBUTING } from './types/id-contributing.ts'

/** Namespace of deterministic SCO ids. @see STIX 2.9 */
export const SCO_NAMESPACE = '00abedb4-aa42-466c-9c01-fed23315a9b7'

/** Hashes in the order in which one of them is chosen to stand in an id. @see STIX 2.9 */
const HASH_CHOICE = ['MD5', 'SHA-1', 'SHA-256', 'SHA-512'] as const

/**
 * The deterministic id that an SCO should have: a UUIDv5 of its id-contributing properties.
 *
 * `undefined` where the type has none (process, custom types) or the object carries none of them: then the id is random.
 *
 * @see STIX 2.9, 3.4
 */
export function scoId(object: JsonObject): string | undefined {
  const type = object['type']
  if (typeof type !== 'string') return undefined
  const names = ID_CONTRIBUTING.get(type)
  if (!names) return undefined
  const chosen: JsonObject = {}
  let found = false
  for (const name of names) {
    const value = object[name]
    if (value === undefined) continue
    const contribution = name === 'hashes' ? chooseHash(value) : value
    if (contribution === undefined) continue
    chosen[name] = contribution
    found = true
  }
  const content = found ? contentOf(chosen) : undefined
  return content === undefined ? undefined : `${type}--${uuid5(SCO_NAMESPACE, content)}`
}

/** Canonical JSON; undefined for what it cannot hold, such as half a surrogate pair. */
function contentOf(chosen: JsonObject): string | undefined {
  try {
    return canonicalJson(chosen)
  } catch (error) {
    if (error instanceof JsonError) return undefined
    throw error
  }
}

/** One hash only: the first of the preferred algorithms that is there, else the first by name. */
function chooseHash(hashes: Json): Json | undefined {
  if (typeof hashes !== 'object' || hashes === null || Array.isArray(hashes)) return undefined
  const name = HASH_CHOICE.find((candidate) => hashes[candidate] !== undefined) ?? Object.keys(hashes).sort()[0]
  const value = name === undefined ? undefined : hashes[name]
  return name === undefined || value === undefined ? undefined : { [name]: value }
}
