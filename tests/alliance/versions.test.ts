// Which version counts, and who says it: what each reader is shown through the API and the command line.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { noroshi } from '../cli/command-line.ts'
import { ask, indicator, openWorld, publish, until, type World } from './world.ts'

const MITRE = 'identity--c78cb6e5-0c4b-4611-8297-d1b8b55e40b5'
const open = () =>
  openWorld({ alliances: { all: ['jp-nco', 'us-cisa', 'th-ncsa'], pair: ['jp-nco', 'us-cisa'] }, logLevel: 'error' })

interface Row {
  object: { id: string; name?: string }
  slug: string
  creator?: string
  by: string
  modified?: string
  revoked: boolean
  refused?: string
}

async function list(world: World, slug: string, query: string, token?: string): Promise<Row[]> {
  const rows: Row[] = []
  let cursor = ''
  do {
    const response = await ask(world, slug, `/api/v1/objects?limit=2&${query}${cursor}`, token ? { token } : {})
    assert.equal(response.status, 200, query)
    const page = (await response.json()) as { objects: Row[]; next?: string }
    rows.push(...page.objects)
    cursor = page.next === undefined ? '' : `&cursor=${page.next}`
  } while (cursor !== '')
  return rows
}
const named = (rows: Row[]) => rows.map(({ slug, object }) => `${slug} ${object.name}`).sort()

const technique = (id: string, name: string, more: object = {}) => ({
  type: 'attack-pattern',
  spec_version: '2.1',
  id,
  created: '2026-01-01T00:00:00.000Z',
  modified: '2026-01-01T00:00:00.000Z',
  created_by_ref: MITRE,
  name,
  ...more,
})
const mitre = {
  type: 'identity',
  spec_version: '2.1',
  id: MITRE,
  created: '2026-01-01T00:00:00.000Z',
  modified: '2026-01-01T00:00:00.000Z',
  name: 'MITRE\u001b[31m',
  identity_class: 'organization',
}

test('a newer version that a reader may not see changes nothing of what it is shown', async () => {
  await using world = await open()
  const first = indicator('198.51.100.20', { name: 'wide' })
  const { name: _, ...rest } = first
  await publish(world, 'jp-nco', [first], { tlp: 'green', to: ['alliance:all'] })
  const other = indicator('198.51.100.21', { name: 'stays' })
  await publish(world, 'jp-nco', [other], { tlp: 'green', to: ['alliance:all'] })
  await until('the first', async () => (await list(world, 'th-ncsa', 'versions=all')).length === 2)
  const queries = ['all', 'latest', 'revoked', 'conflict'].flatMap((one) => [
    `versions=${one}`,
    `versions=${one}&order=newest`,
    `versions=${one}&id=${first.id}`,
  ])
  const shown = async (slug: string) =>
    JSON.stringify(await Promise.all(queries.map((query) => list(world, slug, query))))
  const before = await shown('th-ncsa')
  const narrow = { ...rest, name: 'narrow', modified: '2026-02-01T00:00:00.000Z', id: other.id }
  const technique1 = `attack-pattern--${randomUUID()}`
  await publish(world, 'us-cisa', [technique(technique1, 'secret')], { tlp: 'amber', to: ['alliance:pair'] })
  await publish(world, 'us-cisa', [{ ...narrow, id: first.id, created_by_ref: MITRE }], {
    tlp: 'amber',
    to: ['alliance:pair'],
  })
  await until('the narrow one', async () => (await list(world, 'jp-nco', 'versions=latest')).length === 4)
  assert.equal(await shown('th-ncsa'), before)
})

test('latest and revoked go by publisher; versions and origin are told', async () => {
  await using world = await open()
  const first = indicator('198.51.100.22', { name: 'one' })
  await publish(world, 'jp-nco', [first], { tlp: 'clear' })
  await publish(world, 'jp-nco', [{ ...first, name: 'two', modified: '2026-02-01T00:00:00.000Z' }], { tlp: 'clear' })
  const id = `attack-pattern--${randomUUID()}`
  await publish(world, 'us-cisa', [mitre, technique(id, 'Phishing')], { tlp: 'clear' })
  await until('the technique', async () => (await list(world, 'jp-nco', `id=${id}`)).length === 1)

  assert.deepEqual(named(await list(world, 'jp-nco', `versions=latest&id=${first.id}`)), ['jp-nco two'])
  assert.deepEqual(named(await list(world, 'jp-nco', `id=${first.id}`)), ['jp-nco one', 'jp-nco two'])
  const [row] = await list(world, 'jp-nco', `versions=latest&id=${id}`)
  assert.equal(row?.by, 'MITRE [31m, republished by us-cisa')
  assert.equal(row?.creator, MITRE)
  assert.equal(row?.modified, '2026-01-01T00:00:00Z')
  assert.equal(row?.revoked, false)

  await publish(world, 'jp-nco', [{ ...first, name: 'two', modified: '2026-03-01T00:00:00.000Z', revoked: true }], {
    tlp: 'clear',
  })
  const [gone, ...others] = await list(world, 'jp-nco', 'versions=revoked')
  assert.deepEqual([gone?.object.id, gone?.revoked, others.length], [first.id, true, 0])
})

test('publishers who say different things under one id and time are a conflict; other markings are none', async () => {
  await using world = await open()
  const [same, other] = [`attack-pattern--${randomUUID()}`, `attack-pattern--${randomUUID()}`]
  const marking = { object_marking_refs: ['marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487'] }
  await publish(world, 'jp-nco', [technique(same, 'Same', marking), technique(other, 'Ours')], { tlp: 'clear' })
  await publish(world, 'us-cisa', [technique(same, 'Same'), technique(other, 'Theirs')], { tlp: 'clear' })
  await until('both', async () => (await list(world, 'jp-nco', 'versions=latest&type=attack-pattern')).length === 4)
  assert.deepEqual(named(await list(world, 'jp-nco', 'versions=conflict')), ['jp-nco Ours', 'us-cisa Theirs'])

  const dir = ['--dir', world.dir('jp-nco')]
  const shown = await noroshi(['objects', '--versions', 'conflict', ...dir])
  assert.equal(shown.code, 0, shown.stderr)
  const lines = shown.stdout.trim().split('\n')
  assert.match(lines[0] ?? '', /^VERSION +ID +NAME +SAID BY +LEVEL$/)
  assert.deepEqual(
    lines
      .slice(1)
      .map((line) => /(Ours|Theirs) +\S+, republished by (\S+) +TLP:CLEAR/.exec(line)?.slice(1).join(' '))
      .sort((a, b) => ((a ?? '') < (b ?? '') ? -1 : 1)),
    ['Ours jp-nco', 'Theirs us-cisa'],
  )
  const json = await noroshi(['objects', same, '--versions', 'latest', '--json', ...dir])
  const [answer] = json.json() as [{ objects: unknown[] }]
  assert.equal(answer.objects.length, 2)
  const few = await noroshi(['objects', '--type', 'attack-pattern', '--limit', '1', ...dir])
  assert.match(few.stderr, /The last 1 object that arrived; --limit shows more/)
  assert.equal((await noroshi(['objects', '--versions', 'revoked', ...dir])).code, 1)
  assert.equal((await noroshi(['objects', '--versions', 'newest', ...dir])).code, 2)
})
