// The TAXII surface of a real node: submissions, who sees what, errors.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { indicator, uuid } from '../cli/command-line.ts'
import { type Caller, openTaxiiWorld, post, residentBytes, TYPE } from './taxii-world.ts'

const ROOT = '/_node/'
interface Envelope {
  more: boolean
  next?: string
  objects?: { id: string; modified?: string }[]
}
const envelope = async (caller: Caller, path: string) => (await (await caller.ask(path)).json()) as Envelope
const idsOf = ({ objects = [] }: Envelope) => objects.map(({ id }) => id)
const AMBER = { object_marking_refs: ['marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421'] }

test('a submission is read back at once, its failures are in the status, and nobody else sees that any of it exists', async () => {
  await using world = await openTaxiiWorld()
  const made = (await world.run('taxii', 'collection', 'create', 'partners')) as unknown as { id: string }
  const partner = await world.caller('partner', 'publish')
  const path = `${ROOT}collections/${made.id}/`
  assert.equal((await post(partner, path, [indicator('198.51.100.1', AMBER)])).status, 403, 'no grant, no writing')
  await world.run('taxii', 'collection', 'grant', 'partners', '--token-id', partner.id, '--can', 'write')

  const onlyReads = await world.caller('only reads', 'read')
  await assert.rejects(
    world.run('taxii', 'collection', 'grant', 'partners', '--token-id', onlyReads.id, '--can', 'write'),
    /scope read/,
  )
  await world.run('taxii', 'collection', 'create', 'team')
  await world.run('taxii', 'collection', 'grant', 'team', '--org', 'jp-nco', '--can', 'write')
  assert.equal(
    (await post(onlyReads, `${ROOT}collections/team/`, [indicator('198.51.100.1', AMBER)])).status,
    403,
    'a token that reads does not write',
  )
  await assert.rejects(
    world.run('taxii', 'collection', 'create', 'nowhere', '--to', 'alliance:nowhere'),
    /There is no alliance "nowhere" here/,
  )

  const objects = Array.from({ length: 30 }, (_, i) => indicator(`198.51.100.${i}`, AMBER))
  const bad = { ...indicator('198.51.100.99', AMBER), pattern: '[broken', confidence: 101, labels: 7 }
  const unmarked = indicator('198.51.100.98')
  const old = { ...indicator('198.51.100.97', AMBER), spec_version: '2.0', pattern: 7 }
  const answer = await post(partner, path, [...objects, bad, 'no object', { id: 7 }, unmarked, old])
  assert.equal(answer.status, 202)
  const status = (await answer.json()) as Record<string, number | string> & {
    failures: { id: string; message: string }[]
  }
  assert.equal(status['success_count'], 30)
  assert.equal(status['failure_count'], 5)
  assert.equal(status['total_count'], 35)
  assert.equal(status['status'], 'complete')
  assert.match(status.failures.find(({ id }) => id === unmarked.id)?.message ?? '', /^Quarantined/)
  const faults = status.failures.find(({ id }) => id === bad.id)?.message ?? ''
  for (const path of ['pattern: ', 'confidence: ', 'labels: ']) assert.ok(faults.includes(path), faults)
  assert.match(status.failures.find(({ id }) => id === old.id)?.message ?? '', /^INVALID_VALUE: spec_version/)
  assert.deepEqual(await (await partner.ask(`${ROOT}status/${status['id']}/`)).json(), status)

  assert.deepEqual(
    idsOf(await envelope(partner, `${path}objects/`)),
    objects.map(({ id }) => id),
  )
  assert.deepEqual(
    idsOf(await envelope(partner, `${ROOT}collections/partners/objects/?limit=2`)),
    idsOf({ more: false, objects: objects.slice(0, 2) }),
  )
  assert.deepEqual(idsOf(await envelope(partner, `${path}objects/?match[id]=${objects[4]?.id},${objects[2]?.id}`)), [
    objects[2]?.id,
    objects[4]?.id,
  ])

  const { quarantined } = (await world.run('taxii', 'quarantine', 'list')) as unknown as {
    quarantined: { key: string; id: string }[]
  }
  assert.deepEqual(
    quarantined.map(({ id }) => id),
    [unmarked.id],
  )
  await world.run('taxii', 'quarantine', 'end', quarantined[0]?.key ?? '', '--tlp', 'amber')
  assert.equal(idsOf(await envelope(partner, `${path}objects/`)).at(-1), unmarked.id)

  const again = await post(partner, path, objects)
  assert.equal(((await again.json()) as { success_count: number }).success_count, 30, 'sent twice is accepted twice')
  assert.equal(idsOf(await envelope(partner, `${path}objects/?match[version]=all`)).length, 31, 'and stands once')
})

test('DELETE takes back one’s own submission everywhere, and never what the node itself had published', async () => {
  await using world = await openTaxiiWorld()
  await world.run('taxii', 'collection', 'create', 'partners', '--tlp', 'amber')
  const partner = await world.caller('partner', 'publish')
  await world.run('taxii', 'collection', 'grant', 'partners', '--token-id', partner.id, '--can', 'write')
  const path = `${ROOT}collections/partners/`
  const own = indicator('203.0.113.1')
  const theirs = indicator('203.0.113.2', AMBER)
  const published = await world.node.ask('/api/v1/publish', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(theirs),
  })
  assert.equal(published.status, 200)
  assert.equal((await post(partner, path, [own, theirs])).status, 202)
  const everything = `${ROOT}collections/everything/objects/`
  assert.deepEqual(idsOf(await envelope(world.operator, everything)).sort(), [own.id, theirs.id].sort())
  for (const { id } of [own, theirs])
    assert.equal((await partner.ask(`${path}objects/${id}/`, { method: 'DELETE' })).status, 200)
  for (const { id } of [own, theirs]) assert.equal((await partner.ask(`${path}objects/${id}/`)).status, 404)
  assert.deepEqual(idsOf(await envelope(world.operator, everything)), [theirs.id], 'what the node had published stays')
  assert.equal((await partner.ask(`${path}objects/${own.id}/`, { method: 'DELETE' })).status, 404)
  assert.equal((await world.operator.ask(`${everything}${theirs.id}/`, { method: 'DELETE' })).status, 403)
})

test('versions: the newest by default, others on demand, each with the time when it was added', async () => {
  await using world = await openTaxiiWorld()
  const first = indicator('192.0.2.1', AMBER)
  const versions = ['2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.500Z', '2026-01-03T00:00:00.123456Z']
  for (const modified of versions) {
    const sent = await world.node.ask('/api/v1/publish', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...first, modified }),
    })
    assert.equal(sent.status, 200)
  }
  const objects = `${ROOT}collections/type-indicator/objects/`
  const asked = async (query: string) =>
    (await envelope(world.operator, `${objects}?${query}`)).objects?.map(({ modified }) => modified)
  assert.deepEqual(await asked(''), [versions[2]])
  assert.deepEqual(await asked('match[version]=first'), [versions[0]])
  assert.deepEqual(await asked('match[version]=first,last'), [versions[0], versions[2]])
  assert.deepEqual(await asked('match[version]=all&match[spec_version]=2.1'), versions)
  assert.deepEqual(await asked('match[version]=2026-01-02T00:00:00.500000000Z'), [versions[1]])
  assert.equal(await asked('match[spec_version]=2.0'), undefined)
  const all = await world.operator.ask(`${objects}${first.id}/versions/`)
  assert.deepEqual(((await all.json()) as { versions: string[] }).versions, [
    '2026-01-01T00:00:00.000Z',
    '2026-01-02T00:00:00.500Z',
    '2026-01-03T00:00:00.123456Z',
  ])
  const manifest = (await (
    await world.operator.ask(`${ROOT}collections/type-indicator/manifest/?match[version]=all`)
  ).json()) as { objects: { date_added: string }[] }
  const added = manifest.objects.map(({ date_added: at }) => at)
  assert.deepEqual(
    [all.headers.get('x-taxii-date-added-first'), all.headers.get('x-taxii-date-added-last')],
    [added[0], added[2]],
  )
  assert.equal((await asked(`match[version]=all&added_after=${added[0]}`))?.length, 2)
  assert.equal((await asked(`match[version]=all&added_after=${added[0]?.replace('Z', '000Z')}`))?.length, 2)
  assert.equal((await asked(`match[version]=all&added_after=${added[0]?.slice(0, 19)}Z`))?.length, 3)
  assert.equal(await asked(`match[version]=all&added_after=${added[2]?.replace('Z', '+00:00')}`), undefined)
})

test('every refusal is a TAXII error resource, and what may not be seen is refused as what is not there', async () => {
  await using world = await openTaxiiWorld()
  await world.run('taxii', 'collection', 'create', 'secret', '--tlp', 'red')
  const reader = await world.caller('reader', 'read')
  const writer = await world.caller('writer', 'publish')
  await world.run('taxii', 'collection', 'grant', 'secret', '--token-id', writer.id, '--can', 'write')
  const path = `${ROOT}collections/secret/`
  const json = { 'content-type': TYPE }
  const cases: [number, () => Promise<Response>][] = [
    [401, () => fetch(`${world.node.url}/taxii2/`)],
    [
      401,
      () =>
        fetch(`${world.node.url}/taxii2/nowhere`, {
          headers: { authorization: `Basic ${btoa(`${reader.id}:wrong`)}` },
        }),
    ],
    [
      401,
      () =>
        fetch(`${world.node.url}/taxii2/`, {
          headers: { authorization: `Basic ${btoa(`${writer.id}:${reader.text}`)}` },
        }),
    ],
    [404, () => reader.ask('/nowhere/')],
    [404, () => reader.ask(`${ROOT}collections/nothing/objects/`)],
    [404, () => reader.ask('/a/b/c/d/e/f/g/h/')],
    [404, () => reader.ask(`${ROOT}status/${uuid()}/`)],
    [405, () => reader.ask('/', { method: 'DELETE' })],
    [405, () => reader.ask(`${ROOT}collections/`, { method: 'POST', body: 'x' })],
    [406, () => reader.ask('/', { headers: { accept: 'application/vnd.oasis.taxii+json; version=2.0' } })],
    [406, () => reader.ask('/', { headers: { accept: 'application/taxii+json;version=2.0, text/html' } })],
    [
      415,
      () =>
        writer.ask(`${path}objects/`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }),
    ],
    [422, () => writer.ask(`${path}objects/`, { method: 'POST', headers: json, body: '{"type":"bundle"}' })],
    [400, () => writer.ask(`${path}objects/`, { method: 'POST', headers: json, body: '{"objects":[' })],
    [413, () => writer.ask(`${path}objects/`, { method: 'POST', headers: json, body: Buffer.alloc(67_108_865, 0x20) })],
    [
      403,
      () =>
        writer.ask(`${ROOT}collections/everything/objects/`, { method: 'POST', headers: json, body: '{"objects":[]}' }),
    ],
    ...['limit=0', 'limit=x', 'next=!', 'added_after=yesterday', 'match[version]=newest', 'limit=1&limit=2'].map(
      (query): [number, () => Promise<Response>] => [
        400,
        () => reader.ask(`${ROOT}collections/everything/objects/?${query}`),
      ],
    ),
  ]
  for (const [i, [status, sent]] of cases.entries()) {
    const answer = await sent()
    const body = (await answer.json()) as { title: unknown; http_status: unknown }
    assert.equal(answer.status, status, `case ${i}: ${JSON.stringify(body)}`)
    assert.equal(answer.headers.get('content-type'), TYPE, `case ${i}`)
    assert.equal(typeof body.title, 'string')
    assert.equal(body.http_status, String(status))
  }
  for (const accept of [
    'application/taxii+json',
    'application/taxii+json; version=2.1',
    '*/*',
    'text/html, application/*;q=0.5',
    'application/taxii+json ; version="2.1" ; q=0.9',
  ])
    assert.equal((await reader.ask('/', { headers: { accept } })).status, 200, accept)

  const stranger = await world.caller('stranger', 'read')
  await world.node.ask('/api/v1/publish?tlp=red', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(indicator('192.0.2.77')),
  })
  const text = async (answer: Promise<Response>) => {
    const { status, headers } = await answer
    const kept = [...headers].filter(([name]) => name !== 'date')
    return [status, kept, await (await answer).text()]
  }
  assert.deepEqual(
    await text(stranger.ask(`${ROOT}collections/${uuid()}/`)),
    await text(stranger.ask(`${ROOT}collections/${uuid()}/`)),
  )
})

test('ten thousand objects of which each tenth is bad: nine thousand stand, a thousand are named', async () => {
  await using world = await openTaxiiWorld()
  await world.run('taxii', 'collection', 'create', 'bulk', '--tlp', 'green')
  const partner = await world.caller('partner', 'publish')
  await world.run('taxii', 'collection', 'grant', 'bulk', '--token-id', partner.id, '--can', 'write')
  const objects = Array.from({ length: 10_000 }, (_, i) =>
    indicator(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, i % 10 === 0 ? { pattern: 7 } : {}),
  )
  interface BulkStatus {
    status: string
    total_count: number
    success_count: number
    failure_count: number
    pending_count: number
    failures: { id: string }[]
  }
  const send = async (some: unknown[]) =>
    (await (await post(partner, `${ROOT}collections/bulk/`, some)).json()) as BulkStatus
  const before = await residentBytes(world.node.pid)
  const started = Date.now()
  const status = await send(objects)
  assert.ok(Date.now() - started < 120_000)
  const grown = (await residentBytes(world.node.pid)) - before
  assert.ok(grown < 500_000_000, `${Math.round(grown / 1e6)} MB more`)
  const { total_count: total, success_count: good, failure_count: bad, pending_count: pending } = status
  assert.deepEqual([status.status, total, good, bad, pending], ['complete', 10_000, 9_000, 1_000, 0])
  assert.deepEqual(
    status.failures.map(({ id }) => id).sort(),
    objects
      .filter((_, i) => i % 10 === 0)
      .map(({ id }) => id)
      .sort(),
  )
  const seen: string[] = []
  for (let next: string | undefined = ''; next !== undefined;) {
    const page: Envelope = await envelope(
      partner,
      `${ROOT}collections/bulk/objects/${next === '' ? '' : `?next=${next}`}`,
    )
    seen.push(...idsOf(page))
    next = page.next
  }
  assert.deepEqual(
    seen,
    objects.filter((_, i) => i % 10 !== 0).map(({ id }) => id),
  )

  const split = { total: 0, good: 0, bad: 0 }
  for (let from = 0; from < objects.length; from += 2_500) {
    const part = await send(objects.slice(from, from + 2_500))
    split.total += part.total_count
    split.good += part.success_count
    split.bad += part.failure_count
  }
  assert.deepEqual(split, { total: 10_000, good: 9_000, bad: 1_000 }, 'in parts it is the same')
  const last = (await partner.ask(`${ROOT}collections/bulk/manifest/?match[id]=${seen.at(-1)}`)).headers
  const more = await envelope(
    partner,
    `${ROOT}collections/bulk/objects/?added_after=${last.get('x-taxii-date-added-last')}`,
  )
  assert.deepEqual(idsOf(more), [], 'what was sent again stands where it stood')
})
