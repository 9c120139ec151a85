// Detection: atomic indicators over JSON events, and the full Sigma rule set over recorded Windows events.
// The Sigma rows read SigmaHQ's rules and OTRF's recordings from NOROSHI_SHARED (default ../shared); they are left out
// where that folder is missing.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { Detector, LineMatcher } from '#detect'
import { type Bench, cpuSeconds } from './bench.ts'

const SHARED = process.env.NOROSHI_SHARED ?? join(import.meta.dirname, '../../shared')
const RULES = join(SHARED, 'data/sigma/sigmahq-rules.jsonl.gz')
const EVENTS = join(SHARED, 'data/telemetry/otrf')
const CHUNK = 65_536
const EVENT_COUNT = 200_000
/** Every sixth recorded event: about 43,000 from all attacks. */
const MIXED_STEP = 6

/** A seeded generator (mulberry32), so that every run has the same input. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }
}

function armAtoms(count: number): Detector {
  const next = generator(1)
  const hex = (digits: number) => {
    let text = ''
    while (text.length < digits) text += next().toString(16).padStart(8, '0')
    return text.slice(0, digits)
  }
  const address = () => `${20 + (next() % 80)}.${next() % 256}.${next() % 256}.${next() % 256}`
  const detector = new Detector()
  const log = hex(64)
  for (let index = 0; index < count; index++) {
    const id = `indicator--${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`
    const kind = index % 10
    const test =
      kind < 4
        ? `ipv4-addr:value = '${address()}'`
        : kind < 7
          ? `domain-name:value = 'h${hex(8)}.n${hex(4)}.example'`
          : kind < 8
            ? `url:value = 'http://u${hex(8)}.example/p/${hex(6)}'`
            : `file:hashes.'SHA-256' = '${hex(64)}'`
    const validFrom = 1_600_000_000_000 + index
    detector.arm({
      id,
      kind: 'stix',
      pattern: `[${test}]`,
      validFrom,
      validUntil: 1_900_000_000_000,
      source: { log, index },
    })
  }
  return detector
}

/** Sequences of two values that hardly any event has, each with a window of its own. */
function armNeedledSequences(detector: Detector, count: number): void {
  for (let index = 0; index < count; index++) {
    const [first, then] = [`10${index}.beacon.example`, `10${index}.drop.example`]
    const pattern = `([domain-name:value = '${first}'] FOLLOWEDBY [domain-name:value = '${then}']) WITHIN ${60 + index} SECONDS`
    detector.arm({ id: `indicator--sequence-${index}`, kind: 'stix', pattern, validFrom: 0 })
  }
}

function networkEvents(): Uint8Array {
  const next = generator(2)
  const address = () => `${20 + (next() % 80)}.${next() % 256}.${next() % 256}.${next() % 256}`
  const lines = Array.from({ length: EVENT_COUNT }, (_, i) => {
    const ts = 1_700_000_000 + i / 100
    const ends = {
      'id.orig_h': `10.0.${next() % 256}.${next() % 256}`,
      'id.orig_p': 40_000,
      'id.resp_h': address(),
      'id.resp_p': 443,
    }
    const site = `www${next() % 100}.site${next() % 100_000}.example`
    if (i % 4 === 2)
      return {
        ts,
        uid: `C${next()}`,
        ...ends,
        proto: 'udp',
        trans_id: 7,
        query: site,
        qtype_name: 'A',
        rcode_name: 'NOERROR',
        AA: false,
        TTLs: [300],
        answers: [address()],
      }
    if (i % 4 === 3)
      return {
        timestamp: new Date(ts * 1000).toISOString(),
        flow_id: next(),
        event_type: 'http',
        src_ip: '10.0.0.1',
        src_port: 50_000,
        dest_ip: address(),
        dest_port: 80,
        proto: 'TCP',
        http: {
          hostname: site,
          url: `/a/${next()}`,
          http_user_agent: 'Mozilla/5.0 (X11; Linux x86_64)',
          http_method: 'GET',
          status: 200,
          length: 1_234,
        },
      }
    return {
      ts,
      uid: `C${next()}`,
      ...ends,
      proto: 'tcp',
      service: 'ssl',
      duration: 1.25,
      orig_bytes: 512,
      resp_bytes: 2_048,
      conn_state: 'SF',
      missed_bytes: 0,
      history: 'ShADadFf',
      orig_pkts: 12,
      orig_ip_bytes: 1_200,
      resp_pkts: 14,
      resp_ip_bytes: 4_000,
    }
  })
  return new TextEncoder().encode(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
}

/** Events per CPU second, from bytes to hits. */
async function rate(detector: Detector, bytes: Uint8Array): Promise<number> {
  let events = 0
  const seconds = await cpuSeconds(() => {
    const matcher = new LineMatcher(detector)
    for (let at = 0; at < bytes.length; at += CHUNK) matcher.push(bytes.subarray(at, at + CHUNK))
    matcher.end()
    events = matcher.report.events
  })
  return events / seconds
}

function armSigma(): Detector {
  const detector = new Detector()
  for (const line of gunzipSync(readFileSync(RULES)).toString('utf8').trimEnd().split('\n')) {
    const { path, rule } = JSON.parse(line) as { path: string; rule: string }
    detector.arm({ id: path, kind: 'sigma', pattern: rule, validFrom: 0 })
  }
  return detector
}

function recordedEvents(keep: (line: string, number: number) => boolean): Uint8Array {
  let number = 0
  const parts = readdirSync(EVENTS).map((file) => {
    const lines = gunzipSync(readFileSync(join(EVENTS, file)))
      .toString('utf8')
      .split('\n')
    return Buffer.from(
      lines
        .filter((line) => keep(line, number++))
        .map((line) => `${line}\n`)
        .join(''),
    )
  })
  return Buffer.concat(parts)
}

const isProcessCreation = (line: string): boolean => /"EventID": ?(1|4688)\b/.test(line)

const atomRate =
  (count: number): Bench['prepare'] =>
  async () => {
    const detector = armAtoms(count)
    const bytes = networkEvents()
    return { sample: () => rate(detector, bytes) }
  }

const sequenceRate =
  (atomCount: number, arm: (detector: Detector) => void): Bench['prepare'] =>
  async () => {
    const detector = armAtoms(atomCount)
    arm(detector)
    const bytes = networkEvents()
    return { sample: () => rate(detector, bytes) }
  }

const atomBytes =
  (count: number): Bench['prepare'] =>
  async () => {
    const detector = armAtoms(count)
    return { sample: async () => detector.memory().hotBytes / detector.size }
  }

const sigmaRate =
  (keep: (line: string, number: number) => boolean): Bench['prepare'] =>
  async () => {
    const detector = armSigma()
    const bytes = recordedEvents(keep)
    return { sample: () => rate(detector, bytes) }
  }

const atomRows = (label: string, count: number): Bench[] => [
  {
    name: `detect-atoms-${label}`,
    what: `JSON events (Zeek, EVE; mean 350 B) against ${count.toLocaleString('en')} indicators, from bytes to hits`,
    unit: 'events/s',
    target: 300_000,
    better: 'higher',
    per: 'cpu',
    prepare: atomRate(count),
  },
  {
    name: `detect-atoms-${label}-bytes`,
    what: `index bytes for each of ${count.toLocaleString('en')} indicators (records with id, source and value apart)`,
    unit: 'B',
    target: 25,
    better: 'lower',
    per: 'wall',
    prepare: atomBytes(count),
  },
]

const atoms: Bench[] = [
  ...atomRows('1m', 1_000_000),
  ...atomRows('10m', 10_000_000).map((row): Bench => ({ ...row, byNameOnly: true })),
]

const sequences: Bench[] = [
  {
    name: 'detect-sequences',
    what: 'the same events and 1,000,000 indicators, besides 1,000 sequences over several events that name values',
    unit: 'events/s',
    target: 300_000,
    better: 'higher',
    per: 'cpu',
    prepare: sequenceRate(1_000_000, (detector) => armNeedledSequences(detector, 1_000)),
  },
]

const sigma: Bench[] = [
  {
    name: 'detect-sigma-mixed',
    what: 'recorded Windows events (mean 2.3 kB) against all SigmaHQ rules, from bytes to hits',
    unit: 'events/s',
    target: 60_000,
    better: 'higher',
    per: 'cpu',
    prepare: sigmaRate((_, number) => number % MIXED_STEP === 0),
  },
  {
    name: 'detect-sigma-process',
    what: 'the process-creation lane apart: 1,600 rules see each event',
    unit: 'events/s',
    target: 10_000,
    better: 'higher',
    per: 'cpu',
    prepare: sigmaRate(isProcessCreation),
  },
]

/** Rows of this part. */
export const benches: Bench[] = [...atoms, ...sequences, ...(existsSync(RULES) && existsSync(EVENTS) ? sigma : [])]
