import type { Millis } from '#base'
import type { Hit, RuleSource } from './rule.ts'

/** What a STIX `sighting` is made from: one rule that matched, and when, how often and by which values. */
export interface Sighting {
  id: string
  source?: RuleSource
  firstSeen: Millis | undefined
  lastSeen: Millis | undefined
  count: number
  /** Distinct values, at most `VALUES_MAX`. */
  values: string[]
}

/** Most distinct values kept for one rule. */
export const VALUES_MAX = 100

/** Collects hits into sightings, one for each rule, in the order of the first hit. */
export function tallySightings(hits: Iterable<Hit>, into: Map<string, Sighting> = new Map()): Map<string, Sighting> {
  for (const { id, source, time, value, span } of hits) {
    const [from, to] = span ? [span.first.time, span.last.time] : [time, time]
    let sighting = into.get(id)
    if (!sighting) {
      sighting = { id, ...(source ? { source } : {}), firstSeen: from, lastSeen: to, count: 0, values: [] }
      into.set(id, sighting)
    }
    sighting.count++
    if (from !== undefined && (sighting.firstSeen === undefined || from < sighting.firstSeen)) sighting.firstSeen = from
    if (to !== undefined && (sighting.lastSeen === undefined || to > sighting.lastSeen)) sighting.lastSeen = to
    if (sighting.values.length < VALUES_MAX && !sighting.values.includes(value)) sighting.values.push(value)
  }
  return into
}
