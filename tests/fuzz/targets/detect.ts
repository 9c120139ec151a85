// Telemetry of every format, and Sigma rules with their conditions and regular expressions.
import type { JsonObject } from '#base'
import {
  compileSigma,
  DetectError,
  Detector,
  FORMAT_NAMES,
  formatsFor,
  LineMatcher,
  parseSigma,
  readLine,
  type Rule,
} from '#detect'
import { type Condition, parseCondition } from '../../../src/detect/sigma/condition.ts'
import { ODD_TEXTS } from '../mutate/odd-values.ts'
import type { Random } from '../random.ts'
import { attempt, chunksOf, must, mustEqual, randomOf, type Target, textOf } from '../target.ts'

const SYSMON = {
  EventID: 1,
  Channel: 'Microsoft-Windows-Sysmon/Operational',
  UtcTime: '2026-01-01 00:00:00.123',
  Hostname: 'nms01',
  Image: 'C:\\Windows\\System32\\netsh.exe',
  CommandLine: 'netsh interface portproxy add connectaddress=203.0.113.7',
  Hashes:
    'MD5=d41d8cd98f00b204e9800998ecf8427e,SHA256=ec5aedf5ecc6bdadd4120932170d1b10f6cfa175cfda22951dfd882928ab279b',
}
const EVENTS: readonly JsonObject[] = [
  SYSMON,
  { ts: 1, uid: 'C1', 'id.orig_h': '10.0.0.1', 'id.resp_h': '203.0.113.7', 'id.resp_p': 443, conn_state: 'SF' },
  { ts: '2026-01-01T00:00:00Z', uid: 'C2', query: 'evil.example.com', answers: ['203.0.113.7'], qtype_name: 'A' },
  {
    timestamp: '2026-01-01T00:00:00.000000+0000',
    event_type: 'alert',
    src_ip: '10.0.0.1',
    dest_ip: '203.0.113.7',
    alert: { signature: 'x' },
  },
  {
    timestamp: '2026-01-01T00:00:00.0+0000',
    event_type: 'http',
    http: { hostname: 'evil.example.com', url: '/gate', http_method: 'GET' },
  },
  {
    eventVersion: '1.08',
    eventSource: 'signin.amazonaws.com',
    eventTime: '2026-01-01T00:00:00Z',
    sourceIPAddress: '203.0.113.7',
  },
  {
    '@timestamp': '2026-01-01T00:00:00Z',
    winlog: { event_id: 4688, event_data: { NewProcessName: 'a.exe' } },
    url: 'http://evil.example.com/gate',
  },
  { Event: { System: { EventID: { '#text': 4624 }, Channel: 'Security' }, EventData: { IpAddress: '203.0.113.7' } } },
]
const TEXT_LINES = [
  '203.0.113.7 - - [10/Oct/2000:13:55:36 -0700] "GET http://evil.example.com/gate HTTP/1.1" 200 2326 "-" "curl/8"',
  '2026-01-01T00:00:00Z plain text',
]
const ZEEK = '#separator \\x09\n#fields\tts\tuid\tid.orig_h\n'

const stix = (id: string, pattern: string): Rule => ({ id, kind: 'stix', pattern, validFrom: 0 })
const INDICATORS = [
  stix('indicator--1', "[ipv4-addr:value = '203.0.113.7']"),
  stix('indicator--2', "[domain-name:value = 'evil.example.com']"),
  stix('indicator--3', "[url:value = 'http://evil.example.com/gate']"),
  stix('indicator--4', "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427f']"),
  stix('indicator--5', "[ipv4-addr:value = '198.51.0.0/16']"),
  stix('indicator--6', "[ipv6-addr:value = '2001:db8::7']"),
]
const NEVER: Rule = {
  ...stix(
    'never',
    'title: t\nlogsource: {category: nowhere}\ndetection: {s: {no_such_field: no such value}, condition: s}',
  ),
  kind: 'sigma',
}
const [scanning, reading] = [new Detector(), new Detector()]
for (const rule of INDICATORS) for (const detector of [scanning, reading]) detector.arm(rule)
// With a rule armed, every line is read in full: what the scan finds must be the same.
reading.arm(NEVER)

const lineOf = (random: Random) => JSON.stringify(random.pick(EVENTS))

export const telemetry: Target = {
  name: 'telemetry',
  shape: 'text',
  words: [
    ...new Set(EVENTS.flatMap((event) => Object.keys(event))),
    '203.0.113.7',
    '198.51.77.1',
    '2001:db8::7',
    '2001:DB8:0:0::7',
    'evil.example.com',
    'EVIL.example.com.',
    '\\u0065vil.example.com',
    'http://evil.example.com/gate',
    'd41d8cd98f00b204e9800998ecf8427f',
    '\n',
    '\r\n',
    '{"',
    '":"',
    '"}',
    ',',
    '\\',
    '\\"',
    '\\/',
    '[',
    ']',
  ],
  seeds: [
    ...EVENTS,
    ...TEXT_LINES,
    ZEEK,
    EVENTS.map((event) => JSON.stringify(event)).join('\n'),
    `\ufeff${JSON.stringify(SYSMON)}\n\n x\n`,
  ],
  make: (random) => {
    const lines = Array.from({ length: random.between(1, 4) }, () =>
      random.once(4) ? random.pick(TEXT_LINES) : lineOf(random),
    )
    const value = random.pick([
      '203.0.113.7',
      'evil.example.com',
      'x.EVIL.example.com',
      '198.51.1.1',
      '2001:db8:0::7',
      ...ODD_TEXTS,
    ])
    return lines.join('\n').replace(/203\.0\.113\.7|evil\.example\.com/, () => value)
  },
  run: (input) => {
    const whole = hitsOf(scanning, [input])
    mustEqual(hitsOf(scanning, chunksOf(input, randomOf(input))), whole, 'hits do not depend on the chunks')
    const read = hitsOf(reading, [input])
    mustEqual(whole.hits, read.hits, 'the scan of lines finds what reading them finds')
    const random = randomOf(input)
    const format = random.pick(FORMAT_NAMES)
    const formats = formatsFor(format)
    let word = format
    for (const [at, line] of textOf(input).split('\n').slice(0, 5).entries()) {
      const event = readLine(formats, line, { line: at + 1 })
      if (typeof event === 'string') {
        word = `${format} ${event}`
        continue
      }
      const { time } = event
      must(time === undefined || Number.isFinite(time), 'the time of an event is a number', time)
      for (const { kind, value } of event.observables)
        must(kind !== undefined && typeof value === 'string', 'an observable is a text', kind, value)
      must(typeof event.fields === 'object' && Array.isArray(event.logsource), 'an event has fields and sources')
      word = `${event.format.name} ${event.observables.length} ${event.logsource.length} ${time === undefined}`
    }
    return `${word} ${whole.hits.length}`
  },
}

function hitsOf(detector: Detector, chunks: readonly Uint8Array[]) {
  const matcher = new LineMatcher(detector, { file: 'f' })
  const hits = chunks.flatMap((chunk) => matcher.push(chunk))
  hits.push(...matcher.end())
  const { lines, hits: count } = matcher.report
  return { hits: hits.map(({ id, event, time, value }) => ({ id, line: event.line, time, value })), lines, count }
}

const MODIFIERS = [
  'contains',
  'startswith',
  'endswith',
  'all',
  'cased',
  're',
  'cidr',
  'lt',
  'gte',
  'exists',
  'base64',
  'base64offset',
  'windash',
  'utf16',
  'wide',
  'fieldref',
  'expand',
  'i',
  'm',
  's',
  'neq',
]
const FIELDS = ['CommandLine', 'Image', 'EventID', 'Hashes', 'Channel', 'a', 'a.b', 'Hostname']
const VALUES = [
  'netsh',
  '*\\netsh.exe',
  'port*proxy',
  'a?b',
  '\\*',
  '\\\\*',
  '',
  '1',
  '203.0.113.0/24',
  '^net.*',
  '(a|b)+c',
  'n[e]t{1,2}',
  '(?i)NETSH',
  '[',
  'İ',
  'ſ',
  'K',
  "it''s",
]

function detection(random: Random): string {
  const item = () => {
    const modifiers = Array.from({ length: random.below(3) }, () => `|${random.pick(MODIFIERS)}`).join('')
    const value = () => `'${random.pick(VALUES)}'`
    const values = random.once(3)
      ? `[${Array.from({ length: random.between(1, 3) }, value).join(', ')}]`
      : random.once(6)
        ? random.pick(['null', '1', 'true', '0x10'])
        : value()
    return `    ${random.pick(FIELDS)}${modifiers}: ${values}`
  }
  return [...new Set(Array.from({ length: random.between(1, 3) }, item))].join('\n')
}

const sigmaText = (random: Random): string => {
  const names = ['sel', 'sel_b', 'filter_1', '_x'].slice(0, random.between(1, 4))
  const body = names.map((name) => `  ${name}:\n${detection(random)}`).join('\n')
  return `title: t\nlogsource:\n  category: process_creation\n  product: windows\ndetection:\n${body}\n  condition: ${conditionText(random, names, 2)}\n`
}

function conditionText(random: Random, names: readonly string[], depth: number): string {
  if (depth > 0 && random.once(2))
    return `(${conditionText(random, names, depth - 1)} ${random.pick(['and', 'or', 'AND'])} ${conditionText(random, names, depth - 1)})`
  if (random.once(5)) return `not ${conditionText(random, names, depth)}`
  if (random.once(4))
    return `${random.pick(['1', 'all', '2', 'any'])} of ${random.pick(['them', 'sel*', 'filter_*', '*'])}`
  return random.pick(names)
}

export const sigma: Target = {
  name: 'sigma-rule',
  weight: 0.3,
  shape: 'text',
  maxBytes: 4_096,
  words: [
    ...MODIFIERS.map((modifier) => `|${modifier}`),
    ...FIELDS,
    ...VALUES,
    'condition',
    'detection',
    'logsource',
    'sel',
    '&a',
    '*a',
    '<<',
    '- ',
    ': ',
    '\n  ',
    '!!binary',
    '---',
    '{',
    '}',
    '[',
    ']',
    '|',
    '>',
    '%var%',
  ],
  seeds: [
    "title: t\nid: 5a0c1d3e-7f0b-4c59-9b32-3f6a5c0e8a11\nlogsource:\n  category: process_creation\n  product: windows\ndetection:\n  tool:\n    Image|endswith: '\\netsh.exe'\n  forwarding:\n    CommandLine|contains|all:\n      - portproxy\n      - add\n  filter:\n    - Hostname: x\n    - EventID: 5\n  condition: tool and forwarding and not 1 of filter*\nlevel: high\ntags: [attack.t1090.001]\n",
    "logsource: {product: windows}\ndetection:\n  k: [netsh, 'port*']\n  r:\n    CommandLine|re|i: '^NETSH .*add'\n  condition: [k, r]\n",
    'a: &a [x, x]\nb: &b [*a, *a, *a, *a]\nc: &c [*b, *b, *b, *b]\ndetection: {s: {CommandLine: *c}, condition: s}\nlogsource: {product: windows}\n',
  ],
  make: sigmaText,
  run: (input) => {
    const text = textOf(input)
    const rule = attempt(() => parseSigma(text), DetectError)
    const detector = new Detector()
    const armed = detector.arm({ id: 'r', kind: 'sigma', pattern: text, validFrom: 0 })
    mustEqual(armed.armed, rule.ok, 'what is read can be armed, and nothing else')
    if (!rule.ok) return rule.word
    const matches = compileSigma(rule.value)
    const line = Buffer.from(`${JSON.stringify(SYSMON)}\n`)
    const event = readLine(formatsFor('auto'), JSON.stringify(SYSMON), { line: 1 })
    must(typeof event !== 'string', 'the event is read')
    const alone = matches(event)
    // A second rule of the same source: the group's shared searches must answer as each rule does for itself.
    detector.arm({ id: 'other', kind: 'sigma', pattern: OTHER, validFrom: 0 })
    const hits = new LineMatcher(detector).push(line).map(({ id }) => id)
    mustEqual(hits.includes('r'), alone, 'a rule matches in a group as it does alone')
    must(hits.includes('other'), 'another rule of the group still matches')
    return `read ${alone} ${rule.value.test.op}`
  },
}

const OTHER =
  'title: o\nlogsource: {category: process_creation, product: windows}\ndetection: {s: {CommandLine|contains: portproxy}, condition: s}'

const NAMES = ['sel', 'sel_b', 'filter_1', '_x', 'them_too']
export const sigmaCondition: Target = {
  name: 'sigma-condition',
  weight: 3,
  shape: 'text',
  maxBytes: 9_000,
  words: [
    ...NAMES,
    'and',
    'or',
    'not',
    '(',
    ')',
    '1',
    'all',
    'any',
    'of',
    'them',
    '*',
    'sel*',
    '|',
    'count()',
    '0',
    '2',
  ],
  seeds: [
    'sel and not 1 of filter_*',
    'all of them',
    '(sel or sel_b) and not (filter_1)',
    'not '.repeat(70) + 'sel',
    '('.repeat(70),
  ],
  make: (random) => conditionText(random, NAMES, 4),
  run: (input) => {
    const text = textOf(input)
    const read = attempt(() => parseCondition(text, NAMES), DetectError)
    if (!read.ok) return read.word
    const random = randomOf(input)
    const truth = new Map(NAMES.map((name) => [name, random.once(2)]))
    mustEqual(holds(read.value, truth), evaluated(text, truth), 'a condition means what its words say', text, [
      ...truth,
    ])
    return `read ${read.value.op}`
  },
}

function holds(node: Condition, truth: ReadonlyMap<string, boolean>): boolean {
  switch (node.op) {
    case 'name':
      return truth.get(node.name) === true
    case 'not':
      return !holds(node.part, truth)
    case 'of': {
      const count = node.names.filter((name) => truth.get(name)).length
      return node.least === 'all' ? count === node.names.length : count >= node.least
    }
    case 'and':
      return node.parts.every((part) => holds(part, truth))
    case 'or':
      return node.parts.some((part) => holds(part, truth))
  }
}

const WORD_OR_SIGN = /[()|]|[^\s()|]+/g
const OPERATORS: Readonly<Record<string, string>> = { and: '&&', or: '||', not: '!', '(': '(', ')': ')' }

/** The condition as an expression of JavaScript, whose operators bind alike. */
function evaluated(text: string, truth: ReadonlyMap<string, boolean>): boolean {
  const words = text.match(WORD_OR_SIGN) ?? []
  const parts: string[] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    const lower = word.toLowerCase()
    if (words[at + 1]?.toLowerCase() === 'of' && OPERATORS[lower] === undefined) {
      parts.push(String(ofHolds(lower, words[at + 2] ?? '', truth)))
      at += 2
    } else parts.push(OPERATORS[lower] ?? String(truth.get(word)))
  }
  if (!parts.every((part) => /^(&&|\|\||!|\(|\)|true|false)$/.test(part))) throw new Error(`Not understood: ${text}`)
  // oxlint-disable-next-line no-implied-eval, no-new-func -- nothing but the words above stands in it
  return Boolean(new Function(`return ${parts.join(' ')}`)())
}

function ofHolds(count: string, target: string, truth: ReadonlyMap<string, boolean>): boolean {
  const form = new RegExp(
    `^${target
      .split('*')
      .map((part) => part.replaceAll(/\W/g, String.raw`\$&`))
      .join('.*')}$`,
  )
  const isThem = target.toLowerCase() === 'them'
  const chosen = NAMES.filter((name) => (isThem ? !name.startsWith('_') : form.test(name)))
  const met = chosen.filter((name) => truth.get(name)).length
  return count === 'all' ? met === chosen.length : met >= (count === 'any' ? 1 : Number(count))
}
