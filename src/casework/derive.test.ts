import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '#base'
import { toRegister } from '#policy'
import type { CaseEdit } from './case.ts'
import { type Derivation, derive } from './derive.ts'

const ID = (type: string, n: number) => `${type}--00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
const TIMES = { created: '2026-01-01T00:00:00.000Z', modified: '2026-01-01T00:00:00.000Z' }
const SOURCE = { id: ID('identity', 1), slug: 'ph-bank', name: 'Bank of Manila Bay', nation: 'PH' } as const

const indicator = (n: number, more: JsonObject = {}): JsonObject => ({
  type: 'indicator',
  spec_version: '2.1',
  id: ID('indicator', n),
  ...TIMES,
  pattern: `[ipv4-addr:value = '203.0.113.${n}']`,
  pattern_type: 'stix',
  valid_from: '2026-01-01T00:00:00.000Z',
  ...more,
})

function derivation(objects: JsonObject[], more: Partial<Derivation> = {}): Derivation {
  return {
    caseId: 'case',
    objects,
    edits: [],
    protect: [],
    consent: 'none',
    source: SOURCE as Derivation['source'],
    register: toRegister({ organisations: [], alliances: new Map() }),
    author: ID('identity', 2) as Derivation['author'],
    alliance: 'pacific',
    pseudonym: 'ph-source-7',
    tlp: 'amber',
    time: Date.parse('2026-05-05T05:55:55Z'),
    secret: new Uint8Array(32),
    ...more,
  }
}

const base = (objects: JsonObject[], more: Partial<Derivation> = {}) =>
  derive(derivation(objects, more)).publications.find(({ form }) => form === 'base')?.objects ?? []

test('texts lose what gives the source away, however it is written', () => {
  const cases: [string, string][] = [
    ['seen at 10.0.0.7 and 192[.]168[.]1[.]9', 'seen at [internal address] and [internal address]'],
    ['seen at 010.000.000.007', 'seen at [internal address]'],
    ['from 203.0.113.9 to 8.8.8.8', 'from 203.0.113.9 to 8.8.8.8'],
    ['on fe80::1%eth0, fd00::5, 2001:db8::1', 'on [internal address]%eth0, [internal address], 2001:db8::1'],
    ['mac 00:1a:2B:3c:4d:5e', 'mac [internal address]'],
    ['ask ana.cruz@manila.example or ana[at]manila[.]example', 'ask [e-mail address] or [e-mail address]'],
    ['opened C:\\Users\\ana cruz\\q 3.xlsx, then', 'opened [file name], then'],
    [
      'copied \\\\fs01\\share\\x to /home/ana/.ssh/id and payroll.docx',
      'copied [file name] to [file name] and [file name]',
    ],
    ['host dc01.corp.local spoke', 'host [host name] spoke'],
    ['the Bank  of-Manila BAY and PH_BANK.', 'the [source] and [source].'],
    ['ph\u200b-ba\u00adnk hidden', '[source] hidden'],
    ['at 2026-05-01T03:04:05.678Z sharp', 'at 2026-05-01T03:00Z sharp'],
    [`see ${ID('indicator', 99)}`, 'see [object]'],
    ['evil.example serves http://evil.example/a', 'evil.example serves http://evil.example/a'],
  ]
  for (const [description, expected] of cases)
    assert.equal(base([indicator(1, { description })])[0]?.['description'], expected)
})

test('keys of dictionaries and properties that are not of STIX do not get out', () => {
  const [made] = base([indicator(1, { x_ph_bank: 'a', x_note: 'b', labels: ['ok', 'of ph-bank'] })])
  assert.deepEqual(made?.['labels'], ['ok', 'of [source]'])
  assert.ok(!JSON.stringify(made).includes('x_'))
})

test('an object that cannot do without what was cut goes, and all that need it', () => {
  const note = (n: number, ref: string): JsonObject => ({
    type: 'note',
    spec_version: '2.1',
    id: ID('note', n),
    ...TIMES,
    content: 'c',
    object_refs: [ref],
  })
  const internal = { type: 'ipv4-addr', spec_version: '2.1', id: ID('ipv4-addr', 1), value: '10.0.0.1' }
  const chain = Array.from({ length: 400 }, (_, i) => note(i, i === 0 ? internal.id : ID('note', i - 1)))
  const { publications, findings } = derive(derivation([internal, ...chain, indicator(1)]))
  assert.deepEqual(
    publications[0]?.objects.map(({ type }) => type),
    ['indicator'],
  )
  assert.equal(findings.filter(({ kind }) => kind === 'invalid').length, 400)
})

test('references to what is not published go; those to what is get its new id', () => {
  const report: JsonObject = {
    type: 'report',
    spec_version: '2.1',
    id: ID('report', 1),
    ...TIMES,
    name: 'r',
    published: TIMES.created,
    object_refs: [ID('indicator', 1), ID('malware', 9), ID('indicator', 2)],
  }
  const made = base([indicator(1), indicator(2, { pattern: "[file:name = 'x.docx']" }), report])
  const one = made.find(({ type }) => type === 'indicator')
  assert.deepEqual(made.find(({ type }) => type === 'report')?.['object_refs'], [one?.['id']])
})

test('nothing keeps the source: not an edit, not a replacement', () => {
  const edits: CaseEdit[] = [
    { object: ID('indicator', 1), path: 'description', op: 'keep' },
    { object: ID('indicator', 1), path: 'name', op: 'replace', value: 'of ph-bank at 10.0.0.1' },
    { object: ID('indicator', 2), path: 'pattern', op: 'keep' },
    { object: ID('indicator', 3), path: 'pattern', op: 'keep' },
  ]
  const objects = [
    indicator(1, { name: 'n', description: 'ph-bank, 10.0.0.1, x.docx' }),
    indicator(2, { pattern: "[file:name = 'ph-bank.docx']" }),
    indicator(3, { pattern: "[file:name = 'invoice.docx']" }),
  ]
  const made = base(objects, { edits })
  assert.deepEqual(
    made.map(({ name, description, pattern }) => [name ?? '', description ?? '', pattern]),
    [
      ['of [source] at [internal address]', '[source], 10.0.0.1, x.docx', "[ipv4-addr:value = '203.0.113.1']"],
      ['', '', "[file:name = 'invoice.docx']"],
    ],
  )
})

test('counts below three are suppressed, larger ones stay', () => {
  const sighting = (n: number, count: number): JsonObject => ({
    type: 'sighting',
    spec_version: '2.1',
    id: ID('sighting', n),
    ...TIMES,
    sighting_of_ref: ID('indicator', 1),
    count,
  })
  const made = base([indicator(1), sighting(1, 2), sighting(2, 3)]).filter(({ type }) => type === 'sighting')
  assert.deepEqual(
    made.map(({ count }) => count ?? null),
    [null, 3],
  )
})

test('the supplement says what consent opens, and never what must not show', () => {
  const objects = [
    indicator(1, {
      name: 'on dc01.corp.local, ana@manila.example',
      description: 'in the Cebu branch, by jo@ph-bank.example',
    }),
  ]
  const text = (consent: Derivation['consent']) =>
    derive(derivation(objects, { consent, protect: ['Cebu branch'] }))
      .publications.filter(({ form }) => form === 'supplement')
      .map(({ to, tlp, objects: [note] }) => [to.length, tlp, String(note?.['content'])])
  assert.deepEqual(text('none'), [])
  const named = `source: ph-bank, Bank of Manila Bay, ${SOURCE.id}`
  const details =
    'indicator name: dc01.corp.local\nindicator description: [source]\nindicator description: [e-mail address]'
  assert.deepEqual(text('own-gov'), [[4, 'amber+strict', `${named}\n${details}`]])
  assert.deepEqual(text('gov'), [[3, 'amber+strict', `${named}\n${details}`]])
  assert.deepEqual(text('everyone'), [
    [1, 'amber', named],
    [3, 'amber+strict', details],
  ])
})

test('ids and times of the base say nothing of the submission, and differ by case and alliance', () => {
  const one = base([indicator(1)])[0]
  assert.deepEqual([one?.['created'], one?.['modified']], ['2026-05-05T05:00:00.000Z', '2026-05-05T05:00:00.000Z'])
  const others = [
    derivation([indicator(1)], { alliance: 'other' }),
    derivation([indicator(1)], { caseId: 'second' }),
    derivation([indicator(1)], { secret: new Uint8Array(32).fill(1) }),
  ]
  const ids = [
    one?.['id'],
    ID('indicator', 1),
    ...others.map((other) => derive(other).publications[0]?.objects[0]?.['id']),
  ]
  assert.equal(new Set(ids).size, ids.length)
})

test('long hostile texts are scrubbed in seconds', () => {
  const long = 500_000
  const began = performance.now()
  for (const piece of [
    'a',
    'a.',
    '1.1.1.1.',
    ':',
    '\\',
    'C:\\a b\\',
    'a@',
    '/home/',
    'a-',
    'a--0',
    'ab:',
    '2026-01-01T00:',
  ])
    base([indicator(1, { description: piece.repeat(long / piece.length) })])
  assert.ok(performance.now() - began < 60_000)
})
