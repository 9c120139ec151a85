import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Observable } from '../event.ts'
import { formatsFor, readLine } from '../formats/registry.ts'
import type { Rule } from '../rule.ts'
import { contains, toNetwork } from './address.ts'
import { AtomIndex } from './atom-index.ts'
import { type Atom, toAtom } from './key.ts'
import { LineScan } from './line-scan.ts'
import { HashTable } from './table.ts'

const rule = (id: string, validFrom = 0, validUntil?: number): Rule => ({
  id,
  kind: 'stix',
  pattern: '',
  validFrom,
  ...(validUntil === undefined ? {} : { validUntil }),
})

const octet = fc.constantFrom(1, 2, 128)
const ipv4 = fc.tuple(octet, octet, octet, octet).map((parts) => parts.join('.'))
const ipv6 = fc.tuple(octet, octet, octet).map(([a, b, c]) => `2001:db${a % 10}:${b}::${c}`)
const name = fc
  .array(fc.constantFrom('a', 'b', 'evil'), { minLength: 1, maxLength: 4 })
  .map((labels) => [...labels, 'example'].join('.'))
const url = fc
  .tuple(fc.oneof(name, ipv4), fc.constantFrom('/', '/x', '/x?y=1'))
  .map(([host, path]) => `http://${host}${path}`)
const digest = fc.constantFrom('a', 'b', 'c').map((c) => c.repeat(64))
const email = fc.tuple(fc.constantFrom('x', 'Y'), name).map((parts) => parts.join('@'))

const armed: fc.Arbitrary<Observable> = fc.oneof(
  ipv4.map((value): Observable => ({ kind: 'ipv4', value })),
  fc.tuple(ipv4, fc.integer({ min: 0, max: 32 })).map(([a, n]): Observable => ({ kind: 'ipv4', value: `${a}/${n}` })),
  fc.tuple(ipv6, fc.integer({ min: 8, max: 128 })).map(([a, n]): Observable => ({ kind: 'ipv6', value: `${a}/${n}` })),
  name.map((value): Observable => ({ kind: 'domain', value })),
  url.map((value): Observable => ({ kind: 'url', value })),
  email.map((value): Observable => ({ kind: 'email', value })),
  fc
    .tuple(fc.constantFrom('file-sha256' as const, 'cert-sha256' as const), digest)
    .map(([kind, value]): Observable => ({ kind, value })),
)

const seen: fc.Arbitrary<Observable> = fc.oneof(
  armed.filter(({ value }) => !/\/\d+$/.test(value)),
  ipv6.map((value): Observable => ({ kind: 'ipv6', value })),
  ipv4.map((value): Observable => ({ kind: 'ipv6', value: `::ffff:${value}` })),
)

/** Reference: compares an observed value with every armed one. */
function covers(atom: Atom, observable: Observable): boolean {
  const other = toAtom(observable.kind, observable.value)
  if (!other) return false
  if (atom.kind === 'network') return other.kind === 'network' && contains(atom.network, other.network)
  if (atom.kind !== other.kind) return false
  return atom.value === other.value || (atom.kind === 'domain' && other.value.endsWith(`.${atom.value}`))
}

test('the index answers like a comparison with every armed value, also after removals', () => {
  const values = fc.array(fc.tuple(armed, fc.integer({ min: 0, max: 3_000 }), fc.boolean()), { maxLength: 30 })
  fc.assert(
    fc.property(
      values,
      fc.array(seen, { maxLength: 10 }),
      fc.integer({ min: 0, max: 4_000 }),
      (list, observed, time) => {
        const index = new AtomIndex()
        const atoms = list.map(([{ kind, value }]) => toAtom(kind, value)!)
        list.forEach(([, from], i) => index.add(rule(`r${i}`, from, from + 1_500), [atoms[i]!]))
        list.forEach(([, , kept], i) => kept || assert.equal(index.remove(`r${i}`), true))
        for (const observable of observed) {
          const expected = list.flatMap(([, from, kept], i) =>
            kept && from <= time && time < from + 1_500 && covers(atoms[i]!, observable) ? [`r${i}`] : [],
          )
          const found = index.match(observable, time).map(({ entry }) => entry.rule.id)
          assert.deepEqual(found.sort(), expected.sort(), JSON.stringify(observable))
        }
      },
    ),
    { numRuns: 500 },
  )
})

test('the scan of raw lines never passes over an event that the index would match', () => {
  const odd = fc.constantFrom(
    '',
    ' ',
    '::',
    'http://',
    'x@',
    '12:30:01',
    '"',
    '\\',
    '/',
    '%',
    ':443',
    '=',
    '\u00e9',
    'sha256=',
  )
  const noise = fc.oneof({ weight: 6, arbitrary: fc.constant('') }, { weight: 1, arbitrary: odd })
  const text = fc.tuple(noise, seen, noise).map(([before, { value }, after]) => before + value + after)
  const raws = fc.oneof(
    fc.record(
      {
        ts: fc.constant(1),
        'id.orig_h': text,
        query: text,
        host: text,
        uri: fc.oneof(text, fc.constant('/x')),
        mailfrom: text,
        sha256: text,
        answers: fc.array(text),
      },
      { requiredKeys: ['ts'] },
    ),
    fc.record(
      {
        timestamp: fc.constant('1970-01-01T00:00:01Z'),
        event_type: fc.constant('http'),
        src_ip: text,
        http: fc.record({ hostname: text, url: fc.oneof(text, fc.constant('/x')) }),
        tls: fc.record({ sni: text, fingerprint: text }),
      },
      { requiredKeys: ['timestamp', 'event_type'] },
    ),
    fc.record(
      {
        EventID: fc.constant(3),
        Channel: fc.constant('x'),
        UtcTime: fc.constant('1970-01-01 00:00:01'),
        DestinationIp: text,
        Hashes: text,
        QueryResults: text,
        Url: text,
      },
      { requiredKeys: ['EventID', 'Channel', 'UtcTime'] },
    ),
  )
  const scanned = { passed: 0 }
  fc.assert(
    fc.property(fc.array(armed, { maxLength: 8 }), raws, fc.boolean(), (list, raw, escaped) => {
      const index = new AtomIndex()
      list.forEach(({ kind, value }, i) => index.add(rule(`r${i}`), [toAtom(kind, value)!]))
      const json = JSON.stringify(raw)
      const line = escaped ? json.replaceAll('/', '\\/') : json
      const event = readLine(formatsFor('auto'), line, { line: 1 })
      assert.ok(typeof event === 'object')
      const bytes = new TextEncoder().encode(`#${line}#`)
      const result = new LineScan(index).scan(bytes, 1, bytes.length - 1)
      assert.notEqual(result, 'not-json')
      if (result === 'nothing') {
        scanned.passed++
        assert.deepEqual(
          event.observables.flatMap((observable) => index.match(observable, 1_000)),
          [],
          line,
        )
      }
    }),
    { numRuns: 2_000 },
  )
  assert.ok(scanned.passed > 200, `only ${scanned.passed} lines passed: the scan finds alarms everywhere`)
})

test('the scan takes exactly the JSON objects that JSON.parse takes', () => {
  const scan = new LineScan(new AtomIndex())
  const isObjectText = (text: string): boolean => {
    try {
      return text.startsWith('{') && typeof JSON.parse(text) === 'object'
    } catch {
      return false
    }
  }
  const check = (text: string) => {
    const bytes = new TextEncoder().encode(text)
    assert.equal(scan.scan(bytes, 0, bytes.length) !== 'not-json', isObjectText(text), text)
  }
  const written = fc.object({ maxDepth: 3 }).map((value) => JSON.stringify(value))
  const broken = fc.tuple(
    written,
    fc.nat(),
    fc.constantFrom('', '"', '{', '}', ',', ':', '0', '-', '\\', 'e', '.', '\n', 'tru', '[', ']'),
  )
  fc.assert(fc.property(written, check), { numRuns: 500 })
  fc.assert(
    fc.property(broken, ([text, at, piece]) => {
      const place = at % (text.length + 1)
      const damaged = text.slice(0, place) + piece + text.slice(place + (at % 2))
      if (/^[\n\x20-\x7e]*$/.test(damaged)) check(damaged)
    }),
    { numRuns: 2_000 },
  )
  for (const text of [
    '{}',
    '{"a":01}',
    '{"a":1.}',
    '{"a":-}',
    '{"a":1e+}',
    '{"a":"\t"}',
    '{"a":"\\x"}',
    '{"a":1}}',
    '{"a":1',
    '{,}',
    '{"a":[1,]}',
  ])
    check(text)
})

test('the table keeps every pair through growth and removal', () => {
  const step = fc.tuple(fc.boolean(), fc.nat({ max: 5 }), fc.nat({ max: 200 }))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const table = new HashTable()
      const model = new Map<string, number[]>()
      for (const [add, hash, entry] of steps) {
        const list = model.get(`${hash}`) ?? []
        if (add) {
          table.add(0, hash * 7, entry)
          model.set(`${hash}`, [...list, entry])
        } else {
          const at = list.indexOf(entry)
          assert.equal(table.remove(0, hash * 7, entry), at >= 0)
          if (at >= 0) list.splice(at, 1)
        }
      }
      for (const [hash, list] of model) {
        const inOrder = (numbers: number[]) => numbers.toSorted((one, other) => one - other)
        assert.deepEqual(inOrder(table.get(0, Number(hash) * 7)), inOrder(list))
        assert.equal(table.has(0, Number(hash) * 7), list.length > 0)
      }
    }),
    { numRuns: 300 },
  )
})

test('addresses are read as RFC 4291 and RFC 4632 write them, and nothing else is', () => {
  assert.deepEqual(toNetwork('192.0.2.77/24'), { family: 4, words: [0xc0000200], prefix: 24 })
  assert.deepEqual(toNetwork('::ffff:192.0.2.1'), { family: 4, words: [0xc0000201], prefix: 32 })
  assert.deepEqual(toNetwork('2001:db8::1')?.words, [0x20010db8, 0, 0, 1])
  for (const text of [
    '1.2.3',
    '1.2.3.04',
    '1.2.3.256',
    '1.2.3.4/33',
    '::1::',
    ':::',
    '1:2:3:4:5:6:7:8:9',
    'g::',
    '',
    '1.2.3.4/',
  ])
    assert.equal(toNetwork(text), undefined, text)
})
