// One node's command line pulls from and pushes to another node, through real processes.
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { folder, indicator, noroshi } from '../cli/command-line.ts'
import { openTaxiiWorld, type TaxiiWorld } from './taxii-world.ts'

const publish = (world: TaxiiWorld, objects: unknown[]) =>
  world.node.ask('/api/v1/publish?tlp=green', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(objects),
  })
const some = (count: number, net = 0) =>
  Array.from({ length: count }, (_, i) => indicator(`10.${net}.${i >> 8}.${i & 255}`))
const ids = (text: string) =>
  text
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { id: string }).id)

test('pull takes what is new, page by page, and goes on where it stopped', async () => {
  await using home = await folder()
  await using source = await openTaxiiWorld()
  const soc = await source.caller('soc', 'read')
  const env = { NOROSHI_TAXII_USER: soc.id, NOROSHI_TAXII_PASSWORD: soc.text }
  const first = some(25)
  assert.equal((await publish(source, first)).status, 200)
  const out = home.in('out.ndjson')
  const args = [
    'taxii',
    'pull',
    `${source.node.url}/taxii2/`,
    '--collection',
    'everything',
    '--out',
    out,
    '--limit',
    '10',
    '--json',
  ]
  const ran = await noroshi(args, { env })
  assert.equal(ran.code, 0, ran.stderr)
  assert.deepEqual([ran.json()[0]?.['taken'], ran.json()[0]?.['pages']], [25, 3])
  assert.deepEqual(
    ids(await readFile(out, 'utf8')),
    first.map(({ id }) => id),
  )

  const second = some(5, 1)
  await publish(source, second)
  const more = await noroshi(args, { env })
  assert.equal(more.json()[0]?.['taken'], 5)
  assert.deepEqual(
    ids(await readFile(out, 'utf8')),
    [...first, ...second].map(({ id }) => id),
  )
  assert.equal((await noroshi(args, { env })).json()[0]?.['taken'], 0)

  const state = JSON.parse(await readFile(`${out}.state`, 'utf8')) as { collection: string; position: object }
  const { objects, next } = (await (await soc.ask('/_node/collections/everything/objects/?limit=10')).json()) as {
    objects: unknown[]
    next: string
  }
  assert.equal(objects.length, 10)
  await writeFile(`${out}.state`, JSON.stringify({ ...state, position: { next } }))
  const resumed = (await noroshi(args, { env })).json()[0]
  assert.deepEqual([resumed?.['pages'], resumed?.['taken']], [2, 0], 'it goes on at its page, and takes nothing twice')
  const wrong = await noroshi(args, { env: { ...env, NOROSHI_TAXII_PASSWORD: 'wrong' } })
  assert.equal(wrong.code, 2)
  assert.match(wrong.stderr, /401/)
})

test('pull into a node asks for the marking: what carries none waits in quarantine, and is named', async () => {
  await using home = await folder()
  await using source = await openTaxiiWorld()
  await using target = await openTaxiiWorld()
  const env = { NOROSHI_TAXII_USER: 'operator', NOROSHI_TAXII_PASSWORD: source.node.token }
  const objects = some(3)
  await publish(source, objects)
  const pull = (...more: string[]) =>
    noroshi(
      [
        'taxii',
        'pull',
        `${source.node.url}/taxii2/_node/`,
        '--collection',
        'everything',
        '--dir',
        target.dir,
        '--state',
        home.in('state'),
        '--json',
        ...more,
      ],
      { env },
    )
  const unmarked = await pull()
  assert.equal(unmarked.code, 1)
  assert.deepEqual([unmarked.json()[0]?.['taken'], unmarked.json()[0]?.['quarantined']], [0, 3])
  assert.deepEqual(
    ids(await readFile(home.in('state.quarantine.ndjson'), 'utf8')),
    objects.map(({ id }) => id),
  )
  await writeFile(home.in('state'), JSON.stringify({ collection: unmarked.json()[0]?.['collection'], position: {} }))
  const marked = await pull('--tlp', 'green')
  assert.equal(marked.code, 0, marked.stderr)
  assert.equal(marked.json()[0]?.['taken'], 3)
  const there = (await (await target.operator.ask('/_node/collections/tlp-green/objects/')).json()) as {
    objects: { id: string }[]
  }
  assert.deepEqual(
    there.objects.map(({ id }) => id),
    objects.map(({ id }) => id),
  )
})

test('push sends once, names what was refused, and a second run sends nothing again', async () => {
  await using home = await folder()
  await using target = await openTaxiiWorld()
  await target.run('taxii', 'collection', 'create', 'inbox', '--tlp', 'amber')
  const soc = await target.caller('soc', 'publish')
  await target.run('taxii', 'collection', 'grant', 'inbox', '--token-id', soc.id, '--can', 'write')
  const env = { NOROSHI_TAXII_USER: soc.id, NOROSHI_TAXII_PASSWORD: soc.text }
  const file = home.in('iocs.json')
  const objects = some(1_200)
  await writeFile(
    file,
    JSON.stringify({
      type: 'bundle',
      id: 'bundle--00000000-0000-4000-8000-000000000001',
      objects: [...objects, { ...indicator('1.1.1.1'), pattern: 1 }],
    }),
  )
  const args = ['taxii', 'push', file, `${target.node.url}/taxii2/`, '--collection', 'inbox', '--json']
  const ran = await noroshi(args, { env })
  assert.equal(ran.code, 1, ran.stderr)
  const report = ran.json()[0] as { sent: number; failures: unknown[] }
  assert.deepEqual([report.sent, report.failures.length], [1_201, 1])
  const again = (await noroshi(args, { env })).json()[0]
  assert.deepEqual([again?.['sent'], again?.['before']], [0, 1_201])
  const counts = (await (await target.node.ask('/api/v1/counts')).json()) as { total: number }
  assert.equal(counts.total, 1_200)
})
