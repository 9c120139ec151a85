// What waits at a node is listed to its operator to the last object: submitted ones and those of sources, page by page.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { indicator, noroshi, uuid } from '../cli/command-line.ts'
import { openFeed } from './feed-server.ts'
import { openTaxiiWorld, TYPE } from './taxii-world.ts'

/** More than one page. */
const SUBMITTED = 1_100

interface Page {
  quarantined: { key: string; id: string }[]
  next?: string
}

test('the list of what waits has everything, over however many pages, also what a source brought', async () => {
  await using world = await openTaxiiWorld()
  await world.run('taxii', 'collection', 'create', 'partners')
  const partner = await world.caller('partner', 'publish')
  await world.run('taxii', 'collection', 'grant', 'partners', '--token-id', partner.id, '--can', 'write')
  const submitted = Array.from({ length: SUBMITTED }, (_, i) => indicator(`10.0.${i >> 8}.${i & 255}`))
  const answer = await partner.ask('/_node/collections/partners/objects/', {
    method: 'POST',
    headers: { 'content-type': TYPE },
    body: JSON.stringify({ objects: submitted }),
  })
  assert.equal(answer.status, 202)

  const brought = indicator('10.1.0.1', { object_marking_refs: [`marking-definition--${uuid()}`] })
  await using feed = await openFeed([brought], 100)
  await world.run('taxii', 'source', 'add', 'feedco', `${feed.url}/taxii2/`, '--every', '1h', '--allow-private')

  const all = async () => (await world.run('taxii', 'quarantine', 'list'))['quarantined'] as Page['quarantined']
  const expected = new Set([...submitted, brought].map(({ id }) => id))
  for (let i = 0; i < 300 && (await all()).length < expected.size; i++) await pause(100)
  const listed = await all()
  assert.equal(listed.length, expected.size)
  assert.deepEqual(new Set(listed.map(({ id }) => id)), expected)

  const pages: string[] = []
  for (let cursor: string | undefined = ''; cursor !== undefined;) {
    const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const page = (await (await world.node.ask(`/api/v1/taxii/quarantine?limit=400${query}`)).json()) as Page
    assert.ok(page.quarantined.length <= 400)
    pages.push(...page.quarantined.map(({ key }) => key))
    cursor = page.next
  }
  assert.deepEqual(
    pages,
    listed.map(({ key }) => key),
  )
  const few = await noroshi(['taxii', 'quarantine', 'list', '--limit', '20', '--dir', world.dir])
  assert.equal(few.stdout.trim().split('\n').length, 20)
  assert.match(few.stderr, /The first 20 that wait; --limit shows more/)
  assert.equal((await world.node.ask('/api/v1/taxii/quarantine?limit=0')).status, 400)
})
