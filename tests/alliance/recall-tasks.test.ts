// What a recall can't settle by itself becomes a task: at its author, and at whoever made something of what was recalled.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { test } from 'node:test'
import { noroshi } from '../cli/command-line.ts'
import { ask, holds, indicator, openWorld, publish, until, type World } from './world.ts'

const AMBER = { tlp: 'amber', to: ['alliance:pacific'] }
const HOUR_MS = 3_600_000
/** Less than the object limit of 1 MiB, with room for what else a note holds. */
const LONG_CHARS = 1_000_000
/** A recall takes a moment; what reads a long word again at each letter takes an hour for it. */
const RECALL_MOST_MS = 30_000
const TIMES = { created: '2026-01-01T00:00:00.000Z', modified: '2026-01-01T00:00:00.000Z' }

interface Task {
  id: string
  kind: string
  type?: string
  named: string[]
  recalled: { slug: string; id: string; reason: string }
  done?: number
}

test('a recipient hears of all that it made of what was recalled: reports, copies, embargoes, exports; once, and over a restart', async () => {
  await using world = await openWorld({ alliances: { pacific: ['jp', 'us'] } })
  const object = indicator('198.51.100.1')
  const other = indicator('198.51.100.2')
  await publish(world, 'jp', [object, other], AMBER)
  for (const { id } of [object, other]) await until('us holds it', () => holds(world, 'us', id))
  const note = noteOn(object.id)
  const unrelated = noteOn(other.id)
  await publish(world, 'us', [note, unrelated], AMBER)
  const held = {
    ...noteOn(object.id),
    object_marking_refs: ['marking-definition--11111111-1111-4111-8111-111111111111'],
  }
  const waiting = await publish(
    world,
    'us',
    [embargo('marking-definition--11111111-1111-4111-8111-111111111111'), held],
    AMBER,
  )
  assert.deepEqual(waiting.refused, [])
  const out = (name: string) => ['--out', join(world.path, name), '--dir', world.dir('us')]
  for (const [format, type] of [
    ['csv', 'indicator'],
    ['misp', 'note'],
    ['stix', 'indicator'],
  ] as const)
    assert.equal((await noroshi(['export', '--format', format, '--type', type, ...out(format)])).code, 0, format)

  assert.match((await tell(world, 'us', [])).stdout, /Nothing waits/)
  await recall(world, 'jp', object.id)
  await until('us took it out', async () => !(await holds(world, 'us', object.id)))
  // The stop may come before the look: the start takes it up.
  await world.restart('us')
  await until('the tasks', async () => (await tasksOf(world, 'us')).length >= 3)
  const tasks = await tasksOf(world, 'us')
  const named = (kind: string) => tasks.filter((one) => one.kind === kind).flatMap((one) => one.named)
  assert.deepEqual(named('mention'), [note.id])
  assert.deepEqual(named('embargo'), [held.id])
  assert.deepEqual(
    named('export').map((text) => text.split(' ')[0]),
    ['csv', 'stix'],
    'an export of notes holds no indicator',
  )
  assert.equal(tasks.length, 3)
  for (const { recalled } of tasks) assert.deepEqual([recalled.slug, recalled.id], ['jp', object.id])

  const page = (await (await ask(world, 'us', '/api/v1/situation')).json()) as {
    tasks: { count: number; oldest: Task[] }
  }
  assert.equal(page.tasks.count, 3)
  assert.deepEqual(
    page.tasks.oldest.map(({ id }) => id),
    tasks.map(({ id }) => id),
  )
  const token = (await noroshi(['token', 'create', 'wall', '--scope', 'read', '--dir', world.dir('us')])).stdout.trim()
  const wall = (await (await ask(world, 'us', '/api/v1/situation', { token })).json()) as typeof page
  assert.equal(wall.tasks, null, 'of the operator alone')

  const shown = await tell(world, 'us', [])
  assert.equal(shown.code, 1)
  assert.match(shown.stdout, /jp took back indicator--/)
  assert.match(shown.stdout, /3 tasks to do/)
  await tell(world, 'us', ['--done', ...tasks.map(({ id }) => id)])
  await world.restart('us')
  assert.match((await tell(world, 'us', [])).stdout, /Nothing waits/)
  assert.equal(
    (await tasksOf(world, 'us', '?all=true')).every(({ done }) => done !== undefined),
    true,
  )
  assert.deepEqual(await tasksOf(world, 'jp'), [], 'they are nobody else’s')
})

test('a copy that a recipient published under its own name, and a redacted one, are tasks', async () => {
  await using world = await openWorld({ alliances: { pacific: ['jp', 'us'] } })
  const object = indicator('198.51.100.1', { created_by_ref: `identity--${randomUUID()}` })
  await publish(world, 'jp', [object], AMBER)
  await until('us holds it', () => holds(world, 'us', object.id))
  const red = 'marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1'
  const redacted = {
    ...object,
    description: 'for ourselves',
    granular_markings: [{ marking_ref: red, selectors: ['description'] }],
  }
  const { published, refused } = await publish(world, 'us', [redacted], AMBER)
  assert.deepEqual(refused, [])
  assert.ok(published.some(({ id }) => id !== object.id))
  await recall(world, 'jp', object.id)
  await until('the tasks', async () => (await tasksOf(world, 'us')).length >= 2)
  const tasks = await tasksOf(world, 'us')
  assert.deepEqual(tasks.map(({ kind }) => kind).sort(), ['rendition', 'republication'])
  const ids = new Set(published.map(({ id }) => id))
  assert.deepEqual(new Set(tasks.flatMap(({ named }) => named)), ids)
})

test('what an embargo holds back of a recalled object is never published', async () => {
  let shift = 0
  await using world = await openWorld({ alliances: { pacific: ['jp', 'us'] }, now: () => Date.now() + shift })
  const marking = 'marking-definition--22222222-2222-4222-8222-222222222222'
  const bound = { object_marking_refs: [marking] }
  const [object, other] = [indicator('198.51.100.1', bound), indicator('198.51.100.3', bound)]
  await publish(world, 'jp', [embargo(marking, new Date(Date.now() + HOUR_MS).toISOString()), object, other], AMBER)
  const ran = await noroshi(['recall', object.id, '--dir', world.dir('jp')])
  assert.match(ran.stdout, /Not published: 1 release that an embargo held back/, ran.stderr)
  shift = 2 * HOUR_MS
  await world.restart('us')
  await world.restart('jp')
  await until('us holds the one that was not recalled', () => holds(world, 'us', other.id))
  for (const slug of ['jp', 'us']) assert.equal(await holds(world, slug, object.id), false, slug)
})

test('an own note of one word as long as an object may be does not hold a recall up, and what names the object behind it is found', async () => {
  await using world = await openWorld({ alliances: { pacific: ['jp', 'us'] } })
  const object = indicator('198.51.100.1')
  const long = ['a', '-', 'a-', '--', 'aa--00000000-', 'f0-'].map((unit) => ({
    ...noteOn(`identity--${randomUUID()}`),
    content: unit.repeat(LONG_CHARS / unit.length),
  }))
  const behind = { ...noteOn(`identity--${randomUUID()}`), content: `${'a'.repeat(LONG_CHARS)} ${object.id}` }
  const nextLine = { ...noteOn(`identity--${randomUUID()}`), content: `See\n${object.id}` }
  const another = { ...noteOn(`identity--${randomUUID()}`), content: object.id.replace('indicator', 'malware') }
  for (const one of [object, ...long, behind, nextLine, another])
    assert.deepEqual((await publish(world, 'jp', [one], AMBER)).refused, [])
  const start = performance.now()
  const ran = await noroshi(['recall', object.id, '--reason', 'error', '--json', '--dir', world.dir('jp')])
  assert.equal(ran.code, 0, ran.stderr)
  assert.ok(performance.now() - start < RECALL_MOST_MS)
  const { tasks } = JSON.parse(ran.stdout) as { tasks: { id: string }[] }
  assert.deepEqual(new Set(tasks.map(({ id }) => id)), new Set([behind.id, nextLine.id]))
})

const noteOn = (id: string) => ({
  type: 'note',
  spec_version: '2.1',
  id: `note--${randomUUID()}`,
  ...TIMES,
  content: 'Seen again',
  object_refs: [id],
})

const embargo = (id: string, until = '2099-01-01T00:00:00.000Z') => ({
  type: 'marking-definition',
  spec_version: '2.1',
  id,
  created: '2026-01-01T00:00:00.000Z',
  extensions: {
    'extension-definition--e2e73502-04cb-4c22-9259-f7e05a4d6333': {
      extension_type: 'property-extension',
      embargo_until: until,
    },
  },
})

async function recall(world: World, slug: string, id: string): Promise<void> {
  const response = await ask(world, slug, '/api/v1/recall', {
    method: 'POST',
    body: JSON.stringify({ id, reason: 'error' }),
    headers: { 'content-type': 'application/json' },
  })
  assert.ok(response.ok, await response.text())
}

const tell = (world: World, slug: string, more: readonly string[]) =>
  noroshi(['tasks', ...more, '--dir', world.dir(slug)])

async function tasksOf(world: World, slug: string, query = ''): Promise<Task[]> {
  return ((await (await ask(world, slug, `/api/v1/tasks${query}`)).json()) as { tasks: Task[] }).tasks
}
