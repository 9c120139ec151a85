import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { ANY_ITEM, type ComparisonNode, type Literal, type ObservationNode, type PathStep } from './ast.ts'
import { checkPattern } from './check.ts'
import { PatternError } from './error.ts'
import { PATTERN_DEPTH_LIMIT, PATTERN_LENGTH_LIMIT } from './limits.ts'
import { parsePattern } from './parser.ts'
import { printObservation } from './print.ts'

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom('', "it's", String.raw`a\b`, 'ḍ̇', '/*', '//'),
)
const names = fc.constantFrom('name', 'NOTname', 'x_y', 'value_ref', 'Start', 'T')
const bytes = fc.uint8Array({ minLength: 1, maxLength: 6 }).map((octets) => Buffer.from(octets).toString('latin1'))

const literals: fc.Arbitrary<Literal> = fc.oneof(
  texts.map((value) => ({ type: 'string' as const, value })),
  fc.integer().map((value) => ({ type: 'integer' as const, value })),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => ({ type: 'float' as const, value: value + 0 })),
  bytes.map((value) => ({ type: 'hex' as const, value })),
  bytes.map((value) => ({ type: 'binary' as const, value })),
  fc.constantFrom('2024-02-29T23:59:59Z', '2024-01-01T00:00:00.123456789Z').map((value) => ({
    type: 'timestamp' as const,
    value,
  })),
)
const booleans: fc.Arbitrary<Literal> = fc.boolean().map((value) => ({ type: 'boolean', value }))
const strings: fc.Arbitrary<Literal> = texts.map((value) => ({ type: 'string', value }))

const paths: fc.Arbitrary<PathStep[]> = fc
  .tuple(
    fc.oneof(names, texts),
    fc.array(fc.oneof(names, texts, fc.integer({ min: -9, max: 99 }), fc.constant(ANY_ITEM)), { maxLength: 3 }),
  )
  .map(([first, rest]) => [first, ...rest])
const objects = fc.constantFrom('file', 'ipv4-addr', 'x-foo', 'EVENT')

const tests: fc.Arbitrary<ComparisonNode> = fc.oneof(
  testsOf(
    fc.constantFrom('=', '!='),
    fc.oneof(literals, booleans).map((value) => [value]),
  ),
  testsOf(
    fc.constantFrom('<', '<=', '>', '>='),
    literals.map((value) => [value]),
  ),
  testsOf(fc.constant('IN'), fc.array(fc.oneof(literals, booleans), { maxLength: 3 })),
  testsOf(
    fc.constantFrom('LIKE', 'MATCHES', 'ISSUBSET', 'ISSUPERSET'),
    strings.map((value) => [value]),
  ),
  fc.record({ kind: fc.constant('exists' as const), object: objects, path: paths, negated: fc.boolean() }),
)

function testsOf(
  operator: fc.Arbitrary<'=' | '!=' | '<' | '<=' | '>' | '>=' | 'IN' | 'LIKE' | 'MATCHES' | 'ISSUBSET' | 'ISSUPERSET'>,
  values: fc.Arbitrary<Literal[]>,
): fc.Arbitrary<ComparisonNode> {
  return fc.record({
    kind: fc.constant('test' as const),
    object: objects,
    path: paths,
    operator,
    negated: fc.boolean(),
    values,
  })
}

const { expression } = fc.letrec<{ comparison: ComparisonNode; expression: ObservationNode }>((tie) => ({
  comparison: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    tests,
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      operands: fc.array(tie('comparison'), { minLength: 2, maxLength: 3 }),
    }),
  ),
  expression: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.record({ kind: fc.constant('observation' as const), comparison: tie('comparison') }),
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const, 'followedBy' as const),
      operands: fc.array(tie('expression'), { minLength: 2, maxLength: 3 }),
    }),
    fc.record({
      kind: fc.constant('within' as const),
      operand: tie('expression'),
      seconds: fc.double({ min: 1e-9, max: 1e12, noNaN: true }),
    }),
    fc.record({
      kind: fc.constant('repeats' as const),
      operand: tie('expression'),
      times: fc.integer({ min: 1, max: 1_000_000 }),
    }),
    fc.record({
      kind: fc.constant('startStop' as const),
      operand: tie('expression'),
      start: fc.constant('2024-01-01T00:00:00Z'),
      stop: fc.constant('2024-01-01T00:00:01.5Z'),
    }),
  ),
}))

test('a printed pattern parses to the tree that it was printed from', () => {
  fc.assert(
    fc.property(expression, (tree) => {
      assert.deepEqual(parsePattern(printObservation(tree)).expression, plain(tree))
    }),
    { numRuns: 500 },
  )
})

/** fast-check builds records without a prototype; the parser does not. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
}

const SCRAPS = fc.constantFrom(
  ..."[ ] ( ) : . , * = < <> ! ' \\ /* */ // - + \" file a-b name 'x' 1 1.5 h'0' b'AA==' true NOT IN AND OR".split(' '),
  ..."FOLLOWEDBY WITHIN REPEATS TIMES SECONDS START STOP EXISTS LIKE t'2024-01-01T00:00:00Z' \u0085 \ud800".split(' '),
  '\n',
  ' ',
)

test('any text is either a pattern or a PatternError with a place in the text', () => {
  const input = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(SCRAPS, { maxLength: 30 }).map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(input, (text) => {
      try {
        parsePattern(text)
      } catch (error) {
        assert.ok(error instanceof PatternError, String(error))
        const line = text.split('\n')[error.line - 1]
        assert.ok(line !== undefined && error.column >= 1 && error.column <= line.length + 1, error.message)
      }
    }),
    { numRuns: 3000 },
  )
})

test('AND binds closer than OR, and OR closer than FOLLOWEDBY, inside brackets and outside', () => {
  assert.deepEqual(
    parsePattern('[a:b=1] FOLLOWEDBY [a:b=2] OR [a:b=3] AND [a:b=4]').expression,
    parsePattern('[a:b=1] FOLLOWEDBY ([a:b=2] OR ([a:b=3] AND [a:b=4]))').expression,
  )
  assert.deepEqual(
    parsePattern('[a:b=1 OR a:b=2 AND a:b=3]').expression,
    parsePattern('[a:b=1 OR (a:b=2 AND a:b=3)]').expression,
  )
})

test('a qualifier belongs to the expression directly before it', () => {
  const { expression: tree } = parsePattern('[a:b=1] AND [a:b=2] WITHIN 5 SECONDS')
  assert.equal(tree.kind, 'and')
  assert.equal(parsePattern('([a:b=1] AND [a:b=2]) WITHIN .5 SECONDS').expression.kind, 'within')
})

test('comments and every white space of the grammar separate tokens', () => {
  const spaced = '/* a\n */[\u00a0a:b\u3000=\t1 // to the end\n]\u0085REPEATS/**/2\vTIMES'
  assert.deepEqual(parsePattern(spaced).expression, parsePattern('[a:b=1] REPEATS 2 TIMES').expression)
})

test('== is = and <> is !=, and hex and base64 are their bytes', () => {
  assert.deepEqual(parsePattern("[a:b == h'6869']").expression, {
    kind: 'observation',
    comparison: {
      kind: 'test',
      object: 'a',
      path: ['b'],
      operator: '=',
      negated: false,
      values: [{ type: 'hex', value: 'hi' }],
    },
  })
  assert.deepEqual(parsePattern('[a:b <> 1]').expression, parsePattern('[a:b != 1]').expression)
  assert.deepEqual(parsePattern("[a:b != b'aGk=']").expression, parsePattern("[a:b != b'aGk=' ]").expression)
})

for (const [text, line, column, says] of [
  ['[file:name = ]', 1, 14, /constant/],
  ['[file:name = "a"]', 1, 14, /quoted with '/],
  ["[file:name\n = 'a'\n", 3, 1, /the end of the pattern/],
  ["[file:some-name = 'a']", 1, 7, /'some-name'/],
  ["[file:name = 'a\\d']", 1, 16, /backslash/],
  ["[file:name = 'a]", 1, 14, /no end/],
  ['[a:b=1] WITHIN 0 SECONDS', 1, 16, /above 0/],
  ['[a:b=1] WITHIN -5 SECONDS', 1, 16, /above 0/],
  ['[a:b=1] REPEATS 1.5 TIMES', 1, 17, /positive integer/],
  ["[a:b=1] START t'2024-01-01T00:00:00Z'", 1, 38, /STOP/],
  ["[a:b = t'2024-13-01T00:00:00Z']", 1, 8, /timestamp/],
  ["[a:b = h'abc']", 1, 8, /even number/],
  ["[a:b = b'abc']", 1, 8, /base64/],
  ['[a:b < true]', 1, 8, /order/],
  ['[a:b IN 1]', 1, 9, /set/],
  ['[a:b LIKE 1]', 1, 11, /string/],
  ['[a:b=1] /* open', 1, 9, /no end/],
  ['[a:b=1] within 2 SECONDS', 1, 9, /qualifier/],
  ['[NOT a:b = 1]', 1, 6, /EXISTS after NOT/],
  ['[EXISTS NOT a:b]', 1, 9, /object path/],
  ['[a:b NOT EXISTS]', 1, 10, /operator/],
  ['', 1, 1, /begin/],
] as const) {
  test(`the error in ${JSON.stringify(text)} is at line ${line}, column ${column}`, () => {
    assert.throws(
      () => parsePattern(text),
      (error) =>
        error instanceof PatternError &&
        error.code === 'PATTERN_SYNTAX' &&
        error.line === line &&
        error.column === column &&
        says.test(error.message),
    )
  })
}

test('length, nesting and number of parts are bounded', () => {
  const nested = (depth: number) => '('.repeat(depth) + '[a:b=1]' + ')'.repeat(depth)
  assert.equal(parsePattern(nested(PATTERN_DEPTH_LIMIT)).expression.kind, 'observation')
  const limit = (error: unknown) => error instanceof PatternError && error.code === 'PATTERN_LIMIT'
  assert.throws(() => parsePattern(nested(PATTERN_DEPTH_LIMIT + 1)), limit)
  assert.throws(() => parsePattern(`[${'('.repeat(100_000)}`), limit)
  assert.throws(() => parsePattern(`[a:b=1${' '.repeat(PATTERN_LENGTH_LIMIT)}]`), limit)
  assert.throws(() => parsePattern(`[a:b IN (1${',1'.repeat(200_000)})]`), limit)
  assert.throws(() => parsePattern(`[a:b=1]${' FOLLOWEDBY [a:b=1]'.repeat(256)}`), limit)
  assert.throws(() => parsePattern(`[a:b${'.c'.repeat(200_000)}=1]`), limit)
  assert.throws(() => parsePattern(`[a:b=1]${' REPEATS 1 TIMES'.repeat(65)}`), limit)
})

test('a bracketed expression takes each qualifier once; a group may be qualified again', () => {
  for (const text of [
    '[a:b=1] REPEATS 2 TIMES REPEATS 2 TIMES',
    '([a:b=1] WITHIN 2 SECONDS REPEATS 2 TIMES WITHIN 3 SECONDS)',
    "[a:b=1] START t'2024-01-01T00:00:00Z' STOP t'2024-01-02T00:00:00Z' START t'2024-01-01T00:00:00Z' STOP t'2024-01-02T00:00:00Z'",
  ]) {
    const { valid, errors } = checkPattern(text)
    assert.equal(valid, false, text)
    assert.equal(errors.length, 1)
    assert.ok((errors[0]?.column ?? 0) > 8)
  }
  assert.equal(checkPattern('([a:b=1] REPEATS 2 TIMES) REPEATS 2 TIMES').valid, true)
  assert.equal(checkPattern('([a:b=1]) WITHIN 5 SECONDS WITHIN 6 SECONDS').valid, true)
})

test('an index of -0 is the index 0', () => {
  assert.deepEqual(parsePattern('[a:b[-0] = 1]').expression, parsePattern('[a:b[0] = 1]').expression)
})

test('a number that no double holds is refused, wherever it stands', () => {
  const huge = '9'.repeat(400)
  for (const text of [
    `[a:b = ${huge}]`,
    `[a:b[${huge}] = 1]`,
    `[a:b = 1] WITHIN ${huge}.5 SECONDS`,
    `[a:b = -${huge}]`,
  ])
    assert.throws(() => parsePattern(text), { code: 'PATTERN_SYNTAX' }, text)
  assert.doesNotThrow(() => parsePattern(`[a:b = ${'9'.repeat(300)}]`))
})

test('a constant compared with a hash of a known algorithm has the form of such a hash', () => {
  const md5 = 'd41d8cd98f00b204e9800998ecf8427e'
  assert.equal(checkPattern(`[file:hashes.MD5 = '${md5}']`).valid, true)
  assert.equal(checkPattern(`[file:hashes.'md-5' IN ('${md5}', h'${md5}')]`).valid, true)
  assert.equal(checkPattern("[file:hashes.MD5 LIKE 'd41%']").valid, true)
  assert.equal(checkPattern("[file:hashes.'x-own' = 'd41']").valid, true)
  assert.equal(checkPattern("[file:hashes.'SHA-256' = 'f00']").valid, false)
  const { errors } = checkPattern(`[file:hashes.MD5 IN ('${md5}',\n 'f00')]`)
  assert.deepEqual(
    errors.map(({ line, column }) => [line, column]),
    [[2, 2]],
  )
  assert.equal(checkPattern(`[a:b=1] OR [file:hashes.'SHA-1' != '${md5}']`).valid, false)
  assert.equal(checkPattern(`[x:y = 1 OR file:hashes.MD5 IN ('${md5}', '${md5.replace('d', 'g')}')]`).valid, false)
})
