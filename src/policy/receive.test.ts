// SHARING-RULES section 5, case by case.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '#base'
import { TLP_2_MARKINGS } from '#stix'
import { decideReceive, type ReceiveRequest } from './receive.ts'
import { Definitions, resolveMarkings } from './resolve.ts'
import { caveat, idOf, indicator, smallWorld, tlp } from './small-world.ts'
import type { Level } from './tlp.ts'
import { textOf } from './json-text.ts'

const us = caveat('us', { releasable_to: { nations: ['US'] } })
const usPh = caveat('us ph', { releasable_to: { nations: ['US', 'PH'] } })
const embargo = caveat('embargo', { embargo_until: '2027-01-01T00:00:00Z', coauthors: ['us'] })
const earlier = caveat('earlier', { embargo_until: '2026-12-01T00:00:00Z', coauthors: ['us'] })
const coauthored = caveat('coauthored', { embargo_until: '2027-01-01T00:00:00Z', coauthors: ['us', 'ph'] })
const named = caveat('named', { participants: ['us'] })
const definitions = new Definitions([...TLP_2_MARKINGS, us, usPh, embargo, earlier, coauthored, named])
const ref = (definition: JsonObject) => textOf(definition['id'])
const [DAY_1, DAY_2] = ['2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z']
const version = (modified: string, level: Level = 'green', more: JsonObject = {}, ...caveats: JsonObject[]) =>
  indicator('one', [tlp(level), ...caveats.map(ref)], { modified, ...more })
const granular = (level: Level) => ({ granular_markings: [{ marking_ref: tlp(level), selectors: ['name'] }] })

const TABLE: [sentence: string, question: Partial<ReceiveRequest> & { next: JsonObject }, verdict: string][] = [
  ['a first object', { next: version(DAY_1) }, 'ACCEPT'],
  ['a newer version', { previous: version(DAY_1), next: version(DAY_2) }, 'ACCEPT'],
  [
    '1: the same again, whoever signs',
    { previous: version(DAY_1), next: version(DAY_1), signer: idOf('us') },
    'ACCEPT',
  ],
  [
    '1: the same again, after revoked',
    { previous: version(DAY_1, 'green', { revoked: true }), next: version(DAY_1, 'green', { revoked: true }) },
    'ACCEPT',
  ],
  [
    '2: another creator',
    { previous: version(DAY_1), next: version(DAY_2, 'green', { created_by_ref: idOf('us') }), signer: idOf('us') },
    'REJECT:OWNER_CHANGED',
  ],
  [
    '2 before 4',
    {
      previous: version(DAY_1, 'green', { revoked: true }),
      next: version(DAY_2, 'green', { created_by_ref: idOf('us') }),
    },
    'REJECT:OWNER_CHANGED',
  ],
  ['3: another signer', { previous: version(DAY_1), next: version(DAY_2), signer: idOf('us') }, 'REJECT:NOT_OWNER'],
  [
    '3 before 6: nobody is framed by another’s signature',
    { previous: version(DAY_1), next: version(DAY_1, 'green', { name: 'z' }), signer: idOf('us') },
    'REJECT:NOT_OWNER',
  ],
  [
    '3: a first object under a member’s name',
    { next: version(DAY_1), signer: idOf('us'), register: smallWorld() },
    'REJECT:NOT_OWNER',
  ],
  [
    '3: a client’s object signed by its provider',
    { next: version(DAY_1, 'green', { created_by_ref: idOf('ph-bank') }), signer: idOf('ph'), register: smallWorld() },
    'ACCEPT',
  ],
  [
    '3: a client’s object signed by another',
    { next: version(DAY_1, 'green', { created_by_ref: idOf('ph-bank') }), signer: idOf('us'), register: smallWorld() },
    'REJECT:NOT_OWNER',
  ],
  [
    '3: a third party’s object',
    {
      previous: version(DAY_1, 'green', { created_by_ref: 'identity--mitre' }),
      next: version(DAY_2, 'green', { created_by_ref: 'identity--mitre' }),
      register: smallWorld(),
    },
    'ACCEPT',
  ],
  [
    '4: after revoked',
    { previous: version(DAY_1, 'green', { revoked: true }), next: version(DAY_2) },
    'REJECT:REVOKED',
  ],
  [
    '4: revoked in another log says nothing about this one',
    { previous: version(DAY_1, 'green', { revoked: true }), next: version(DAY_2), isSameLog: false },
    'ACCEPT',
  ],
  ['4 before 5', { previous: version(DAY_2, 'green', { revoked: true }), next: version(DAY_1) }, 'REJECT:REVOKED'],
  ['5: older', { previous: version(DAY_2), next: version(DAY_1) }, 'REJECT:ROLLBACK'],
  [
    '5: older by less than a millisecond',
    { previous: version('2026-01-01T00:00:00.0002Z'), next: version('2026-01-01T00:00:00.0001Z') },
    'REJECT:ROLLBACK',
  ],
  [
    '5: older in another log is history',
    { previous: version(DAY_2), next: version(DAY_1), isSameLog: false },
    'ACCEPT',
  ],
  [
    '6: the same version, other content',
    { previous: version(DAY_1), next: version(DAY_1, 'green', { name: 'z' }) },
    'REJECT:EQUIVOCATION',
  ],
  [
    '6: the same instant, written otherwise',
    { previous: version(DAY_1), next: version('2026-01-01T00:00:00Z') },
    'REJECT:EQUIVOCATION',
  ],
  [
    '6: unversioned objects are by content',
    {
      previous: { type: 'url', id: 'url--1', value: 'a', object_marking_refs: [tlp('green')] },
      next: { type: 'url', id: 'url--1', value: 'b', object_marking_refs: [tlp('green')] },
    },
    'ACCEPT',
  ],
  [
    '7: an unknown marking',
    { next: version(DAY_1, 'green', {}, caveat('never defined', {})) },
    'QUARANTINE:UNKNOWN_MARKING',
  ],
  [
    '7: an unknown granular marking',
    { next: version(DAY_1, 'green', { granular_markings: [{ marking_ref: 'x', selectors: ['name'] }] }) },
    'QUARANTINE:UNKNOWN_MARKING',
  ],
  ['7 before 8', { next: version(DAY_1, 'green', { object_marking_refs: ['x'] }) }, 'QUARANTINE:UNKNOWN_MARKING'],
  ['8: no level', { next: version(DAY_1, 'green', { object_marking_refs: [ref(us)] }) }, 'QUARANTINE:UNMARKED'],
  [
    '8: the level stands in the audience of the log',
    {
      next: version(DAY_1, 'green', { object_marking_refs: [] }),
      audience: resolveMarkings(version(DAY_1), definitions),
    },
    'ACCEPT',
  ],
  ['9: a lower level', { previous: version(DAY_1, 'amber'), next: version(DAY_2) }, 'ACCEPT:DOWNGRADE_BY_OWNER'],
  [
    '9: a caveat removed',
    { previous: version(DAY_1, 'green', {}, us), next: version(DAY_2) },
    'ACCEPT:DOWNGRADE_BY_OWNER',
  ],
  [
    '9: a caveat widened',
    { previous: version(DAY_1, 'green', {}, us), next: version(DAY_2, 'green', {}, usPh) },
    'ACCEPT:DOWNGRADE_BY_OWNER',
  ],
  [
    '9: a caveat narrowed is not looser',
    { previous: version(DAY_1, 'green', {}, usPh), next: version(DAY_2, 'green', {}, us) },
    'ACCEPT',
  ],
  ['9: a caveat added is not looser', { previous: version(DAY_1), next: version(DAY_2, 'green', {}, us) }, 'ACCEPT'],
  [
    '9: stricter, but a caveat less',
    { previous: version(DAY_1, 'green', {}, us), next: version(DAY_2, 'amber') },
    'ACCEPT:DOWNGRADE_BY_OWNER',
  ],
  [
    '9: an earlier end of the embargo',
    { previous: version(DAY_1, 'green', {}, embargo), next: version(DAY_2, 'green', {}, earlier) },
    'ACCEPT:DOWNGRADE_BY_OWNER',
  ],
  [
    '9: a later end of the embargo',
    { previous: version(DAY_1, 'green', {}, earlier), next: version(DAY_2, 'green', {}, embargo) },
    'ACCEPT',
  ],
  [
    '9: one more co-author',
    { previous: version(DAY_1, 'green', {}, embargo), next: version(DAY_2, 'green', {}, coauthored) },
    'ACCEPT:DOWNGRADE_BY_OWNER',
  ],
  [
    '9: a first participant',
    { previous: version(DAY_1, 'red'), next: version(DAY_2, 'red', {}, named) },
    'ACCEPT:DOWNGRADE_BY_OWNER',
  ],
  [
    '9: a part opened',
    { previous: version(DAY_1, 'green', granular('red')), next: version(DAY_2) },
    'ACCEPT:DOWNGRADE_BY_OWNER',
  ],
  ['9: a part closed', { previous: version(DAY_1), next: version(DAY_2, 'green', granular('red')) }, 'ACCEPT'],
  [
    '9: a protected part that went is not looser',
    {
      previous: version(DAY_1, 'green', {
        ...granular('red'),
        granular_markings: [{ marking_ref: tlp('red'), selectors: ['labels'] }],
        labels: ['a'],
      }),
      next: version(DAY_2),
    },
    'ACCEPT',
  ],
]

for (const [sentence, question, verdict] of TABLE) {
  test(`received: ${sentence}: ${verdict}`, () => {
    assert.equal(decideReceive({ signer: idOf('jp'), definitions, ...question }), verdict)
  })
}
