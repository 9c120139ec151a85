// The question per log: decide() on the log's audience, for the author, relays, carriers and own readers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { timestampMillis } from '#base'
import { type Audience, toAudience } from '#log'
import { admits, type AdmitsRequest } from './admits.ts'
import { type Organisation, registerOf, toRegister } from './register.ts'
import { ALLIANCES, idOf, ORGANISATIONS, smallWorld } from './small-world.ts'

const BOTH = ['asean-japan', 'trilateral']
type Case = Partial<Omit<AdmitsRequest, 'audience' | 'register'>> & {
  orgs?: Record<string, Partial<Organisation>>
  carriers?: string[]
}

function ask(audience: Omit<Audience, 'v'>, { orgs = {}, carriers = [], ...question }: Case = {}): string {
  const register = toRegister({
    organisations: ORGANISATIONS.map((org) => ({ ...org, ...orgs[org.slug] })),
    alliances: new Map(Object.entries(ALLIANCES).map(([slug, members]) => [slug, new Set(members)])),
    carriers: new Map([['trilateral', new Set(carriers.map(idOf))]]),
    epochs: new Map([['trilateral:3', new Set(['jp', 'us'].map(idOf))]]),
  })
  const request = {
    author: 'jp',
    server: 'jp',
    reader: 'us',
    channel: 'node',
    register,
    now: timestampMillis('2026-06-01T00:00:00Z'),
  } as const
  const { send, code } = admits({ ...request, ...question, audience: toAudience({ v: 1, ...audience }) })
  return `${send ? 'yes' : 'no'} ${code}`
}

const amber = { tlp: 'amber', community: BOTH } as const
const green = { tlp: 'green', community: BOTH } as const
const toTrilateral = { tlp: 'amber', alliances: ['trilateral'] } as const
const redTo = (...slugs: string[]) => ({
  tlp: 'red' as const,
  participants: slugs.map(idOf),
  epochs: BOTH.map((slug) => `${slug}:0`),
})

const TABLE: [sentence: string, answer: string, expected: string][] = [
  ['a suspended reader', ask({ tlp: 'clear' }, { orgs: { us: { standing: 'suspended' } } }), 'no RECIPIENT_SUSPENDED'],
  ['an unknown reader', ask({ tlp: 'clear' }, { reader: 'x' }), 'no RECIPIENT_SUSPENDED'],
  ['anybody reads CLEAR', ask({ tlp: 'clear' }, { reader: null, channel: 'open' }), 'yes CLEAR'],
  ['anybody reads no GREEN', ask(green, { reader: null, channel: 'client' }), 'no GREEN_PUBLIC'],
  [
    'an open channel carries no CLEAR with a list',
    ask({ tlp: 'clear', nations: ['US'] }, { channel: 'open' }),
    'no CHANNEL',
  ],
  ['a cap', ask(amber, { orgs: { us: { maxTlp: 'green' } } }), 'no RECIPIENT_CAP'],
  ['the author reads its own', ask({ tlp: 'red', participants: [] }, { reader: 'jp' }), 'yes TO_SOURCE'],
  ['AMBER to an ally', ask(amber), 'yes ALLIANCE'],
  ['AMBER to the own client', ask(amber, { reader: 'jp-telco' }), 'yes AMBER_CLIENT'],
  ['AMBER to the client of an ally from the author', ask(amber, { reader: 'us-bank' }), 'no NOT_IN_SCOPE'],
  ['AMBER to the client of an ally from the ally', ask(amber, { reader: 'us-bank', server: 'us' }), 'yes AMBER_CLIENT'],
  ['AMBER relayed to another ally', ask(amber, { reader: 'ph', server: 'us' }), 'no AMBER_NOT_CLIENT'],
  ['AMBER relayed by a client', ask(amber, { reader: 'ph-shop', server: 'ph-bank' }), 'no AMBER_CLIENT_NO_ONWARD'],
  [
    'a client reads at its own node what a relay gave it',
    ask(amber, { reader: 'us-bank', server: 'us-bank' }),
    'yes AMBER_CLIENT',
  ],
  [
    'a member reads its own mirror',
    ask({ tlp: 'amber+strict', alliances: BOTH }, { reader: 'us', server: 'us' }),
    'yes ALLIANCE',
  ],
  [
    'a member reads no mirror that it may not have',
    ask({ tlp: 'red', participants: [] }, { reader: 'us', server: 'us' }),
    'no RED_NOT_NAMED',
  ],
  ['an alliance list admits members', ask(toTrilateral), 'yes ALLIANCE'],
  ['an alliance list refuses others', ask(toTrilateral, { reader: 'th' }), 'no REL_ALLIANCE'],
  ['an alliance list refuses clients', ask(toTrilateral, { reader: 'jp-telco' }), 'no REL_ALLIANCE'],
  ['an epoch admits who was a member then', ask({ tlp: 'clear', epochs: ['trilateral:3'] }), 'yes CLEAR'],
  [
    'an epoch refuses who was not',
    ask({ tlp: 'clear', epochs: ['trilateral:3'] }, { reader: 'ph' }),
    'no REL_ALLIANCE',
  ],
  [
    'the client of who was a member then is served as its provider is',
    ask({ tlp: 'green', community: ['trilateral'], epochs: ['trilateral:3'] }, { reader: 'us-bank' }),
    'yes COMMUNITY',
  ],
  [
    'the client of who was not is not',
    ask({ tlp: 'green', community: ['trilateral'], epochs: ['trilateral:3'] }, { reader: 'ph-bank' }),
    'no REL_ALLIANCE',
  ],
  ['epoch 0 is whoever is a member', ask({ tlp: 'clear', epochs: ['trilateral:0'] }, { reader: 'ph' }), 'yes CLEAR'],
  ['epoch 0 is nobody else', ask({ tlp: 'clear', epochs: ['trilateral:0'] }, { reader: 'th' }), 'no REL_ALLIANCE'],
  [
    'an epoch is no caveat of which a program has to know',
    ask({ tlp: 'green', community: BOTH, epochs: ['trilateral:3'] }, { orgs: { us: { caveats: false } } }),
    'yes COMMUNITY',
  ],
  ['an epoch that is not known is nobody', ask({ tlp: 'clear', epochs: ['trilateral:4'] }), 'no REL_ALLIANCE'],
  ['an epoch of RED is for members that the author stands beside', ask(redTo('us'), {}), 'yes RED_NAMED'],
  [
    'an epoch of RED opens nothing of an alliance without the author',
    ask(redTo('ph', 'th'), { author: 'us', server: 'us', reader: 'th' }),
    'no REL_ALLIANCE',
  ],
  ['an epoch of RED admits the client of the author', ask(redTo('jp-telco'), { reader: 'jp-telco' }), 'yes RED_NAMED'],
  ['an epoch of RED refuses the client of another', ask(redTo('us-bank'), { reader: 'us-bank' }), 'no REL_ALLIANCE'],
  ['GREEN relayed inside the alliance', ask(green, { server: 'us', reader: 'ph' }), 'yes COMMUNITY'],
  ['GREEN relayed out of the relay’s alliance', ask(green, { server: 'us', reader: 'th' }), 'no NOT_IN_COMMUNITY'],
  ['RED relayed', ask({ tlp: 'red', participants: [idOf('us')] }, { server: 'ph' }), 'no RED_NO_ONWARD'],
  ['a carrier serves as the author', ask(amber, { server: 'ph', carriers: ['ph'] }), 'yes ALLIANCE'],
  [
    'a carrier still serves its clients as a relay',
    ask(amber, { server: 'ph', reader: 'ph-bank', carriers: ['ph'] }),
    'yes AMBER_CLIENT',
  ],
  [
    'a carrier never serves RED',
    ask({ tlp: 'red', participants: [idOf('us')] }, { server: 'ph', carriers: ['ph'] }),
    'no RED_NO_ONWARD',
  ],
  [
    'a carrier of an alliance in which the author is not',
    ask(amber, { author: 'th', server: 'ph', reader: 'jp', carriers: ['ph'] }),
    'no AMBER_NOT_CLIENT',
  ],
  ['TLP 1.0 only', ask({ tlp: 'amber+strict', alliances: BOTH }, { declared: { tlpVersion: 1 } }), 'no LEGACY_TLP'],
  ['a link knows caveats', ask(toTrilateral), 'yes ALLIANCE'],
  ['a program that declared nothing gets no caveat', ask(toTrilateral, { channel: 'client' }), 'no LEGACY_CAVEAT'],
  [
    'a program that declared caveats',
    ask(toTrilateral, { channel: 'client', declared: { caveats: true } }),
    'yes ALLIANCE',
  ],
  ['a community that only writes out the default is no caveat', ask(green, { channel: 'client' }), 'yes COMMUNITY'],
  [
    'a narrower community is one',
    ask({ tlp: 'green', community: ['trilateral'] }, { channel: 'client' }),
    'no LEGACY_CAVEAT',
  ],
  ['a drill that is accepted', ask({ tlp: 'clear', drill: 'd1' }, { drills: ['d1'] }), 'yes CLEAR'],
  ['a drill that is not', ask({ tlp: 'clear', drill: 'd1' }, { drills: ['d2'] }), 'no DRILL'],
  ['an empty list is nobody', ask({ tlp: 'clear', members: [] }), 'no REL_ORG'],
]

for (const [sentence, answer, expected] of TABLE) test(`${sentence}: ${expected}`, () => assert.equal(answer, expected))

test('joining an alliance later widens nothing old', () => {
  const later = toRegister({
    organisations: ORGANISATIONS,
    alliances: new Map([
      ...Object.entries(ALLIANCES).map(([slug, members]) => [slug, new Set(members)] as const),
      ['new', new Set(['jp', 'de'])],
    ]),
  })
  for (const tlp of ['green', 'amber'] as const) {
    const audience = toAudience({ v: 1, tlp, community: BOTH })
    assert.equal(
      admits({ audience, author: 'jp', server: 'jp', reader: 'de', channel: 'node', register: later, now: 0 }).send,
      false,
      tlp,
    )
    assert.equal(
      admits({ audience, author: 'jp', server: 'jp', reader: 'us', channel: 'node', register: later, now: 0 }).send,
      true,
      tlp,
    )
  }
})

test('a log opened to cyber defenders closes with the policy of the author’s charters', () => {
  const audience = toAudience({ v: 1, tlp: 'green', distribution: [idOf('de')] })
  const ask = (opensGreen: string[], reader: string) => {
    const alliances = new Map(Object.entries(ALLIANCES).map(([slug, members]) => [slug, new Set(members)]))
    const register = toRegister({ organisations: ORGANISATIONS, alliances, opensGreen: new Set(opensGreen) })
    return admits({ audience, author: 'jp', server: 'jp', reader, channel: 'node', register, now: 0 }).code
  }
  assert.equal(ask(['trilateral', 'asean-japan'], 'de'), 'GREEN_DEFAULT_COMMUNITY')
  assert.equal(ask(['trilateral', 'asean-japan'], 'us'), 'NOT_ON_LIST')
  assert.equal(ask(['trilateral'], 'de'), 'NOT_IN_COMMUNITY')
})

test('a register from charters keeps the lowest cap, the newest version and only active members', () => {
  const member = (slug: string, more = {}) => ({
    id: idOf(slug),
    slug,
    name: slug,
    nation: 'JP',
    kind: 'agency',
    sectors: [],
    root: '',
    delegations: [],
    standing: 'active',
    joined: 0,
    ...more,
  })
  const charter = (alliance: string, version: number, members: unknown[]) => ({
    type: 'charter',
    alliance,
    version,
    previous: null,
    members,
    rules: {
      quorum: 'majority',
      receipts: 'author',
      greenDefault: alliance === 'y' ? 'cyber-defence' : 'community',
      carriers: [idOf('a')],
    },
    time: 0,
  })
  const charters = [
    charter('x', 2, [
      member('a', {
        maxTlp: 'amber',
        clients: [{ id: idOf('c'), slug: 'c', name: 'c', nation: 'JP', kind: 'company', sectors: [] }],
      }),
      member('b', { standing: 'suspended' }),
    ]),
    charter('x', 1, [member('a'), member('b')]),
    charter('y', 1, [member('a', { maxTlp: 'green', nation: 'US' }), member('b')]),
  ]
  const register = registerOf(charters as unknown as Parameters<typeof registerOf>[0])
  assert.deepEqual([...(register.alliance('x') ?? [])], [idOf('a')])
  assert.deepEqual([...(register.epoch('x', 1) ?? [])], [idOf('a'), idOf('b')])
  assert.equal(register.org('a')?.maxTlp, 'green')
  assert.equal(register.org('a')?.nation, null)
  assert.equal(register.org('b')?.standing, 'active')
  assert.deepEqual(register.org('c')?.clientOf, [idOf('a')])
  assert.ok(register.carriers('x').has(idOf('a')))
  assert.equal(register.opensGreen(idOf('a')), false)
  assert.equal(register.opensGreen(idOf('b')), true)
  assert.equal(register.opensGreen(idOf('c')), false)
})

test('a slug that two organisations bear is nobody', () => {
  const twice = toRegister({
    organisations: [...ORGANISATIONS, { ...ORGANISATIONS[1]!, id: idOf('false us') }],
    alliances: new Map(),
  })
  assert.equal(twice.org('us'), undefined)
  assert.equal(smallWorld().org('us')?.id, idOf('us'))
})
