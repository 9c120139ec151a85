// An object goes to whom a grant names, as long as it says, through the command and over links; nobody else gets it by that.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { clientIdOf } from '#log'
import { noroshi } from '../cli/command-line.ts'
import { ask, holds, indicator, openWorld, publish, until, type World } from './world.ts'

const ALLIANCES = { trilateral: ['jp', 'us'], 'asean-japan': ['jp', 'th'] }
const ENV = { NOROSHI_PASSPHRASE: 'noroshi demo' }
const DAY_MS = 86_400_000

interface Granted {
  grants: { id: string; log: string; index: number; state: string; version?: string; to: { slug: string }[] }[]
}

test('a grant of an AMBER version: the named member holds it and proves it, nobody else does, a new version takes it back', async () => {
  await using world = await openWorld({ alliances: ALLIANCES })
  const first = indicator('198.51.100.1')
  await publish(world, 'jp', [first], { tlp: 'amber', to: ['member:us'] })
  await until('us holds it', () => holds(world, 'us', first.id))
  assert.equal(await holds(world, 'th', first.id), false)

  const ran = await grant(world, first.id, 'th')
  assert.equal(ran.code, 0, ran.stderr)
  assert.match(ran.stdout, /to th, without an end/)
  assert.match(ran.stdout, /It covers the version of .* alone/)
  await until('th holds it', () => holds(world, 'th', first.id))
  await until('th proved it, and who says so', async () =>
    /th\s+holds it, proved/.test((await cli(world, 'who', first.id)).stdout),
  )
  const { grants } = await list(world)
  assert.deepEqual(
    grants.map(({ state, version, to }) => ({ state, version, to: to.map(({ slug }) => slug) })),
    [{ state: 'in-force', version: first['modified'], to: ['th'] }],
  )
  const shown = (await (await ask(world, 'th', `/api/v1/objects/${first.id}`)).json()) as {
    versions: { granted?: { by: string; until: number | null; holds: boolean } }[]
  }
  const { by, until: ends, holds: isProved } = shown.versions[0]?.granted ?? assert.fail('th is not told of the grant')
  assert.deepEqual([by, ends, isProved], [world.node('jp').config.member, null, true])
  const us = world.node('us')
  assert.equal(await us.store.log(grants[0]?.log ?? ''), undefined, 'the log for grantees is no other member’s')

  const second = later(first)
  await publish(world, 'jp', [second], { tlp: 'amber', to: ['member:us'] })
  await until('us holds the new version', async () => (await versions(world, 'us', first.id)).includes(second.modified))
  await until('th holds none any more', async () => !(await holds(world, 'th', first.id)))
  assert.equal((await list(world)).grants[0]?.state, 'taken-back')
})

test('a grant of a GREEN object covers its later versions, until one is stricter; a recall of the object reaches it', async () => {
  await using world = await openWorld({ alliances: ALLIANCES })
  const first = indicator('198.51.100.2')
  const to = { tlp: 'green', to: ['alliance:trilateral'] }
  await publish(world, 'jp', [first], to)
  assert.equal((await grant(world, first.id, 'th')).code, 0)
  await until('th holds it', () => holds(world, 'th', first.id))
  const second = later(first)
  await publish(world, 'jp', [second], to)
  await until('th holds the new version', async () => (await versions(world, 'th', first.id)).includes(second.modified))
  const third = later(second)
  await publish(world, 'jp', [third], { tlp: 'amber', to: ['member:us'] })
  await until('us holds the stricter one', async () => (await versions(world, 'us', first.id)).includes(third.modified))
  await until('th holds none', async () => !(await holds(world, 'th', first.id)))
  const fourth = later(third)
  await publish(world, 'jp', [fourth], to)
  await until('th holds what is GREEN again', () => holds(world, 'th', first.id))

  assert.equal((await cli(world, 'recall', first.id)).code, 0)
  await until('th dropped it', async () => !(await holds(world, 'th', first.id)))
  await until('th acknowledged', async () => /th\s+acknowledged/.test((await cli(world, 'who', first.id)).stdout))
})

test('from its instant on a grant gives nothing: not here, not by what comes later, and the grantee drops its copy', async () => {
  let shift = 0
  await using world = await openWorld({ alliances: ALLIANCES, now: () => Date.now() + shift })
  const object = indicator('198.51.100.3')
  await publish(world, 'jp', [object], { tlp: 'green', to: ['alliance:trilateral'] })
  const ends = Date.now() + DAY_MS
  const ran = await grant(world, object.id, 'th', '--until', new Date(ends).toISOString())
  assert.equal(ran.code, 0, ran.stderr)
  await until('th holds it', () => holds(world, 'th', object.id))
  const { log, index } = (await list(world)).grants[0] ?? { log: '', index: 0 }

  shift = DAY_MS
  await until('it is over', () => Date.now() + shift >= ends)
  // The first read after the instant, before any timer.
  const [frame] = await world.node('jp').store.frames(log, index, index + 1)
  assert.ok(frame && 'leaf' in frame, 'nothing but its leaf is served')
  assert.equal((await list(world)).grants[0]?.state, 'expired')
  await until('th dropped it', async () => !(await holds(world, 'th', object.id)))
  assert.ok(await holds(world, 'us', object.id))
  const next = later(object)
  await publish(world, 'jp', [next], { tlp: 'green', to: ['alliance:trilateral'] })
  await until('us holds the new version', async () => (await versions(world, 'us', object.id)).includes(next.modified))
  assert.equal(await holds(world, 'th', object.id), false)
  await world.restart('jp')
  assert.equal((await list(world)).grants[0]?.state, 'expired')
})

test('a grant that is ended takes its copy back; the object stays with everybody else, and can be granted again', async () => {
  await using world = await openWorld({ alliances: ALLIANCES })
  const object = indicator('198.51.100.4')
  await publish(world, 'jp', [object], { tlp: 'amber', to: ['member:us'] })
  assert.equal((await grant(world, object.id, 'th')).code, 0)
  await until('th holds it', () => holds(world, 'th', object.id))
  const { id } = (await list(world)).grants[0]!
  const ended = await cli(world, 'grant', 'end', id.slice(0, 12))
  assert.equal(ended.code, 0, ended.stderr)
  assert.match(ended.stdout, /Recalled 1 copy/)
  await until('th dropped it', async () => !(await holds(world, 'th', object.id)))
  assert.ok(await holds(world, 'us', object.id))
  assert.ok(await holds(world, 'jp', object.id))
  assert.match((await cli(world, 'grant', 'end', id.slice(0, 12))).stderr, /has ended already/)
  assert.equal((await grant(world, object.id, 'th')).code, 0)
  await until('th holds it again', () => holds(world, 'th', object.id))
})

test('whoever may not be granted an object is refused by name, with what to do', async () => {
  await using world = await openWorld({ alliances: ALLIANCES })
  const object = indicator('198.51.100.5')
  const bound = indicator('198.51.100.6')
  await publish(world, 'jp', [object], { tlp: 'amber', to: ['member:us'] })
  await publish(world, 'jp', [bound], { tlp: 'amber', to: ['alliance:trilateral'] })
  const said = async (id: string, to: string, ...more: string[]) => {
    const ran = await grant(world, id, to, ...more)
    assert.equal(ran.code, 2, ran.stdout)
    return ran.stderr
  }
  assert.match(await said(object.id, 'nobody'), /No charter names an organisation "nobody"/)
  assert.match(await said(object.id, 'jp'), /this node's own organisation/)
  assert.match(await said(object.id, 'alliance:asean-japan'), /names organisations one by one/)
  assert.match(await said(object.id, 'us'), /us may have it without a grant.*DIST_LIST/)
  assert.match(await said(bound.id, 'th'), /th: .*REL_ALLIANCE/)
  assert.match(await said(`indicator--${randomUUID()}`, 'th'), /This node published no/)
  assert.match(await said(object.id, 'th', '--until', '2020-01-01T00:00:00Z'), /this instant is over/)
  assert.match(await said(object.id, 'th', '--version', '2020-01-01T00:00:00Z'), /The version in use/)
  assert.match(await said(object.id, 'th', '--version', 'the first'), /version: the "modified" of a version/)
  await until('us holds it', () => holds(world, 'us', object.id))
  const foreign = await noroshi(['grant', object.id, '--to', 'jp', '--dir', world.dir('us')], { env: ENV })
  assert.match(foreign.stderr, /jp published .* only its source grants it/)
  assert.deepEqual((await list(world)).grants, [])
})

test('a hosted client reads what it is granted by every way out of its provider’s node, up to the instant', async () => {
  let shift = 0
  const bank = { id: clientIdOf('identity--00000000-0000-4000-8000-000000000000', 'jp-bank'), slug: 'jp-bank' }
  await using world = await openWorld({
    alliances: ALLIANCES,
    clients: { jp: [{ ...bank, name: 'Bank', nation: 'JP', kind: 'company', sectors: [] }] as never },
    now: () => Date.now() + shift,
  })
  const object = indicator('198.51.100.7')
  await publish(world, 'jp', [object], { tlp: 'amber+strict' })
  const [made] = (await cli(world, 'token', 'create', 'bank', '--scope', 'read', '--org', 'jp-bank', '--json')).json()
  const token = String(made?.['text'])
  const before = await waysOf(world, object.id, token)
  const ends = Date.now() + DAY_MS
  const ran = await grant(world, object.id, 'jp-bank', '--until', new Date(ends).toISOString())
  assert.equal(ran.code, 0, ran.stderr)
  assert.match(ran.stdout, /jp-bank has no node: it reads the copy here/)
  const granted = await waysOf(world, object.id, token)
  for (const way of Object.keys(before)) assert.notEqual(granted[way], before[way], way)
  shift = DAY_MS
  await until('it is over', () => Date.now() + shift >= ends)
  // Each way is the first that asks after its instant: the others were answered by the state before.
  assert.deepEqual(await waysOf(world, object.id, token), before, 'as if it had never been granted')
  assert.ok(await holds(world, 'us', object.id))
})

/** What a reader is answered, by way out: everything that could tell of an object. */
async function waysOf(world: World, id: string, token: string): Promise<Record<string, string>> {
  const taxii = { accept: 'application/taxii+json;version=2.1' }
  const answer = (path: string, headers: Record<string, string> = {}) => ask(world, 'jp', path, { token, headers })
  // Ids of bundles and cursors are new at each answer.
  const text = async (path: string, headers?: Record<string, string>) => {
    const response = await answer(path, headers)
    return `${response.status} ${(await response.text()).replace(/"id":"bundle--[^"]*"|"next":"[^"]*"/g, '')}`
  }
  const { api_roots: roots } = (await (await answer('/taxii2/', taxii)).json()) as { api_roots: string[] }
  const root = new URL(roots[0] ?? '').pathname
  const { collections } = (await (await answer(`${root}collections/`, taxii)).json()) as {
    collections: { id: string }[]
  }
  const inTaxii = await Promise.all(collections.map((one) => text(`${root}collections/${one.id}/objects/`, taxii)))
  return {
    objects: await text('/api/v1/objects'),
    bundle: await text('/api/v1/objects', { accept: 'application/stix+json' }),
    object: await text(`/api/v1/objects/${id}`),
    latest: await text('/api/v1/objects?versions=latest'),
    counts: await text('/api/v1/counts'),
    // An emptied collection stays, as after a recall.
    taxii: [...new Set(inTaxii)].sort().join('\n'),
  }
}

const grant = (world: World, id: string, to: string, ...more: string[]) => cli(world, 'grant', id, '--to', to, ...more)
const cli = (world: World, ...args: string[]) => noroshi([...args, '--dir', world.dir('jp')], { env: ENV })
const list = async (world: World) => (await (await ask(world, 'jp', '/api/v1/grants')).json()) as Granted

const later = (object: { id: string; modified?: unknown }) => ({
  ...object,
  modified: new Date(Date.parse(String(object.modified)) + 1_000).toISOString(),
})

async function versions(world: World, slug: string, id: string): Promise<string[]> {
  const { versions: rows = [] } = (await (await ask(world, slug, `/api/v1/objects/${id}`)).json()) as {
    versions?: { object: { modified: string } }[]
  }
  return rows.map(({ object }) => object.modified)
}
