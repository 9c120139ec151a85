// Refused is absent, on every way out that the worlds do not walk; and what stands between a reader and a part, an
// instant, a standing or a recall.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertReads, hasAny, mark, open, put, things, told } from './case-stage.ts'
import { absentId, markerId, markersIn, markerText } from './markers.ts'
import { nameOf } from './stix-of.ts'
import { ADDRESSES, ONE_OBJECT, wholeOf } from './ways.ts'
import { HUB, RELAY, SERVERS, type Thing } from './world-plan.ts'

test('refused is absent: the same bytes, and the same work in the store', async () => {
  const on = await open()
  const secret = await put(mark('red', { participants: ['th-agency'] }))
  const token = on.tokens(HUB).get('ph-cert') ?? ''
  const store = on.node(HUB).store as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
  const calls: string[] = []
  const whole = new Map(
    ['objects', 'versions', 'bodies', 'texts', 'countObjects', 'logs', 'log', 'entries', 'journal', 'record'].map(
      (name) => [name, store[name]],
    ),
  )
  for (const [name, run] of whole)
    store[name] = (...args) => {
      calls.push(`${name} ${JSON.stringify(args).replace(/[a-z-]+--[0-9a-f-]{36}/g, 'ID')}`)
      return (run as (...all: unknown[]) => Promise<unknown>).apply(store, args)
    }
  const id = nameOf(things.get(secret) as Thing)
  const work = async (at: string, path: (id: string) => string, method: string) => {
    calls.length = 0
    const answer = wholeOf(await on.ask(HUB, path(at), { token, method }))
      .toString()
      .replaceAll(at, 'ID')
    return { answer, calls: [...calls] }
  }
  for (const { method, path } of [ONE_OBJECT, ...ADDRESSES]) {
    // What a node reads once for a reader is read before.
    await work(absentId('malware', 1), path, method)
    const [one, none] = [await work(id, path, method), await work(absentId('malware'), path, method)]
    assert.deepEqual(one, none, `${method} ${path('ID')}`)
  }
  for (const [name, run] of whole) if (run) store[name] = run
})

test('refused takes as long as absent', async () => {
  const on = await open()
  const secret = await put(mark('red', { participants: ['th-agency'] }))
  const token = on.tokens(HUB).get('ph-cert') ?? ''
  const id = nameOf(things.get(secret) as Thing)
  const time = async (at: string) => {
    const begin = performance.now()
    await on.ask(HUB, ONE_OBJECT.path(at), { token })
    return performance.now() - begin
  }
  const [refused, absent]: [number[], number[]] = [[], []]
  for (let k = 0; k < SAMPLES; k++) {
    const isFirst = k % 2 === 0
    for (const list of isFirst ? [refused, absent] : [absent, refused])
      list.push(await time(list === refused ? id : absentId('malware', k)))
  }
  const [a, b] = [low(refused), low(absent)]
  assert.ok(Math.abs(a - b) < CLASS_MS, `refused ${a.toFixed(2)} ms, absent ${b.toFixed(2)} ms`)
})

/** Interleaved samples of each; the lower quartile is what load does not touch. */
const SAMPLES = 120
const CLASS_MS = 4
const low = (list: number[]) => list.sort((a, b) => a - b)[Math.floor(list.length / 4)] ?? 0

test('an embargo ends before its instant', async () => {
  const day = 86_400_000
  const held = await put(mark('clear', { embargo: day }))
  const forOne = await put(mark('green', { embargo: day, coauthors: ['ph-cert'] }))
  await assertReads(held, {}, { [HUB]: ['ph-cert', 'th-agency', 'jp-bank'], [RELAY]: ['us-grid'] })
  await assertReads(forOne, { [HUB]: ['ph-cert'] }, { [HUB]: ['th-agency', 'jp-bank'], [RELAY]: [RELAY, 'us-grid'] })
})

test('a part under a marking of its own is in listings, exports and feeds of whoever may have the rest', async () => {
  const object = await put(mark('green'), {
    type: 'indicator',
    granular: [{ part: 'd', mark: mark('red', { participants: ['th-agency'] }) }],
  })
  const found = await told(HUB, 'ph-cert', [0, 1, 2, 3, 6, 9, 12])
  assert.ok(found.has(`n${object}`), 'the rest')
  assert.ok(!found.has(`d${object}`) && !found.has(`i${object}`), 'neither the part, nor the id that links the two')
})

test('an observer gets more than its charter gives', async () => {
  for (const [level, isGiven] of [
    ['green', true],
    ['amber', false],
    ['amber+strict', false],
  ] as const) {
    const object = await put(mark(level, { community: 'north' }))
    await assertReads(object, isGiven ? { [HUB]: ['fr-guest'] } : {}, isGiven ? {} : { [HUB]: ['fr-guest'] })
  }
})

test('a recall leaves a row behind', async () => {
  const object = await put(mark('green'), { type: 'indicator' })
  const on = await open()
  await assertReads(object, { [HUB]: ['ph-cert'], [RELAY]: ['us-grid'] }, {})
  await on.play({ charters: [], things: [], recalls: [object] })
  await assertReads(object, {}, { [HUB]: ['ph-cert', HUB], [RELAY]: ['us-grid', RELAY] })
  const id = nameOf(things.get(object) as Thing)
  for (const server of SERVERS) {
    const token = on.tokens(server).get('us-grid') ?? on.operator(server)
    const [one, none] = [
      await on.ask(server, ONE_OBJECT.path(id), { token }),
      await on.ask(server, ONE_OBJECT.path(absentId('indicator')), { token }),
    ]
    assert.ok(wholeOf(one).equals(wholeOf(none)), `at ${server} it is as if it never was`)
  }
})

test('an air-gap file tells whoever has no key nothing', async () => {
  const object = await put(mark('amber'))
  const on = await open()
  const headers = { 'content-type': 'application/json' }
  const file = await on.ask(HUB, '/api/v1/air-gap/exports', {
    method: 'POST',
    headers,
    body: JSON.stringify({ to: RELAY, all: true }),
  })
  assert.equal(file.status, 200)
  assert.ok(file.body.length > 1_000)
  assert.ok(!hasAny(markersIn(file.body), object))
})

test('a submission is told to nobody but who handed it in', async () => {
  const on = await open()
  const submit = async (org: string) =>
    (await on.post<{ text: string }>(HUB, '/api/v1/tokens', { name: org, scope: 'submit', org: on.memberId(org) })).text
  const [bank, other] = [await submit('jp-bank'), await submit('ph-cert')]
  const object = {
    type: 'malware',
    spec_version: '2.1',
    id: markerId('malware', 4_000),
    created: '2026-01-01T00:00:00.000Z',
    modified: '2026-01-01T00:00:00.000Z',
    name: markerText(4_000, 'n'),
    is_family: false,
  }
  const { id } = await on.post<{ id: string }>(HUB, '/api/v1/submissions', { objects: [object], consent: 'none' }, bank)
  const [there, absent] = [
    await on.ask(HUB, `/api/v1/submissions/${id}`, { token: other }),
    await on.ask(HUB, `/api/v1/submissions/${id.slice(0, -2)}xx`, { token: other }),
  ]
  assert.equal(
    wholeOf(there).toString().replaceAll(id, 'ID'),
    wholeOf(absent)
      .toString()
      .replaceAll(`${id.slice(0, -2)}xx`, 'ID'),
  )
  for (const reader of ['ph-cert', 'th-agency', RELAY]) assert.ok(!hasAny(await told(HUB, reader), 4_000), reader)
})
