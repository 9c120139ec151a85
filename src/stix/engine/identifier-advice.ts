import type { JsonObject } from '#base'
import { scoId } from '../sco-id.ts'
import { SCO_TYPES } from '../types/kinds.ts'
import { typeOfId, uuidVersion } from './forms.ts'
import type { Sink } from './sink.ts'

const SECTION = '2.9'
/** Properties that make an observable one of a single producer. @see STIX 3.6 */
const VERSIONING = ['created_by_ref', 'created', 'modified', 'revoked']

/** Warns of identifiers that another way of making them is recommended for. */
export function adviseIdentifier(object: JsonObject, type: string, sink: Sink): void {
  const id = object['id']
  if (typeof id !== 'string' || typeOfId(id) !== type) return
  const version = uuidVersion(id)
  if (!SCO_TYPES.has(type)) {
    if (version !== '4' && type !== 'extension-definition')
      sink.advise('DETERMINISTIC_ID', `should be a UUIDv4, but is of version ${version}`, SECTION, 'id')
    return
  }
  const expected = scoId(object)
  if (VERSIONING.some((name) => object[name] !== undefined)) {
    if (id === expected)
      sink.advise('DETERMINISTIC_ID', 'must not be the deterministic one on an observable with versions', '3.6', 'id')
    return
  }
  if (expected === undefined) {
    if (version !== '4')
      sink.advise('DETERMINISTIC_ID', 'must be a UUIDv4, for nothing in the object contributes to it', SECTION, 'id')
  } else if (id !== expected && object['spec_version'] !== '2.0')
    sink.advise('DETERMINISTIC_ID', `should be ${expected}, made from what identifies the object`, SECTION, 'id')
}
