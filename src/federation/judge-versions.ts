import { canonicalJson, type JsonObject, type LogId, type MemberId } from '#base'
import type { Audience } from '#log'
import { decideReceive, type Definitions, type Register, resolvedOf, type Verdict } from '#policy'

/** One version of an object as it stands in a log. */
export interface Version {
  log: LogId
  index: number
  audience: Audience
  object: JsonObject
  /** `timestampKey` of `modified`; '' for unversioned objects, which are known by their content. */
  modified: string
}

/** What the versions are judged by. */
export interface VersionRules {
  publisher: MemberId
  register: Register
  definitions: Definitions
}

/** Names a version among others. */
export const placeOf = (version: { log: LogId; index: number }) => `${version.log}/${version.index}`

/**
 * Verdicts on all known versions of one publisher's object: a function of the set, so that every member comes to the
 * same verdicts in whatever order the logs arrived.
 *
 * Two contents under one `modified` are equivocation, both of them. Rollback, and what follows a revocation, are judged
 * along one log; from other logs only the newest older version counts, as history that tells a downgrade or a changed
 * owner.
 * @see WIRE, Order, versions, conflict; SHARING-RULES section 5
 */
export function judgeVersions(versions: readonly Version[], rules: VersionRules): Map<string, Verdict> {
  const verdicts = new Map<string, Verdict>()
  const equivocal = equivocalOf(versions)
  const logs = Map.groupBy(
    [...versions].sort((a, b) => a.index - b.index),
    (version) => version.log,
  )
  for (const log of logs.values()) {
    let previous: Version | undefined
    for (const next of log) {
      const verdict = equivocal.has(next) ? 'REJECT:EQUIVOCATION' : judgeOne(next, previous, versions, equivocal, rules)
      verdicts.set(placeOf(next), verdict)
      if (next.modified !== '' && !verdict.startsWith('REJECT')) previous = next
    }
  }
  return verdicts
}

/** Versions whose `modified` stands over two contents. */
export function equivocalOf(versions: readonly Version[]): Set<Version> {
  const equivocal = new Set<Version>()
  const versioned = versions.filter((version) => version.modified !== '')
  if (versioned.length < 2) return equivocal
  for (const same of Map.groupBy(versioned, (version) => version.modified).values()) {
    if (same.length > 1 && new Set(same.map((version) => canonicalJson(version.object))).size > 1)
      for (const version of same) equivocal.add(version)
  }
  return equivocal
}

function judgeOne(
  next: Version,
  previous: Version | undefined,
  versions: readonly Version[],
  equivocal: ReadonlySet<Version>,
  rules: VersionRules,
): Verdict {
  const inLog = verdictOf(next, previous, true, rules)
  if (inLog.startsWith('REJECT') || next.modified === '') return inLog
  const elsewhere = newestBefore(next, versions, equivocal)
  if (!elsewhere || (previous && compareKeys(previous.modified, elsewhere.modified) >= 0)) return inLog
  return verdictOf(next, elsewhere, false, rules)
}

function verdictOf(next: Version, previous: Version | undefined, isSameLog: boolean, rules: VersionRules): Verdict {
  return decideReceive({
    next: next.object,
    signer: rules.publisher,
    definitions: rules.definitions,
    register: rules.register,
    isSameLog,
    audience: resolvedOf(next.audience),
    ...(previous ? { previous: previous.object, previousAudience: resolvedOf(previous.audience) } : {}),
  })
}

/** The newest version in other logs that is older than this one and takes nothing back. */
function newestBefore(next: Version, versions: readonly Version[], equivocal: ReadonlySet<Version>) {
  let newest: Version | undefined
  for (const other of versions) {
    if (other.log === next.log || equivocal.has(other) || other.object['revoked'] === true) continue
    if (other.modified === '' || compareKeys(other.modified, next.modified) >= 0) continue
    const order = newest ? compareKeys(other.modified, newest.modified) : 1
    if (!newest || order > 0 || (order === 0 && placeOf(other) < placeOf(newest))) newest = other
  }
  return newest
}

/** Keys of `timestampKey` sort as text. */
const compareKeys = (a: string, b: string) => (a === b ? 0 : a < b ? -1 : 1)
