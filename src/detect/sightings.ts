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
  for (const { id, source, time, value } of hits) {
    let sighting = into.get(id)
    if (!sighting) {
      sighting = { id, ...(source ? { source } : {}), firstSeen: time, lastSeen: time, count: 0, values: [] }
      into.set(id, sighting)
    }
    sighting.count++
    if (time !== undefined) {
      if (sighting.firstSeen === undefined || time < sighting.firstSeen) sighting.firstSeen = time
      if (sighting.lastSeen === undefined || time > sighting.lastSeen) sighting.lastSeen = time
    }
    if (sighting.values.length < VALUES_MAX && !sighting.values.includes(value)) sighting.values.push(value)
  }
  return into
}
