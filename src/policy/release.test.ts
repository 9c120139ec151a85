// Release: which rendition goes to which audience.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type JsonObject, timestampMillis, utf8 } from '#base'
import { audienceId, toAudience } from '#log'
import { TLP_2_MARKINGS } from '#stix'
import { release, type ReleaseRequest } from './release.ts'
import { renditionId } from './rendition.ts'
import { caveat, idOf, indicator, smallWorld, tlp } from './small-world.ts'
import { textOf } from './json-text.ts'

const SECRET = utf8('a secret of a node')
const NOW = timestampMillis('2026-06-01T00:00:00Z')
const COMMUNITY = ['asean-japan', 'trilateral']

function run(values: readonly JsonObject[], more: Partial<ReleaseRequest> = {}) {
  const objects = values.map((value) => ({ value, bytes: utf8(` ${JSON.stringify(value)} `) }))
  const result = release({ objects, author: idOf('jp'), register: smallWorld(), now: NOW, secret: SECRET, ...more })
  const releases = result.releases.map((one) => ({
    ...one,
    value: JSON.parse(Buffer.from(one.json).toString()) as JsonObject,
    slugs: one.recipients.map(({ slug }) => slug),
  }))
  return { releases, refused: result.refused.map(({ id, code }) => ({ id, code })), objects }
}

test('an object that nobody need cut keeps its author’s bytes', () => {
  const { releases, objects } = run([indicator('a', [tlp('green')])])
  assert.equal(releases.length, 1)
  assert.equal(releases[0]?.json, objects[0]?.bytes)
  assert.deepEqual(releases[0]?.audience, { v: 1, tlp: 'green', community: COMMUNITY })
  assert.deepEqual(releases[0]?.slugs, ['us', 'ph', 'th', 'jp-telco', 'us-bank', 'ph-bank'])
})

test('what closes an object refuses it, with its reason', () => {
  const apart = [caveat('a', { community: 'trilateral' }), caveat('b', { community: 'asean-japan' })]
  const { refused } = run(
    [
      indicator('a', []),
      indicator('b', ['marking-definition--x']),
      indicator('c', [tlp('green'), ...apart.map(({ id }) => textOf(id))]),
    ],
    { definitions: apart },
  )
  assert.deepEqual(
    refused.map(({ code }) => code),
    ['UNMARKED', 'UNKNOWN_MARKING', 'COMMUNITY_CONFLICT'],
  )
})

test('--tlp marks what has no level and never loosens one', () => {
  const { releases } = run([indicator('a', []), indicator('b', [tlp('amber+strict')])], {
    defaults: { tlp: 'TLP:AMBER' },
  })
  assert.deepEqual(
    releases.map(({ audience }) => audience),
    [
      { v: 1, tlp: 'amber', community: COMMUNITY },
      { v: 1, tlp: 'amber+strict', alliances: COMMUNITY },
    ],
  )
})

const TO: [level: string, to: string[], audience: JsonObject][] = [
  ['amber', ['alliance:trilateral'], { tlp: 'amber', alliances: ['trilateral'] }],
  ['green', ['alliance:trilateral'], { tlp: 'green', community: ['trilateral'] }],
  ['green', ['nation:US', 'nation:PH'], { tlp: 'green', nations: ['PH', 'US'], community: COMMUNITY }],
  ['amber', ['us'], { tlp: 'amber', distribution: [idOf('us')] }],
  ['red', ['org:us'], { tlp: 'red', participants: [idOf('us')] }],
  ['clear', ['kind:agency', 'sector:telecom'], { tlp: 'clear', kinds: ['agency'], sectors: ['telecom'] }],
]
for (const [level, to, audience] of TO) {
  test(`--tlp ${level} --to ${to.join(' ')} writes ${JSON.stringify(audience)}`, () => {
    const { releases } = run([indicator('a', [])], { defaults: { tlp: level, to } })
    assert.deepEqual(releases[0]?.audience, { v: 1, ...audience })
  })
}

test('--to names what exists', () => {
  for (const to of ['alliance:nowhere', 'nobody', 'planet:earth', 'nation:jp', 'org:'])
    assert.throws(() => run([], { defaults: { to: [to] } }), { code: 'POLICY_TARGET_UNKNOWN' }, to)
  assert.throws(() => run([], { defaults: { tlp: 'blue' } }), { code: 'POLICY_REQUEST_INVALID' })
})

test('a protected part becomes a base for all and the whole for few', () => {
  const strict: JsonObject = {
    granular_markings: [
      { marking_ref: tlp('red'), selectors: ['labels.[0]', 'external_references.[0].url'] },
      { lang: 'ja', selectors: ['labels.[1]'] },
    ],
  }
  const named = caveat('named', { participants: ['us'] })
  const value = indicator('a', [tlp('green'), textOf(named['id'])], {
    ...strict,
    labels: ['x', 'y'],
    external_references: [
      { source_name: 's', url: 'u' },
      { source_name: 't', url: 'v' },
    ],
  })
  const { releases } = run([value], { definitions: [named] })
  const [whole, base] = releases
  assert.deepEqual(
    releases.map(({ slugs }) => slugs.length),
    [1, 6],
  )
  assert.deepEqual(whole?.value, value)
  assert.deepEqual(base?.value['labels'], ['y'])
  assert.deepEqual(base?.value['granular_markings'], [{ lang: 'ja', selectors: ['labels.[0]'] }])
  assert.deepEqual(base?.value['external_references'], [{ source_name: 't', url: 'v' }])
  assert.equal(base?.value['created_by_ref'], idOf('jp'))
  assert.equal(base?.id, base?.value['id'])
  assert.ok(!Buffer.from(base?.json ?? '').includes(textOf(value['id'])))
})

test('the id of a rendition is stable over versions, and another per audience, object and secret', () => {
  const clear = audienceId(toAudience({ v: 1, tlp: 'clear' }))
  const green = audienceId(toAudience({ v: 1, tlp: 'green' }))
  const ids = [
    renditionId(SECRET, 'indicator--1', clear),
    renditionId(SECRET, 'indicator--1', green),
    renditionId(SECRET, 'indicator--2', clear),
    renditionId(utf8('x'), 'indicator--1', clear),
  ]
  assert.equal(new Set(ids).size, 4)
  assert.equal(renditionId(SECRET, 'indicator--1', clear), ids[0])
  for (const id of ids)
    assert.match(id, /^indicator--[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  const object = (modified: string) =>
    indicator('a', [tlp('green')], { modified, granular_markings: [{ marking_ref: tlp('red'), selectors: ['name'] }] })
  const [one, two] = ['2026-01-01T00:00:00.000Z', '2026-02-01T00:00:00.000Z'].map(
    (modified) => run([object(modified)]).releases.at(-1)?.id,
  )
  assert.equal(one, two)
})

test('references are rewritten to what the audience has, or removed', () => {
  const red = indicator('red', [tlp('red')])
  const cut = indicator('cut', [tlp('green')], {
    granular_markings: [{ marking_ref: tlp('amber'), selectors: ['name'] }],
  })
  const green = indicator('green', [tlp('green')])
  const report = {
    ...indicator('report', [tlp('green')]),
    type: 'report',
    published: '2026-01-01T00:00:00Z',
    id: 'report--00000000-0000-4000-8000-000000000001',
    object_refs: [red, cut, green].map(({ id }) => textOf(id)),
  }
  const { releases } = run([report, red, cut, green])
  const wide = releases.filter(({ audience }) => audience.tlp === 'green')
  const base = wide.find(({ objectId }) => objectId === report.id)
  const derived = wide.find(({ objectId }) => objectId === cut['id'])
  assert.deepEqual(base?.value['object_refs'], [derived?.id, green['id']])
  assert.notEqual(base?.id, report.id)
})

test('what few may have in a cut form is referred to over any number of steps', () => {
  const target = indicator('target', [tlp('amber')], {
    granular_markings: [{ marking_ref: tlp('amber+strict'), selectors: ['description'] }],
  })
  const chain = [target]
  for (let step = 0; step < 6; step++)
    chain.push({
      ...indicator(`step ${step}`, [tlp('clear')]),
      type: 'relationship',
      relationship_type: 'related-to',
      id: `relationship--00000000-0000-4000-8000-00000000000${step}`,
      source_ref: chain.at(-1)!.id,
      target_ref: chain.at(-1)!.id,
    })
  const { releases } = run(chain)
  const reached = new Set(releases.filter(({ slugs }) => slugs.includes('jp-telco')).map(({ objectId }) => objectId))
  assert.deepEqual([...reached].sort(), chain.map(({ id }) => id).sort())
})

test('a relationship into what only few may have is itself for few', () => {
  const target = indicator('target', [tlp('amber')])
  const relationship = {
    ...indicator('r', [tlp('green')]),
    type: 'relationship',
    relationship_type: 'related-to',
    id: 'relationship--00000000-0000-4000-8000-000000000001',
    source_ref: textOf(target['id']),
    target_ref: textOf(target['id']),
  }
  const { releases } = run([relationship, target])
  assert.deepEqual(
    releases.map(({ audience }) => audience.tlp),
    ['amber', 'amber'],
  )
})

test('a reference to an object that was refused withholds what cannot be without it', () => {
  const target = indicator('target', [])
  const sighting = {
    ...indicator('s', [tlp('green')]),
    type: 'sighting',
    id: 'sighting--00000000-0000-4000-8000-000000000001',
    sighting_of_ref: textOf(target['id']),
  }
  assert.deepEqual(
    run([sighting, target]).refused.map(({ code }) => code),
    ['UNMARKED', 'REDACT_REQUIRED:sighting_of_ref'],
  )
})

test('a note inherits the strictest marking of what it annotates', () => {
  const target = indicator('target', [tlp('red')])
  const note = {
    ...indicator('n', [tlp('green')]),
    type: 'note',
    id: 'note--00000000-0000-4000-8000-000000000001',
    content: 'c',
    object_refs: [textOf(target['id'])],
  }
  assert.deepEqual(
    run([note, target]).releases.map(({ audience }) => audience.tlp),
    ['red', 'red'],
  )
})

test('under embargo co-authors get it now, the others at the instant', () => {
  const embargo = caveat('embargo', { embargo_until: '2026-07-01T00:00:00.0005Z', coauthors: ['us'] })
  const { releases } = run([indicator('a', [tlp('clear'), textOf(embargo['id'])])], { definitions: [embargo] })
  assert.deepEqual(
    releases.map(({ audience, notBefore }) => [audience, notBefore]),
    [
      [{ v: 1, tlp: 'clear', members: [idOf('us')] }, undefined],
      [{ v: 1, tlp: 'clear' }, timestampMillis('2026-07-01T00:00:00.001Z')],
    ],
  )
  const over = run([indicator('a', [tlp('clear'), textOf(embargo['id'])])], {
    definitions: [embargo],
    now: timestampMillis('2026-07-01T00:00:00.001Z'),
  })
  assert.deepEqual(
    over.releases.map(({ audience, notBefore }) => [audience, notBefore]),
    [[{ v: 1, tlp: 'clear' }, undefined]],
  )
})

test('consent none hides the creator from everybody but the source', () => {
  const none = caveat('none', { consent: 'none' })
  const value = indicator('a', [tlp('green'), textOf(none['id'])], { created_by_ref: idOf('jp-telco') })
  const { releases } = run([value], { definitions: [none] })
  assert.deepEqual(
    releases.map(({ slugs, value: { created_by_ref: creator } }) => [slugs, creator]),
    [
      [[], idOf('jp-telco')],
      [['us', 'ph', 'th', 'jp-telco', 'us-bank', 'ph-bank'], idOf('jp')],
    ],
  )
})

test('marking-definitions travel into every log that names them', () => {
  const named = caveat('named', { participants: ['us'] })
  const { releases, refused } = run([
    named,
    ...TLP_2_MARKINGS,
    indicator('a', [tlp('red'), textOf(named['id'])]),
    indicator('b', [tlp('green')]),
  ])
  const travelled = releases.filter(({ objectId }) => objectId === named['id'])
  assert.deepEqual(refused, [])
  assert.deepEqual(
    travelled.map(({ slugs }) => slugs),
    [['us']],
  )
})

test('a drill stands in the audience', () => {
  assert.equal(run([indicator('a', [tlp('clear')])], { drill: 'd1' }).releases[0]?.audience.drill, 'd1')
})

test('20,000 objects of one marking take less than two seconds', () => {
  const values = Array.from({ length: 20_000 }, (_, n) => indicator(`i${n}`, []))
  const before = process.cpuUsage()
  const { releases } = run(values, { defaults: { tlp: 'amber' } })
  const { user } = process.cpuUsage(before)
  assert.equal(releases.length, values.length)
  assert.ok(user < 2_000_000, `${user / 1e6} s`)
})

test('a note inherits from what was released before, unless its own marking is inside', () => {
  const target = textOf(indicator('target', [])['id'])
  const note = (...markings: string[]) => ({
    ...indicator('n', markings),
    type: 'note',
    id: 'note--00000000-0000-4000-8000-000000000001',
    content: 'c',
    object_refs: [target],
  })
  const after = (own: string[], ...publishers: JsonObject[][]) => {
    const standing = publishers.map((list) => list.map((audience) => ({ audience: toAudience({ v: 1, ...audience }) })))
    const { releases, refused } = run([note(...own)], { releasedBefore: new Map([[target, standing]]) })
    return releases[0]?.audience ?? refused[0]?.code
  }
  const [clear, amber] = [{ tlp: 'clear' }, { tlp: 'amber', alliances: ['trilateral'] }]
  const strict = { tlp: 'amber+strict', alliances: ['asean-japan'] }
  assert.deepEqual(after([tlp('green')], [clear]), { v: 1, tlp: 'green', community: COMMUNITY })
  assert.deepEqual(after([tlp('clear')], [amber]), { v: 1, ...amber })
  assert.deepEqual(after([tlp('red')], [amber]), { v: 1, tlp: 'red' })
  assert.deepEqual(after([tlp('clear')], [amber, strict]), { v: 1, ...strict }, 'the strictest that leaves a reader')
  assert.deepEqual(after([tlp('clear')], [strict], [clear]), { v: 1, ...strict }, 'the strictest publisher')
  assert.deepEqual(after([tlp('clear')], [amber], [strict]), { v: 1, tlp: 'amber+strict', alliances: [] }, 'nobody')
  assert.equal(after([], [amber]), 'UNMARKED')
})

test('no id of what was released to fewer stands in what refers to it later', () => {
  const [target, other] = [textOf(indicator('target', [])['id']), textOf(indicator('other', [])['id'])]
  const standing = (audience: JsonObject) => [[{ audience: toAudience({ v: 1, ...audience }) }]]
  const releasedBefore = new Map([
    [target, standing({ tlp: 'red', participants: [idOf('us')] })],
    [other, standing({ tlp: 'green', community: COMMUNITY })],
  ])
  const base = { spec_version: '2.1', created: '2026-01-01T00:00:00.000Z', modified: '2026-01-01T00:00:00.000Z' }
  const marked = { ...base, object_marking_refs: [tlp('green')] }
  const report = { ...marked, type: 'report', id: 'report--00000000-0000-4000-8000-000000000001', name: 'r' }
  const { releases } = run([{ ...report, published: base.created, object_refs: [target, other] }], { releasedBefore })
  const wide = releases.filter(({ audience }) => audience.tlp === 'green')
  assert.ok(wide.length > 0 && wide.every(({ value }) => !JSON.stringify(value).includes(target)))
  assert.ok(wide.some(({ value }) => JSON.stringify(value['object_refs']) === JSON.stringify([other])))
  const narrow = releases.filter(({ audience }) => audience.tlp === 'red')
  assert.ok(narrow.some(({ value }) => JSON.stringify(value).includes(target)))
  const relationship = {
    ...marked,
    type: 'relationship',
    id: 'relationship--00000000-0000-4000-8000-000000000001',
    relationship_type: 'related-to',
    source_ref: other,
    target_ref: target,
  }
  const ends = run([relationship], { releasedBefore }).releases
  assert.deepEqual([...new Set(ends.map(({ audience }) => audience.tlp))], ['red'], 'only those who may have both ends')
})
