import { canonicalJson, type JsonObject, timestampKey } from '#base'

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

/** A version with what it says. */
export interface StatedVersion extends ObjectVersion {
  /** The whole object, canonically. */
  content: string
  /** The object without its markings: these say who may have it, and may differ between publishers. */
  statement: string
}

/** The version that an object is, with what it says. */
export function toStatedVersion(publisher: string, object: JsonObject): StatedVersion {
  const { object_marking_refs: _, granular_markings: __, ...statement } = object
  return {
    ...toVersion(publisher, object),
    content: canonicalJson(object),
    statement: canonicalJson(statement),
  }
}

/**
 * The versions that contradict another under the same id and time: of one publisher, other content; of another publisher,
 * another statement. Objects without a time have no versions that could.
 */
export function conflictingVersions<V extends StatedVersion>(versions: Iterable<V>): V[] {
  const versioned = [...versions].filter(({ modified }) => modified !== '')
  const groups = Map.groupBy(versioned, ({ id, modified }) => `${id}\n${modified}`)
  return [...groups.values()].filter(isContradictory).flat().sort(compareVersions)
}

function isContradictory(group: readonly StatedVersion[]): boolean {
  if (new Set(group.map(({ statement }) => statement)).size > 1) return true
  const byPublisher = Map.groupBy(group, ({ publisher }) => publisher)
  return [...byPublisher.values()].some((own) => new Set(own.map(({ content }) => content)).size > 1)
}

/** At the same instant a revocation wins, so that the order of arrival decides nothing. */
const isNewer = (version: ObjectVersion, known: ObjectVersion) =>
  version.modified > known.modified || (version.modified === known.modified && version.revoked && !known.revoked)

const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
