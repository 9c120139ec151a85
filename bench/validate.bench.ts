import { validateObject } from '#stix'
import type { Json } from '#base'
import { type Bench, cpuSeconds } from './bench.ts'

const OBJECTS = 20_000
const ROUNDS = 10

/** Validation of parsed objects at MUST level with the full list of errors: a mix as alliances share it. */
export const benches: Bench[] = [
  {
    name: 'validate',
    what: 'validate STIX objects, MUST level, full error list',
    unit: 'objects/s',
    target: 300_000,
    better: 'higher',
    per: 'cpu',
    prepare: async () => {
      const objects = mix(OBJECTS)
      return {
        sample: async () => {
          let valid = 0
          const seconds = await cpuSeconds(() => {
            for (let round = 0; round < ROUNDS; round++)
              for (const object of objects) if (validateObject(object).valid) valid++
          })
          if (valid !== OBJECTS * ROUNDS)
            throw new Error(`${OBJECTS * ROUNDS - valid} objects of the bench are invalid`)
          return valid / seconds
        },
      }
    },
  },
]

/** Objects as they come from the wire: parsed one by one, every text its own. */
function mix(count: number): Json[] {
  return Array.from(
    { length: count },
    (_, index) => JSON.parse(JSON.stringify(MAKERS[index % MAKERS.length]?.(index))) as Json,
  )
}

const uuid = (index: number) =>
  `${((index * 2_654_435_761) % 4_294_967_296).toString(16).padStart(8, '0')}-8b1d-4c3a-9f00-${index.toString(16).padStart(12, '0')}`

const common = (type: string, index: number) => ({
  type,
  spec_version: '2.1',
  id: `${type}--${uuid(index)}`,
  created_by_ref: `identity--${uuid(7)}`,
  created: '2026-03-01T08:17:27.123Z',
  modified: '2026-03-02T09:00:00.456Z',
  object_marking_refs: ['marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb'],
})

const indicator = (pattern: (index: number) => string) => (index: number) => ({
  ...common('indicator', index),
  name: `Indicator ${index}`,
  description: 'Seen in an intrusion of a member of the alliance.',
  indicator_types: ['malicious-activity'],
  pattern: pattern(index),
  pattern_type: 'stix',
  valid_from: '2026-03-01T00:00:00Z',
  valid_until: '2026-06-01T00:00:00Z',
  confidence: 80,
})

const relationship = (index: number) => ({
  ...common('relationship', index),
  relationship_type: 'indicates',
  source_ref: `indicator--${uuid(index)}`,
  target_ref: `malware--${uuid(index + 1)}`,
})

/** Ten objects: four indicators, two relationships, and one each of what else is common. */
const MAKERS: ((index: number) => object)[] = [
  indicator((index) => `[ipv4-addr:value = '203.0.${(index >> 8) & 255}.${index & 255}']`),
  indicator((index) => `[file:hashes.'SHA-256' = '${uuid(index).replaceAll('-', '').repeat(2)}']`),
  indicator((index) => `[domain-name:value = 'c2-${index}.example.com']`),
  indicator((index) => `[url:value = 'http://${index}.example.com/a' OR domain-name:value = '${index}.example.com']`),
  relationship,
  relationship,
  (index) => ({
    ...common('attack-pattern', index),
    name: 'Port proxy',
    description: 'A port is forwarded by means of the operating system.',
    kill_chain_phases: [{ kill_chain_name: 'mitre-attack', phase_name: 'command-and-control' }],
    external_references: [{ source_name: 'mitre-attack', external_id: 'T1090', url: 'https://attack.mitre.org/T1090' }],
    x_mitre_platforms: ['Windows', 'Linux'],
    x_mitre_version: '1.2',
  }),
  (index) => ({
    ...common('observed-data', index),
    first_observed: '2026-03-01T08:00:00Z',
    last_observed: '2026-03-01T08:00:01Z',
    number_observed: 3,
    object_refs: [`ipv4-addr--${uuid(index)}`, `network-traffic--${uuid(index)}`],
  }),
  (index) => ({
    type: 'ipv4-addr',
    spec_version: '2.1',
    id: `ipv4-addr--${uuid(index)}`,
    value: `198.51.100.${index & 255}`,
  }),
  (index) => ({
    ...common('sighting', index),
    sighting_of_ref: `indicator--${uuid(index)}`,
    where_sighted_refs: [`identity--${uuid(3)}`],
    first_seen: '2026-03-01T08:00:00Z',
    last_seen: '2026-03-01T09:00:00Z',
    count: 4,
  }),
]
