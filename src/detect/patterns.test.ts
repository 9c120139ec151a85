import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compilePattern, matchPattern } from '#stix'
import { Detector, formatsFor, LineMatcher, readLine, type Rule, tallySightings, toHitLine } from './index.ts'
import { toObservedBundle } from './observation.ts'

const stix = (pattern: string, more: Partial<Rule> = {}): Rule => ({
  id: 'indicator--a',
  kind: 'stix',
  pattern,
  validFrom: 0,
  ...more,
})

interface Conn {
  /** Seconds since 1970. */
  ts: number
  to?: string
  port?: number
  sensor?: string
}
const conn = ({ ts, to = '192.0.2.1', port = 80, sensor }: Conn): string =>
  JSON.stringify({
    ts,
    uid: 'C1',
    'id.orig_h': '10.0.0.1',
    'id.resp_h': to,
    'id.resp_p': port,
    conn_state: 'SF',
    ...(sensor === undefined ? {} : { _system_name: sensor }),
  })

function armed(pattern: string, more: Partial<Rule> = {}): Detector {
  const detector = new Detector()
  assert.deepEqual(detector.arm(stix(pattern, more)), { armed: true, as: 'pattern', atoms: 0, replaced: false })
  return detector
}

/** Hits of lines that come by one stream, one list for each line. */
function hitsOf(detector: Detector, lines: readonly string[], stream = 's', format = 'auto') {
  const matcher = new LineMatcher(detector, { stream, format })
  return lines.map((line) => matcher.push(new TextEncoder().encode(`${line}\n`)))
}
const completed = (detector: Detector, lines: readonly string[], stream = 's') =>
  hitsOf(detector, lines, stream).flatMap((hits, at) => hits.map(() => at))

const C2 = '203.0.113.7'
const DROP = '203.0.113.8'
const FOLLOWED = `[ipv4-addr:value = '${C2}'] FOLLOWEDBY [ipv4-addr:value = '${DROP}']`

test('a sequence is found over lines, in the order of event time, whatever the order of arrival', () => {
  const first = conn({ ts: 10, to: C2 })
  const then = conn({ ts: 20, to: DROP })
  const between = conn({ ts: 15 })
  assert.deepEqual(completed(armed(FOLLOWED), [first, between, then]), [2])
  assert.deepEqual(completed(armed(FOLLOWED), [then, between, first]), [2], 'the late line completes it')
  assert.deepEqual(completed(armed(FOLLOWED), [conn({ ts: 20, to: C2 }), conn({ ts: 10, to: DROP })]), [])
})

test('a hit tells the first and the last event, and so does the sighting', () => {
  const lines = [conn({ ts: 20, to: DROP }), conn({ ts: 12 }), conn({ ts: 10, to: C2 })]
  const matcher = new LineMatcher(armed(FOLLOWED), { file: 'conn.log' })
  const hits = matcher.push(new TextEncoder().encode(lines.map((line) => `${line}\n`).join('')))
  assert.deepEqual(hits.map(toHitLine), [
    {
      indicator: 'indicator--a',
      event: { file: 'conn.log', line: 3 },
      time: '1970-01-01T00:00:10.000Z',
      value: FOLLOWED,
      events: 2,
      first: { time: '1970-01-01T00:00:10.000Z', event: { file: 'conn.log', line: 3 } },
      last: { time: '1970-01-01T00:00:20.000Z', event: { file: 'conn.log', line: 1 } },
    },
  ])
  const [sighting] = tallySightings(hits).values()
  assert.deepEqual([sighting?.firstSeen, sighting?.lastSeen, sighting?.count], [10_000, 20_000, 1])
})

test('each event that completes a repetition is one hit, and WITHIN counts by event time', () => {
  const detector = armed(`[network-traffic:dst_port = 22] REPEATS 3 TIMES WITHIN 10 SECONDS`)
  const at = (ts: number) => conn({ ts, port: 22 })
  assert.deepEqual(completed(detector, [at(0), at(5), at(10), at(11), at(16), at(99), at(100)]), [2, 3, 4])
})

test('observers are the sensors that events name, inside of their stream', () => {
  const c2 = (sensor?: string) => conn({ ts: 10, to: C2, ...(sensor === undefined ? {} : { sensor }) })
  const drop = (sensor?: string) => conn({ ts: 20, to: DROP, ...(sensor === undefined ? {} : { sensor }) })
  assert.deepEqual(completed(armed(FOLLOWED), [c2('tokyo'), drop('osaka')]), [])
  assert.deepEqual(completed(armed(FOLLOWED), [c2('tokyo'), drop('osaka'), drop('TOKYO')]), [2])
  assert.deepEqual(completed(armed(FOLLOWED), [c2('tokyo'), drop()]), [])
  const detector = armed(FOLLOWED)
  assert.deepEqual(completed(detector, [c2('tokyo')], 'client a'), [])
  assert.deepEqual(completed(detector, [drop('tokyo')], 'client b'), [], 'never over two streams')
  assert.deepEqual(completed(detector, [drop('tokyo')], 'client a'), [0], 'a stream goes on where it left off')
})

test('each format names its observer', () => {
  const windows = (fields: object) => JSON.stringify({ EventID: 1, Channel: 'Security', ...fields })
  const cases: [string, (host: string) => string][] = [
    ['windows', (host) => windows({ Computer: host, UtcTime: '2024-01-01 00:00:00' })],
    ['windows', (host) => windows({ Hostname: host, EventTime: '2024-01-01 00:00:00' })],
    [
      'windows',
      (host) =>
        JSON.stringify({
          Event: {
            System: { EventID: 1, Channel: 'x', Computer: host, TimeCreated: { SystemTime: '2024-01-01T00:00:00Z' } },
          },
        }),
    ],
    [
      'windows',
      (host) => JSON.stringify({ '@timestamp': '2024-01-01T00:00:00Z', winlog: { event_id: 1, computer_name: host } }),
    ],
    ['eve', (host) => JSON.stringify({ timestamp: '2024-01-01T00:00:00Z', event_type: 'flow', host })],
    ['eve', (name) => JSON.stringify({ timestamp: '2024-01-01T00:00:00Z', event_type: 'flow', host: { name } })],
    ['zeek', (host) => JSON.stringify({ ts: 1, uid: 'C', _system_name: host })],
    [
      'web',
      (host) =>
        JSON.stringify({ time: '2024-01-01T00:00:00Z', method: 'GET', uri: '/', status: 200, 's-computername': host }),
    ],
    ['json', (hostname) => JSON.stringify({ time: '2024-01-01T00:00:00Z', agent: { hostname } })],
    ['json', (DeviceName) => JSON.stringify({ time: '2024-01-01T00:00:00Z', DeviceName })],
  ]
  for (const [format, line] of cases) {
    const event = readLine(formatsFor('auto'), line('WS01.corp.example'), { line: 1 })
    assert.ok(typeof event !== 'string' && event.format.name === format, line('x'))
    assert.equal(event.observer.host, 'ws01.corp.example', line('x'))
  }
})

test('what no WITHIN bounds is bounded by an hour, and a longer WITHIN is kept', () => {
  const lines = (gap: number) => [conn({ ts: 10, to: C2 }), conn({ ts: 10 + gap, to: DROP })]
  assert.deepEqual(completed(armed(FOLLOWED), lines(3_600)), [1])
  assert.deepEqual(completed(armed(FOLLOWED), lines(3_601)), [])
  assert.deepEqual(completed(armed(`(${FOLLOWED}) WITHIN 86400 SECONDS`), lines(86_400)), [1])
})

test('every event of a match lies within the validity of its indicator, by its own time', () => {
  const lines = [conn({ ts: 10, to: C2 }), conn({ ts: 20, to: DROP })]
  assert.deepEqual(completed(armed(FOLLOWED, { validFrom: 10_000, validUntil: 20_001 }), lines), [1])
  assert.deepEqual(completed(armed(FOLLOWED, { validFrom: 10_001 }), lines), [])
  assert.deepEqual(completed(armed(FOLLOWED, { validFrom: 0, validUntil: 20_000 }), lines), [])
})

test('disarming drops what was kept', () => {
  const detector = armed(FOLLOWED)
  completed(detector, [conn({ ts: 10, to: C2 })])
  assert.deepEqual([detector.memory().evaluated.kept, detector.memory().evaluated.observers], [1, 1])
  assert.equal(detector.disarm('indicator--a'), true)
  assert.deepEqual([detector.memory().evaluated.kept, detector.memory().evaluated.observers], [0, 0])
  assert.equal(detector.memory().atoms, 0, 'and its needles')
  detector.arm(stix(FOLLOWED))
  assert.deepEqual(completed(detector, [conn({ ts: 20, to: DROP })]), [])
})

test('qualifiers about one observation are matched on single events', () => {
  const pattern = `[ipv4-addr:value = '${C2}'] START t'1970-01-01T00:00:10Z' STOP t'1970-01-01T00:00:20Z'`
  const detector = armed(pattern)
  assert.deepEqual(
    completed(
      detector,
      [9, 10, 19, 20].map((ts) => conn({ ts, to: C2 })),
    ),
    [1, 2],
  )
  assert.equal(detector.memory().evaluated.kept, 0)
})

test('needles are looked for at both ends of a connection, also where a format names them in a way of its own', () => {
  const pattern = `[network-traffic:dst_ref.value = '${C2}'] FOLLOWEDBY [network-traffic:dst_ref.value = '${DROP}']`
  const line = (second: number, target: string) =>
    JSON.stringify({ time: `2024-01-01T00:00:0${second}Z`, id: { orig_h: '10.0.0.1', resp_h: target } })
  const detector = armed(pattern)
  assert.equal(detector.needsEveryEvent, false)
  assert.deepEqual(completed(detector, [line(1, C2), line(2, '192.0.2.1'), line(3, DROP)]), [2])
})

test('lines without needles are not read, where only patterns with needles are armed', () => {
  const detector = armed(FOLLOWED)
  assert.equal(detector.needsEveryEvent, false)
  detector.arm(stix("[process:name = 'a.exe'] FOLLOWEDBY [process:name = 'b.exe']", { id: 'indicator--b' }))
  assert.equal(detector.needsEveryEvent, true)
})

const LEAVES = [
  `ipv4-addr:value = '${C2}'`,
  `ipv4-addr:value = '${DROP}'`,
  "ipv4-addr:value ISSUBSET '203.0.113.8/31'",
  `network-traffic:dst_ref.value = '${C2}' AND network-traffic:dst_port = 22`,
  "domain-name:value = 'c2.example'",
  `ipv4-addr:value IN ('${C2}', '203.0.113.9') OR domain-name:value = 'c2.example'`,
  'network-traffic:dst_port = 22',
  "domain-name:value LIKE '%.example'",
]
const patterns = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom(...LEAVES).map((leaf) => `[${leaf}]`),
    fc
      .tuple(fc.constantFrom('AND', 'OR', 'FOLLOWEDBY'), fc.array(tie('node'), { minLength: 2, maxLength: 3 }))
      .map(([word, parts]) => `(${parts.join(` ${word} `)})`),
    fc.tuple(tie('node'), fc.integer({ min: 1, max: 4 })).map(([part, n]) => `(${part}) WITHIN ${n} SECONDS`),
    fc.tuple(tie('node'), fc.integer({ min: 1, max: 3 })).map(([part, n]) => `(${part}) REPEATS ${n} TIMES`),
    tie('node').map((part) => `(${part}) START t'1970-01-01T00:00:02Z' STOP t'1970-01-01T00:00:06Z'`),
  ),
})).node
const lineOf = fc.oneof(
  fc
    .record({
      ts: fc.integer({ min: 0, max: 7 }),
      to: fc.constantFrom(C2, DROP, '203.0.113.9', '192.0.2.1'),
      port: fc.constantFrom(22, 80),
      sensor: fc.constantFrom('tokyo', 'osaka'),
    })
    .map((row) => ({ sensor: row.sensor, line: conn(row) })),
  fc
    .record({
      ts: fc.integer({ min: 0, max: 7 }),
      query: fc.constantFrom('c2.example', 'www.c2.example', 'other.test'),
      sensor: fc.constantFrom('tokyo', 'osaka'),
    })
    .map(({ ts, query, sensor }) => ({
      sensor,
      line: JSON.stringify({
        ts,
        uid: 'C',
        'id.orig_h': '10.0.0.1',
        'id.resp_h': '10.0.0.2',
        query,
        _system_name: sensor,
      }),
    })),
)

test('telemetry completes a pattern for an observer exactly when `pattern match` says so of the events so far', () => {
  let matched = 0
  fc.assert(
    fc.property(patterns, fc.array(lineOf, { minLength: 1, maxLength: 7 }), (pattern, lines) => {
      const detector = new Detector({ allow: [] })
      const result = detector.arm(stix(pattern))
      assert.ok(result.armed, pattern)
      const compiled = compilePattern(pattern)
      const seen = new Map<string, object[]>()
      const matching = new Set<string>()
      const hits = hitsOf(
        detector,
        lines.map(({ line }) => line),
      )
      for (const [at, { sensor, line }] of lines.entries()) {
        const event = readLine(formatsFor('zeek'), line, { line: at + 1 })
        assert.ok(typeof event !== 'string')
        const bundles = [...(seen.get(sensor) ?? []), toObservedBundle(event, event.time!)]
        seen.set(sensor, bundles)
        const expected = matchPattern(compiled, bundles)
        const hit = hits[at]!.length > 0
        // Single values and their sub-domains are the index's to match: it knows more names for the same thing.
        if (result.as === 'atoms') continue
        if (!matching.has(sensor)) assert.equal(hit, expected, `${pattern} at line ${at + 1}`)
        assert.ok(hits[at]!.length <= 1, 'one hit for each completing event')
        if (expected) matching.add(sensor)
        if (hit) matched++
      }
    }),
    { numRuns: 3_000 },
  )
  assert.ok(matched > 500, `the random patterns match often enough: ${matched}`)
})

test('hostile patterns and busy sensors cost a bounded time for each event, and what was given up is counted', () => {
  const port = (n: number) => `[network-traffic:dst_port = ${n}]`
  const any = "[ipv4-addr:value LIKE '203.%']"
  const hostile = [
    Array.from({ length: 200 }, () => any).join(' FOLLOWEDBY '),
    `(${Array.from({ length: 30 }, (_, n) => `(${port(n % 5)} FOLLOWEDBY ${port((n * 3 + 1) % 5)})`).join(' OR ')}) REPEATS 20 TIMES`,
    `(${port(1)} AND ${port(2)} AND ${port(3)}) REPEATS 60 TIMES WITHIN 3 SECONDS FOLLOWEDBY ${any} FOLLOWEDBY ${port(4)} REPEATS 100 TIMES`,
    "[url:value MATCHES '(.{0,160}a){3}b$'] REPEATS 2 TIMES",
  ]
  const detector = new Detector({ allow: [] })
  for (const [n, pattern] of hostile.entries())
    assert.equal(detector.arm(stix(pattern, { id: `indicator--${n}` })).armed, true, pattern)
  detector.arm(stix(`${port(3)} REPEATS 3 TIMES WITHIN 60 SECONDS`, { id: 'indicator--fair' }))
  const lines = Array.from({ length: 1_000 }, (_, n) =>
    JSON.stringify({
      ts: n / 20,
      uid: 'C',
      'id.orig_h': '10.0.0.1',
      'id.resp_h': `203.0.113.${n % 200}`,
      'id.resp_p': n % 5,
      host: 'a.example',
      uri: `/${'ab'.repeat(2_000)}`,
    }),
  )
  const before = process.cpuUsage()
  const hits = hitsOf(detector, lines).flat()
  const { user, system } = process.cpuUsage(before)
  assert.ok((user + system) / 1_000 < 30_000, `${(user + system) / 1_000} ms for ${lines.length} events`)
  assert.ok(detector.memory().evaluated.overBudget > 100)
  assert.equal(hits.filter(({ id }) => id === 'indicator--fair').length, 198, 'and a cheap pattern loses nothing')
})

test('patterns that reach over many events keep working among thousands of events that come close', () => {
  const port = (n: number) => `[network-traffic:dst_port = ${n}]`
  const detector = new Detector()
  const chain = [4, 3, 2, 1, 0].map(port).join(' FOLLOWEDBY ')
  detector.arm(stix(`(${chain}) WITHIN 60 SECONDS`, { id: 'indicator--chain' }))
  detector.arm(stix(`(${port(1)} REPEATS 20 TIMES FOLLOWEDBY ${port(9)}) WITHIN 60 SECONDS`, { id: 'indicator--rare' }))
  const lines = Array.from({ length: 2_000 }, (_, n) => conn({ ts: n / 20, port: ((n * 7_919) >> 3) % 5 }))
  lines.push(conn({ ts: 100, port: 9 }))
  const hits = hitsOf(detector, lines)
  assert.equal(detector.memory().evaluated.overBudget, 0)
  assert.deepEqual(
    hits.at(-1)!.map(({ id, span }) => [id, span?.events]),
    [['indicator--rare', 21]],
  )
  assert.ok(hits.flat().length > 300)
})

test('an event whose time no timestamp holds is an event without a time', () => {
  const detector = armed("[ipv4-addr:value LIKE '203.%'] REPEATS 2 TIMES")
  detector.arm(stix(`[ipv4-addr:value = '${C2}']`, { id: 'indicator--b' }))
  for (const ts of [
    1e300,
    1e15,
    8.64e15,
    Number.MAX_SAFE_INTEGER,
    -5,
    '9999-12-31T23:59:59-01:00',
    '1969-12-31T23:59:59Z',
  ] as number[]) {
    const lines = [
      conn({ ts, to: C2 }),
      conn({ ts, to: C2 }),
      `{"EventID":1,"Channel":"x","TimeCreated":"/Date(9${'0'.repeat(15)})/","SourceIp":"${C2}"}`,
    ]
    assert.deepEqual(hitsOf(detector, lines).flat(), [], String(ts))
  }
  const last = 253_402_300_799_000
  const hits = hitsOf(detector, [conn({ ts: last, to: C2 }), conn({ ts: last, to: C2 })]).flat()
  assert.deepEqual(
    hits.map((hit) => toHitLine(hit)['time']),
    ['9999-12-31T23:59:59.000Z', '9999-12-31T23:59:59.000Z', '9999-12-31T23:59:59.000Z'],
  )
})
