import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PatternError, type PatternErrorCode } from './error.ts'
import { compilePattern, matchPattern } from './match.ts'
import { answerPatternMatchVector } from './vector.ts'

/** A bundle with one observed-data over the given SCOs. */
function seen(second: number, scos: object[], { until = second, count = 1 } = {}) {
  const at = (moment: number) => new Date(Date.UTC(2024, 0, 1) + moment * 1000).toISOString()
  const objects = scos.map((sco, index) => ({ id: `x--${index}`, ...sco }))
  return {
    type: 'bundle',
    objects: [
      {
        type: 'observed-data',
        first_observed: at(second),
        last_observed: at(until),
        number_observed: count,
        object_refs: objects.map(({ id }) => id),
      },
      ...objects,
    ],
  }
}
const t = (properties: object) => [{ type: 't', ...properties }]
const matches = (pattern: string, ...bundles: object[]) => matchPattern(compilePattern(pattern), bundles)
const refused = (code: PatternErrorCode) => (error: unknown) => error instanceof PatternError && error.code === code

for (const [pattern, expected] of [
  ["[t:v = 'hello']", true],
  ["[t:v != 'hello']", false],
  ["[t:v NOT = 'hello']", false],
  ["[t:v NOT != 'hello']", true],
  ['[t:v = 5]', false],
  ['[t:v != 5]', true],
  ['[t:v NOT < 5]', true],
  ["[t:v > 'hell']", true],
  ["[t:v >= 'hello']", true],
  ["[t:v <= 'hello']", true],
  ["[t:v < 'hello']", false],
  ["[t:v IN ('x', 'hello')]", true],
  ["[t:v NOT IN ('x')]", true],
  ['[t:v IN ()]', false],
  ["[t:v LIKE 'h%o']", true],
  ["[t:v LIKE 'ell']", false],
  ["[t:v LIKE '%l_']", true],
  ["[t:v LIKE 'h%_o%']", true],
  ["[t:v LIKE '%_l_l%']", false],
  ["[t:v LIKE '%l_x']", false],
  ["[t:v MATCHES 'ell']", true],
  ["[t:v MATCHES '^ell']", false],
  ["[t:v = h'68656c6c6f']", true],
  ["[t:absent != 'hello']", false],
  ["[t:absent NOT LIKE 'x']", false],
  ['[EXISTS t:v]', true],
  ['[EXISTS t:absent]', false],
  ['[NOT EXISTS t:absent]', true],
  ['[NOT EXISTS t:v]', false],
  ['[NOT EXISTS t:absent AND t:n = 5]', true],
  ['[NOT EXISTS other:v]', false],
  ['[EXISTS t:constructor]', false],
  ['[EXISTS t:toString.name]', false],
  ['[t:n < 6]', true],
  ['[t:n <= 5.0]', true],
  ['[t:n > 4.9]', true],
  ["[t:n < 'z']", false],
  ['[t:n = true]', false],
  ['[t:yes = true]', true],
  ['[t:yes = 1]', false],
  ['[t:none = 0]', false],
  ["[t:none != 'a']", true],
  ['[EXISTS t:none]', true],
  ["[t:list[1] = 'b']", true],
  ["[t:list[9] != 'b']", false],
  ["[t:list[*] = 'b']", true],
  ["[t:list[*] != 'b']", true],
  ["[t:list = 'b']", false],
  ["[t:dict.'a b' = 1]", true],
  ['[t:dict[*] = 1]', false],
  ["[t:next_ref.v = 'other']", true],
  ["[t:next_ref = 'x--1']", true],
  ["[t:next_refs[*].v = 'other']", true],
  ["[t:next_refs[0].next_ref.v = 'hello']", true],
  ["[t:v.next_ref = 'x']", false],
  ["[t:raw_hex = 'hi']", true],
  ["[t:raw_hex = h'6869']", true],
  ["[t:raw_bin > 'ha']", true],
  ["[t:raw_bin < 'Ā']", false],
  ["[t:raw_bin != 'Ā']", true],
  ["[t:raw_bin MATCHES '^h\\\\x69$']", true],
  ["[t:wide < h'ff']", false],
  ["[t:wide > h'ff']", false],
  ["[t:time = t'2024-01-01T00:00:00.1000Z']", true],
  ["[t:time > t'2024-01-01T00:00:00.099999999999Z']", true],
  ["[t:time < '2025']", true],
  ["[t:n != t'2024-01-01T00:00:00Z']", true],
  ["[t:astral > '\uffff']", true],
  ["[t:nfd = 'é']", false],
  ["[t:nfd LIKE 'é']", true],
  ["[t:nfd LIKE '_']", true],
  ["[t:nfd MATCHES '^é$']", true],
  ["[t:lines MATCHES 'a.b']", true],
] as const) {
  test(`${pattern} is ${expected}`, () => {
    const sco = {
      v: 'hello',
      n: 5,
      yes: true,
      none: null,
      list: ['a', 'b'],
      dict: { 'a b': 1 },
      next_ref: 'x--1',
      next_refs: ['x--1'],
      raw_hex: '6869',
      raw_bin: 'aGk=',
      wide: 'Ā',
      time: '2024-01-01T00:00:00.1Z',
      astral: '😀',
      nfd: 'e\u0301',
      lines: 'a\nb',
    }
    assert.equal(
      matches(
        pattern,
        seen(0, [
          { type: 't', ...sco },
          { type: 'u', v: 'other', next_ref: 'x--0' },
        ]),
      ),
      expected,
    )
  })
}

for (const [value, cidr, subset, superset] of [
  ['10.1.2.3', '10.1.0.0/16', true, false],
  ['10.1.2.3', '10.2.0.0/16', false, false],
  ['10.0.0.0/8', '10.1.0.0/16', false, true],
  ['10.1.2.3', '10.1.2.3', true, true],
  ['0.0.0.0/0', '255.1.2.3', false, true],
  ['2001:db8::1', '2001:db8::/32', true, false],
  ['2001:db8::/31', '2001:db9::1', false, true],
  ['::ffff:1.2.3.4', '::ffff:102:304/127', true, false],
  ['::1', '0.0.0.0/0', false, false],
  ['10.1.2', '10.0.0.0/8', false, false],
  ['010.1.2.3', '10.0.0.0/8', false, false],
  ['10.1.2.3/33', '0.0.0.0/0', false, false],
  ['1::2::3', '::/0', false, false],
  ['10.1.2.3', 'nonsense', false, false],
] as const) {
  test(`${value} against ${cidr}: subset ${subset}, superset ${superset}`, () => {
    assert.equal(matches(`[t:v ISSUBSET '${cidr}']`, seen(0, t({ v: value }))), subset)
    assert.equal(matches(`[t:v ISSUPERSET '${cidr}']`, seen(0, t({ v: value }))), superset)
    assert.equal(matches(`[t:v NOT ISSUBSET '${cidr}']`, seen(0, t({ v: value }))), !subset)
  })
}

test('AND holds for one and the same object of a type, and for objects of one observation across types', () => {
  const both = seen(0, [
    { type: 'f', a: 1, b: 2 },
    { type: 'f', a: 3, b: 4 },
    { type: 'p', c: 1 },
  ])
  assert.equal(matches('[f:a = 1 AND f:b = 2]', both), true)
  assert.equal(matches('[f:a = 1 AND f:b = 4]', both), false)
  assert.equal(matches('[f:a = 1 AND p:c = 1]', both), true)
  assert.equal(matches('[f:a = 1 AND p:c = 2]', both), false)
  assert.equal(matches('[(f:a = 1 OR p:c = 9) AND f:b = 2]', both), true)
  assert.equal(matches('[(f:a = 1 OR p:c = 9) AND f:b = 4]', both), false)
  assert.equal(matches('[f:a = 1 AND p:c = 1]', seen(0, [{ type: 'f', a: 1 }]), seen(0, [{ type: 'p', c: 1 }])), false)
})

test('only objects that an observed-data names are observed; the dictionary of STIX 2.0 counts as well', () => {
  const named = seen(0, t({ v: 1 }))
  const bystander = { id: 'x--9', type: 't', v: 2 }
  const bundle = { ...named, objects: [...named.objects, bystander] }
  assert.equal(matches('[t:v = 1]', bundle), true)
  assert.equal(matches('[t:v = 2]', bundle), false)
  const times = { first_observed: '2024-01-01T00:00:00Z', last_observed: '2024-01-01T00:00:00Z' }
  const old = {
    type: 'observed-data',
    ...times,
    objects: { 0: { type: 't', v: 3, to_ref: '1' }, 1: { type: 'u', w: 4 } },
  }
  assert.equal(matches('[t:v = 3 AND t:to_ref.w = 4]', { type: 'bundle', objects: [old] }), true)
})

test('an observed-data counts as often as it was seen', () => {
  const bundles = [seen(0, t({ v: 1 }), { count: 2 }), seen(1, t({ v: 1 }), { count: 3 })]
  assert.equal(matches('[t:v = 1] REPEATS 5 TIMES', ...bundles), true)
  assert.equal(matches('[t:v = 1] REPEATS 6 TIMES', ...bundles), false)
  assert.equal(matches('[t:v = 1] REPEATS 2 TIMES REPEATS 2 TIMES', ...bundles), true)
  assert.equal(matches('([t:v = 1] AND [t:v > 0]) REPEATS 3 TIMES', ...bundles), false)
  assert.equal(matches('[t:v = 1] REPEATS 999999999999 TIMES', ...bundles), false)
})

test('START is inclusive, STOP exclusive, and an interval is in when it overlaps', () => {
  const between = (from: string, to: string) =>
    `[t:v=1] START t'2024-01-01T00:00:${from}Z' STOP t'2024-01-01T00:00:${to}Z'`
  const bundle = seen(10, t({ v: 1 }), { until: 20 })
  for (const [from, to, expected] of [
    ['05', '10', false],
    ['05', '11', true],
    ['20', '30', true],
    ['20.000001', '30', false],
    ['12', '12', false],
    ['13', '14', true],
    ['14', '13', false],
  ] as const)
    assert.equal(matches(between(from, to), bundle), expected, `${from} ${to}`)
})

test('WITHIN measures from the earliest last time to the latest first time, inclusively', () => {
  const pattern = (seconds: number) => `([t:v=1] AND [t:v=2]) WITHIN ${seconds} SECONDS`
  const bundles = [seen(0, t({ v: 1 }), { until: 1 }), seen(3, t({ v: 2 }), { until: 9 })]
  assert.equal(matches(pattern(2), ...bundles), true)
  assert.equal(matches(pattern(1.999999), ...bundles), false)
})

test('copies of a repeated group may share a moment or not', () => {
  const pattern = '([t:v=1] AND [t:v=2]) WITHIN 1 SECONDS REPEATS 3 TIMES'
  const pair = (second: number, count: number) => [
    seen(second, t({ v: 1 }), { count }),
    seen(second, t({ v: 2 }), { count }),
  ]
  assert.equal(matches(pattern, ...pair(0, 2), ...pair(100, 1)), true)
  assert.equal(matches(pattern, ...pair(0, 1), ...pair(100, 1), ...pair(200, 1)), true)
  assert.equal(matches(pattern, ...pair(0, 1), ...pair(100, 1)), false)
})

test('FOLLOWEDBY allows equal times and overlapping intervals, and each observation once', () => {
  const pattern = '[t:v=1] FOLLOWEDBY [t:v>0]'
  assert.equal(matches(pattern, seen(0, t({ v: 1 }))), false)
  assert.equal(matches(pattern, seen(0, t({ v: 1 }), { count: 2 })), true)
  assert.equal(matches(pattern, seen(5, t({ v: 1 })), seen(4, t({ v: 2 }))), false)
  assert.equal(matches(pattern, seen(5, t({ v: 1 })), seen(4, t({ v: 2 }), { until: 6 })), true)
})

test('what can not be compared is refused, wherever it stands', () => {
  const bundle = seen(0, t({ v: 'noon', n: 1 }))
  assert.throws(() => matches("[t:n = 1 OR t:v = t'2024-01-01T00:00:00Z']", bundle), refused('PATTERN_VALUE'))
  assert.throws(() => matches("[t:n = 9] OR [t:v < t'2024-01-01T00:00:00Z']", bundle), refused('PATTERN_VALUE'))
  assert.throws(() => matches("[t:n = t'2023-02-29T00:00:00Z']", bundle), refused('PATTERN_CONSTANT'))
  assert.throws(() => matches("[t:n IN (1, 'a')]", bundle), refused('PATTERN_CONSTANT'))
  assert.throws(() => matches("[t:v MATCHES '(?<=a)b\\\\1']", bundle), refused('PATTERN_REGEX'))
  assert.throws(() => matches("[t:v MATCHES '(']", bundle), refused('PATTERN_REGEX'))
  assert.throws(() => matches('[t:n = 1]', { type: 'bundle' }), refused('PATTERN_OBSERVED'))
  assert.throws(() => matches('[t:n = 1]', { objects: [{ type: 'observed-data' }] }), refused('PATTERN_OBSERVED'))
})

test('the vector answers carry the id, and a match or an error', () => {
  const observed = [seen(0, t({ v: 1 }))]
  assert.deepEqual(answerPatternMatchVector({ id: 'a', pattern: '[t:v = 1]', observed }), { id: 'a', match: true })
  assert.deepEqual(answerPatternMatchVector({ id: 'a', pattern: '[t:v = 2]', observed }), { id: 'a', match: false })
  for (const request of [
    { id: 'a', observed },
    { id: 'a', pattern: '[', observed },
    { id: 'a', pattern: '[t:v = 1]' },
  ]) {
    const answer = answerPatternMatchVector(request)
    assert.deepEqual(Object.keys(answer), ['id', 'error'])
    assert.equal(answer.id, 'a')
  }
  assert.equal(typeof answerPatternMatchVector(null).error, 'string')
})
