// A node comes back from an old backup: what it published since is with its allies alone, and it must not contradict itself.
import assert from 'node:assert/strict'
import { cp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { backUp, fsckDirectory, restoreBackup } from '#node'
import { ask, holds, indicator, journal, openWorld, publish, until, type World } from './world.ts'

const AMBER = { tlp: 'amber', to: ['alliance:pacific'] }
/** Version, kind, salt, time and length of an entry. */
const HEADER_BYTES = 1 + 1 + 32 + 8 + 4
const MEMBERS = ['jp', 'us', 'ph'] as const

test('a node restored from an old backup gets back what its allies hold, goes on in a new log, and nobody sees a fork', async () => {
  await using world = await openWorld({ alliances: { pacific: MEMBERS } })
  const before = await shared(world, indicator('198.51.100.1'), MEMBERS)
  const gone = await shared(world, indicator('198.51.100.6'), MEMBERS)
  const backup = join(world.path, 'jp.backup')
  await backUp({ dir: world.dir('jp'), out: backup, withKeys: true, now: Date.now() })

  const after = await shared(world, indicator('198.51.100.2'), MEMBERS)
  const narrow = indicator('198.51.100.3')
  await publish(world, 'jp', [narrow], { tlp: 'amber', to: ['member:us'] })
  await until('us holds what only it may see', () => holds(world, 'us', narrow.id))
  const recalled = await shared(world, indicator('198.51.100.4'), MEMBERS)
  await recall(world, 'jp', recalled.id)
  await recall(world, 'jp', gone.id)
  await until(
    'us took them out',
    async () => !(await holds(world, 'us', recalled.id)) && !(await holds(world, 'us', gone.id)),
  )

  await restored(world, 'jp', backup)
  await until('jp is ready', async () => (await ask(world, 'jp', '/readyz')).status === 200)
  for (const { id } of [before, after, narrow]) assert.ok(await holds(world, 'jp', id), 'jp has back what it published')
  for (const { id } of [recalled, gone])
    assert.equal(await holds(world, 'jp', id), false, 'what was recalled since the backup stays recalled')

  const next = await shared(world, indicator('198.51.100.5'), MEMBERS)
  const newer = { ...after, modified: '2026-02-01T00:00:00.000Z', name: 'a newer version' }
  await publish(world, 'jp', [newer], AMBER)
  await until('the newer version is everywhere', async () =>
    (await Promise.all(MEMBERS.map((slug) => nameOf(world, slug, after.id)))).every((name) => name === newer.name),
  )
  await publish(world, 'jp', [{ ...narrow, modified: '2026-02-01T00:00:00.000Z', revoked: true }], {
    tlp: 'amber',
    to: ['member:us'],
  })
  await until('the revocation is with us', async () => (await objectOf(world, 'us', narrow.id))?.['revoked'] === true)

  const logs = await world.node('jp').store.logs({ own: true })
  const old = logs.filter(({ superseded }) => superseded)
  assert.equal(old.length, 2, 'both logs that had grown were left as they are')
  const genesis = await Promise.all(logs.filter(({ closed }) => !closed).map(({ log }) => genesisOf(world, log)))
  for (const { log, size, root } of old)
    assert.ok(
      genesis.some(({ previous }) => JSON.stringify(previous) === JSON.stringify({ log, root, size })),
      'a new incarnation names the last head of the one before',
    )
  await assertSound(
    world,
    [before, after, next].map(({ id }) => id),
  )
})

test('while a restored node asks, it says so and publishes nothing; without an answer it goes on in new logs', async () => {
  await using world = await openWorld({ alliances: { pacific: MEMBERS } })
  const before = await shared(world, indicator('198.51.100.1'), MEMBERS)
  const backup = join(world.path, 'jp.backup')
  await backUp({ dir: world.dir('jp'), out: backup, withKeys: true, now: Date.now() })
  const lost = await shared(world, indicator('198.51.100.2'), MEMBERS)
  await world.stop('us')
  await world.stop('ph')
  await restored(world, 'jp', backup)
  const readyz = await ask(world, 'jp', '/readyz')
  assert.equal(readyz.status, 503)
  assert.match(((await readyz.json()) as { reason: string }).reason, /Restored from a backup: asking peers/)
  const status = (await (await ask(world, 'jp', '/api/v1/status')).json()) as { notSigning?: string }
  assert.match(status.notSigning ?? '', /nothing is signed/)
  const refused = await ask(world, 'jp', '/api/v1/publish', {
    method: 'POST',
    body: JSON.stringify({ objects: [indicator('198.51.100.9')], ...AMBER }),
    headers: { 'content-type': 'application/json' },
  })
  assert.equal(refused.status, 503)
  assert.match(await refused.text(), /asking peers/)

  await until('jp has waited long enough', async () => (await ask(world, 'jp', '/readyz')).status === 200, 60_000)
  const next = indicator('198.51.100.3')
  await publish(world, 'jp', [next], AMBER)
  await world.restart('us')
  await world.restart('ph')
  for (const slug of MEMBERS) {
    await until(`${slug} holds what was published after`, () => holds(world, slug, next.id))
    await until(`${slug} holds what was lost`, () => holds(world, slug, lost.id))
  }
  await assertSound(
    world,
    [before, lost, next].map(({ id }) => id),
  )
})

test('a copied data directory is noticed at the start, before it signs anything', async () => {
  await using world = await openWorld({ alliances: { pacific: MEMBERS } })
  const before = await shared(world, indicator('198.51.100.1'), MEMBERS)
  const copy = join(world.path, 'copy')
  await world.stop('jp')
  await cp(world.dir('jp'), copy, { recursive: true })
  await world.restart('jp')
  const after = await shared(world, indicator('198.51.100.2'), MEMBERS)
  await world.stop('jp')
  await rm(world.dir('jp'), { recursive: true })
  await rename(copy, world.dir('jp'))

  await world.restart('jp')
  const next = await shared(world, indicator('198.51.100.3'), MEMBERS)
  assert.ok(await holds(world, 'jp', after.id))
  await assertSound(
    world,
    [before, after, next].map(({ id }) => id),
  )
})

test('an ordinary start goes on in the same logs', async () => {
  await using world = await openWorld({ alliances: { pacific: MEMBERS } })
  await shared(world, indicator('198.51.100.1'), MEMBERS)
  const logs = await world.node('jp').store.logs({ own: true })
  await world.restart('jp')
  const next = await shared(world, indicator('198.51.100.2'), MEMBERS)
  const again = await world.node('jp').store.logs({ own: true })
  assert.deepEqual(
    again.map(({ log }) => log),
    logs.map(({ log }) => log),
  )
  await assertSound(world, [next.id])
})

/** Publishes at jp, and waits until everybody holds it. */
async function shared<T extends { id: string }>(world: World, object: T, slugs: readonly string[]): Promise<T> {
  await publish(world, 'jp', [object], AMBER)
  for (const slug of slugs) await until(`${slug} holds ${object.id}`, () => holds(world, slug, object.id))
  return object
}

async function recall(world: World, slug: string, id: string): Promise<void> {
  const response = await ask(world, slug, '/api/v1/recall', {
    method: 'POST',
    body: JSON.stringify({ id, reason: 'error' }),
    headers: { 'content-type': 'application/json' },
  })
  assert.ok(response.ok, await response.text())
}

/** The machine is lost; its backup takes its place. */
async function restored(world: World, slug: string, file: string): Promise<void> {
  await world.stop(slug)
  await rm(world.dir(slug), { recursive: true })
  await restoreBackup({ file, dir: world.dir(slug), now: Date.now() })
  await world.restart(slug)
}

async function objectOf(world: World, slug: string, id: string): Promise<Record<string, unknown> | undefined> {
  const response = await ask(world, slug, `/api/v1/objects/${id}`)
  if (!response.ok) return undefined
  const { versions } = (await response.json()) as { versions: { object: Record<string, unknown> }[] }
  return versions[0]?.object
}

const nameOf = async (world: World, slug: string, id: string) => (await objectOf(world, slug, id))?.['name']

async function genesisOf(world: World, log: string): Promise<{ previous: unknown }> {
  const [entry] = await world.node('jp').store.entries(log, 0, 1)
  const payload = Buffer.from(entry?.bytes ?? []).subarray(HEADER_BYTES)
  return JSON.parse(payload.toString()) as { previous: unknown }
}

/** Everybody entitled has everything, nobody was alarmed, and everything on disk verifies. */
async function assertSound(world: World, ids: readonly string[]): Promise<void> {
  await sleep(500)
  for (const slug of MEMBERS) {
    for (const id of ids) assert.ok(await holds(world, slug, id), `${slug} holds ${id}`)
    const alarms = await journal<{ kind: string; message: string }>(world, slug, 'alarms')
    assert.deepEqual(
      alarms.filter(({ kind }) => kind !== 'stale'),
      [],
      `${slug} was alarmed`,
    )
    await world.stop(slug)
    const report = await fsckDirectory(world.dir(slug))
    assert.deepEqual(report.faults, [], `fsck of ${slug}`)
  }
}
