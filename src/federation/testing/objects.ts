import { type JsonObject, toTimestamp, uuid5 } from '#base'
import type { Audience } from '#log'

const NAMESPACE = '5f0a2f0e-9d0a-4c8f-a7a0-5a7a0a1b2c3d'

/** A valid indicator whose id follows from `name`. */
export function indicator(name: string, creator: string, time: number, more: JsonObject = {}): JsonObject {
  return {
    type: 'indicator',
    spec_version: '2.1',
    id: `indicator--${uuid4Like(name)}`,
    created_by_ref: creator,
    created: toTimestamp(time),
    modified: toTimestamp(time),
    name,
    indicator_types: ['malicious-activity'],
    pattern: "[ipv4-addr:value = '192.0.2.7']",
    pattern_type: 'stix',
    valid_from: toTimestamp(time),
    ...more,
  }
}

/** AMBER for an alliance. */
export const amberFor = (...alliances: string[]): Audience => ({ v: 1, tlp: 'amber', community: alliances.sort() })

/** A name-based UUID that passes as a random one, which STIX asks of objects. */
function uuid4Like(name: string): string {
  const uuid = uuid5(NAMESPACE, name)
  return `${uuid.slice(0, 14)}4${uuid.slice(15)}`
}
