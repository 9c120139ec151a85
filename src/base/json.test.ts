import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalJson, type Json, JsonError, JSON_MAX_BYTES, parseJson } from '#base'

const refusedAs = (text: string | Uint8Array, code: string, limits = {}) =>
  assert.throws(
    () => parseJson(text, limits),
    (error) => error instanceof JsonError && error.code === code,
    `${JSON.stringify(String(text)).slice(0, 80)} should be refused as ${code}`,
  )
const bytes = (text: string) => new TextEncoder().encode(text)

test('what JSON.parse reads of well-behaved JSON is what parseJson reads, from text and from bytes', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 10 }), fc.constantFrom(0, 1, 3), (text, indent) => {
      const value = JSON.parse(text) as Json
      const spaced = JSON.stringify(value, null, indent)
      const acceptable = spaced.isWellFormed() && !/\\ud[89a-f]/i.test(spaced) && !hasHugeNumber(value)
      if (!acceptable) return
      assert.deepEqual(parseJson(spaced), value)
      assert.deepEqual(parseJson(bytes(spaced)), value)
    }),
  )
})

test('text that JSON.parse refuses is refused', () => {
  const piece = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    'a',
    '1',
    '-',
    '.',
    'e',
    '\\',
    'null',
    ' ',
    '\n',
    '\\u0061',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
      const text = pieces.join('')
      if (!parses(text)) refusedAs(text, 'JSON_SYNTAX')
    }),
    { numRuns: 500 },
  )
})

test('a member that stands twice is refused wherever it stands and however it is written', () => {
  const name = fc.string({ minLength: 1, maxLength: 6 }).filter((text) => text.isWellFormed())
  const escaped = (text: string) =>
    `"${[...Array(text.length).keys()].map((i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')}"`
  const other = fc.constantFrom('1', '"x\\":"', '"\\\\\\":"', '{"b":"\\":"}', '["\\" :"]')
  fc.assert(
    fc.property(name, other, fc.constantFrom('', ' ', '\n '), fc.nat(3), (twice, value, space, levels) => {
      const inner = `{${JSON.stringify(twice)}${space}:${value},${escaped(twice)}${space}:1}`
      refusedAs('[{"k":'.repeat(levels) + inner + '}]'.repeat(levels), 'JSON_DUPLICATE_KEY')
    }),
  )
})

test('a space before a colon hides no member that stands twice behind a string that looks like one', () => {
  refusedAs('{"a" :1,"a":2,"b":"\\":"}', 'JSON_DUPLICATE_KEY')
  refusedAs('{"a"\t:1,"a":2,"b":1}', 'JSON_DUPLICATE_KEY')
  assert.deepEqual(parseJson('{"a" :"\\":","b":1}'), { a: '":', b: 1 })
})

test('a member named __proto__ is an ordinary member', () => {
  const value = parseJson('{"__proto__":{"a":1}}') as Record<string, Json>
  assert.deepEqual(Object.keys(value), ['__proto__'])
  refusedAs('{"__proto__":1,"__proto__":2}', 'JSON_DUPLICATE_KEY')
})

test('half of a surrogate pair is refused in names and values, escaped or raw; whole pairs are read', () => {
  for (const text of ['["\\ud83d"]', '["\\uDD25x"]', '{"\\ud83d":1}', '{"a":{"b":["\\udd25\\ud83d"]}}', '"\\ud800"'])
    refusedAs(text, 'JSON_LONE_SURROGATE')
  refusedAs('["\ud800"]', 'JSON_LONE_SURROGATE')
  assert.deepEqual(parseJson('["\\ud83d\\udd25", "🔥"]'), ['🔥', '🔥'])
  assert.deepEqual(parseJson('["\\\\ud83d"]'), ['\\ud83d'])
})

test('numbers beyond ±(2^53 − 1) are refused in any notation, the last ones inside are read', () => {
  for (const text of [
    '9007199254740992',
    '-9007199254740992',
    '[1e16]',
    '{"a":1e400}',
    '9007199254740991.5',
    '[[0.9e17]]',
  ])
    refusedAs(text, 'JSON_NUMBER_RANGE')
  assert.deepEqual(
    parseJson('[9007199254740991,-9007199254740991,9007199254740991.4,1e2,-0.0]'),
    [9007199254740991, -9007199254740991, 9007199254740991, 100, -0],
  )
})

test('64 levels are read and 65 refused; the limit can be lowered', () => {
  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
  assert.ok(parseJson(nested(64)))
  refusedAs(nested(65), 'JSON_TOO_DEEP')
  refusedAs('{"a":'.repeat(65) + '1' + '}'.repeat(65), 'JSON_TOO_DEEP')
  refusedAs('[[1]]', 'JSON_TOO_DEEP', { maxDepth: 1 })
  refusedAs('['.repeat(JSON_MAX_BYTES), 'JSON_TOO_DEEP')
})

test('the size limit counts bytes, not characters', () => {
  refusedAs(`"${'é'.repeat(5)}"`, 'JSON_TOO_LARGE', { maxBytes: 11 })
  assert.equal(parseJson(`"${'é'.repeat(5)}"`, { maxBytes: 12 }), 'ééééé')
  refusedAs(bytes(`"${'x'.repeat(JSON_MAX_BYTES)}"`), 'JSON_TOO_LARGE')
})

test('a byte-order mark and ill-formed UTF-8 are refused', () => {
  refusedAs('\uFEFF{}', 'JSON_BYTE_ORDER_MARK')
  refusedAs(Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d), 'JSON_BYTE_ORDER_MARK')
  refusedAs(Uint8Array.of(0x22, 0xc0, 0x80, 0x22), 'JSON_NOT_UTF8')
  refusedAs(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22), 'JSON_NOT_UTF8')
})

test('a fault is named by byte offset, line and column', () => {
  assert.throws(
    () => parseJson('{"é":1,\n "b" 2}'),
    (error) => {
      assert.ok(error instanceof JsonError)
      const { what, ...place } = error.details
      assert.deepEqual(place, { offset: 14, line: 2, column: 6 })
      assert.ok(error.message.startsWith(`${String(what)} at line 2`), error.message)
      return true
    },
  )
})

test('canonical JSON parses back to the value, and is the same for every order of members', () => {
  const value = fc
    .jsonValue({ maxDepth: 4 })
    .filter((v) => JSON.stringify(v).isWellFormed() && !/\\ud[89a-f]/i.test(JSON.stringify(v)))
  fc.assert(
    fc.property(value, (json) => {
      const text = canonicalJson(json as Json)
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(json)))
      assert.equal(canonicalJson(reversed(JSON.parse(text) as Json)), text)
    }),
  )
})

test('canonical JSON sorts by UTF-16 code unit and writes numbers as RFC 8785 does', () => {
  assert.equal(canonicalJson({ '\ufb33': 1, '😀': 2, '10': 3, '9': 4 }), '{"10":3,"9":4,"😀":2,"\ufb33":1}')
  assert.equal(canonicalJson([-0, 1e21, 1e-7, 0.000001, 5e-324]), '[0,1e+21,1e-7,0.000001,5e-324]')
  assert.equal(canonicalJson('\u0000\u001f"\\/\u007f'), '"\\u0000\\u001f\\"\\\\/\u007f"')
})

test('what JSON cannot hold has no canonical form', () => {
  for (const value of [NaN, Infinity, undefined, '\ud800', { a: undefined }, 1n, { '\udc00': 1 }])
    assert.throws(() => canonicalJson(value as Json), { code: 'JSON_NOT_A_VALUE' })
})

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function hasHugeNumber(value: Json): boolean {
  if (typeof value === 'number') return Math.abs(value) > Number.MAX_SAFE_INTEGER
  return typeof value === 'object' && value !== null && Object.values(value).some(hasHugeNumber)
}

function reversed(value: Json): Json {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, member]) => [name, reversed(member)]),
  )
}
