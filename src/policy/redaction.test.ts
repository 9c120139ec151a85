// SHARING-RULES section 4 for one object and one recipient.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '#base'
import { TLP_2_MARKINGS } from '#stix'
import { decide, type SendContext } from './decide.ts'
import { type Organisation } from './register.ts'
import { Definitions } from './resolve.ts'
import { caveat, indicator, smallWorld, tlp } from './small-world.ts'
import type { Level } from './tlp.ts'
import { textOf } from './json-text.ts'

const NOW = '2026-06-01T00:00:00.000Z'
const DEFINED = {
  toUs: caveat('to us', { releasable_to: { nations: ['US'] } }),
  toPh: caveat('to ph', { releasable_to: { nations: ['PH'] } }),
  trilateral: caveat('trilateral', { community: 'trilateral' }),
  asean: caveat('asean', { community: 'asean-japan' }),
  gov: caveat('gov', { consent: 'gov' }),
  ownGov: caveat('own gov', { consent: 'own-gov' }),
  none: caveat('none', { consent: 'none' }),
  embargo: caveat('embargo', { embargo_until: '2027-01-01T00:00:00Z', coauthors: ['us'] }),
  later: caveat('later', { embargo_until: '2028-01-01T00:00:00Z' }),
  statement: {
    ...caveat('statement', {}),
    extensions: {},
    definition_type: 'statement',
    definition: { statement: '©' },
  },
} satisfies Record<string, JsonObject>
type Name = keyof typeof DEFINED | Level

const refOf = (name: string) =>
  Object.hasOwn(DEFINED, name)
    ? textOf((DEFINED[name as keyof typeof DEFINED] as JsonObject)['id'])
    : tlp(name as Level)

interface Case {
  to?: string
  from?: string
  source?: string
  marked?: Name[]
  granular?: [Name | 'unknown' | 'lang', ...string[]][]
  object?: JsonObject
  context?: SendContext
  orgs?: Record<string, Partial<Organisation>>
}

function ask({
  to = 'us',
  from = 'jp',
  source = 'jp',
  marked = ['green'],
  granular = [],
  object = {},
  context,
  orgs,
}: Case) {
  const entries = granular.map(([name, ...selectors]): JsonObject =>
    name === 'lang'
      ? { lang: 'ja', selectors }
      : { marking_ref: name === 'unknown' ? 'marking-definition--x' : refOf(name), selectors },
  )
  return decide({
    now: NOW,
    from,
    to,
    source,
    object: {
      ...indicator('one', marked.map(refOf)),
      ...(entries.length > 0 && { granular_markings: entries }),
      ...object,
    },
    register: smallWorld(orgs),
    definitions: new Definitions([...TLP_2_MARKINGS, ...Object.values(DEFINED)]),
    context: { channel: 'node', ...context },
  })
}

const refs = (...ids: string[]) => ({ type: 'report', published: NOW, object_refs: ids })
const gone = (...ids: string[]): SendContext => ({ unreleasable: new Set(ids) })
const two = { labels: ['a', 'b'] }

const CUT: [sentence: string, question: Case, redact: string[]][] = [
  ['a granular RED cuts its selector', { granular: [['red', 'description']] }, ['description']],
  ['a looser granular marking changes nothing', { granular: [['clear', 'description']] }, []],
  ['a granular marking that is not understood cuts', { granular: [['unknown', 'description']] }, ['description']],
  ['a granular statement is no restriction', { granular: [['statement', 'description']] }, []],
  ['a granular language is no restriction', { granular: [['lang', 'description']] }, []],
  [
    'a selector that matches nothing is ignored',
    { granular: [['red', 'labels', 'name.x', 'labels.[0]', 'toString']] },
    [],
  ],
  [
    'an index out of range matches nothing',
    { granular: [['red', 'labels.[2]', 'labels.[01]', 'labels.0']], object: two },
    [],
  ],
  ['a granular caveat that admits cuts nothing', { granular: [['toUs', 'description']] }, []],
  ['a granular caveat that refuses cuts', { granular: [['toPh', 'description']] }, ['description']],
  [
    'granular markings of one selector combine',
    {
      granular: [
        ['embargo', 'description'],
        ['later', 'description'],
      ],
    },
    ['description'],
  ],
  ['each alone would admit', { granular: [['embargo', 'description']] }, []],
  [
    'a granular community that contradicts the object’s cuts',
    { marked: ['green', 'trilateral'], granular: [['asean', 'description']], to: 'ph' },
    ['description'],
  ],
  [
    'a selector above combines with one below',
    {
      to: 'ph',
      granular: [
        ['trilateral', 'labels'],
        ['asean', 'labels.[0]'],
      ],
      object: two,
    },
    ['labels.[0]'],
  ],
  [
    'a redacted parent stands for its children',
    {
      granular: [
        ['red', 'labels.[1]'],
        ['red', 'labels'],
      ],
      object: two,
    },
    ['labels'],
  ],
  [
    'where every element goes, the list goes',
    { granular: [['red', 'labels.[0]', 'labels.[1]']], object: two },
    ['labels'],
  ],
  ['where one element stays, the list stays', { granular: [['red', 'labels.[0]']], object: two }, ['labels.[0]']],
  [
    'a cap cuts the part above it',
    { orgs: { us: { maxTlp: 'green' } }, granular: [['amber', 'description']] },
    ['description'],
  ],
  [
    'TLP 1.0 cuts an AMBER+STRICT part',
    { orgs: { us: { tlpVersion: 1 } }, granular: [['amber+strict', 'description']] },
    ['description'],
  ],
  [
    'an open channel cuts a GREEN part',
    { marked: ['clear'], granular: [['green', 'description']], context: { channel: 'open' } },
    ['description'],
  ],
  [
    'another tool gets no part with a caveat',
    { orgs: { us: { caveats: false } }, granular: [['toUs', 'description']] },
    ['description'],
  ],
  [
    'a grant covers no granular marking',
    {
      to: 'de',
      granular: [['green', 'description']],
      context: { grants: [{ object: textOf(indicator('one', [])['id']), by: 'jp', to: ['de'] }] },
    },
    ['description'],
  ],
  ['a submission without consent hides the source', { context: { submission: true } }, ['created_by_ref']],
  ['a recorded consent counts outside a submission', { marked: ['green', 'none'] }, ['created_by_ref']],
  ['a granular consent counts for the whole object', { granular: [['none', 'description']] }, ['created_by_ref']],
  ['the narrower consent wins', { marked: ['green', 'gov'], granular: [['none', 'name']] }, ['created_by_ref']],
  ['gov shows the source to a national CSIRT', { marked: ['green', 'gov'] }, []],
  ['gov shows the source to an agency', { marked: ['green', 'gov'], orgs: { us: { kind: 'agency' } } }, []],
  ['gov hides the source from a company', { marked: ['green', 'gov'], to: 'us-bank' }, ['created_by_ref']],
  ['own-gov hides the source from another nation', { marked: ['green', 'ownGov'] }, ['created_by_ref']],
  ['own-gov shows the source to its own', { marked: ['green', 'ownGov'], orgs: { us: { nation: 'JP' } } }, []],
  ['own-gov is not for companies of the nation', { marked: ['green', 'ownGov'], to: 'jp-telco' }, ['created_by_ref']],
  [
    'identifying fields go with the source',
    { context: { submission: true, identifying: ['x_host', 'x_absent'] }, object: { x_host: 'fw01' } },
    ['created_by_ref', 'x_host'],
  ],
  [
    'identifying fields stay with consent',
    { marked: ['green', 'gov'], context: { identifying: ['x_host'] }, object: { x_host: 'fw01' } },
    [],
  ],
  [
    'an absent creator is not cut',
    { context: { submission: true }, object: { created_by_ref: undefined as never } },
    [],
  ],
  ['victim fields are cut', { context: { victimFields: ['x_victim'] }, object: { x_victim: 'bank' } }, ['x_victim']],
  [
    'the CSIRT of the victim’s nation sees them',
    { context: { victimFields: ['x_victim'], victimNation: 'US' }, object: { x_victim: 'bank' } },
    [],
  ],
  [
    'another organisation of the nation does not',
    { to: 'us-bank', context: { victimFields: ['x_victim'], victimNation: 'US' }, object: { x_victim: 'bank' } },
    ['x_victim'],
  ],
  [
    'the victim sees them',
    { to: 'us-bank', context: { victimFields: ['x_victim'], victim: 'us-bank' }, object: { x_victim: 'bank' } },
    [],
  ],
  [
    'of two CSIRTs neither is lead',
    {
      orgs: { ph: { nation: 'US' } },
      context: { victimFields: ['x_victim'], victimNation: 'US' },
      object: { x_victim: 'b' },
    },
    ['x_victim'],
  ],
  [
    'of two CSIRTs the charter’s lead sees them',
    {
      orgs: { ph: { nation: 'US' }, us: { isLead: true } },
      context: { victimFields: ['x_victim'], victimNation: 'US' },
      object: { x_victim: 'b' },
    },
    [],
  ],
  ['references go one by one', { object: refs('a', 'b', 'c'), context: gone('b') }, ['object_refs.[1]']],
  [
    'references go at any depth',
    { object: { extensions: { e: { list: [{ x_ref: 'a' }] } } }, context: gone('a') },
    ['extensions.e.list.[0].x_ref'],
  ],
  [
    'a list of references in depth goes when emptied',
    { object: { x: { y_refs: ['a', 'b'] } }, context: gone('a', 'b') },
    ['x.y_refs'],
  ],
  ['marking references stay', { granular: [['clear', 'name']], context: gone(tlp('green'), tlp('clear')) }, []],
  ['a name that only resembles a reference stays', { object: { x_reference: 'a', xref: 'a' }, context: gone('a') }, []],
  [
    'granular and references empty a list together',
    { granular: [['red', 'x_refs.[0]']], object: { x_refs: ['a', 'b'] }, context: gone('b') },
    ['x_refs'],
  ],
]

for (const [sentence, question, redact] of CUT) {
  test(sentence, () => {
    const answer = ask(question)
    assert.ok(answer.send, answer.code)
    assert.deepEqual([...answer.redact].sort(), [...redact].sort())
  })
}

const WITHHELD: [sentence: string, question: Case, selector: string][] = [
  ...['id', 'type', 'spec_version', 'created', 'modified', 'pattern', 'pattern_type', 'valid_from'].map(
    (name): [string, Case, string] => [`${name} cannot be cut`, { granular: [['red', name]] }, name],
  ),
  [
    'a required property of another type',
    { granular: [['red', 'is_family']], object: { type: 'malware', is_family: true } },
    'is_family',
  ],
  [
    'an end of a relationship',
    { object: { type: 'relationship', source_ref: 'a', target_ref: 'b' }, context: gone('b') },
    'target_ref',
  ],
  ['what is sighted', { object: { type: 'sighting', sighting_of_ref: 'a' }, context: gone('a') }, 'sighting_of_ref'],
  ['the last reference of a report', { object: refs('a'), context: gone('a') }, 'object_refs'],
  [
    'the last reference of a note',
    { object: { type: 'note', content: 'c', object_refs: ['a'] }, context: gone('a') },
    'object_refs',
  ],
  [
    'the only address of network traffic',
    { object: { type: 'network-traffic', protocols: ['tcp'], src_ref: 'a' }, context: gone('a') },
    'src_ref',
  ],
  [
    'the creator of an extension-definition',
    {
      object: { type: 'extension-definition', schema: 's', version: '1', extension_types: [] },
      context: { submission: true },
    },
    'created_by_ref',
  ],
  [
    'granular before source',
    { granular: [['red', 'pattern']], object: { type: 'extension-definition' }, context: { submission: true } },
    'pattern',
  ],
  [
    'source before references',
    {
      object: { type: 'relationship', source_ref: 'a', target_ref: 'b' },
      context: { ...gone('a'), submission: true, identifying: ['target_ref'] },
    },
    'target_ref',
  ],
]
for (const [sentence, question, selector] of WITHHELD) {
  test(`withheld whole: ${sentence}`, () => {
    const answer = ask(question)
    assert.equal(answer.code, `REDACT_REQUIRED:${selector}`)
    assert.equal(answer.send, false)
  })
}

test('a caveat of the whole object is no reason to cut a part: another tool gets nothing, by row 14', () => {
  const answer = ask({
    orgs: { us: { caveats: false } },
    marked: ['green', 'trilateral'],
    granular: [['clear', 'pattern']],
  })
  assert.equal(answer.code, 'LEGACY_CAVEAT')
})

test('one of two addresses of network traffic may go', () => {
  const answer = ask({
    object: { type: 'network-traffic', protocols: ['tcp'], src_ref: 'a', dst_ref: 'b' },
    context: gone('a'),
  })
  assert.deepEqual(answer.redact, ['src_ref'])
})

test('the source gets its own bytes whole', () => {
  const answer = ask({ from: 'us', to: 'jp', granular: [['red', 'pattern']], context: { submission: true } })
  assert.deepEqual([answer.code, answer.redact], ['TO_SOURCE', []])
})
