// MISP feeds through real processes: a folder and a web address go in, event by event, once each.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { folder, init, noroshi, serve } from './command-line.ts'

const [ONE, TWO, BROKEN] = [1, 2, 3].map((n) => `5e6a1f0e-8c1a-4b77-9d55-00000000000${n}`) as [string, string, string]

const event = (uuid: string, value: string, timestamp: number) => ({
  Event: {
    uuid,
    info: `Event on ${value}`,
    date: '2026-01-15',
    timestamp: String(timestamp),
    published: true,
    Orgc: { uuid: '55f6ea5e-2c60-40e5-964f-47a8950d210f', name: 'Example CSIRT' },
    Tag: [{ name: 'tlp:green' }],
    Attribute: [
      {
        uuid: uuid.replace('0000000', '1000000'),
        type: 'domain',
        category: 'Network activity',
        value,
        to_ids: true,
        timestamp: String(timestamp),
      },
    ],
  },
})

const entry = (timestamp: number) => ({ info: 'x', timestamp, date: '2026-01-15', Orgc: { name: 'Example CSIRT' } })

async function write(dir: string, files: Record<string, unknown>): Promise<void> {
  await mkdir(dir, { recursive: true })
  for (const [name, content] of Object.entries(files))
    await writeFile(join(dir, name), typeof content === 'string' ? content : JSON.stringify(content))
}

interface Answer {
  feed: Record<string, number>
  published?: { id: string }[]
  losses: { listed: { path: string; why: string }[] }
}

test('a feed is taken event by event: a broken one keeps nobody, and what is there already is passed over', async () => {
  await using home = await folder()
  const dir = home.in('node')
  await init(dir)
  await using node = await serve(dir)
  const feed = home.in('feed')
  await write(feed, {
    'manifest.json': {
      [ONE]: entry(1768446000),
      [TWO]: entry(1768446001),
      [BROKEN]: entry(1768446002),
      '../../secret': entry(1768446003),
    },
    [`${ONE}.json`]: event(ONE, 'one.example.com', 1768446000),
    [`${TWO}.json`]: event(TWO, 'two.example.com', 1768446001),
    [`${BROKEN}.json`]: '{"Event": {"info": ',
  })
  const run = async (...more: string[]) => {
    const ran = await noroshi(['import', feed, '--dir', dir, '--yes', '--json', ...more])
    return { code: ran.code, answer: ran.json()[0] as unknown as Answer, told: ran.stdout + ran.stderr }
  }
  const first = await run()
  assert.equal(first.code, 0, first.told)
  assert.deepEqual(first.answer.feed, { events: 3, read: 2, unchanged: 0, failed: 1, left: 0 })
  assert.ok(first.answer.losses.listed.some(({ path, why }) => path === `${BROKEN}.json` && why.includes('no JSON')))
  assert.ok(first.answer.losses.listed.some(({ path }) => path.includes('../../secret')))
  const patterns = async () => {
    const held = (await (await node.ask('/api/v1/objects?type=indicator')).json()) as {
      objects: { object: { pattern: string } }[]
    }
    return new Set(held.objects.map(({ object }) => object.pattern))
  }
  assert.deepEqual(
    await patterns(),
    new Set(["[domain-name:value = 'one.example.com']", "[domain-name:value = 'two.example.com']"]),
  )

  await write(feed, {
    'manifest.json': { [ONE]: entry(1768446000), [TWO]: entry(1768449999) },
    [`${TWO}.json`]: event(TWO, 'three.example.com', 1768449999),
  })
  const second = await run()
  assert.deepEqual(second.answer.feed, { events: 2, read: 1, unchanged: 1, failed: 0, left: 0 }, second.told)
  assert.ok((await patterns()).has("[domain-name:value = 'three.example.com']"))
  const third = await run()
  assert.equal(third.code, 0, third.told)
  assert.deepEqual(third.answer.feed, { events: 2, read: 0, unchanged: 2, failed: 0, left: 0 })
})

test('a feed on the web is read within bounds; plain HTTP to another machine and redirects are refused', async () => {
  await using home = await folder()
  const files: Record<string, string> = {
    '/feed/manifest.json': JSON.stringify({ [ONE]: entry(1768446000), [TWO]: entry(1768446001) }),
    [`/feed/${ONE}.json`]: JSON.stringify(event(ONE, 'one.example.com', 1768446000)),
  }
  const server = createServer((request, response) => {
    const file = files[request.url ?? '']
    if (file === undefined) return response.writeHead(302, { location: `/feed/${ONE}.json` }).end()
    return response.end(file)
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  try {
    const { port } = server.address() as AddressInfo
    const printed = await noroshi(['import', `http://127.0.0.1:${port}/feed/manifest.json`, '--print'])
    assert.equal(printed.code, 0, printed.stderr)
    const { objects } = JSON.parse(printed.stdout) as { objects: { pattern?: string }[] }
    assert.ok(objects.some(({ pattern }) => pattern === "[domain-name:value = 'one.example.com']"))
    assert.match(printed.stderr, new RegExp(`${TWO}.json: the event was not read`))
  } finally {
    server.close()
  }
  const plain = await noroshi(['import', 'http://misp.example.org/feed/', '--print'])
  assert.equal(plain.code, 2)
  assert.match(plain.stderr, /feeds are fetched by https/)
  const none = await noroshi(['import', home.path, '--print'])
  assert.equal(none.code, 2)
  assert.match(none.stderr, /is no MISP feed/)
})

test('a feed that is written can be subscribed to: every file that its manifest names is there, and comes back', async () => {
  await using home = await folder()
  const feed = home.in('feed')
  await write(feed, {
    'manifest.json': { [ONE]: entry(1768446000), [TWO]: entry(1768446001) },
    [`${ONE}.json`]: event(ONE, 'one.example.com', 1768446000),
    [`${TWO}.json`]: event(TWO, 'two.example.com', 1768446001),
  })
  const printed = await noroshi(['import', feed, '--print'])
  const bundle = home.in('bundle.json')
  await writeFile(bundle, printed.stdout)
  const out = home.in('out')
  const written = await noroshi(['export', '--format', 'misp-feed', '--from', bundle, '--out', out])
  assert.equal(written.code, 0, written.stderr)
  assert.match(written.stderr, /2 events in .*out\./)
  assert.match(written.stderr, /The strictest of it is TLP:GREEN/)
  const manifest = JSON.parse(await readFile(join(out, 'manifest.json'), 'utf8')) as Record<string, { info: string }>
  assert.deepEqual(Object.keys(manifest).toSorted(), [ONE, TWO])
  assert.equal(manifest[ONE]?.info, 'Event on one.example.com')
  assert.deepEqual(
    (await readdir(out)).toSorted(),
    [`${ONE}.json`, `${TWO}.json`, 'hashes.csv', 'manifest.json'].toSorted(),
  )
  const hashed = createHash('md5').update('one.example.com').digest('hex')
  assert.ok((await readFile(join(out, 'hashes.csv'), 'utf8')).split('\n').includes(`${hashed},${ONE}`))
  const back = await noroshi(['import', out, '--print'])
  assert.equal(back.code, 0, back.stderr)
  const patterns = (text: string) =>
    (JSON.parse(text) as { objects: { id: string; pattern?: string }[] }).objects
      .flatMap(({ id, pattern }) => (pattern === undefined ? [] : [`${id} ${pattern}`]))
      .toSorted()
  assert.deepEqual(patterns(back.stdout), patterns(printed.stdout))

  const one = JSON.parse(printed.stdout) as { objects: { id: string }[] }
  await writeFile(bundle, JSON.stringify({ objects: one.objects.filter(({ id }) => !id.includes(TWO)) }))
  assert.equal((await noroshi(['export', '--format', 'misp-feed', '--from', bundle, '--out', out])).code, 0)
  assert.ok(!(await readdir(out)).includes(`${TWO}.json`), 'what is no longer held leaves the feed')

  await write(home.in('other'), { 'manifest.json': '[1]' })
  const refused = await noroshi(['export', '--format', 'misp-feed', '--from', bundle, '--out', home.in('other')])
  assert.equal(refused.code, 2)
  assert.match(refused.stderr, /not that of a MISP feed/)
  assert.equal((await noroshi(['export', '--format', 'misp-feed', '--from', bundle])).code, 2)
})
