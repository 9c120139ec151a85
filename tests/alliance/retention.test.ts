// Retention by level: what is older than its level's rule ends at its author and at every recipient, in files as well.
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fsckDirectory } from '#node'
import { noroshi } from '../cli/command-line.ts'
import { connection, holds, indicator, journal, openWorld, publish, telemetry, until, type World } from './world.ts'

const DAY_MS = 86_400_000
const CANARY = 'canary-c0ffee'
const TO = { to: ['alliance:pacific'] }

test('own objects older than the rule of their level end here and at recipients; younger ones and other levels stay', async () => {
  let shift = 0
  await using world = await openWorld({ alliances: { pacific: ['jp', 'us'] }, now: () => Date.now() + shift })
  const old = indicator('198.51.100.1', { name: CANARY })
  const green = indicator('198.51.100.2')
  await publish(world, 'jp', [old], { tlp: 'amber', ...TO })
  await publish(world, 'jp', [green], { tlp: 'green' })
  const foreign = indicator('198.51.100.3')
  await publish(world, 'us', [foreign], { tlp: 'amber', ...TO })
  for (const { id } of [old, green]) await until('us holds it', () => holds(world, 'us', id))
  await until('jp holds it', () => holds(world, 'jp', foreign.id))
  await until('it is armed', async () => (await telemetry(world, 'us', [connection('198.51.100.1')])).hits.length > 0)

  shift = 3 * DAY_MS
  await world.restart('us')
  await world.restart('jp')
  const young = indicator('198.51.100.4')
  await publish(world, 'jp', [young], { tlp: 'amber', ...TO })
  await until('us holds the young one', () => holds(world, 'us', young.id))
  const dir = ['--dir', world.dir('jp')]
  const dry = await noroshi(['retention', 'set', '--tlp', 'amber', '--days', '2', '--dry-run', ...dir])
  assert.match(dry.stdout, /^1 object of amber .* would end now/, dry.stderr)
  assert.match((await noroshi(['retention', 'list', ...dir])).stdout, /No rules/)
  assert.ok(await holds(world, 'jp', old.id), 'a dry run ends nothing')

  const set = await noroshi(['retention', 'set', '--tlp', 'amber', '--days', '2', ...dir])
  assert.match(set.stdout, /^Set\. 1 object of amber/, set.stderr)
  await until('us purged it', async () => !(await holds(world, 'us', old.id)))
  for (const slug of ['jp', 'us']) {
    assert.equal(await holds(world, slug, old.id), false)
    for (const { id } of [green, young, foreign]) assert.ok(await holds(world, slug, id), `${slug} keeps the rest`)
    await until(`${slug} has no byte of it`, async () => !(await hasBytes(world, slug)))
    await until(`${slug} disarmed it`, async () => {
      const { hits } = await telemetry(world, slug, [connection('198.51.100.1')])
      return hits.length === 0
    })
    const alarms = await journal<{ kind: string }>(world, slug, 'alarms')
    assert.deepEqual(
      alarms.filter(({ kind }) => kind !== 'stale' && kind !== 'clock'),
      [],
    )
  }
  assert.match(
    (await noroshi(['retention', 'set', '--tlp', 'amber', '--days', '2', ...dir])).stdout,
    /^Set\. 0 objects/,
  )
  for (const slug of ['jp', 'us']) {
    await world.stop(slug)
    assert.deepEqual((await fsckDirectory(world.dir(slug))).faults, [], slug)
  }
})

async function hasBytes(world: World, slug: string): Promise<boolean> {
  for (const name of await readdir(world.dir(slug)))
    if (name.startsWith('noroshi.db') && (await readFile(join(world.dir(slug), name))).includes(CANARY)) return true
  return false
}
