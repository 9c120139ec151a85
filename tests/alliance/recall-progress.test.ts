// A recall is followed until the last member has acknowledged: over restarts of its author and of its recipients.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noroshi } from '../cli/command-line.ts'
import { ask, holds, indicator, openWorld, publish, until, type World } from './world.ts'

const AMBER = { tlp: 'amber', to: ['alliance:pacific'] }

interface Progress {
  recalled: object[]
  silent: string[]
  members: { slug: string; received: boolean; acknowledged: number | null; late: boolean }[]
}

test('the wait names who is missing, outlives restarts of both sides, and ends with the last acknowledgement', async () => {
  await using world = await openWorld({ alliances: { pacific: ['jp', 'us', 'ph', 'th'] } })
  await world.stop('th')
  const object = indicator('198.51.100.1')
  await publish(world, 'jp', [object], AMBER)
  for (const slug of ['us', 'ph']) await until(slug, () => holds(world, slug, object.id))
  await until('ph proved it', async () => (await world.node('jp').federation.receipts()).length >= 2)
  await world.stop('ph')

  const short = await follow(world, object.id, '2')
  assert.equal(short.code, 1)
  const [first] = short.json() as unknown as [Progress]
  assert.deepEqual(first.silent, ['ph', 'th'])
  assert.deepEqual(
    first.members.map(({ slug, received, acknowledged }) => [slug, received, acknowledged !== null]),
    [
      ['ph', true, false],
      ['th', false, false],
      ['us', true, true],
    ],
  )
  const words = await noroshi(['recall', object.id, '--dir', world.dir('jp'), '--wait', '0'])
  assert.match(words.stdout, /was recalled before\.\nNot acknowledged by ph, th\./)
  assert.match(words.stdout, /ph.*: proved that it received it; link/)
  assert.match(words.stdout, /th.*: no receipt of it; link/)

  const before = await looks(world)
  const following = follow(world, object.id)
  await until('it is followed', async () => (await looks(world)) > before)
  await world.restart('jp')
  await world.restart('ph')
  await until('ph took it out', async () => !(await holds(world, 'ph', object.id)))
  await world.restart('th')
  const ended = await following
  assert.equal(ended.code, 0, ended.stdout + ended.stderr)
  const [last] = ended.json() as unknown as [Progress]
  assert.deepEqual([last.recalled, last.silent], [[], []])
  assert.equal(last.members.length, 3)
})

test('what this node never published is not waited for', async () => {
  await using world = await openWorld({ alliances: { pacific: ['jp', 'us'] } })
  const ran = await noroshi(['recall', indicator('198.51.100.1').id, '--dir', world.dir('jp'), '--wait', '1'])
  assert.equal(ran.code, 2)
  assert.match(ran.stderr, /published no such object/)
})

/** How often somebody looked who has acknowledged, as the node counts requests. */
async function looks(world: World): Promise<number> {
  const text = await (await ask(world, 'jp', '/metrics')).text()
  const lines = text.split('\n').filter((line) => line.includes('_count{') && line.includes('/standing"'))
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

const follow = (world: World, id: string, seconds?: string) =>
  noroshi(['recall', id, '--dir', world.dir('jp'), '--json', '--wait', ...(seconds === undefined ? [] : [seconds])])
