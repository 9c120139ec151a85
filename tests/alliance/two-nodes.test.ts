// Two and three real nodes: what one publishes protects the others, and is gone there when it is taken back.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fsckDirectory } from '#node'
import { NOROSHI_EXTENSION } from '#policy'
import { ask, connection, holds, indicator, journal, openWorld, publish, telemetry, until } from './world.ts'

const TWO = { alliances: { trilateral: ['jp-nco', 'us-cisa'] } }

test('a signal is mirrored, receipted, armed, matched and sighted at the other member', async () => {
  await using world = await openWorld(TWO)
  const signal = indicator('198.51.100.20')
  const { published } = await publish(world, 'jp-nco', [signal], { tlp: 'amber', to: ['alliance:trilateral'] })
  assert.deepEqual(
    published.map(({ recipients }) => recipients),
    [['us-cisa']],
  )
  await until('mirrored', () => holds(world, 'us-cisa', signal.id))
  await until('receipts', async () => {
    const { receipts } = (await (await ask(world, 'jp-nco', `/api/v1/receipts?log=${published[0]?.log}`)).json()) as {
      receipts: { kind: string; verified: boolean }[]
    }
    return ['received', 'armed'].every((kind) => receipts.some((one) => one.kind === kind && one.verified))
  })
  const { hits, bad } = await telemetry(
    world,
    'us-cisa',
    [connection('198.51.100.20'), connection('203.0.113.9')],
    '?run=r1',
  )
  assert.equal(bad, 0)
  assert.deepEqual(
    hits.map(({ indicator: id, value }) => [id, value]),
    [[signal.id, '198.51.100.20']],
  )
  const rows = await journal<{ id: string; run: string; value: string; indicator: string }>(world, 'us-cisa', 'hits')
  assert.deepEqual(
    rows.map(({ id, run }) => [id, run]),
    [[signal.id, 'r1']],
  )
  await until('a sighting at its author', async () => {
    const { objects } = (await (await ask(world, 'jp-nco', '/api/v1/objects?type=sighting')).json()) as {
      objects: { object: { sighting_of_ref: string; first_seen: string }; slug: string; tlp: string }[]
    }
    return objects.some(
      ({ object, slug, tlp }) =>
        object.sighting_of_ref === signal.id &&
        slug === 'us-cisa' &&
        tlp === 'TLP:AMBER' &&
        object.first_seen.endsWith(':00:00.000Z'),
    )
  })
  await telemetry(world, 'us-cisa', [connection('198.51.100.20')])
  assert.equal((await journal(world, 'us-cisa', 'sightings')).length, 1, 'one sighting per indicator and hour')
})

test('a Sigma rule and a revocation travel as well', async () => {
  await using world = await openWorld(TWO)
  const yaml =
    'title: Port proxy\nid: 11111111-1111-4111-8111-111111111111\nlogsource:\n  category: process_creation\n  product: windows\ndetection:\n  selection:\n    CommandLine|contains: portproxy\n  condition: selection\n'
  const rule = indicator('', { name: 'Port proxy', pattern: yaml, pattern_type: 'sigma' })
  await publish(world, 'jp-nco', [rule], { tlp: 'green', to: ['alliance:trilateral'] })
  const event = {
    EventID: 4688,
    Channel: 'Security',
    EventTime: new Date().toISOString(),
    NewProcessName: 'C:\\Windows\\netsh.exe',
    CommandLine: 'netsh interface portproxy add v4tov4',
    '@timestamp': new Date().toISOString(),
  }
  await until('the rule fires', async () =>
    (await telemetry(world, 'us-cisa', [event])).hits.some(({ rule: id }) => id === rule.id),
  )
  await publish(world, 'jp-nco', [{ ...rule, revoked: true, modified: '2026-03-01T00:00:00.000Z' }], {
    tlp: 'green',
    to: ['alliance:trilateral'],
  })
  await until('the rule is out', async () => (await telemetry(world, 'us-cisa', [event])).hits.length === 0)
})

test('a recall takes the object and its detection away and is acknowledged', async () => {
  await using world = await openWorld(TWO)
  const signal = indicator('198.51.100.21')
  await publish(world, 'jp-nco', [signal], { tlp: 'amber' })
  await until('armed', async () => (await telemetry(world, 'us-cisa', [connection('198.51.100.21')])).hits.length === 1)
  const recalled = await ask(world, 'jp-nco', '/api/v1/recall', {
    method: 'POST',
    body: JSON.stringify({ id: signal.id, reason: 'error' }),
    headers: { 'content-type': 'application/json' },
  })
  assert.equal(recalled.status, 200, await recalled.clone().text())
  assert.equal(await holds(world, 'jp-nco', signal.id), false)
  await until('gone at the other', async () => !(await holds(world, 'us-cisa', signal.id)))
  await until(
    'disarmed',
    async () => (await telemetry(world, 'us-cisa', [connection('198.51.100.21')])).hits.length === 0,
  )
  assert.equal((await telemetry(world, 'jp-nco', [connection('198.51.100.21')])).hits.length, 0, 'and at its author')
  await until('acknowledged', async () =>
    (await journal<{ acknowledged?: boolean }>(world, 'jp-nco', 'recalls')).some(({ acknowledged }) => acknowledged),
  )
})

test('a node that was away catches up, and is armed again from its store after a restart', async () => {
  await using world = await openWorld(TWO)
  await publish(world, 'jp-nco', [indicator('198.51.100.22')], { tlp: 'amber' })
  await until('armed', async () => (await telemetry(world, 'us-cisa', [connection('198.51.100.22')])).hits.length === 1)
  await world.stop('us-cisa')
  await publish(world, 'jp-nco', [indicator('198.51.100.23')], { tlp: 'amber' })
  await world.restart('us-cisa')
  assert.equal(
    (await telemetry(world, 'us-cisa', [connection('198.51.100.22')])).hits.length,
    1,
    'armed from the store, before any peer answers',
  )
  await until(
    'caught up',
    async () => (await telemetry(world, 'us-cisa', [connection('198.51.100.23')])).hits.length === 1,
  )
  for (const slug of ['jp-nco', 'us-cisa']) {
    await world.stop(slug)
    const report = await fsckDirectory(world.dir(slug))
    assert.deepEqual(report.faults, [])
  }
})

test('a dead member delays nobody', async () => {
  await using world = await openWorld({ alliances: { trilateral: ['jp-nco', 'us-cisa', 'ph-ncert'] } })
  await until('linked', () =>
    world
      .node('jp-nco')
      .federation.links()
      .every(({ state }) => state === 'up'),
  )
  await world.stop('ph-ncert')
  const started = Date.now()
  const signal = indicator('198.51.100.24')
  await publish(world, 'jp-nco', [signal], { tlp: 'amber' })
  await until('mirrored', () => holds(world, 'us-cisa', signal.id), 5_000)
  assert.ok(Date.now() - started < 5_000)
  await until('seen as down', () =>
    world
      .node('jp-nco')
      .federation.links()
      .some(({ slug, state }) => slug === 'ph-ncert' && state !== 'up'),
  )
  await world.restart('ph-ncert')
  await until('the late one has it too', () => holds(world, 'ph-ncert', signal.id))
})

test('a RED signal reaches its participant alone and arms nowhere', async () => {
  await using world = await openWorld({ alliances: { trilateral: ['jp-nco', 'us-cisa', 'ph-ncert'] } })
  const red = indicator('198.51.100.25')
  const after = indicator('198.51.100.26')
  await publish(world, 'jp-nco', [red], { tlp: 'red', to: ['member:us-cisa'] })
  await publish(world, 'jp-nco', [after], { tlp: 'amber' })
  await until('the participant has it', () => holds(world, 'us-cisa', red.id))
  await until('the other has what came later', () => holds(world, 'ph-ncert', after.id))
  assert.equal(await holds(world, 'ph-ncert', red.id), false)
  for (const slug of ['jp-nco', 'us-cisa', 'ph-ncert'])
    assert.equal((await telemetry(world, slug, [connection('198.51.100.25')])).hits.length, 0, slug)
})

test('an object of another member is not published in its name', async () => {
  await using world = await openWorld(TWO)
  const { members } = (await (await ask(world, 'jp-nco', '/api/v1/members')).json()) as {
    members: { slug: string; member: string }[]
  }
  const us = members.find(({ slug }) => slug === 'us-cisa')?.member
  const { published, refused } = await publish(world, 'jp-nco', [indicator('198.51.100.27', { created_by_ref: us })], {
    tlp: 'amber',
  })
  assert.deepEqual(published, [])
  assert.deepEqual(
    refused.map(({ code }) => code),
    ['NOT_OWNER'],
  )
})

test('an embargo ends at its instant, also where the node was restarted in between', async () => {
  await using world = await openWorld(TWO)
  const embargo = {
    type: 'marking-definition',
    spec_version: '2.1',
    id: 'marking-definition--00000000-0000-4000-8000-0000000000e1',
    created: '2026-01-01T00:00:00.000Z',
    extensions: {
      [NOROSHI_EXTENSION]: {
        extension_type: 'property-extension',
        embargo_until: new Date(Date.now() + 4_000).toISOString(),
      },
    },
  }
  const signal = indicator('198.51.100.28', { object_marking_refs: [embargo.id] })
  const { refused } = await publish(world, 'jp-nco', [embargo, signal], { tlp: 'amber', to: ['alliance:trilateral'] })
  assert.deepEqual(refused, [])
  await world.restart('jp-nco')
  await until('linked', () =>
    world
      .node('us-cisa')
      .federation.links()
      .every(({ state }) => state === 'up'),
  )
  assert.equal(await holds(world, 'us-cisa', signal.id), false, 'before')
  await until('after', () => holds(world, 'us-cisa', signal.id), 15_000)
})
