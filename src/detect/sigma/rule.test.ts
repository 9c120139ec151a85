import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { JsonObject } from '#base'
import { DetectError } from '../error.ts'
import type { NormalEvent } from '../event.ts'
import { formatsFor, normalise } from '../formats/registry.ts'
import { answerSigmaVector, compileSigma } from './answer.ts'
import { compileTest } from './compile.ts'
import { RuleGroup } from './group.ts'
import { parseSigma } from './rule.ts'
import type { Match, Test } from './test.ts'
import { ANY_RUN, type Token } from './value.ts'
import { EventView, FieldNames } from './view.ts'

const rule = (detection: string, logsource = 'category: test'): string =>
  `title: t\nlogsource:\n    ${logsource}\ndetection:\n${detection.replace(/^/gm, '    ')}\n`

const event = (raw: JsonObject): NormalEvent => {
  const found = normalise(formatsFor('json'), { logsource: { category: 'test' }, ...raw }, { line: 1 })
  assert.ok(found)
  return found
}

const matches = (detection: string, raw: JsonObject): boolean => compileSigma(parseSigma(rule(detection)))(event(raw))

test('each modifier tests what it says', () => {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const cases: [string, JsonObject, boolean][] = [
    ['a: Foo', { a: 'fOO' }, true],
    ['a|cased: Foo', { a: 'fOO' }, false],
    ['a|cased: Foo', { a: 'Foo' }, true],
    ['a|contains: oo', { a: 'fOObar' }, true],
    ['a|startswith: fo', { a: 'xfo' }, false],
    ['a|endswith: .exe', { a: 'C:\\X.EXE' }, true],
    ['a|contains|all: [x, y]', { a: 'y and x' }, true],
    ['a|contains|all: [x, y]', { a: 'x' }, false],
    ['a: [x, y]', { a: 'y' }, true],
    ["a|re: '^f.o$'", { a: 'fxo' }, true],
    ["a|re: '^f.o$'", { a: 'FXO' }, false],
    ["a|re|i: '^f.o$'", { a: 'FXO' }, true],
    ["a|re|s: 'f.o'", { a: 'f\no' }, true],
    ["a|re|m: '^o$'", { a: 'f\no' }, true],
    ['a|cidr: 192.0.2.0/24', { a: '192.0.2.77' }, true],
    ['a|cidr: 192.0.2.0/24', { a: '192.0.3.1' }, false],
    ['a|cidr: 2001:db8::/32', { a: '2001:DB8::1' }, true],
    ['a|lt: 5', { a: 4 }, true],
    ['a|lte: 5', { a: '5' }, true],
    ['a|gt: 5', { a: 5 }, false],
    ['a|gte: 5', { a: 'x' }, false],
    ['a|exists: true', { b: 1 }, false],
    ['a|exists: false', { b: 1 }, true],
    ['a|fieldref: b', { a: 'X', b: 'x' }, true],
    ['a|fieldref: b', {}, false],
    ['a|fieldref|endswith: b', { a: 'C:\\x.exe', b: 'X.EXE' }, true],
    ["a|windash|contains: ' -f'", { a: 'x /F' }, true],
    ['a|base64|contains: foobar', { a: `x ${base64('foobar')} y` }, true],
    ...[0, 1, 2].map((n): [string, JsonObject, boolean] => [
      'a|base64offset|contains: foobar',
      { a: base64(`${'z'.repeat(n)}foobar!!`) },
      true,
    ]),
    ['a|wide|base64offset|contains: ping', { a: Buffer.from('xping', 'utf16le').toString('base64') }, true],
    ['a|utf16be|base64|contains: ab', { a: Buffer.from([0, 97, 0, 98]).toString('base64') }, true],
    ['a: null', {}, true],
    ['a: null', { a: '' }, false],
    ["a: ''", { a: '' }, true],
    ["a: ''", {}, false],
    ['a: 0x10', { a: '0x10' }, true],
    ['a: 16', { a: 16 }, true],
    ['a: true', { a: true }, true],
    ['a.b: c', { a: { b: 'C' } }, true],
    ['a.b: c', { a: [{ b: 'x' }, { b: 'c' }] }, true],
    ['a: b', { a: ['x', 'B'] }, true],
    ["a: 'x*z?'", { a: 'xyyzz' }, true],
  ]
  for (const [item, raw, expected] of cases)
    assert.equal(matches(`sel:\n    ${item}\ncondition: sel`, raw), expected, `${item} on ${JSON.stringify(raw)}`)
})

test('maps are and, lists of maps are or, lists of texts are keywords', () => {
  assert.equal(matches('sel:\n    a: 1\n    b: 2\ncondition: sel', { a: 1 }), false)
  assert.equal(matches('sel:\n    - a: 1\n    - b: 2\ncondition: sel', { b: 2 }), true)
  assert.equal(matches('words:\n    - evil\n    - bad*thing\ncondition: words', { x: { y: 'An EVIL one' } }), true)
  assert.equal(matches('words:\n    - evil\n    - bad*thing\ncondition: words', { x: 'bad old thing' }), true)
  assert.equal(
    matches("words:\n    '|all':\n        - evil\n        - worse\ncondition: words", { x: 'evil', y: 'worse' }),
    true,
  )
  assert.equal(matches("words:\n    '|all':\n        - evil\n        - worse\ncondition: words", { x: 'evil' }), false)
})

test('conditions follow precedence, counts and patterns', () => {
  const detections = 's1: {a: 1}\ns2: {b: 1}\nfilter_x: {c: 1}\n_hidden: {d: 1}\n'
  const cases: [string, JsonObject, boolean][] = [
    ['s1 or s2 and filter_x', { a: 1 }, true],
    ['(s1 or s2) and filter_x', { a: 1 }, false],
    ['not s1 and s2', { b: 1 }, true],
    ['NOT (s1 OR s2)', {}, true],
    ['1 of s*', { b: 1 }, true],
    ['all of s*', { b: 1 }, false],
    ['2 of them', { a: 1, c: 1 }, true],
    ['2 of them', { a: 1, d: 1 }, false],
    ['1 of them', { d: 1 }, false],
    ['s1 and not 1 of filter_*', { a: 1, c: 1 }, false],
    ['all of them', { a: 1, b: 1, c: 1 }, true],
  ]
  for (const [condition, raw, expected] of cases)
    assert.equal(
      matches(`${detections}condition: ${condition}`, raw),
      expected,
      `${condition} on ${JSON.stringify(raw)}`,
    )
})

test('a rule with anything unsupported is refused with its code', () => {
  const aliases = `a: &a [x, x, x, x, x, x, x, x, x, x]\n${['b', 'c', 'd', 'e', 'f']
    .map((name, i) => `${name}: &${name} [${Array(10).fill(`*${'abcde'[i]}`).join(', ')}]`)
    .join('\n')}\n`
  const cases: [string, string][] = [
    [rule('s: {a|expand: "%x%"}\ncondition: s'), 'SIGMA_EXPAND'],
    [rule('s: {a|frobnicate: x}\ncondition: s'), 'SIGMA_MODIFIER'],
    [rule('s: {a|re|contains: x}\ncondition: s'), 'SIGMA_MODIFIER'],
    [rule('s: {a|re: "(?=x)"}\ncondition: s'), 'SIGMA_REGEX'],
    [rule('s: {a|cidr: 1.2.3.4/99}\ncondition: s'), 'SIGMA_VALUE'],
    [rule('s: {a|lt: many}\ncondition: s'), 'SIGMA_VALUE'],
    [rule('s: {a: {b: c}}\ncondition: s'), 'SIGMA_STRUCTURE'],
    [rule('s: {a: 1}\ncondition: s | count() > 5'), 'SIGMA_CONDITION'],
    [rule('s: {a: 1}\ncondition: t'), 'SIGMA_CONDITION'],
    [rule('s: {a: 1}\ncondition: 1 of t*'), 'SIGMA_CONDITION'],
    [rule('s: {a: 1}\ncondition: (s'), 'SIGMA_CONDITION'],
    [rule('s: {a: 1}\ncondition: s s'), 'SIGMA_CONDITION'],
    [rule('s: {a: 1}\ntimeframe: 5m\ncondition: s'), 'SIGMA_CORRELATION'],
    ['correlation: {}\n', 'SIGMA_CORRELATION'],
    ['a: [', 'SIGMA_YAML'],
    ['a: 1\n---\nb: 2\n', 'SIGMA_YAML'],
    [aliases, 'SIGMA_LIMIT'],
    [`a: ${'['.repeat(100)}${']'.repeat(100)}`, 'SIGMA_LIMIT'],
    ['detection: {s: {a: 1}, condition: s}', 'SIGMA_STRUCTURE'],
    [rule('s: {a: 1}\ncondition: s', '{}'), 'SIGMA_STRUCTURE'],
    ['x'.repeat(2_000_000), 'SIGMA_LIMIT'],
  ]
  for (const [text, code] of cases)
    assert.throws(
      () => parseSigma(text),
      (error) => error instanceof DetectError && error.code === code,
      `${code}: ${text.slice(0, 200)}`,
    )
})

test('a rule sees only events of its log source', () => {
  const sysmon = (id: number, more: JsonObject = {}) => ({
    Event: {
      System: { EventID: id, Channel: 'Microsoft-Windows-Sysmon/Operational' },
      EventData: { Image: 'x', ...more },
    },
  })
  const answer = (logsource: string, raw: JsonObject) =>
    answerSigmaVector({ id: 1, rule: rule('s: {Image: x}\ncondition: s', logsource), events: [raw] }).match
  assert.equal(answer('{category: process_creation, product: windows}', sysmon(1)), true)
  assert.equal(answer('{category: process_creation, product: linux}', sysmon(1)), false)
  assert.equal(answer('{category: process_creation, product: windows}', sysmon(11)), false)
  assert.equal(answer('{category: registry_event, product: windows}', sysmon(13)), true)
  assert.equal(answer('{category: registry_delete, product: windows}', sysmon(12, { EventType: 'DeleteKey' })), true)
  assert.equal(answer('{category: registry_add, product: windows}', sysmon(12, { EventType: 'DeleteKey' })), false)
  assert.equal(answer('{product: windows, service: sysmon}', sysmon(255)), true)
  assert.equal(answer('{product: windows, service: security}', sysmon(1)), false)
})

test('the shapes in which shippers write Windows events read alike', () => {
  const text = rule(
    "s: {EventID: 1, Image|endswith: '\\a.exe', Provider_Name: Microsoft-Windows-Sysmon}\ncondition: s",
    '{category: process_creation, product: windows}',
  )
  const shapes: JsonObject[] = [
    {
      EventID: 1,
      Channel: 'Microsoft-Windows-Sysmon/Operational',
      SourceName: 'Microsoft-Windows-Sysmon',
      Image: 'C:\\a.exe',
    },
    {
      EventID: '1',
      Channel: 'Microsoft-Windows-Sysmon/Operational',
      Provider: 'Microsoft-Windows-Sysmon',
      EventData: '{"Image":"C:\\\\a.exe"}',
    },
    {
      Event: {
        System: {
          EventID: { '#text': 1 },
          Provider: { '#attributes': { Name: 'Microsoft-Windows-Sysmon' } },
          Channel: 'Microsoft-Windows-Sysmon/Operational',
        },
        EventData: { Data: [{ '#attributes': { Name: 'Image' }, '#text': 'C:\\a.exe' }] },
      },
    },
    {
      winlog: {
        event_id: 1,
        provider_name: 'Microsoft-Windows-Sysmon',
        channel: 'Microsoft-Windows-Sysmon/Operational',
        event_data: { Image: 'C:\\a.exe' },
      },
    },
  ]
  assert.deepEqual(answerSigmaVector({ id: 'x', rule: text, events: shapes }), {
    id: 'x',
    match: true,
    events: [0, 1, 2, 3],
  })
})

/** `x`, `*x*` or `*x`. */
const inForm = (text: string, form: number): Token[] =>
  form === 0 ? [text] : form === 1 ? [ANY_RUN, text, ANY_RUN] : [ANY_RUN, text]

test('the filter of a group lets through exactly what the rules alone would match', () => {
  const field = fc.constantFrom('a', 'b', undefined)
  const word = fc.constantFrom('foo', 'barbarbar', 'o', '\u00e9', 'quuxquux', 'xfoo', '1e21', 'k\\bar/"q', 'BAR\u212a')
  const match: fc.Arbitrary<Match> = fc.oneof(
    fc.tuple(word, fc.integer({ min: 0, max: 2 })).map(([text, form]): Match => ({
      kind: 'text',
      cased: false,
      tokens: inForm(text.toLowerCase(), form),
    })),
    word.map((text): Match => ({ kind: 'regex', source: text, test: (value) => value.includes(text) })),
    fc.constant<Match>({ kind: 'null' }),
  )
  const leaf = fc
    .tuple(field, match)
    .map(([name, one]): Test => ({ op: 'match', field: one.kind === 'null' ? (name ?? 'a') : name, match: one }))
  const { tree } = fc.letrec<{ tree: Test }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.record({
        op: fc.constantFrom('and' as const, 'or' as const),
        parts: fc.array(tie('tree'), { minLength: 1, maxLength: 3 }),
      }),
      fc.record({
        op: fc.constant('least' as const),
        count: fc.constant(2),
        parts: fc.array(tie('tree'), { minLength: 2, maxLength: 3 }),
      }),
      fc.record({ op: fc.constant('not' as const), part: tie('tree') }),
    ),
  }))
  const value = fc.oneof(
    word,
    fc.array(word, { maxLength: 3 }).map((words) => words.join('')),
    fc.array(word, { maxLength: 2 }),
  )
  fc.assert(
    fc.property(fc.array(tree, { minLength: 1, maxLength: 6 }), value, value, (tests, a, b) => {
      const fields = new FieldNames()
      const rules = tests.map((one, i) => ({
        id: String(i),
        rule: { id: undefined, title: '', level: undefined, tags: [], logsource: {}, test: one },
        compiled: compileTest(one, fields),
      }))
      const view = new EventView(fields)
      const group = new RuleGroup(rules, fields)
      const events = [event({ a, b, c: 1e21 }), event({ a: b, b: a })]
      // Twice, so that the second time what is known of the values answers.
      for (const one of [...events, ...events]) {
        view.open(one)
        const found: string[] = []
        group.match(view, ({ id }) => found.push(id))
        assert.deepEqual(
          found,
          rules.filter(({ compiled }) => compiled(view)).map(({ id }) => id),
        )
      }
    }),
    { numRuns: 2_000 },
  )
})
