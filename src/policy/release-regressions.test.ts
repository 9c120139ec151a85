// Sets that release() once got wrong, each found by the property test and kept small.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type JsonObject, timestampMillis, utf8 } from '#base'
import type { Audience } from '#log'
import { admits } from './admits.ts'
import type { Protection } from './redaction.ts'
import { toRegister } from './register.ts'
import { release } from './release.ts'
import { ALLIANCES, caveat, idOf, type Identified, indicator, ORGANISATIONS, tlp } from './small-world.ts'

interface Case {
  author?: string
  definitions?: Identified[]
  protection?: Protection
  opensGreen?: string[]
  /** What is received when embargoes are over. */
  isLater?: boolean
}

/** What each organisation receives from the author now: pairs of original and rendition. */
function received(
  objects: Identified[],
  { author = 'jp', definitions = [], protection, opensGreen = [], isLater = false }: Case = {},
) {
  const { releases } = release({
    objects: objects.map((value) => ({ value, bytes: utf8(JSON.stringify(value)) })),
    author: idOf(author),
    definitions,
    register: toRegister({
      organisations: ORGANISATIONS,
      alliances: new Map(Object.entries(ALLIANCES).map(([slug, members]) => [slug, new Set(members)])),
      opensGreen: new Set(opensGreen),
    }),
    now: timestampMillis('2026-06-01T00:00:00Z'),
    secret: utf8('s'),
    protections: new Map(protection ? objects.map(({ id }) => [id, protection]) : []),
  })
  const out = releases.filter(({ notBefore }) => notBefore === undefined || isLater)
  return {
    all: out,
    by: (slug: string) =>
      out
        .filter(({ recipients }) => recipients.some((one) => one.slug === slug))
        .map(({ objectId, json }) => ({ objectId, value: JSON.parse(Buffer.from(json).toString()) as JsonObject })),
  }
}

const relationship = (name: string, target: Identified, markings: string[], more: JsonObject = {}): Identified => ({
  ...indicator(name, markings, more),
  type: 'relationship',
  id: target.id.replace(/^[a-z-]+--/, 'relationship--'),
  relationship_type: 'related-to',
  source_ref: target.id,
  target_ref: target.id,
})

const note = (name: string, targets: Identified[], markings: string[]): Identified => ({
  ...indicator(name, markings),
  type: 'note',
  id: indicator(name, []).id.replace('indicator', 'note'),
  content: 'c',
  object_refs: targets.map(({ id }) => id),
})

const asean = caveat('asean', { community: 'asean-japan' })
const part = (name: string, ...ids: string[]) => ids.map((id) => ({ marking_ref: id, selectors: [name] }))

test('a co-author named by slug is the victim named by id: it gets the whole object before the embargo ends', () => {
  const embargo = caveat('embargo', { coauthors: ['ph'], embargo_until: '2026-07-01T00:00:00.000Z' })
  const value = indicator('a', [tlp('clear'), embargo.id], { x_victim: 'v' })
  const { by } = received([value], {
    definitions: [embargo],
    protection: { victimFields: ['x_victim'], victim: 'ph' },
  })
  assert.ok(by('ph').some((one) => one.value['id'] === value.id))
})

test('a part for a few in an object of AMBER references does not ask that those few get AMBER from the author', () => {
  const embargo = caveat('embargo', { embargo_until: '2026-07-01T00:00:00.000Z' })
  const target = indicator('target', [tlp('amber')])
  const report: Identified = {
    ...indicator('report', [tlp('clear')]),
    type: 'report',
    id: 'report--00000000-0000-4000-8000-000000000001',
    published: '2026-01-01T00:00:00Z',
    object_refs: [target.id],
    x_victim: 'v',
    granular_markings: part('description', embargo.id),
  }
  const protection = { victimFields: ['x_victim'], victimNation: 'TH', victim: 'us-bank' }
  const { by } = received([report, target], { definitions: [embargo], protection })
  assert.ok(by('th').some(({ objectId, value }) => objectId === report.id && value['x_victim'] === 'v'))
})

test('a note on a note inherits what the second one inherits, however alike the two are marked', () => {
  const embargo = caveat('embargo', { embargo_until: '2026-07-01T00:00:00.000Z' })
  const target = indicator('target', [tlp('clear'), embargo.id])
  const plain = indicator('plain', [tlp('clear')])
  const first = note('first', [target], [tlp('green')])
  const second = note('second', [first, plain], [tlp('green')])
  const { by } = received([target, plain, first, second], { definitions: [embargo] })
  assert.deepEqual(
    by('us').map(({ objectId }) => objectId),
    [plain.id],
  )
})

test('AMBER+STRICT for another alliance is for those who share one with the author too, named one by one', () => {
  const toAsean = caveat('to asean', { releasable_to: { alliances: ['asean-japan'] } })
  const target = indicator('target', [tlp('amber+strict')])
  const set = [target, note('n', [target], [tlp('clear'), toAsean.id])]
  const { all, by } = received(set, { author: 'us', definitions: [toAsean] })
  assert.equal(by('jp').length, 2)
  assert.deepEqual(by('th'), [])
  assert.deepEqual(all.at(-1)?.audience.members, [idOf('jp'), idOf('ph')].sort())
  assert.equal(all.at(-1)?.audience.distribution, undefined, 'a distribution would stand for the alliances')
})

test('a part for another alliance does not open GREEN to it', () => {
  const value = indicator('a', [tlp('green')], { granular_markings: part('description', asean.id) })
  const { by } = received([value], { author: 'us', definitions: [asean] })
  assert.deepEqual(by('th'), [])
  assert.ok(by('ph').some((one) => one.value['id'] === value.id))
})

test('a GREEN relationship to something for another alliance reaches those in both', () => {
  const target = indicator('target', [tlp('clear'), asean.id])
  const { by } = received([target, relationship('r', target, [tlp('green')])], { author: 'us', definitions: [asean] })
  assert.equal(by('jp').length, 2)
  assert.equal(by('th').length, 1)
})

test('an AMBER part beside one for another alliance: those in both get both', () => {
  const value = indicator('a', [tlp('clear')], {
    granular_markings: [...part('pattern', tlp('amber')), ...part('description', asean.id)],
  })
  const { by } = received([value], { author: 'us', definitions: [asean] })
  assert.ok(by('jp').some((one) => one.value['id'] === value.id))
  assert.deepEqual(by('th'), [])
})

test('participants of a CLEAR part restrict no RED reference', () => {
  const nobody = caveat('nobody', { participants: [], embargo_until: '2026-07-01T00:00:00.000Z' })
  const th = caveat('th', { participants: ['th'] })
  const target = indicator('target', [tlp('red'), th.id])
  const source = relationship('r', target, [tlp('clear')], { granular_markings: part('description', nobody.id) })
  const { by } = received([source, target], { definitions: [nobody, th], isLater: true })
  assert.ok(by('th').some((one) => one.value['id'] === source.id))
})

test('GREEN without a community is open to cyber defenders where every charter of the author says so', () => {
  const value = indicator('a', [tlp('green')])
  const both = Object.keys(ALLIANCES)
  const { all, by } = received([value], { opensGreen: both })
  assert.equal(by('de').length, 1)
  assert.deepEqual(
    all.map(({ audience }) => audience),
    [
      { v: 1, tlp: 'green', community: both.toSorted() },
      { v: 1, tlp: 'green', distribution: [idOf('de')] },
    ],
  )
  assert.deepEqual(received([value], { opensGreen: ['trilateral'] }).by('de'), [])
  const named = caveat('named', { community: 'trilateral' })
  const closed = indicator('b', [tlp('green'), named.id])
  assert.deepEqual(received([closed], { opensGreen: both, definitions: [named] }).by('de'), [])
})

test('what refers to open GREEN is whole for cyber defenders, what refers to closed GREEN is not', () => {
  const both = Object.keys(ALLIANCES)
  const target = indicator('target', [tlp('green')])
  const open = received([relationship('r', target, [tlp('clear')]), target], { opensGreen: both })
  assert.equal(open.by('de').length, 2)
  const trilateral = caveat('trilateral', { community: 'trilateral' })
  const closed = indicator('target', [tlp('green'), trilateral.id])
  const set = [relationship('r', closed, [tlp('green')]), closed]
  assert.deepEqual(received(set, { author: 'us', opensGreen: both, definitions: [trilateral] }).by('de'), [])
})

test('whom one marking lists has the object as long as the alliance that the other asks for is shared', () => {
  const toPh = caveat('to ph', { distribution: ['ph'] })
  const ofAsean = caveat('of asean', { community: 'asean-japan' })
  const ofTrilateral = caveat('of trilateral', { community: 'trilateral' })
  const phAlone = caveat('ph alone', { participants: ['ph'] })
  const target = indicator('target', [tlp('amber'), toPh.id])
  const inAsean = indicator('target', [tlp('amber'), ofAsean.id])
  const sets: [string, Identified[], string[]][] = [
    ['AMBER that refers to a list', [relationship('r', target, [tlp('amber')]), target], ['trilateral', 'asean-japan']],
    ['GREEN that refers to a list', [relationship('r', target, [tlp('green')]), target], ['trilateral', 'asean-japan']],
    ['two communities', [relationship('r', inAsean, [tlp('amber'), ofTrilateral.id]), inAsean], ['asean-japan']],
    [
      'a RED part of AMBER+STRICT',
      [
        indicator('a', [tlp('amber+strict')], {
          granular_markings: [...part('description', tlp('red')), ...part('description', phAlone.id)],
        }),
      ],
      ['trilateral', 'asean-japan'],
    ],
  ]
  for (const [what, set, left] of sets) {
    const definitions = [toPh, ofAsean, ofTrilateral, phAlone]
    const { all } = received(set, { definitions })
    const mine = all.filter(({ objectId, id }) => objectId === set[0]?.id && id === objectId)
    const audience = mine.findLast(({ recipients }) => recipients.some(({ slug }) => slug === 'ph'))?.audience
    assert.ok(audience, `${what}: it has the whole object`)
    for (const isIn of [true, false]) {
      const members = (slug: string, list: readonly string[]) =>
        new Set(list.filter((org) => isIn || org !== 'ph' || !left.includes(slug)))
      const register = toRegister({
        organisations: ORGANISATIONS,
        alliances: new Map(Object.entries(ALLIANCES).map(([slug, list]) => [slug, members(slug, list)])),
      })
      const [author, reader] = [idOf('jp'), idOf('ph')]
      const { send } = admits({ audience, author, server: author, reader, register, now: 1, channel: 'node' })
      assert.equal(send, isIn, `${what}, ${isIn ? 'before' : 'after'} it left`)
    }
  }
})

test('who is named one by one reads what refers to AMBER as long as author and reader share an alliance', () => {
  const list = ['ph', 'us', 'jp-telco']
  const definitions = [
    caveat('participants', { participants: list }),
    caveat('distribution', { distribution: list }),
    caveat('trilateral', { community: 'trilateral' }),
  ]
  const [participants, distribution, ofTrilateral] = definitions.map(({ id }) => id) as [string, string, string]
  const named: [string, string[], string[], string[]][] = [
    ['RED, of AMBER', [tlp('red'), participants], [tlp('amber')], list],
    ['RED, of AMBER for a community', [tlp('red'), participants], [tlp('amber'), ofTrilateral], list],
    ['RED, of AMBER+STRICT', [tlp('red'), participants], [tlp('amber+strict')], ['ph', 'us']],
    ['RED for a community, of AMBER', [tlp('red'), participants, ofTrilateral], [tlp('amber')], list],
    ['AMBER, of AMBER', [tlp('amber'), distribution], [tlp('amber')], list],
    ['AMBER+STRICT, of AMBER', [tlp('amber+strict'), distribution], [tlp('amber')], ['ph', 'us']],
  ]
  const reads = (audience: Audience, reader: string, left: readonly string[]) => {
    const isIn = (slug: string, org: string) => !left.includes(`${org} ${slug}`)
    const alliances = Object.entries(ALLIANCES).map(
      ([slug, orgs]) => [slug, new Set(orgs.filter((org) => isIn(slug, org)))] as const,
    )
    // Its row in the charters of the author goes with the author's.
    const isGone = !alliances.some(([, orgs]) => orgs.has('jp'))
    const organisations = ORGANISATIONS.map((org) =>
      isGone && org.slug === 'jp-telco' ? { ...org, clientOf: [idOf('us')] } : org,
    )
    const register = toRegister({ organisations, alliances: new Map(alliances) })
    const asked = { audience, author: idOf('jp'), server: idOf('jp'), reader: idOf(reader), register } as const
    return admits({ ...asked, now: 1, channel: 'node' }).send
  }
  for (const [what, markings, targets, readers] of named) {
    const target = indicator('target', targets)
    const { all } = received([relationship('r', target, markings), target], { definitions })
    const naming = all.filter(({ json }) => Buffer.from(json).toString().includes(`"source_ref":"${target.id}"`))
    const anyReads = (reader: string, left: readonly string[]) =>
      naming.some(({ audience }) => reads(audience, reader, left))
    for (const reader of readers) {
      assert.ok(anyReads(reader, []), `${what}: ${reader}, while it is in an alliance of the author`)
      const left = ['jp trilateral', 'jp asean-japan']
      assert.ok(!anyReads(reader, left), `${what}: not ${reader}, when the author has left`)
    }
    assert.ok(!anyReads('ph', ['jp trilateral', 'ph asean-japan']), `${what}: not ph, when each is in another alliance`)
  }
})

test('whose client the author becomes later reads nothing that names what is not for it', () => {
  const definitions = [
    caveat('to us', { distribution: ['us'] }),
    caveat('for US', { releasable_to: { nations: ['US'] } }),
  ]
  const [toUs, forUs] = definitions.map(({ id }) => id) as [string, string]
  const target = indicator('target', [tlp('clear'), toUs, forUs])
  const { all, by } = received([relationship('r', target, [tlp('clear'), toUs]), target], { definitions })
  assert.equal(by('us').length, 2, 'the object and what refers to it')
  const register = toRegister({
    organisations: ORGANISATIONS.map((org) => (org.slug === 'jp' ? { ...org, clientOf: [idOf('ph')] } : org)),
    alliances: new Map(Object.entries(ALLIANCES).map(([slug, members]) => [slug, new Set(members)])),
  })
  const [author, reader] = [idOf('jp'), idOf('ph')]
  for (const { audience } of all) {
    const { send } = admits({ audience, author, server: author, reader, register, now: 1, channel: 'node' })
    assert.ok(!send, JSON.stringify(audience))
  }
})

test('who is suspended when something is released may be active later: nothing is referred to for its sake', () => {
  const forTh = caveat('for th', { participants: ['th'] })
  const forDe = caveat('for de', { participants: ['de'] })
  const target = indicator('target', [tlp('red'), forDe.id])
  const set = [target, { ...note('n', [target], [tlp('red'), forTh.id]), type: 'report' }]
  const { releases } = release({
    objects: set.map((value) => ({ value, bytes: utf8(JSON.stringify(value)) })),
    author: idOf('jp'),
    definitions: [forTh, forDe],
    register: toRegister({
      organisations: ORGANISATIONS.map((org) => (org.slug === 'th' ? { ...org, standing: 'suspended' as const } : org)),
      alliances: new Map(Object.entries(ALLIANCES).map(([slug, members]) => [slug, new Set(members)])),
    }),
    now: timestampMillis('2026-06-01T00:00:00Z'),
    secret: utf8('s'),
  })
  for (const { objectId, json } of releases)
    if (objectId !== target.id) assert.ok(!Buffer.from(json).toString().includes(target.id))
})

test('what an author in no alliance marks AMBER+STRICT for a community opens to nobody when it joins that', () => {
  const ofTrilateral = caveat('of trilateral', { community: 'trilateral' })
  const { all } = received([indicator('a', [tlp('amber+strict'), ofTrilateral.id])], {
    author: 'de',
    definitions: [ofTrilateral],
  })
  const audience = all.at(-1)?.audience
  assert.ok(audience)
  const alliances = new Map([['trilateral', new Set(['jp', 'de'])]])
  const register = toRegister({ organisations: ORGANISATIONS, alliances })
  const [author, reader] = [idOf('de'), idOf('jp')]
  assert.ok(!admits({ audience, author, server: author, reader, register, now: 1, channel: 'node' }).send)
})
