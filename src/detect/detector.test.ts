import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Detector, LineMatcher, matchLines, type Rule, tallySightings, toHitLine } from './index.ts'

const stix = (id: string, pattern: string, more: Partial<Rule> = {}): Rule => ({
  id,
  kind: 'stix',
  pattern,
  validFrom: 0,
  ...more,
})
const conn = (address: string, ts: number) =>
  JSON.stringify({ ts, uid: 'C1', 'id.orig_h': '10.0.0.1', 'id.resp_h': address, conn_state: 'SF' })
const hitsOf = (detector: Detector, ...lines: string[]) => [...matchLines(detector, lines)]

test('an indicator matches from valid_from on and before valid_until, by the time of the event', () => {
  const detector = new Detector()
  detector.arm(stix('indicator--a', "[ipv4-addr:value = '203.0.113.7']", { validFrom: 10_000, validUntil: 20_500 }))
  const times = [9.999, 10, 20.499, 20.5]
  const hits = hitsOf(detector, ...times.map((ts) => conn('203.0.113.7', ts)))
  assert.deepEqual(hits.map(toHitLine), [
    { indicator: 'indicator--a', event: { line: 2 }, time: '1970-01-01T00:00:10.000Z', value: '203.0.113.7' },
    { indicator: 'indicator--a', event: { line: 3 }, time: '1970-01-01T00:00:20.499Z', value: '203.0.113.7' },
  ])
})

test('rules are armed, replaced and disarmed while events are matched', () => {
  const detector = new Detector()
  assert.deepEqual(hitsOf(detector, conn('203.0.113.7', 1)), [])
  assert.equal(
    detector.arm(stix('indicator--a', "[ipv4-addr:value = '203.0.113.7'] OR [ipv4-addr:value = '203.0.113.8']")).armed,
    true,
  )
  assert.equal(hitsOf(detector, conn('203.0.113.8', 1)).length, 1)
  const again = detector.arm(stix('indicator--a', "[ipv4-addr:value = '203.0.113.9']"))
  assert.deepEqual(again, { armed: true, as: 'atoms', atoms: 1, replaced: true })
  assert.equal(hitsOf(detector, conn('203.0.113.8', 1)).length, 0)
  assert.equal(hitsOf(detector, conn('203.0.113.9', 1)).length, 1)
  assert.deepEqual([detector.disarm('indicator--a'), detector.disarm('indicator--a'), detector.size], [true, false, 0])
  assert.equal(hitsOf(detector, conn('203.0.113.9', 1)).length, 0)
})

test('Sigma rules armed after the first event match the next one, and disarmed ones no longer', () => {
  const detector = new Detector()
  const sigma = (id: string, word: string): Rule => ({
    ...stix(
      id,
      `title: ${id}\nlogsource: {product: zeek, service: conn}\ndetection: {s: {conn_state: ${word}}, condition: s}`,
    ),
    kind: 'sigma',
  })
  for (let i = 0; i < 100; i++) {
    detector.arm(sigma(`r${i}`, 'sf'))
    assert.equal(hitsOf(detector, conn('192.0.2.1', 1)).length, i + 1)
  }
  detector.arm(sigma('r5', 'other'))
  detector.disarm('r6')
  assert.equal(hitsOf(detector, conn('192.0.2.1', 1)).length, 98)
})

test('what would match ordinary traffic is refused with a code', () => {
  const detector = new Detector({ own: ['198.51.100.0/24', 'ministry.example'] })
  const cases: [string, string][] = [
    ["[ipv4-addr:value ISSUBSET '0.0.0.0/0']", 'DETECT_RANGE_TOO_BROAD'],
    ["[ipv4-addr:value = '45.0.0.0/8']", 'DETECT_RANGE_TOO_BROAD'],
    ["[ipv6-addr:value = '::/0']", 'DETECT_RANGE_TOO_BROAD'],
    ["[ipv4-addr:value = '127.0.0.1']", 'DETECT_RESERVED_ADDRESS'],
    ["[ipv4-addr:value = '198.51.100.9']", 'DETECT_OWN_RANGE'],
    ["[ipv4-addr:value = '198.51.0.0/16']", 'DETECT_OWN_RANGE'],
    ["[domain-name:value = 'mail.ministry.example']", 'DETECT_OWN_RANGE'],
    ["[ipv4-addr:value = '8.8.8.8']", 'DETECT_ALLOWED_VALUE'],
    ["[domain-name:value = 'com']", 'DETECT_PUBLIC_SUFFIX'],
    ["[domain-name:value = 'go.jp']", 'DETECT_PUBLIC_SUFFIX'],
    ["[domain-name:value = 'github.io']", 'DETECT_PUBLIC_SUFFIX'],
    ["[domain-name:value = 'google.com']", 'DETECT_ALLOWED_VALUE'],
    ["[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']", 'DETECT_ALLOWED_VALUE'],
    ["[ipv4-addr:value = 'nonsense']", 'DETECT_VALUE_INVALID'],
    ["[ipv4-addr:value = '203.0.113.7'] OR [domain-name:value = 'com']", 'DETECT_PUBLIC_SUFFIX'],
    ['[ipv4-addr:value = ', 'DETECT_PATTERN_INVALID'],
    ["[ipv4-addr:value = '8.8.8.8'] REPEATS 2 TIMES", 'DETECT_ALLOWED_VALUE'],
    ["[domain-name:value = 'com'] FOLLOWEDBY [ipv4-addr:value ISSUBSET '0.0.0.0/0']", 'DETECT_PUBLIC_SUFFIX'],
    ["[process:name = 'a'] OR [ipv4-addr:value = '8.8.4.4'] REPEATS 2 TIMES", 'DETECT_ALLOWED_VALUE'],
    ["[ipv4-addr:value = '203.0.113.7'] REPEATS 600 TIMES", 'DETECT_LIMIT'],
    [`[ipv4-addr:value != '${'9'.repeat(70_000)}']`, 'DETECT_LIMIT'],
    [Array.from({ length: 257 }, (_, port) => `[network-traffic:dst_port = ${port}]`).join(' AND '), 'DETECT_LIMIT'],
  ]
  for (const [pattern, code] of cases) {
    const result = detector.arm(stix('indicator--x', pattern))
    assert.equal(result.armed ? 'armed' : result.code, code, pattern)
  }
  assert.equal(detector.size, 0)
  assert.equal(hitsOf(detector, conn('203.0.113.7', 1)).length, 0)
  const { refused } = detector.memory()
  assert.equal(refused.DETECT_PUBLIC_SUFFIX, 5)
})

test('a pattern that is no list of equalities is evaluated on the event as an observation', () => {
  const detector = new Detector()
  const result = detector.arm(
    stix('indicator--p', "[process:command_line LIKE '%portproxy%' AND process:name = 'netsh.exe']"),
  )
  assert.deepEqual(result, { armed: true, as: 'pattern', atoms: 0, replaced: false })
  detector.arm(
    stix('indicator--t', "[network-traffic:dst_port = 8443 AND network-traffic:dst_ref.value = '192.0.2.9']"),
  )
  const start = (commandLine: string) =>
    JSON.stringify({
      EventID: 1,
      Channel: 'Microsoft-Windows-Sysmon/Operational',
      UtcTime: '2024-01-01 00:00:00',
      Image: 'C:\\Windows\\netsh.exe',
      CommandLine: commandLine,
    })
  const traffic = JSON.stringify({
    ts: 1,
    uid: 'C',
    'id.orig_h': '10.0.0.1',
    'id.resp_h': '192.0.2.9',
    'id.resp_p': 8443,
    conn_state: 'SF',
  })
  const hits = hitsOf(detector, start('netsh interface portproxy add'), start('netsh dump'), traffic)
  assert.deepEqual(
    hits.map(({ id, event }) => [id, event.line]),
    [
      ['indicator--p', 1],
      ['indicator--t', 3],
    ],
  )
})

test('bad lines are counted with their numbers and never end the run, wherever chunks are cut', () => {
  const lines = [
    '\ufeff' + conn('203.0.113.7', 1),
    '',
    '{"ts":',
    '[1]',
    'text',
    '7',
    conn('203.0.113.7', 2),
    '{"a":"\u0001"}',
    'x'.repeat(1_100_000),
    conn('203.0.113.7', 3),
  ]
  const bytes = new TextEncoder().encode(lines.join('\r\n'))
  for (const size of [1_000, 7_919, bytes.length]) {
    const detector = new Detector()
    detector.arm(stix('indicator--a', "[ipv4-addr:value = '203.0.113.7']"))
    const matcher = new LineMatcher(detector, { file: 'f' })
    const hits = []
    for (let at = 0; at < bytes.length; at += size) hits.push(...matcher.push(bytes.subarray(at, at + size)))
    hits.push(...matcher.end())
    assert.deepEqual(
      hits.map(({ event }) => event),
      [1, 7, 10].map((line) => ({ file: 'f', line })),
    )
    const { report } = matcher
    assert.deepEqual([report.lines, report.events, report.hits, report.badLines], [10, 3, 3, 6])
    assert.deepEqual(
      report.bad.map(({ line, reason }) => [line, reason]),
      [
        [3, 'not-json'],
        [4, 'not-an-object'],
        [5, 'not-json'],
        [6, 'not-an-object'],
        [8, 'not-json'],
        [9, 'too-long'],
      ],
    )
  }
})

test('deep nesting is an event like any other', () => {
  const detector = new Detector()
  detector.arm(stix('indicator--a', "[ipv4-addr:value = '203.0.113.7']"))
  const deep = `{"ts":1,"uid":"C","id.orig_h":"203.0.113.7","x":${'['.repeat(10_000)}${']'.repeat(10_000)}}`
  assert.equal(hitsOf(detector, deep).length, 1)
})

test('hits become sightings with first and last time, count and values', () => {
  const detector = new Detector()
  detector.arm(stix('indicator--a', "[domain-name:value = 'evil.example']"))
  const dns = (query: string, ts: number) =>
    JSON.stringify({ ts, uid: 'C', 'id.orig_h': '10.0.0.1', 'id.resp_h': '10.0.0.2', query })
  const hits = hitsOf(detector, dns('a.evil.example', 5), dns('EVIL.example.', 3), dns('notevil.example', 4))
  assert.deepEqual(
    [...tallySightings(hits).values()],
    [{ id: 'indicator--a', firstSeen: 3_000, lastSeen: 5_000, count: 2, values: ['a.evil.example', 'EVIL.example.'] }],
  )
})

test('each format yields time and values', () => {
  const sha = 'ab'.repeat(32)
  const cases: [string, string, string][] = [
    [
      "[domain-name:value = 'evil.example']",
      'eve',
      '{"timestamp":"2024-03-01T09:00:00.000000+0900","event_type":"dns","src_ip":"10.0.0.1","dns":{"queries":[{"rrname":"x.evil.example"}]}}',
    ],
    [
      "[url:value = 'http://evil.example/a?b']",
      'eve',
      '{"timestamp":"2024-03-01T00:00:00Z","event_type":"http","src_ip":"10.0.0.1","http":{"hostname":"evil.example","url":"/a?b"}}',
    ],
    [
      `[file:hashes.'SHA-256' = '${sha}']`,
      'eve',
      `{"timestamp":"2024-03-01T00:00:00Z","event_type":"fileinfo","fileinfo":{"sha256":"${sha}"}}`,
    ],
    [
      `[x509-certificate:hashes.'SHA-1' = '${'cd'.repeat(20)}']`,
      'eve',
      `{"timestamp":"2024-03-01T00:00:00Z","event_type":"tls","tls":{"fingerprint":"${Array(20).fill('CD').join(':')}"}}`,
    ],
    [
      `[x509-certificate:hashes.'SHA-256' = '${sha}']`,
      'zeek',
      `{"ts":1709251200,"fingerprint":"${sha}","certificate.serial":"01"}`,
    ],
    ["[email-addr:value = 'a@evil.example']", 'zeek', '{"ts":1709251200,"uid":"C","mailfrom":"<A@evil.example>"}'],
    [
      "[ipv4-addr:value ISSUBSET '203.0.113.0/28']",
      'web',
      '203.0.113.9 - - [01/Mar/2024:09:00:00 +0900] "GET /x HTTP/1.1" 200 12 "-" "curl/8"',
    ],
    [
      "[ipv4-addr:value = '203.0.113.9']",
      'web',
      '{"time":"2024-03-01T00:00:00Z","remote_addr":"203.0.113.9","request_method":"GET","request_uri":"/x","status":200}',
    ],
    [
      `[file:hashes.'SHA-256' = '${sha}']`,
      'windows',
      `{"Event":{"System":{"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","TimeCreated":{"#attributes":{"SystemTime":"2024-03-01T00:00:00.000000Z"}}},"EventData":{"Hashes":"MD5=00,SHA256=${sha.toUpperCase()},IMPHASH=${'0'.repeat(32)}"}}}`,
    ],
    [
      "[domain-name:value = 'evil.example']",
      'windows',
      '{"EventID":22,"Channel":"Microsoft-Windows-Sysmon/Operational","UtcTime":"2024-03-01 00:00:00.000","QueryName":"evil.example"}',
    ],
    [
      "[ipv4-addr:value = '203.0.113.9']",
      'json',
      '{"eventTime":"2024-03-01T00:00:00Z","sourceIPAddress":"203.0.113.9"}',
    ],
  ]
  for (const [pattern, format, line] of cases)
    for (const name of ['auto', format]) {
      const detector = new Detector({ allow: [] })
      assert.equal(detector.arm(stix('indicator--a', pattern)).armed, true, pattern)
      const hits = [...matchLines(detector, [line], { format: name })]
      assert.deepEqual(
        hits.map(({ time }) => time),
        [Date.UTC(2024, 2, 1)],
        `${pattern} in ${name}: ${line}`,
      )
    }
})

test('web server rules read text and JSON logs alike', () => {
  const detector = new Detector()
  const pattern =
    "title: t\nlogsource: {category: webserver}\ndetection: {s: {cs-method: GET, cs-uri-query|contains: 'jndi:', sc-status: 200}, condition: s}"
  assert.equal(detector.arm({ id: 'w', kind: 'sigma', pattern, validFrom: 0 }).armed, true)
  const hits = hitsOf(
    detector,
    '192.0.2.1 - - [01/Mar/2024:09:00:00 +0900] "GET /x?q=${jndi:ldap} HTTP/1.1" 200 12',
    '{"time":"2024-03-01T00:00:00Z","remote_addr":"192.0.2.1","request":"GET /x?q=${jndi:ldap} HTTP/1.1","status":"200"}',
    '192.0.2.1 - - [01/Mar/2024:09:00:00 +0900] "GET /x HTTP/1.1" 200 12',
  )
  assert.deepEqual(
    hits.map(({ event }) => event.line),
    [1, 2],
  )
})

test('an international name is found in every spelling that JSON and DNS allow', () => {
  const detector = new Detector()
  detector.arm(stix('indicator--a', "[domain-name:value = 'xn--bcher-kva.example']"))
  const line = (query: string) => `{"ts":1,"uid":"C","id.orig_h":"10.0.0.1","query":"${query}"}`
  const spellings = [
    'www.b\u00fccher.example',
    String.raw`b\u00fccher.example`,
    'XN--BCHER-KVA.example',
    String.raw`xn--bcher-kva\u002eexample`,
  ]
  assert.equal(hitsOf(detector, ...spellings.map(line), line('bucher.example')).length, spellings.length)
})

test('keywords are found in a line however JSON writes their letters', () => {
  const words = ['mimidrv', 'lsadump::', String.raw`\\evil/share`, 'say "hi"', '1e+21', 'kilo', '\u00e9\u00e8', 'o']
  const letter = (c: string) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`
  const quote = (text: string, how: string) =>
    how === 'escaped'
      ? `"${Array.from(text, letter).join('')}"`
      : how === 'slashes'
        ? JSON.stringify(text).replaceAll('/', String.raw`\/`)
        : JSON.stringify(how === 'capitals' ? text.toUpperCase() : text)
  const value = fc.tuple(
    fc.array(fc.constantFrom(...words, ...words, 'mimi', '\\', '\u212ailo', ' '), { maxLength: 6 }),
    fc.constantFrom('plain', 'plain', 'capitals', 'slashes', 'escaped'),
  )
  fc.assert(
    fc.property(fc.subarray(words, { minLength: 1 }), fc.array(value, { maxLength: 5 }), (chosen, values) => {
      const detector = new Detector()
      for (const word of chosen) {
        const pattern = `title: t\nlogsource: {product: windows}\ndetection:\n  k: [${JSON.stringify(
          word.replaceAll('\\', '\\\\'),
        )}]\n  condition: k\n`
        assert.equal(detector.arm({ id: word, kind: 'sigma', pattern, validFrom: 0 }).armed, true)
      }
      const fields = values.map(([parts, how], i) => `"f${i}":${quote(parts.join(''), how)}`)
      const line = `{"EventID":1,"Channel":"c","n":1000000000000000000000,${fields.join(',')}${fields.length ? ',' : ''}"z":0}`
      const all = values.map(([parts]) => parts.join('').toLowerCase())
      const expected = chosen.filter(
        (word) => word === '1e+21' || 'c'.includes(word) || all.some((text) => text.includes(word)),
      )
      const matcher = new LineMatcher(detector)
      const hits = matcher.push(new TextEncoder().encode(`${line}\n`))
      assert.deepEqual(hits.map(({ id }) => id).sort(), expected.sort(), line)
    }),
    { numRuns: 1_000 },
  )
})
