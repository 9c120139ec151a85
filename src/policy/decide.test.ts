// SHARING-RULES section 2, rows 1 to 11, clause by clause.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TLP_1_MARKINGS, TLP_2_MARKINGS } from '#stix'
import { decide } from './decide.ts'
import { answerDecideVector } from './vectors.ts'
import { Definitions } from './resolve.ts'
import { ask, type Case, GRANT, NOW, VERSION } from './small-world-question.ts'
import { caveat, idOf, indicator, smallWorld, tlp } from './small-world.ts'
import { textOf } from './json-text.ts'

const TABLE: [sentence: string, question: Case, code: string, onward?: string][] = [
  ['1: a recipient that the register does not know', { level: 'clear', to: 'nobody' }, 'RECIPIENT_SUSPENDED'],
  ['1: a name that every object has is no organisation', { level: 'clear', to: 'constructor' }, 'RECIPIENT_SUSPENDED'],
  ['1: a suspended recipient', { level: 'clear', orgs: { us: { standing: 'suspended' } } }, 'RECIPIENT_SUSPENDED'],
  ['1: an observer', { level: 'clear', orgs: { us: { standing: 'observer' } } }, 'RECIPIENT_SUSPENDED'],
  [
    '1 before 2: suspended, unknown marking',
    { orgs: { us: { standing: 'left' } }, object: { object_marking_refs: ['x'] } },
    'RECIPIENT_SUSPENDED',
  ],
  [
    '2: a marking that is not defined',
    { object: { object_marking_refs: [tlp('clear'), 'marking-definition--x'] } },
    'UNKNOWN_MARKING',
  ],
  ['2: an unknown property of the extension', { level: 'clear', caveats: [{ audience: 'all' }] }, 'UNKNOWN_MARKING'],
  ['2: an unknown dimension', { level: 'clear', caveats: [{ releasable_to: { regions: ['EU'] } }] }, 'UNKNOWN_MARKING'],
  ['2: a malformed value', { level: 'clear', caveats: [{ distribution: 'us' }] }, 'UNKNOWN_MARKING'],
  ['2: an embargo that is no time', { level: 'clear', caveats: [{ embargo_until: 'soon' }] }, 'UNKNOWN_MARKING'],
  ['2: object_marking_refs that is no list', { object: { object_marking_refs: tlp('clear') } }, 'UNKNOWN_MARKING'],
  [
    '2: granular markings that cannot be read',
    { level: 'clear', object: { granular_markings: [{ selectors: 'name' }] } },
    'UNKNOWN_MARKING',
  ],
  [
    '2 before 3: unknown and no level',
    { object: { object_marking_refs: ['marking-definition--x'] } },
    'UNKNOWN_MARKING',
  ],
  ['3: no level', {}, 'UNMARKED'],
  ['3: caveats without a level', { caveats: [{ community: 'trilateral' }] }, 'UNMARKED'],
  [
    '3 before 4: no level, two communities',
    { caveats: [{ community: 'trilateral' }, { community: 'asean-japan' }] },
    'UNMARKED',
  ],
  ['4: the strictest level', { object: { object_marking_refs: [tlp('red'), tlp('clear')] } }, 'RED_NOT_NAMED'],
  [
    '4: a level of TLP 1.0 counts as its counterpart',
    { level: 'clear', object: { object_marking_refs: [textOf(TLP_1_MARKINGS[3]?.['id'])] } },
    'RED_NOT_NAMED',
  ],
  [
    '4: nations intersect',
    { level: 'clear', caveats: [{ releasable_to: { nations: ['US'] } }, { releasable_to: { nations: ['PH'] } }] },
    'REL_NATION',
  ],
  [
    '4: dimensions add up',
    { level: 'clear', caveats: [{ releasable_to: { nations: ['US'] } }, { releasable_to: { kinds: ['company'] } }] },
    'REL_KIND',
  ],
  [
    '4: co-authors intersect',
    {
      level: 'clear',
      caveats: [
        { embargo_until: '2027-01-01T00:00:00Z', coauthors: ['us'] },
        { embargo_until: '2027-01-01T00:00:00Z', coauthors: ['ph'] },
      ],
    },
    'EMBARGO',
  ],
  [
    '4: the later embargo wins',
    { level: 'clear', caveats: [{ embargo_until: '2026-05-01T00:00:00Z' }, { embargo_until: '2026-07-01T00:00:00Z' }] },
    'EMBARGO',
  ],
  [
    '4: an embargo without co-authors exempts nobody',
    { level: 'clear', caveats: [{ embargo_until: '2027-01-01T00:00:00Z' }, { coauthors: ['us'] }] },
    'EMBARGO',
  ],
  [
    '4: participants intersect',
    { level: 'red', caveats: [{ participants: ['us'] }, { participants: ['ph'] }] },
    'RED_NOT_NAMED',
  ],
  [
    '4: two communities contradict',
    { level: 'clear', caveats: [{ community: 'trilateral' }, { community: 'asean-japan' }] },
    'COMMUNITY_CONFLICT',
  ],
  [
    '4: one community twice does not',
    { level: 'green', caveats: [{ community: 'trilateral' }, { community: 'trilateral' }] },
    'COMMUNITY',
    'community',
  ],
  [
    '4 before 5: conflict on an open channel',
    { level: 'green', caveats: [{ community: 'trilateral' }, { community: 'x' }], context: { channel: 'open' } },
    'COMMUNITY_CONFLICT',
  ],
  ['5: GREEN on an open channel', { level: 'green', context: { channel: 'open' } }, 'CHANNEL'],
  [
    '5: CLEAR with a caveat on an open channel',
    { level: 'clear', caveats: [{ participants: ['us'] }], context: { channel: 'open' } },
    'CHANNEL',
  ],
  [
    '5: CLEAR with a consent alone is open',
    { level: 'clear', caveats: [{ consent: 'everyone' }], context: { channel: 'open' } },
    'CLEAR',
    'world',
  ],
  [
    '5: CLEAR whose embargo is over is open',
    { level: 'clear', caveats: [{ embargo_until: NOW, coauthors: [] }], context: { channel: 'open' } },
    'CLEAR',
    'world',
  ],
  [
    '5: an identified client is authenticated',
    { level: 'green', context: { channel: 'client' } },
    'COMMUNITY',
    'community',
  ],
  ['5 before 6', { level: 'red', context: { channel: 'open' }, orgs: { us: { maxTlp: 'clear' } } }, 'CHANNEL'],
  ['6: above the cap', { level: 'amber+strict', orgs: { us: { maxTlp: 'amber' } } }, 'RECIPIENT_CAP'],
  ['6: at the cap', { level: 'amber', orgs: { us: { maxTlp: 'amber' } } }, 'ALLIANCE', 'own-org+clients'],
  ['6: a cap that is no level', { level: 'clear', orgs: { us: { maxTlp: 'blue' } } }, 'RECIPIENT_CAP'],
  ['6 before 7', { level: 'amber+strict', orgs: { us: { maxTlp: 'green', tlpVersion: 1 } } }, 'RECIPIENT_CAP'],
  ['7: AMBER+STRICT to TLP 1.0', { level: 'amber+strict', orgs: { us: { tlpVersion: 1 } } }, 'LEGACY_TLP'],
  [
    '7: RED to TLP 1.0 is known there',
    { level: 'red', caveats: [{ participants: ['us'] }], orgs: { us: { tlpVersion: 1 } } },
    'RED_NAMED',
    'none',
  ],
  ['7 before 8', { level: 'amber+strict', from: 'us', to: 'jp', orgs: { jp: { tlpVersion: 1 } } }, 'LEGACY_TLP'],
  ['8: the source gets RED back', { level: 'red', from: 'us', to: 'jp' }, 'TO_SOURCE', 'none'],
  [
    '8: the source gets it under embargo',
    { level: 'clear', from: 'us', to: 'jp', caveats: [{ embargo_until: '2027-01-01T00:00:00Z' }] },
    'TO_SOURCE',
    'none',
  ],
  [
    '8: the source needs no caveats',
    {
      level: 'green',
      from: 'us',
      to: 'jp',
      caveats: [{ releasable_to: { nations: [] } }],
      orgs: { jp: { caveats: false } },
    },
    'TO_SOURCE',
    'community',
  ],
  ['9: before the instant', { level: 'clear', caveats: [{ embargo_until: '2026-06-01T00:00:00.0001Z' }] }, 'EMBARGO'],
  [
    '9: at the instant it is over',
    { level: 'clear', caveats: [{ embargo_until: '2026-06-01T00:00:00Z' }] },
    'CLEAR',
    'world',
  ],
  [
    '9: a co-author, and nothing onward',
    { level: 'green', caveats: [{ embargo_until: '2027-01-01T00:00:00Z', coauthors: ['us'] }] },
    'COMMUNITY',
    'none',
  ],
  [
    '9: a co-author is still bound by section 3',
    { level: 'amber', to: 'de', caveats: [{ embargo_until: '2027-01-01T00:00:00Z', coauthors: ['de'] }] },
    'NOT_IN_SCOPE',
  ],
  [
    '9 before 10',
    { level: 'clear', caveats: [{ embargo_until: '2027-01-01T00:00:00Z', releasable_to: { nations: [] } }] },
    'EMBARGO',
  ],
  ['10: nations', { level: 'clear', to: 'th', caveats: [{ releasable_to: { nations: ['JP', 'US'] } }] }, 'REL_NATION'],
  ['10: an empty list is nobody', { level: 'clear', caveats: [{ releasable_to: { nations: [] } }] }, 'REL_NATION'],
  ['10: organisations', { level: 'clear', caveats: [{ releasable_to: { orgs: ['ph'] } }] }, 'REL_ORG'],
  [
    '10: an organisation by id',
    { level: 'clear', caveats: [{ releasable_to: { orgs: [smallWorld().org('us')?.id ?? ''] } }] },
    'CLEAR',
    'world',
  ],
  [
    '10: an alliance admits its members',
    { level: 'clear', to: 'ph', caveats: [{ releasable_to: { alliances: ['asean-japan', 'x'] } }] },
    'CLEAR',
    'world',
  ],
  [
    '10: an alliance does not admit clients',
    { level: 'clear', to: 'ph-bank', caveats: [{ releasable_to: { alliances: ['trilateral'] } }] },
    'REL_ALLIANCE',
  ],
  ['10: sectors', { level: 'clear', caveats: [{ releasable_to: { sectors: ['telecom'] } }] }, 'REL_SECTOR'],
  ['10: kinds', { level: 'clear', caveats: [{ releasable_to: { kinds: ['company'] } }] }, 'REL_KIND'],
  [
    '10: in this order',
    { level: 'clear', caveats: [{ releasable_to: { kinds: [], sectors: [], alliances: [], orgs: [] } }] },
    'REL_ORG',
  ],
  [
    '10: alliances before sectors',
    { level: 'clear', caveats: [{ releasable_to: { kinds: [], sectors: [], alliances: [] } }] },
    'REL_ALLIANCE',
  ],
  [
    '10 before 11',
    { level: 'green', to: 'us', caveats: [{ releasable_to: { nations: ['JP'] } }], context: { grants: [GRANT] } },
    'REL_NATION',
  ],
  [
    '11: a grant skips row 12',
    { level: 'amber', from: 'ph', context: { grants: [{ ...GRANT, version: VERSION }] } },
    'SOURCE_GRANT',
    'own-org+clients',
  ],
  [
    '11: versions are equal by instant',
    { level: 'amber', from: 'ph', context: { grants: [{ ...GRANT, version: '2026-01-01T00:00:00Z' }] } },
    'SOURCE_GRANT',
    'own-org+clients',
  ],
  [
    '11: it is the code even where row 12 admits',
    { level: 'green', context: { grants: [GRANT] } },
    'SOURCE_GRANT',
    'community',
  ],
  [
    '11: GREEN needs no version',
    { level: 'green', to: 'de', context: { grants: [{ ...GRANT, to: ['de'] }] } },
    'SOURCE_GRANT',
    'community',
  ],
  [
    '11: another version',
    { level: 'green', to: 'de', context: { grants: [{ ...GRANT, to: ['de'], version: '2025-01-01T00:00:00Z' }] } },
    'NOT_IN_COMMUNITY',
  ],
  [
    '11: above GREEN it must name its version',
    { level: 'amber', from: 'ph', context: { grants: [GRANT] } },
    'AMBER_NOT_CLIENT',
  ],
  [
    '11: another object',
    { level: 'green', to: 'de', context: { grants: [{ ...GRANT, to: ['de'], object: 'indicator--x' }] } },
    'NOT_IN_COMMUNITY',
  ],
  [
    '11: by another than the source',
    { level: 'green', to: 'de', context: { grants: [{ ...GRANT, to: ['de'], by: 'us' }] } },
    'NOT_IN_COMMUNITY',
  ],
  ['11: to another', { level: 'green', to: 'de', context: { grants: [GRANT] } }, 'NOT_IN_COMMUNITY'],
  [
    '11: not yet expired',
    { level: 'green', to: 'de', context: { grants: [{ ...GRANT, to: ['de'], expires: '2026-06-01T00:00:00.001Z' }] } },
    'SOURCE_GRANT',
    'community',
  ],
  [
    '11: at its instant it is over',
    { level: 'green', to: 'de', context: { grants: [{ ...GRANT, to: ['de'], expires: NOW }] } },
    'NOT_IN_COMMUNITY',
  ],
  [
    '11: never to the public',
    { level: 'green', to: 'world', context: { grants: [{ ...GRANT, to: ['world'] }] } },
    'GREEN_PUBLIC',
  ],
  [
    '11: void while the source is suspended',
    {
      level: 'green',
      to: 'de',
      orgs: { jp: { standing: 'suspended' } },
      context: { grants: [{ ...GRANT, to: ['de'] }] },
    },
    'NOT_IN_COMMUNITY',
  ],
  [
    '11: one of several grants is enough',
    { level: 'green', to: 'de', context: { grants: [GRANT, { ...GRANT, to: ['de'] }] } },
    'SOURCE_GRANT',
    'community',
  ],
  [
    '11: onward stays that of the level',
    { level: 'red', from: 'ph', context: { grants: [{ ...GRANT, version: VERSION }] } },
    'SOURCE_GRANT',
    'none',
  ],
]

for (const [sentence, question, code, onward] of TABLE) {
  test(`row ${sentence}: ${code}`, () => {
    const answer = ask(question)
    assert.equal(answer.code, code)
    assert.equal(answer.send, onward !== undefined)
    assert.equal(answer.onward, onward ?? 'none')
  })
}

test('an absent channel is an open one', () => {
  const request = {
    now: NOW,
    from: 'jp',
    to: 'us',
    source: 'jp',
    register: smallWorld(),
    definitions: new Definitions(TLP_2_MARKINGS),
  }
  assert.equal(decide({ ...request, object: indicator('one', [tlp('green')]) }).code, 'CHANNEL')
  assert.equal(decide({ ...request, object: indicator('one', [tlp('clear')]) }).code, 'CLEAR')
})

test('one marking under a strange id is never taken for two known ones', () => {
  const definitions = new Definitions(TLP_2_MARKINGS)
  const request = { now: NOW, from: 'jp', to: 'us', source: 'jp', register: smallWorld(), definitions }
  const context = { channel: 'node' } as const
  const both = indicator('one', [tlp('clear'), tlp('green')])
  assert.equal(decide({ ...request, context, object: both }).code, 'COMMUNITY')
  const strange = indicator('one', [`${tlp('clear')}\n${tlp('green')}`])
  assert.equal(decide({ ...request, context, object: strange }).code, 'UNKNOWN_MARKING')
  assert.equal(decide({ ...request, context, object: indicator('one', ['']) }).code, 'UNKNOWN_MARKING')
  assert.equal(decide({ ...request, context, object: indicator('one', []) }).code, 'UNMARKED')
})

test('with a register, one organisation named by id and by slug is one element of a list', () => {
  const lists = [caveat('a', { distribution: ['us'] }), caveat('b', { distribution: [idOf('us')] })]
  const object = indicator('one', [tlp('amber'), ...lists.map(({ id }) => id)])
  const register = smallWorld()
  const definitions = new Definitions([...TLP_2_MARKINGS, ...lists], register)
  const context = { channel: 'node' } as const
  const answer = decide({ now: NOW, from: 'jp', to: 'us', source: 'jp', register, definitions, object, context })
  assert.equal(answer.code, 'DIST_LIST')
})

test('definitions of one id that mean different things close the object', () => {
  const twice = [caveat('a', { distribution: ['us'] }), caveat('a', { distribution: ['us', 'ph'] })]
  const object = indicator('one', [tlp('clear'), textOf(twice[0]?.['id'])])
  const definitions = new Definitions([...TLP_2_MARKINGS, ...twice])
  const answer = decide({ now: NOW, from: 'jp', to: 'us', source: 'jp', register: smallWorld(), definitions, object })
  assert.equal(answer.code, 'UNKNOWN_MARKING')
})

test('an organisation of a vector that is no object is nobody', () => {
  for (const row of [null, 7, 'x', []]) {
    const answer = answerDecideVector({
      kind: 'send',
      now: NOW,
      orgs: { jp: { nation: 'JP', kind: 'agency' }, us: row },
      alliances: {},
      markings: [...TLP_2_MARKINGS],
      from: 'jp',
      to: 'us',
      source: 'jp',
      object: indicator('one', [tlp('clear')]),
    })
    assert.deepEqual([answer['send'], answer['code']], [false, 'RECIPIENT_SUSPENDED'])
  }
})
