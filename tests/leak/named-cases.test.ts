// The leaks that sharing systems are known for, each by its name, through the doors that a reader uses.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connection, until } from '../alliance/world.ts'
import { absentId, markerId, markersIn, markerText } from './markers.ts'
import { active, assertReads, charter, hasAny, mark, NORTH, open, openStream, put, things, told } from './case-stage.ts'
import { Stage } from './stage.ts'
import { nameOf } from './stix-of.ts'
import { bytesOf, ONE_OBJECT, walkApi, walkLink, walkTaxii, wholeOf } from './ways.ts'
import { HUB, type Mark, RELAY, type Server, SERVERS, type Thing } from './world-plan.ts'

test('a stream bound to a lower clearance emits a higher one', async () => {
  const on = await open()
  const chunks = await openStream(HUB, 'jp-isac')
  const events = await fetch(`${on.node(HUB).url()}/api/v1/events`, {
    headers: { authorization: `Bearer ${on.tokens(HUB).get('jp-isac')}` },
  })
  let heard = ''
  void (async () => {
    for await (const chunk of events.body ?? []) heard += Buffer.from(chunk).toString()
  })().catch(() => undefined)
  const high = await put(mark('amber'))
  await sleep(200)
  assert.doesNotMatch(heard, /event: published/)
  const low = await put(mark('green'))
  await until('the stream tells of GREEN', () => markersIn(Buffer.concat(chunks)).has(`n${low}`))
  await until('the page is told of GREEN', () => heard.includes('event: published'))
  assert.ok(!hasAny(markersIn(Buffer.concat(chunks)), high), 'the member accepts GREEN at most')
  await events.body?.cancel().catch(() => undefined)
})

test('equal-rank markings confused', async () => {
  const north = await put(mark('amber', { community: 'north' }))
  const south = await put(mark('amber', { community: 'south' }))
  await assertReads(north, { [HUB]: ['ph-cert'] }, { [HUB]: ['th-agency', 'ph-tel'] })
  await assertReads(south, { [HUB]: ['th-agency'] }, { [HUB]: ['ph-cert', 'jp-isac'] })
})

test('the consumer’s flag decides on dependencies', async () => {
  const secret = await put(mark('red', { participants: ['th-agency'] }))
  const open_ = await put(mark('green'))
  const report = await put(mark('green'), { type: 'report', refs: [secret, open_] })
  const on = await open()
  const token = on.tokens(HUB).get('ph-cert') ?? ''
  assert.ok(hasAny(await told(HUB, 'ph-cert'), report), 'the report itself may be read')
  for (const flags of [
    'include=references',
    'resolve=true',
    'depth=9',
    'versions=all&resolve=1',
    'match[spec_version]=all',
  ])
    for (const path of [`/api/v1/objects?${flags}`, `/taxii2/_node/collections/everything/objects/?${flags}`]) {
      const found = markersIn(wholeOf(await on.ask(HUB, path, { token })))
      assert.ok(!hasAny(found, secret), path)
    }
})

test('bundles pull in referenced objects', async () => {
  const secret = await put(mark('red', { participants: ['th-agency'] }))
  const open_ = await put(mark('green'))
  await put(mark('green'), { type: 'report', refs: [secret, open_] })
  await put(mark('green'), { type: 'relationship', refs: [open_, secret] })
  const on = await open()
  const token = on.tokens(HUB).get('ph-cert') ?? ''
  const bundle = await on.ask(HUB, '/api/v1/objects?limit=1000', {
    token,
    headers: { accept: 'application/stix+json' },
  })
  assert.ok(hasAny(markersIn(bundle.body), open_))
  assert.ok(!hasAny(markersIn(bundle.body), secret), 'neither the object nor its id is in the bundle')
  assert.ok(!hasAny(await told(HUB, 'ph-cert'), secret))
})

test('"already exists" reveals existence', async () => {
  const secret = await put(mark('red', { participants: ['th-agency'] }))
  const on = await open()
  const made = await on.post<{ text: string }>(HUB, '/api/v1/tokens', {
    name: 'bank',
    scope: 'publish',
    org: on.memberId('jp-bank'),
  })
  const answers: string[] = []
  for (const id of [nameOf(things.get(secret) as Thing), absentId('malware', 7)]) {
    const object = {
      type: 'malware',
      spec_version: '2.1',
      id,
      created: '2026-01-01T00:00:00.000Z',
      modified: '2026-01-01T00:00:00.000Z',
      name: 'a guess',
      is_family: false,
    }
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ objects: [object], tlp: 'green' })
    const answer = await on.ask(HUB, '/api/v1/publish?dryRun=true', { method: 'POST', token: made.text, headers, body })
    const whole = await on.ask(HUB, '/api/v1/publish', { method: 'POST', token: made.text, headers, body })
    answers.push(
      [answer, whole]
        .map((one) =>
          wholeOf(one)
            .toString()
            .replaceAll(id, 'ID')
            .replace(/"index":\d+/g, ''),
        )
        .join('\n'),
    )
  }
  assert.equal(answers[0], answers[1])
})

test('a later source overwrites a stricter marking', async () => {
  const strict = await put(mark('amber+strict', { community: 'north' }))
  const on = await open()
  const name = 'said by another'
  const object = {
    type: 'malware',
    spec_version: '2.1',
    id: nameOf(things.get(strict) as Thing),
    created: '2026-01-01T00:00:00.000Z',
    modified: '2026-01-01T00:00:00.000Z',
    name,
    is_family: false,
  }
  await on.post(RELAY, '/api/v1/publish', { objects: [object], tlp: 'clear' })
  for (const server of SERVERS) {
    const token = on.tokens(server).get('us-grid') ?? ''
    const { body } = await on.ask(server, `${ONE_OBJECT.path(object.id)}`, { token })
    const found = markersIn(body)
    assert.ok(
      !found.has(`n${strict}`) && !found.has(`d${strict}`),
      `what ${HUB} said under AMBER+STRICT stays under it`,
    )
  }
})

test('an unmarked object is visible to all', async () => {
  const unmarked = await put(mark(undefined))
  const unknown = await put({ ...mark('clear'), unknown: true })
  for (const object of [unmarked, unknown])
    await assertReads(object, {}, { [HUB]: ['ph-cert', 'th-agency', 'jp-bank'], [RELAY]: ['us-grid'] })
})

test('counts and pages reveal hidden rows', async () => {
  const on = await open()
  const token = on.tokens(HUB).get('ph-cert') ?? ''
  const look = async () => {
    const walk = { stage: on, server: HUB as Server, reader: 'ph-cert', token, turn: 3 }
    const [api, taxii] = [await walkApi(walk), await walkTaxii(walk)]
    const texts = [...api.told, ...taxii.told].map(({ way, bytes }) => `${way} ${bytes.toString()}`)
    return texts.map((text) => text.replace(/cursor=[^ ]+|"next":"[^"]*"|"now":\d+|bundle--[0-9a-f-]+|next=[^ ]+/g, ''))
  }
  await put(mark('green'))
  const before = await look()
  for (let k = 0; k < 5; k++) await put(mark('red', { participants: ['th-agency'] }))
  assert.deepEqual(await look(), before)
})

test('an empty sharing list reaches everyone', async () => {
  for (const caveat of [
    { distribution: [] },
    { releasable_to: { nations: [] } },
    { releasable_to: { orgs: [] } },
    { releasable_to: { alliances: [] } },
    { releasable_to: { kinds: [] } },
  ]) {
    const object = await put(mark('clear', caveat))
    await assertReads(object, {}, { [HUB]: ['ph-cert', 'jp-bank'], [RELAY]: ['us-grid'] })
  }
  const red = await put(mark('red', { participants: [] }))
  await assertReads(red, {}, { [HUB]: ['ph-cert', 'th-agency'] })
})

test('a relay widens', async () => {
  const amber = await put(mark('amber', { community: 'north' }))
  const plain = await put(mark('amber'))
  const strict = await put(mark('amber+strict'))
  await assertReads(plain, { [RELAY]: ['us-grid'] }, { [RELAY]: ['ph-cert', 'jp-bank', 'th-agency'] })
  await assertReads(strict, { [RELAY]: [RELAY] }, { [RELAY]: ['us-grid', 'ph-cert', 'jp-isac'] })
  await assertReads(amber, {}, { [RELAY]: ['jp-bank', 'th-agency', 'ph-tel'] })
  const on = await open()
  const heads = await on.node(RELAY).store.logs()
  const { entries } = await walkLink({ stage: on, server: RELAY, reader: 'ph-cert' }, heads)
  for (const object of [amber, plain, strict]) assert.ok(!hasAny(markersIn(entries), object), 'over the relay’s link')
})

test('a narrowed audience leaves copies', async () => {
  const wide = await put(mark('green'))
  await assertReads(wide, { [HUB]: ['ph-cert'], [RELAY]: ['us-grid'] }, {})
  const narrow = await put(mark('red', { participants: ['th-agency'] }), { of: wide })
  for (const object of [wide, narrow])
    await assertReads(object, {}, { [HUB]: ['ph-cert', 'jp-bank'], [RELAY]: ['us-grid', 'ph-cert', RELAY] })
  const on = await open()
  const { entries } = await walkLink({ stage: on, server: HUB, reader: 'ph-cert' }, await on.node(HUB).store.logs())
  assert.ok(!hasAny(markersIn(entries), wide), 'over the link')
})

test('a narrowed audience leaves copies of cut forms', async () => {
  const wide = await put(mark('green'), { granular: [{ part: 'l', mark: mark('red') }] })
  await assertReads(wide, { [HUB]: ['ph-cert', 'jp-bank'], [RELAY]: ['us-grid'] }, {})
  const narrow = await put(mark('red', { participants: ['th-agency'] }), { of: wide })
  for (const object of [wide, narrow])
    await assertReads(object, {}, { [HUB]: ['ph-cert', 'jp-bank'], [RELAY]: ['us-grid', 'ph-cert', RELAY] })
  const on = await open()
  const { entries } = await walkLink({ stage: on, server: HUB, reader: 'ph-cert' }, await on.node(HUB).store.logs())
  assert.ok(!hasAny(markersIn(entries), wide), 'over the link')
})

test('what is named later tells the id of what stands in cut forms alone', async () => {
  const closed = [{ part: 'l' as const, mark: mark('red', { participants: [] }) }]
  const cut = await put(mark('green'), { granular: closed })
  const kept = await put(mark('green'))
  const inner = await put(mark('amber', { community: 'north' }), { granular: closed })
  const named = [
    await put(mark('green'), { type: 'report', refs: [cut, kept] }),
    await put(mark('green'), { type: 'relationship', refs: [kept, cut] }),
    await put(mark('clear'), { type: 'sighting', refs: [cut] }),
  ]
  const onInner = await put(mark('green'), { type: 'note', refs: [inner] })
  for (const object of named) await assertReads(object, { [HUB]: ['ph-cert'], [RELAY]: ['us-grid'] }, {})
  await assertReads(onInner, { [HUB]: ['ph-cert'] }, { [HUB]: ['th-agency', 'jp-isac'] })
  for (const [server, reader] of [
    [HUB, 'ph-cert'],
    [HUB, 'th-agency'],
    [RELAY, 'us-grid'],
  ] as const)
    for (const object of [cut, inner])
      assert.ok(!(await told(server, reader)).has(`i${object}`), `${reader} at ${server} is told the id of ${object}`)
})

test('logs, metrics and error messages quote withheld content', async () => {
  const secret = await put(mark('red', { participants: ['th-agency'] }), { type: 'indicator' })
  const on = await open()
  const token = on.tokens(HUB).get('ph-cert') ?? ''
  const id = nameOf(things.get(secret) as Thing)
  const headers = { 'content-type': 'application/json' }
  for (const path of [`/api/v1/objects/${id}/x`, `/api/v1/objects?id=${id}&limit=0`, `/api/v1/objects?type=${id}`]) {
    const [one, none] = [path, path.replace(id, absentId('indicator'))]
    const [told_, absent] = [await on.ask(HUB, one, { token }), await on.ask(HUB, none, { token })]
    assert.equal(
      wholeOf(told_).toString().replaceAll(id, 'ID'),
      wholeOf(absent).toString().replaceAll(absentId('indicator'), 'ID'),
    )
  }
  for (const body of [
    `{"objects":[{"name":"${markerText(secret, 'n')}"`,
    `{"objects":[{"type":"malware","id":"${id}"}],"tlp":"red"}`,
  ])
    await on.ask(HUB, '/api/v1/publish', { method: 'POST', headers, body })
  await on.ask(HUB, `/api/v1/telemetry?format=${markerText(secret, 'n')}`, { method: 'POST', body: `${id}\n` })
  for (const server of SERVERS) {
    assert.deepEqual([...markersIn(on.log(server)).keys()], [], `the log of ${server}`)
    assert.deepEqual([...markersIn((await on.ask(server, '/metrics')).body).keys()], [], `the metrics of ${server}`)
  }
})

test('a sighting tells the guesser', async () => {
  const on = await open()
  const guess = await put(mark('green', { community: 'north' }), { author: RELAY, type: 'indicator' })
  const secret = await put(mark('red', { participants: ['th-agency'] }), { type: 'indicator' })
  const host = '10.77.66.55'
  const event = (object: number) => {
    const { 'id.resp_h': _to, ...seen } = connection('198.51.100.9')
    return {
      ...seen,
      'id.orig_h': host,
      query: `${markerText(object, 'p')}.example`,
      qtype_name: 'A',
      'id.resp_h': '198.51.100.9',
    }
  }
  const body = [guess, secret].map((object) => JSON.stringify(event(object))).join('\n')
  const made = await on.post<{ text: string }>(HUB, '/api/v1/tokens', {
    name: 's',
    scope: 'telemetry',
    org: on.memberId('ph-cert'),
  })
  const { hits } = await on.json<{ hits: { value: string }[] }>(HUB, '/api/v1/telemetry?format=zeek', {
    method: 'POST',
    body,
    token: made.text,
  })
  assert.ok(
    !hits.some(({ value }) => value.includes(markerText(secret, 'p'))),
    'a sensor’s owner learns of no withheld indicator',
  )
  await until(
    'a sighting is published',
    async () => (await on.node(HUB).store.journal('sightings', { limit: 10 })).length > 0,
  )
  const heads = await on.node(HUB).store.logs({ own: true })
  const { entries } = await walkLink({ stage: on, server: HUB, reader: RELAY }, heads)
  const text = entries.toString('latin1')
  assert.ok(text.includes('"sighting"'), 'the author of the guess is told of the sighting')
  assert.ok(!text.includes(host), 'and nothing of whose machine it was')
  for (const [, time = ''] of text.matchAll(/"(?:first|last)_seen":"([^"]+)"/g)) assert.match(time, /:00:00(\.0+)?Z$/)
  const south = await walkLink({ stage: on, server: HUB, reader: 'th-agency' }, heads)
  assert.ok(
    !south.entries.toString('latin1').includes(markerId('indicator', guess)),
    'nor is anybody outside its audience',
  )
})

test('joining an alliance opens the past', async () => {
  await using on = await Stage.open()
  const first = charter('north', [active(HUB), active(RELAY), active('ph-cert')])
  const thing = (tlp: Mark['tlp'], k: number): Thing => ({
    n: k,
    author: HUB,
    type: 'malware',
    mark: mark(tlp),
    granular: [],
    refs: [],
  })
  await on.play({
    charters: [first, charter('south', [active('th-agency', 'ph-tel')])],
    things: [thing('green', 1), thing('amber', 2), thing('amber+strict', 3)],
    recalls: [],
  })
  await on.play({
    charters: [charter('south', [active('th-agency', 'ph-tel'), active(HUB)])],
    things: [thing('green', 4)],
    recalls: [],
  })
  const walk = {
    stage: on,
    server: HUB as Server,
    reader: 'th-agency',
    token: on.tokens(HUB).get('th-agency') ?? '',
    turn: 0,
  }
  const found = markersIn((await walkApi(walk)).list)
  assert.ok(hasAny(found, 4), 'what is published from now on')
  for (const old of [1, 2, 3]) assert.ok(!hasAny(found, old), `object ${old} of before`)
  const { entries, told: all } = await walkLink(
    { stage: on, server: HUB, reader: 'th-agency' },
    await on.node(HUB).store.logs(),
  )
  for (const old of [1, 2, 3])
    assert.ok(!hasAny(markersIn(Buffer.concat([entries, ...all.map(({ bytes }) => bytes)])), old))
})

test('a stale charter serves a removed member', async () => {
  const on = await open()
  const object = await put(mark('green', { community: 'north' }))
  await assertReads(object, { [HUB]: ['ph-cert'] }, {})
  const chunks = await openStream(HUB, 'ph-cert')
  await sleep(200)
  const before = chunks.length
  await on.play({
    charters: [
      charter(
        'north',
        NORTH.filter(({ member }) => member !== 'ph-cert'),
      ),
    ],
    things: [],
    recalls: [],
  })
  const later = await put(mark('green', { community: 'north' }))
  await sleep(300)
  await assertReads(object, {}, { [HUB]: ['ph-cert'] })
  await assertReads(later, { [RELAY]: ['us-grid'] }, { [HUB]: ['ph-cert'] })
  assert.ok(!hasAny(markersIn(Buffer.concat(chunks.slice(before))), later), 'nor by the stream that was open')
  const heads = await on.node(HUB).store.logs()
  const { entries } = await walkLink({ stage: on, server: HUB, reader: 'ph-cert' }, heads)
  assert.equal(entries.length, 0)
  assert.ok(bytesOf(await on.link(HUB, 'ph-cert', '/link/v1/logs')).length > 0)
})
