// SHARING-RULES section 3 and rows 12 to 14 of section 2, clause by clause.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, type Case, GRANT, VERSION } from './small-world-question.ts'

const TABLE: [sentence: string, question: Case, code: string, onward?: string][] = [
  ['12 RED: a participant', { level: 'red', caveats: [{ participants: ['us'] }] }, 'RED_NAMED', 'none'],
  ['12 RED: without participants nobody', { level: 'red' }, 'RED_NOT_NAMED'],
  [
    '12 RED: relayed to a participant',
    { level: 'red', from: 'ph', caveats: [{ participants: ['us', 'ph'] }] },
    'RED_NO_ONWARD',
  ],
  [
    '12 RED: distribution binds too',
    { level: 'red', caveats: [{ participants: ['us'], distribution: ['ph'] }] },
    'NOT_ON_LIST',
  ],
  ['12 STRICT: a shared alliance', { level: 'amber+strict' }, 'ALLIANCE', 'own-org'],
  ['12 STRICT: no shared alliance', { level: 'amber+strict', to: 'de' }, 'NOT_IN_SCOPE'],
  ['12 STRICT: own client', { level: 'amber+strict', to: 'jp-telco' }, 'NOT_IN_SCOPE'],
  [
    '12 STRICT: distribution',
    { level: 'amber+strict', to: 'de', caveats: [{ distribution: ['de'] }] },
    'DIST_LIST',
    'own-org',
  ],
  [
    '12 STRICT: relayed',
    { level: 'amber+strict', from: 'ph', caveats: [{ distribution: ['us'] }] },
    'STRICT_NO_ONWARD',
  ],
  ['12 AMBER: own client', { level: 'amber', to: 'jp-telco' }, 'AMBER_CLIENT', 'own-org+clients'],
  [
    '12 AMBER: a client on the list',
    { level: 'amber', to: 'jp-telco', caveats: [{ distribution: ['jp-telco'] }] },
    'DIST_LIST',
    'own-org+clients',
  ],
  ['12 AMBER: a member off the list', { level: 'amber', caveats: [{ distribution: ['ph'] }] }, 'NOT_ON_LIST'],
  [
    '12 AMBER: relayed to the own client, who keeps it',
    { level: 'amber', from: 'ph', to: 'ph-bank' },
    'AMBER_CLIENT',
    'own-org',
  ],
  ['12 AMBER: relayed to the client of another', { level: 'amber', from: 'ph', to: 'us-bank' }, 'AMBER_NOT_CLIENT'],
  [
    '12 AMBER: relayed by a client',
    { level: 'amber', from: 'ph-bank', to: 'ph-shop', context: { via: 'client' } },
    'AMBER_CLIENT_NO_ONWARD',
  ],
  [
    '12 AMBER: relayed to the own client off the list',
    { level: 'amber', from: 'ph', to: 'ph-bank', caveats: [{ distribution: ['ph'] }] },
    'NOT_ON_LIST',
  ],
  [
    '12 AMBER: the community binds relays',
    { level: 'amber', from: 'ph', to: 'ph-bank', caveats: [{ community: 'nowhere' }] },
    'NOT_IN_COMMUNITY',
  ],
  ['12 GREEN: a member', { level: 'green' }, 'COMMUNITY', 'community'],
  ['12 GREEN: a member’s client', { level: 'green', to: 'us-bank' }, 'COMMUNITY', 'community'],
  ['12 GREEN: a client of a client', { level: 'green', to: 'ph-shop' }, 'NOT_IN_COMMUNITY'],
  ['12 GREEN: every alliance of the source', { level: 'green', to: 'th' }, 'COMMUNITY', 'community'],
  [
    '12 GREEN: a relay reaches what it shares with the source',
    { level: 'green', from: 'us', to: 'th' },
    'NOT_IN_COMMUNITY',
  ],
  [
    '12 GREEN: never from one alliance to the other',
    { level: 'green', source: 'us', from: 'ph', to: 'th' },
    'NOT_IN_COMMUNITY',
  ],
  ['12 GREEN: the public', { level: 'green', to: 'world' }, 'GREEN_PUBLIC'],
  [
    '12 GREEN: open to cyber defenders',
    { level: 'green', to: 'de', context: { greenDefault: 'cyber-defence' } },
    'GREEN_DEFAULT_COMMUNITY',
    'community',
  ],
  [
    '12 GREEN: open to cyber defenders alone',
    { level: 'green', to: 'ph-shop', context: { greenDefault: 'cyber-defence' } },
    'NOT_IN_COMMUNITY',
  ],
  [
    '12 GREEN: a named community closes that',
    { level: 'green', to: 'de', caveats: [{ community: 'trilateral' }], context: { greenDefault: 'cyber-defence' } },
    'NOT_IN_COMMUNITY',
  ],
  ['12 GREEN: distribution binds', { level: 'green', caveats: [{ distribution: ['ph'] }] }, 'NOT_ON_LIST'],
  [
    '12 GREEN: a suspended member opens nothing to its clients',
    { level: 'green', to: 'us-bank', orgs: { us: { standing: 'suspended' } } },
    'NOT_IN_COMMUNITY',
  ],
  [
    '12 GREEN: an unknown community is nobody',
    { level: 'green', caveats: [{ community: 'nowhere' }] },
    'NOT_IN_COMMUNITY',
  ],
  ['12 CLEAR: the public', { level: 'clear', to: 'world' }, 'CLEAR', 'world'],
  ['12 CLEAR: distribution binds', { level: 'clear', caveats: [{ distribution: [] }] }, 'NOT_ON_LIST'],
  [
    '12 CLEAR: the community binds',
    { level: 'clear', to: 'de', caveats: [{ community: 'trilateral' }] },
    'NOT_IN_COMMUNITY',
  ],
  [
    '12: distribution before community',
    { level: 'clear', to: 'de', caveats: [{ community: 'trilateral', distribution: [] }] },
    'NOT_ON_LIST',
  ],
  [
    'provider: a client reports AMBER+STRICT',
    { level: 'amber+strict', source: 'ph-bank', from: 'ph-bank', to: 'ph' },
    'PROVIDER',
    'own-org',
  ],
  [
    'provider: a list does not stop it',
    { level: 'clear', source: 'ph-bank', from: 'ph-bank', to: 'ph', caveats: [{ distribution: [] }] },
    'PROVIDER',
    'world',
  ],
  ['provider: not RED', { level: 'red', source: 'ph-bank', from: 'ph-bank', to: 'ph' }, 'RED_NOT_NAMED'],
  ['provider: not over a relay', { level: 'amber', source: 'ph-bank', from: 'us', to: 'ph' }, 'AMBER_NOT_CLIENT'],
  [
    'provider: earlier rows still bind',
    { level: 'amber', source: 'ph-bank', from: 'ph-bank', to: 'ph', caveats: [{ releasable_to: { nations: [] } }] },
    'REL_NATION',
  ],
  [
    'carrier: serves as if the source sent',
    { level: 'amber+strict', from: 'ph', context: { carrier: true } },
    'ALLIANCE',
    'own-org',
  ],
  [
    'carrier: not to whom the source would not',
    { level: 'amber', from: 'ph', to: 'ph-bank', context: { carrier: true } },
    'NOT_IN_SCOPE',
  ],
  [
    'carrier: its own policy opens nothing of the source’s',
    { level: 'green', from: 'ph', to: 'de', context: { carrier: true, greenDefault: 'cyber-defence' } },
    'NOT_IN_COMMUNITY',
  ],
  [
    'relay: its own policy opens nothing of the source’s',
    { level: 'green', from: 'ph', to: 'de', context: { greenDefault: 'cyber-defence' } },
    'NOT_IN_COMMUNITY',
  ],
  [
    'carrier: gives the source back its RED',
    { level: 'red', from: 'ph', to: 'jp', context: { carrier: true } },
    'TO_SOURCE',
    'none',
  ],
  [
    'carrier: the embargo comes before RED',
    { level: 'red', from: 'ph', caveats: [{ embargo_until: '2027-01-01T00:00:00Z' }], context: { carrier: true } },
    'EMBARGO',
  ],
  [
    'carrier: serves the source’s client as the source would',
    { level: 'amber', from: 'ph', to: 'jp-telco', context: { carrier: true } },
    'AMBER_CLIENT',
    'own-org+clients',
  ],
  [
    'carrier: never RED',
    { level: 'red', from: 'ph', caveats: [{ participants: ['us'] }], context: { carrier: true } },
    'RED_NO_ONWARD',
  ],
  [
    'carrier: never RED, granted or not',
    { level: 'red', from: 'ph', context: { carrier: true, grants: [{ ...GRANT, version: VERSION }] } },
    'RED_NO_ONWARD',
  ],
  [
    'carrier: nothing redacted',
    { level: 'green', from: 'ph', context: { carrier: true, submission: true } },
    'REDACT_REQUIRED:created_by_ref',
  ],
  [
    '13 before 14',
    {
      level: 'green',
      caveats: [{ community: 'trilateral' }],
      orgs: { us: { caveats: false } },
      context: { unreleasable: new Set(['x']) },
      object: { type: 'sighting', sighting_of_ref: 'x' },
    },
    'REDACT_REQUIRED:sighting_of_ref',
  ],
  [
    '14: a caveat to another tool',
    { level: 'clear', caveats: [{ distribution: ['us'] }], orgs: { us: { caveats: false } } },
    'LEGACY_CAVEAT',
  ],
  [
    '14: a future embargo to a co-author’s other tool',
    {
      level: 'clear',
      caveats: [{ embargo_until: '2027-01-01T00:00:00Z', coauthors: ['us'] }],
      orgs: { us: { caveats: false } },
    },
    'LEGACY_CAVEAT',
  ],
  [
    '14: consent is no caveat',
    { level: 'clear', caveats: [{ consent: 'everyone' }], orgs: { us: { caveats: false } } },
    'CLEAR',
    'world',
  ],
  [
    '14: binds a grant too',
    {
      level: 'green',
      caveats: [{ community: 'trilateral' }],
      orgs: { us: { caveats: false } },
      context: { grants: [GRANT] },
    },
    'LEGACY_CAVEAT',
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
