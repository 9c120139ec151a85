// Notes, opinions, sightings and language content inherit the strictest marking of what they annotate, wherever that
// stands: in another publication, at another member, behind an embargo. A client learns nothing by it.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { NOROSHI_EXTENSION } from '#policy'
import { TLP_2_MARKINGS } from '#stix'
import { noroshi } from '../cli/command-line.ts'
import { ask, holds, indicator, openWorld, publish, until, type World, type WorldOptions } from './world.ts'

const BANK = 'identity--00000000-0000-5000-8000-0000000000ba'
const MEMBERS = ['jp-nco', 'us-cisa', 'th-ncsa']
const CLIENTS: NonNullable<WorldOptions['clients']> = {
  'jp-nco': [{ id: BANK, slug: 'jp-bank', name: 'Bank', kind: 'company', sectors: ['financial'], nation: 'JP' }],
}
const open = () =>
  openWorld({ alliances: { all: MEMBERS, pair: ['jp-nco', 'us-cisa'] }, clients: CLIENTS, logLevel: 'error' })

/** Longer than a publication takes on a busy machine. */
const EMBARGO_MS = 8_000

const TIMES = { created: '2026-01-02T00:00:00.000Z', modified: '2026-01-02T00:00:00.000Z' }
const common = (type: string) => ({ type, spec_version: '2.1', id: `${type}--${randomUUID()}`, ...TIMES })
const note = (...about: string[]) => ({ ...common('note'), content: 'See our case.', object_refs: about })
const annotations = (about: string) => [
  note(about),
  { ...common('opinion'), opinion: 'agree', object_refs: [about] },
  { ...common('sighting'), sighting_of_ref: about },
  { ...common('language-content'), object_ref: about, contents: { ja: { name: '名' } } },
]

interface Answer {
  published: {
    id: string
    audience: { tlp: string } & Record<string, unknown>
    recipients: string[]
    notBefore?: number
  }[]
  refused: { id: string; code: string }[]
}
const send = async (world: World, slug: string, objects: object[], more: object = {}) =>
  (await publish(world, slug, objects, more)) as unknown as Answer

test('annotations inherit from what a publication before them holds, and from a mirror', async () => {
  await using world = await open()
  const strict = indicator('198.51.100.1')
  await publish(world, 'us-cisa', [strict], { tlp: 'amber+strict', to: ['alliance:pair'] })
  await until('the mirror', () => holds(world, 'jp-nco', strict.id))

  for (const one of annotations(strict.id)) {
    const { published, refused } = await send(world, 'jp-nco', [one], { tlp: 'clear' })
    assert.deepEqual(refused, [], one.type)
    assert.equal(published[0]?.audience.tlp, 'amber+strict', one.type)
    assert.deepEqual(published[0]?.audience['alliances'], ['pair'], one.type)
    assert.deepEqual(published[0]?.recipients, ['us-cisa'], one.type)
  }
  const own = indicator('198.51.100.2')
  await publish(world, 'jp-nco', [own], { tlp: 'red', to: ['member:us-cisa'] })
  const first = note(own.id)
  assert.equal((await send(world, 'jp-nco', [first], { tlp: 'green' })).published[0]?.audience.tlp, 'red')
  const onNote = note(first.id)
  assert.equal(
    (await send(world, 'jp-nco', [onNote], { tlp: 'green' })).published[0]?.audience.tlp,
    'red',
    'a note on a note',
  )
  const inner = note(own.id)
  const nested = [{ ...common('opinion'), opinion: 'agree', object_refs: [inner.id] }, inner]
  const both = await send(world, 'jp-nco', nested, { tlp: 'green' })
  assert.deepEqual(
    both.published.map(({ audience }) => audience.tlp),
    ['red', 'red'],
    'through an object of the set',
  )

  const several = await send(world, 'jp-nco', [note(strict.id, own.id)], { tlp: 'clear' })
  assert.equal(several.published[0]?.audience.tlp, 'red', 'the strictest of several')
  await until('the answer there', () => holds(world, 'us-cisa', first.id))
  assert.equal(await holds(world, 'th-ncsa', first.id), false)
})

test('what is wider changes nothing, what is unknown gives nothing, and no level is ever given', async () => {
  await using world = await open()
  const wide = indicator('198.51.100.3')
  await publish(world, 'jp-nco', [wide], { tlp: 'clear' })
  const marked = { tlp: 'amber', to: ['alliance:pair'] }
  const [alone, onWide, onUnknown] = await Promise.all([
    send(world, 'jp-nco', [indicator('198.51.100.4')], marked),
    send(world, 'jp-nco', [note(wide.id)], marked),
    send(world, 'jp-nco', [note(`indicator--${randomUUID()}`)], marked),
  ])
  assert.deepEqual(onWide.published[0]?.audience, alone.published[0]?.audience)
  assert.deepEqual(onUnknown.published[0]?.audience, alone.published[0]?.audience)
  assert.deepEqual(
    (await send(world, 'jp-nco', [note(wide.id)])).refused.map(({ code }) => code),
    ['UNMARKED'],
  )
})

test('a newer version of what is annotated, published or in the same request, decides', async () => {
  await using world = await open()
  const old = indicator('198.51.100.5')
  await publish(world, 'jp-nco', [old], { tlp: 'red', to: ['member:us-cisa'] })
  const newer = { ...old, modified: '2026-02-01T00:00:00.000Z' }
  const together = await send(world, 'jp-nco', [newer, note(old.id)], { tlp: 'green' })
  assert.deepEqual(
    together.published.map(({ audience }) => audience.tlp),
    ['green', 'green'],
  )
  assert.equal((await send(world, 'jp-nco', [note(old.id)], { tlp: 'green' })).published[0]?.audience.tlp, 'green')

  const kept = indicator('198.51.100.6')
  await publish(world, 'jp-nco', [kept], { tlp: 'red', to: ['member:us-cisa'] })
  const forged = await send(world, 'jp-nco', [{ ...kept, name: 'Another' }, note(kept.id)], { tlp: 'green' })
  assert.deepEqual(
    forged.refused.map(({ code }) => code),
    ['EQUIVOCATION'],
  )
  assert.deepEqual(
    forged.published.map(({ audience }) => audience.tlp),
    ['red'],
    'a refused version decides nothing',
  )

  const gone = indicator('198.51.100.7')
  await publish(world, 'jp-nco', [gone], { tlp: 'red', to: ['member:us-cisa'] })
  const set = [gone, note(gone.id)]
  const before = await send(world, 'jp-nco', set, { tlp: 'red', to: ['member:us-cisa'] })
  const again = await send(world, 'jp-nco', set, { tlp: 'red', to: ['member:us-cisa'] })
  assert.deepEqual(again, before, 'a repeated publication publishes nothing twice')
})

const embargoUntil = (end: string) => ({
  type: 'marking-definition',
  spec_version: '2.1',
  id: `marking-definition--${randomUUID()}`,
  created: TIMES.created,
  name: 'Embargo',
  extensions: { [NOROSHI_EXTENSION]: { extension_type: 'property-extension', embargo_until: end } },
})

test('a note on what an embargo holds back waits with it', async () => {
  await using world = await open()
  const tlp = TLP_2_MARKINGS[0] as { id: string }
  const until_ = new Date(Date.now() + 3_600_000).toISOString()
  const embargo = embargoUntil(until_)
  const held = indicator('198.51.100.8', { object_marking_refs: [tlp.id, embargo.id] })
  const first = await send(world, 'jp-nco', [embargo, held])
  assert.deepEqual(first.refused, [])
  const { published } = await send(world, 'jp-nco', [note(held.id)], { tlp: 'clear' })
  assert.equal(published[0]?.notBefore, Date.parse(until_), JSON.stringify(published))
})

test('what an embargo held is not published at its end where a newer version has narrowed the object since', async () => {
  await using world = await open()
  const tlp = TLP_2_MARKINGS[0] as { id: string }
  const end = Date.now() + EMBARGO_MS
  const embargo = embargoUntil(new Date(end).toISOString())
  const [narrowed, other] = ['198.51.100.20', '198.51.100.21'].map((value) =>
    indicator(value, { object_marking_refs: [tlp.id, embargo.id] }),
  ) as [{ id: string }, { id: string }]
  const first = await send(world, 'jp-nco', [embargo, narrowed, other])
  assert.deepEqual(first.refused, [])
  const { object_marking_refs: _, ...plain } = narrowed as { id: string; object_marking_refs?: unknown }
  const newer = { ...plain, modified: '2026-08-01T00:00:00.000Z' }
  const second = await send(world, 'jp-nco', [newer], { tlp: 'red', to: ['member:jp-nco'] })
  assert.deepEqual(second.refused, [])
  await until('the other one arrives at its end', () => holds(world, 'us-cisa', other.id), EMBARGO_MS + 30_000)
  assert.equal(await holds(world, 'us-cisa', narrowed.id), false)
})

test('import inherits too', async () => {
  await using world = await open()
  const uuid = randomUUID()
  const attribute = {
    uuid,
    type: 'ip-dst',
    category: 'Network activity',
    value: '198.51.100.9',
    to_ids: true,
    timestamp: '1768446000',
  }
  const event = (more: object, info: string) => ({
    Event: {
      uuid: randomUUID(), info, date: '2026-01-15', timestamp: '1768446000',
      Orgc: { uuid: '55f6ea5e-2c60-40e5-964f-47a8950d210f', name: 'Example CSIRT' },
      Attribute: [{ ...attribute, ...more }],
    },
  }) // prettier-ignore
  const run = async (name: string, content: object, tlp: string) => {
    const file = join(world.path, name)
    await writeFile(file, JSON.stringify(content))
    const ran = await noroshi(['import', file, '--dir', world.dir('jp-nco'), '--tlp', tlp, '--yes', '--json'])
    assert.equal(ran.code, 0, ran.stdout + ran.stderr)
    return ran.json()[0] as unknown as Answer
  }
  await run('first.json', event({}, 'Beacons'), 'amber+strict')
  const seen = { Sighting: [{ uuid: randomUUID(), date_sighting: '1768446100', type: '0' }] }
  const { published } = await run('second.json', event(seen, 'Beacons'), 'clear')
  const sighting = published.find(({ id }) => id.startsWith('sighting--'))
  assert.equal(sighting?.audience.tlp, 'amber+strict', JSON.stringify(published))
})

test('a client learns nothing of a version by submitting it, over REST and over TAXII', async () => {
  await using world = await open()
  const json = { 'content-type': 'application/json' }
  const hidden = indicator('198.51.100.20')
  const taken = indicator('198.51.100.21')
  const kept = indicator('198.51.100.24')
  const shown = indicator('198.51.100.22')
  await publish(world, 'jp-nco', [hidden, taken, kept], { tlp: 'amber+strict', to: ['member:us-cisa'] })
  await publish(world, 'jp-nco', [shown], { tlp: 'amber' })
  const { text: token, token: made } = (await (
    await ask(world, 'jp-nco', '/api/v1/tokens', {
      method: 'POST',
      headers: json,
      body: JSON.stringify({ name: 'bank', scope: 'publish', org: 'jp-bank' }),
    })
  ).json()) as { text: string; token: { id: string } }
  const rest = async (object: { id: string; name?: string }, more: Record<string, unknown> = { tlp: 'green' }) => {
    const body = JSON.stringify({ objects: [object], ...more })
    const answer = await ask(world, 'jp-nco', '/api/v1/publish', { method: 'POST', headers: json, body, token })
    return (await answer.text()).replaceAll(object.id, 'ID')
  }
  const unindexed = (text: string) => text.replace(/"index":\d+/, '"index":N')
  const other = (object: { id: string }) => ({ ...object, name: 'Another' })
  const fresh = () => indicator('198.51.100.23')
  const pair = { tlp: 'amber+strict', to: ['member:us-cisa'] }

  const first = await rest(other(hidden))
  assert.equal(unindexed(first), unindexed(await rest(other(fresh()))))
  assert.equal(await rest(other(hidden)), first, 'asked again, it is answered the same')
  assert.match(await rest({ ...hidden, name: 'A third' }), /EQUIVOCATION/, 'its own contradictions it may know')
  assert.match(await rest(other(shown)), /EQUIVOCATION/, 'so it may of what it can read')
  assert.equal(unindexed(await rest(other(hidden), { tlp: 'green', dryRun: true })).includes('refused":[]'), true)

  // The same content, into the very log in which it stands: its old place would tell of it.
  const indexOf = (text: string) => Number(/"index":(\d+)/.exec(text)?.[1])
  const before = indexOf(await rest(fresh(), pair))
  assert.equal(indexOf(await rest(taken, pair)), before + 1)
  assert.equal(indexOf(await rest(fresh(), pair)), before + 2)

  // A newer version of what is kept from it goes out under another id; of what it can read, it is not the owner.
  const newer = (object: { id: string }) => ({ ...other(object), modified: '2026-11-20T00:00:00.000Z' })
  assert.equal(unindexed(await rest(newer(taken))), unindexed(await rest(newer(fresh()))))
  const standing = (await (await ask(world, 'jp-nco', `/api/v1/objects/${taken.id}`)).json()) as {
    versions: { object: { modified: string } }[]
  }
  assert.equal(standing.versions.length, 2, 'nothing is taken back')
  assert.ok(standing.versions.every(({ object }) => object.modified === taken.modified))
  assert.match(await rest(newer(shown)), /NOT_OWNER/)
  const mine = fresh()
  assert.match(await rest(mine), /"refused":\[\]/)
  assert.match(await rest(newer(mine)), /"refused":\[\]/, 'its own it may change')

  const held = (await (await ask(world, 'jp-nco', `/api/v1/objects/${hidden.id}`)).json()) as {
    versions: { object: { name?: string } }[]
  }
  assert.deepEqual(
    held.versions.map(({ object }) => object.name),
    [hidden.name],
    'the node signs one content of a version',
  )

  const dir = ['--dir', world.dir('jp-nco')]
  for (const args of [
    ['taxii', 'collection', 'create', 'bank', '--tlp', 'green', ...dir],
    ['taxii', 'collection', 'grant', 'bank', '--token-id', made.id, '--can', 'write', ...dir],
  ]) {
    const ran = await noroshi(args)
    assert.equal(ran.code, 0, ran.stdout + ran.stderr)
  }
  const type = 'application/taxii+json;version=2.1'
  const taxii = async (object: { id: string; name?: string }) => {
    const headers = { 'content-type': type, accept: type }
    const body = JSON.stringify({ objects: [object] })
    const path = '/taxii2/_node/collections/bank/objects/'
    const answer = await ask(world, 'jp-nco', path, { method: 'POST', headers, body, token })
    const status = (await answer.json()) as object
    assert.equal(answer.status, 202, JSON.stringify(status))
    return JSON.stringify({ ...status, id: 'S', request_timestamp: 'T' }).replaceAll(object.id, 'ID')
  }
  assert.equal(await taxii({ ...kept, name: 'Over TAXII' }), await taxii(fresh()))
})

test('a client learns nothing by what it annotates, over REST and over TAXII', async () => {
  await using world = await open()
  const hidden = indicator('198.51.100.10')
  await publish(world, 'us-cisa', [hidden], { tlp: 'amber+strict', to: ['alliance:pair'] })
  const shown = indicator('198.51.100.11')
  await publish(world, 'jp-nco', [shown], { tlp: 'amber' })
  await until('the mirror', () => holds(world, 'jp-nco', hidden.id))
  const json = { 'content-type': 'application/json' }
  const { text: token, token: made } = (await (
    await ask(world, 'jp-nco', '/api/v1/tokens', {
      method: 'POST',
      headers: json,
      body: JSON.stringify({ name: 'bank', scope: 'publish', org: 'jp-bank' }),
    })
  ).json()) as { text: string; token: { id: string } }
  const rest = async (object: { id: string }) => {
    const body = JSON.stringify({ objects: [object], tlp: 'green' })
    const answer = await ask(world, 'jp-nco', '/api/v1/publish', { method: 'POST', headers: json, body, token })
    return (await answer.text()).replaceAll(object.id, 'ID').replace(/"index":\d+/, '"index":N')
  }
  const unknown = `indicator--${randomUUID()}`
  assert.equal(await rest(note(hidden.id)), await rest(note(unknown)))
  assert.match(await rest(note(shown.id)), /"tlp":"amber"/, 'what it may see counts')

  const dir = ['--dir', world.dir('jp-nco')]
  for (const args of [
    ['taxii', 'collection', 'create', 'bank', '--tlp', 'green', ...dir],
    ['taxii', 'collection', 'grant', 'bank', '--token-id', made.id, '--can', 'write', ...dir],
  ]) {
    const ran = await noroshi(args)
    assert.equal(ran.code, 0, ran.stdout + ran.stderr)
  }
  const path = '/taxii2/_node/collections/bank/objects/'
  const type = 'application/taxii+json;version=2.1'
  const taxii = async (object: { id: string }) => {
    const headers = { 'content-type': type, accept: type }
    const body = JSON.stringify({ objects: [object] })
    const answer = await ask(world, 'jp-nco', path, { method: 'POST', headers, body, token })
    const status = (await answer.json()) as { id: string; request_timestamp: string }
    assert.equal(answer.status, 202, JSON.stringify(status))
    const listed = (await (await ask(world, 'jp-nco', path, { headers: { accept: type }, token })).json()) as {
      objects?: { id: string }[]
    }
    const isListed = listed.objects?.some(({ id }) => id === object.id) === true
    return JSON.stringify([{ ...status, id: 'S', request_timestamp: 'T' }, isListed]).replaceAll(object.id, 'ID')
  }
  assert.equal(await taxii(note(hidden.id)), await taxii(note(unknown)))
})
