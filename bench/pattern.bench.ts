import { compilePattern, matchObservations, parsePattern, toObservation } from '#stix'
import { type Bench, cpuSeconds } from './bench.ts'

const PATTERNS = [
  "[ipv4-addr:value = '198.51.100.1']",
  "[ipv4-addr:value = '198.51.100.1' OR ipv4-addr:value = '203.0.113.33' OR domain-name:value = 'a.example.com']",
  "[file:hashes.'SHA-256' = 'aec070645fe53ee3b3763059376134f058cc337247c978add178b6ccdfb0019f' AND file:size > 1024]",
  "[network-traffic:dst_ref.value ISSUBSET '203.0.113.0/24' AND network-traffic:dst_port IN (443, 8443)]",
  "[email-message:from_ref.value MATCHES '.+@example\\\\.com$' AND email-message:subject LIKE '%invoice%']",
  String.raw`[windows-registry-key:key = 'HKEY_LOCAL_MACHINE\\Software\\Foo'] START t'2024-01-01T00:00:00Z' STOP t'2025-01-01T00:00:00Z'`,
  "([ipv4-addr:value = '198.51.100.5'] FOLLOWEDBY [domain-name:value = 'a.example.com']) WITHIN 600 SECONDS",
  "[domain-name:value LIKE '%.example.com'] REPEATS 5 TIMES WITHIN 1800 SECONDS",
]

/** Observations of a busy minute: every kind of object that the patterns ask for, mostly not what they ask for. */
function observations(count: number) {
  return Array.from({ length: count }, (_, index) => {
    const address = { type: 'ipv4-addr', id: 'ipv4-addr--1', value: `198.51.${(index >> 8) & 255}.${index & 255}` }
    const scos = [
      { type: 'domain-name', value: `host${index}.example.${index % 50 === 0 ? 'com' : 'net'}` },
      { type: 'file', size: index * 100, hashes: { 'SHA-256': `${index}`.padStart(64, '0') } },
      { type: 'network-traffic', dst_ref: address.id, dst_port: index % 2 === 0 ? 443 : 80 },
      { type: 'email-message', from_ref: address.id, subject: `message ${index}` },
      { type: 'windows-registry-key', key: String.raw`HKEY_CURRENT_USER\Software\Bar` },
    ]
    const time = new Date(Date.UTC(2024, 5, 1) + index * 10).toISOString()
    const sco = scos[index % scos.length]
    const data = { first_observed: time, last_observed: time, number_observed: 1, object_refs: ['a', address.id] }
    return toObservation(data, (id) => (id === 'a' ? sco : address))
  })
}

const parse: Bench = {
  name: 'pattern-parse',
  what: 'parse STIX patterns',
  unit: 'patterns/s',
  target: 100_000,
  better: 'higher',
  per: 'cpu',
  prepare: async () => ({
    sample: async () => {
      const rounds = 20_000
      const seconds = await cpuSeconds(() => {
        for (let round = 0; round < rounds; round++) for (const text of PATTERNS) parsePattern(text)
      })
      return (rounds * PATTERNS.length) / seconds
    },
  }),
}

const match: Bench = {
  name: 'pattern-match',
  what: 'match compiled pattern × observation, one at a time',
  unit: 'observations/s',
  target: 2_000_000,
  better: 'higher',
  per: 'cpu',
  prepare: async () => {
    const compiled = PATTERNS.map((text) => compilePattern(text))
    const seen = observations(5_000).map((observation) => [observation])
    return {
      sample: async () => {
        const rounds = 50
        const seconds = await cpuSeconds(() => {
          for (let round = 0; round < rounds; round++)
            for (const pattern of compiled) for (const one of seen) matchObservations(pattern, one)
        })
        return (rounds * compiled.length * seen.length) / seconds
      },
    }
  },
}

export const benches: Bench[] = [parse, match]
