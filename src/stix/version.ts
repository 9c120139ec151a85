import { timestampKey } from '#base'
import type { JsonObject } from '#base'

/** One version of an object as one publisher gave it out. */
export interface ObjectVersion {
  /** Who signed the entry; versions of different publishers are never mixed. */
  publisher: string
  id: string
  /** `timestampKey` of `modified`, of `created` where there is no `modified`, '' for unversioned objects. */
  modified: string
  revoked: boolean
}

/** The version that an object is, under the member that published it. */
export function toVersion(publisher: string, object: JsonObject): ObjectVersion {
  const time = object['modified'] ?? object['created']
  return {
    publisher,
    id: typeof object['id'] === 'string' ? object['id'] : '',
    modified: typeof time === 'string' ? timestampKey(time) : '',
    revoked: object['revoked'] === true,
  }
}

/** Order by publisher, id, then time; equal instants are equal however they are written. */
export function compareVersions(a: ObjectVersion, b: ObjectVersion): number {
  return compareText(a.publisher, b.publisher) || compareText(a.id, b.id) || compareText(a.modified, b.modified)
}

/** The newest version of each (publisher, id); `revoked` ones too, for they say that the object is withdrawn. */
export function latestVersions<V extends ObjectVersion>(versions: Iterable<V>): V[] {
  const newest = new Map<string, V>()
  for (const version of versions) {
    const key = `${version.publisher}\n${version.id}`
    const known = newest.get(key)
    if (known === undefined || isNewer(version, known)) newest.set(key, version)
  }
  return [...newest.values()].sort(compareVersions)
}

/** Every version, ascending; a later one of the same object follows the earlier. */
export function allVersions<V extends ObjectVersion>(versions: Iterable<V>): V[] {
  return [...versions].sort(compareVersions)
}

/** The (publisher, id) whose newest version is revoked. */
export function revokedVersions<V extends ObjectVersion>(versions: Iterable<V>): V[] {
  return latestVersions(versions).filter((version) => version.revoked)
}

/** At the same instant a revocation wins, so that the order of arrival decides nothing. */
const isNewer = (version: ObjectVersion, known: ObjectVersion) =>
  version.modified > known.modified || (version.modified === known.modified && version.revoked && !known.revoked)

const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
