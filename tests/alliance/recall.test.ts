// What a recall leaves behind: on every way out, and in the files of both nodes.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { noroshi } from '../cli/command-line.ts'
import { fsckDirectory } from '#node'
import { ask, holds, indicator, journal, openWorld, publish, telemetry, until, type World } from './world.ts'

const CANARY = 'canary-7b1d0e'
const AMBER = { tlp: 'amber', to: ['alliance:pacific'] }

interface Standing {
  log: string
  index: number
  recall?: { acknowledged: { slug: string; purged: number | null }[] }
}

test('personal data that is recalled is gone from every file of both nodes, also where telemetry matched it', async () => {
  await using world = await openWorld({ alliances: { pacific: ['jp', 'us'] } })
  const name = `${CANARY}.example.com`
  const object = { ...indicator('192.0.2.1'), name: `Mail of ${CANARY}`, pattern: `[domain-name:value = '${name}']` }
  const other = indicator('192.0.2.2')
  await publish(world, 'jp', [object, other], AMBER)
  await until('us holds it', () => holds(world, 'us', object.id))
  for (const slug of ['jp', 'us']) {
    await until(`${slug} matches it`, async () => (await telemetry(world, slug, [query(name)])).hits.length > 0)
    assert.notDeepEqual(await filesWith(world, slug, CANARY), [], 'the search finds what is there')
  }
  const before = await journal<{ id: string; value: string }>(world, 'us', 'hits')
  assert.ok(before.some(({ value }) => value.includes(CANARY)))

  const ran = await noroshi([
    'recall',
    object.id,
    '--dir',
    world.dir('jp'),
    '--reason',
    'personal-data',
    '--wait',
    '20',
  ])
  assert.equal(ran.code, 0, ran.stderr + ran.stdout)
  assert.match(ran.stdout, /Every member that holds it has acknowledged/)
  await until('us has purged it', async () =>
    (await standingOf(world, object.id)).some(({ recall }) =>
      recall?.acknowledged.some(({ slug, purged }) => slug === 'us' && purged !== null),
    ),
  )
  assert.deepEqual(await filesWith(world, 'us', CANARY), [], 'us said so when it was true')
  for (const slug of ['jp', 'us']) {
    await until(`${slug} has no byte of it`, async () => (await filesWith(world, slug, CANARY)).length === 0)
    for (const path of WAYS_OUT(object.id)) {
      const response = await ask(world, slug, path)
      assert.equal((await response.text()).includes(CANARY), false, `${slug} ${path}`)
    }
    assert.ok(await holds(world, slug, other.id), 'the rest stays')
    const { hits } = await telemetry(world, slug, [query(name)])
    assert.deepEqual(hits, [], `it is disarmed at ${slug}`)
  }
  const after = await journal<{ id: string; value: string }>(world, 'us', 'hits')
  assert.equal(after.length, before.length, 'that there were matches stays')
  for (const slug of ['jp', 'us']) {
    await world.stop(slug)
    assert.deepEqual((await fsckDirectory(world.dir(slug))).faults, [], slug)
    assert.deepEqual(await filesWith(world, slug, CANARY), [], `${slug} at rest`)
  }
})

test('a recall takes redacted renditions along, and lists own objects that name what was taken back', async () => {
  await using world = await openWorld({ alliances: { pacific: ['jp', 'us', 'ph'] } })
  const red = 'marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1'
  const object = {
    ...indicator('192.0.2.3', { description: 'only for ourselves' }),
    granular_markings: [{ marking_ref: red, selectors: ['description'] }],
  }
  const { published } = await publish(world, 'jp', [object], AMBER)
  const rendition = published.find(({ id }) => id !== object.id) ?? published[0]
  assert.ok(rendition)
  await until('us holds the rendition', () => holds(world, 'us', rendition.id))
  const note = {
    type: 'note',
    spec_version: '2.1',
    id: `note--${randomUUID()}`,
    created: '2026-01-01T00:00:00.000Z',
    modified: '2026-01-01T00:00:00.000Z',
    content: 'Seen again',
    object_refs: [rendition.id],
  }
  await publish(world, 'jp', [note], AMBER)
  await until('us holds the note', () => holds(world, 'us', note.id))

  const ran = await noroshi(['recall', object.id, '--dir', world.dir('jp'), '--json'])
  assert.equal(ran.code, 0, ran.stderr)
  const [answer] = ran.json() as unknown as [{ recalled: object[]; tasks: { id: string }[] }]
  assert.deepEqual(
    answer.tasks.map(({ id }) => id),
    [note.id],
  )
  for (const slug of ['us', 'ph'])
    await until(`${slug} took the rendition out`, async () => !(await holds(world, slug, rendition.id)))
  assert.ok(await holds(world, 'us', note.id), 'a person decides on what names it')
})

const WAYS_OUT = (id: string) => [
  `/api/v1/objects/${id}`,
  `/api/v1/objects/${id}/standing`,
  '/api/v1/objects?limit=1000',
  '/api/v1/objects?limit=1000&versions=all',
  '/api/v1/objects?limit=1000&versions=revoked',
  '/api/v1/counts',
  '/api/v1/situation',
  '/api/v1/hits?limit=1000',
  ...['published', 'mirrored', 'armed', 'hits', 'sightings', 'receipts', 'recalls', 'alarms', 'evidence'].map(
    (stream) => `/api/v1/journal?stream=${stream}&limit=1000`,
  ),
  '/metrics',
]

async function standingOf(world: World, id: string): Promise<Standing[]> {
  const { standing } = (await (await ask(world, 'jp', `/api/v1/objects/${id}/standing`)).json()) as {
    standing: Standing[]
  }
  return standing
}

/** Files of a node's folder that hold a text. */
async function filesWith(world: World, slug: string, text: string): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir(world.dir(slug), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const bytes = await readFile(join(entry.parentPath, entry.name))
    if (bytes.includes(text)) found.push(entry.name)
  }
  return found
}

const query = (name: string) => ({
  ts: Date.now() / 1_000,
  uid: 'C2',
  'id.orig_h': '10.0.0.5',
  'id.orig_p': 50_001,
  'id.resp_h': '10.0.0.1',
  'id.resp_p': 53,
  proto: 'udp',
  query: name,
  qtype_name: 'A',
})
