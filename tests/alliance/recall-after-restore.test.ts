// A log that ended with a restore takes no entries; what stands in it is recalled, and expires, all the same.
import assert from 'node:assert/strict'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { noroshi } from '../cli/command-line.ts'
import { backUp, fsckDirectory, restoreBackup } from '#node'
import {
  ask,
  connection,
  holds,
  indicator,
  journal,
  openWorld,
  publish,
  telemetry,
  until,
  type World,
} from './world.ts'

const DAY_MS = 86_400_000
const SETTLED_MS = 130_000
const AMBER = { tlp: 'amber', to: ['alliance:pacific'] }
const MEMBERS = ['jp', 'us', 'ph'] as const
const CANARY = 'canary-91c4e7'

test('what stands in a log that ended with a restore is recalled: at whoever holds it, at whoever comes later, and after the next restore', async () => {
  let shift = 0
  await using world = await openWorld({ alliances: { pacific: MEMBERS }, now: () => Date.now() + shift })
  // Nobody asks whom nobody can reach.
  await world.node('jp').federation.removeLink('ph')
  await world.stop('ph')
  const marked = indicator('198.51.100.1', { name: CANARY })
  const plain = indicator('198.51.100.2')
  const kept = indicator('198.51.100.3')
  await publish(world, 'jp', [marked, plain, kept], AMBER)
  for (const { id } of [marked, plain, kept]) await until('us holds it', () => holds(world, 'us', id))
  await until('us armed it', async () => (await telemetry(world, 'us', [connection('198.51.100.1')])).hits.length > 0)
  const backup = join(world.path, 'jp.backup')
  await backUp({ dir: world.dir('jp'), out: backup, withKeys: true, now: Date.now() })
  await shared(world, indicator('198.51.100.4'), ['us'])

  await restored(world, backup)
  const ended = (await world.node('jp').store.logs({ own: true })).find(({ superseded }) => superseded)
  assert.ok(ended)
  const ran = await noroshi([
    'recall',
    marked.id,
    '--dir',
    world.dir('jp'),
    '--reason',
    'personal-data',
    '--wait',
    '1',
    '--json',
  ])
  const [answer] = ran.json() as unknown as [{ recalled: { log: string }[] }]
  assert.equal(answer.recalled[0]?.log, ended.log)
  await recall(world, plain.id)
  await until(
    'us took both out',
    async () => !(await holds(world, 'us', marked.id)) && !(await holds(world, 'us', plain.id)),
  )
  await until(
    'us disarmed it',
    async () => (await telemetry(world, 'us', [connection('198.51.100.1')])).hits.length === 0,
  )
  await until('us acknowledged', async () => (await acknowledged(world, marked.id)).includes('us'))
  for (const slug of ['jp', 'us'])
    await until(`${slug} has no byte of it`, async () => (await filesWith(world, slug)).length === 0)
  assert.ok(await holds(world, 'us', kept.id), 'the rest stays')

  // Ended logs are offered once nothing that peers hold of them can be on its way any more.
  shift = SETTLED_MS
  for (const slug of MEMBERS) await world.restart(slug)
  await until('ph holds the rest', () => holds(world, 'ph', kept.id))
  await until('ph acknowledged as well', async () => (await acknowledged(world, marked.id)).includes('ph'))
  assert.equal(await holds(world, 'ph', marked.id), false)
  assert.deepEqual(await filesWith(world, 'ph'), [])

  // The old backup holds what was taken back; the statement that took it back comes home from the peers.
  await restored(world, backup)
  for (const { id } of [marked, plain]) await until('it stays recalled', async () => !(await holds(world, 'jp', id)))
  assert.ok(await holds(world, 'jp', kept.id))
  const next = indicator('198.51.100.5')
  await shared(world, next, MEMBERS)
  for (const slug of MEMBERS) {
    await until(`${slug} has no byte of it`, async () => (await filesWith(world, slug)).length === 0)
    const alarms = await journal<{ kind: string; message: string }>(world, slug, 'alarms')
    assert.deepEqual(
      alarms.filter(({ kind }) => kind !== 'stale'),
      [],
      slug,
    )
    await world.stop(slug)
    assert.deepEqual((await fsckDirectory(world.dir(slug))).faults, [], slug)
  }
})

test('retention ends what stands in a log that ended with a restore', async () => {
  let shift = 0
  await using world = await openWorld({ alliances: { pacific: ['jp', 'us'] }, now: () => Date.now() + shift })
  const old = indicator('198.51.100.1', { name: CANARY })
  await publish(world, 'jp', [old], AMBER)
  await until('us holds it', () => holds(world, 'us', old.id))
  const backup = join(world.path, 'jp.backup')
  await backUp({ dir: world.dir('jp'), out: backup, withKeys: true, now: Date.now() })
  await shared(world, indicator('198.51.100.4'), ['us'])
  await restored(world, backup)
  shift = 3 * DAY_MS
  await world.restart('us')
  await world.restart('jp')
  const young = indicator('198.51.100.5')
  await shared(world, young, ['us'])
  const set = await noroshi(['retention', 'set', '--tlp', 'amber', '--days', '2', '--dir', world.dir('jp')])
  assert.match(set.stdout, /^Set\. 2 objects of amber/, set.stderr)
  for (const slug of ['jp', 'us']) {
    await until(`${slug} let it go`, async () => !(await holds(world, slug, old.id)))
    await until(`${slug} has no byte of it`, async () => (await filesWith(world, slug)).length === 0)
    assert.ok(await holds(world, slug, young.id))
    await world.stop(slug)
    assert.deepEqual((await fsckDirectory(world.dir(slug))).faults, [], slug)
  }
})

async function shared<T extends { id: string }>(world: World, object: T, slugs: readonly string[]): Promise<T> {
  await publish(world, 'jp', [object], AMBER)
  for (const slug of slugs) await until(`${slug} holds ${object.id}`, () => holds(world, slug, object.id))
  return object
}

async function recall(world: World, id: string): Promise<void> {
  const response = await ask(world, 'jp', '/api/v1/recall', {
    method: 'POST',
    body: JSON.stringify({ id, reason: 'error' }),
    headers: { 'content-type': 'application/json' },
  })
  assert.ok(response.ok, await response.text())
}

/** jp's machine is lost; its backup takes its place. */
async function restored(world: World, file: string): Promise<void> {
  await world.stop('jp')
  await rm(world.dir('jp'), { recursive: true })
  await restoreBackup({ file, dir: world.dir('jp'), now: Date.now() })
  await world.restart('jp')
  await until('jp is ready', async () => (await ask(world, 'jp', '/readyz')).status === 200, 60_000)
}

async function acknowledged(world: World, id: string): Promise<string[]> {
  const { standing } = (await (await ask(world, 'jp', `/api/v1/objects/${id}/standing`)).json()) as {
    standing: { recall?: { acknowledged: { slug: string; purged: number | null }[] } }[]
  }
  return standing.flatMap(({ recall: of }) => of?.acknowledged.map(({ slug }) => slug) ?? [])
}

/** Files of a node's folder that hold the canary. */
async function filesWith(world: World, slug: string): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir(world.dir(slug), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const bytes = await readFile(join(entry.parentPath, entry.name))
    if (bytes.includes(CANARY)) found.push(entry.name)
  }
  return found
}
