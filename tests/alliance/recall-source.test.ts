// What a source of TAXII brought and its member took back is not brought again; what came of a submission goes from its case.
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { clientIdOf } from '#log'
import { noroshi } from '../cli/command-line.ts'
import { openFeed } from '../taxii/feed-server.ts'
import { ask, holds, indicator, openWorld, until, type World } from './world.ts'

const GREEN = 'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb'
const CANARY = 'kanariya-77aa01'

test('a source that still has what was taken back does not bring it again', async () => {
  await using world = await openWorld({ alliances: { pacific: ['jp', 'us'] } })
  const object = indicator('198.51.100.1', { object_marking_refs: [GREEN] })
  const address = { type: 'ipv4-addr', spec_version: '2.1', id: 'ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4', value: '198.51.100.3', object_marking_refs: [GREEN] } // prettier-ignore
  await using feed = await openFeed([object, address])
  const dir = ['--dir', world.dir('jp'), '--json']
  const added = await noroshi(['taxii', 'source', 'add', 'feedco', `${feed.url}/taxii2/`, '--every', '1h', '--allow-private', '--to', 'alliance:pacific', ...dir]) // prettier-ignore
  assert.equal(added.code, 0, added.stderr)
  for (const { id } of [object, address]) {
    await until('us holds it', () => holds(world, 'us', id))
    assert.equal((await noroshi(['recall', id, '--dir', world.dir('jp'), '--reason', 'personal-data'])).code, 0)
    await until('us took it out', async () => !(await holds(world, 'us', id)))
  }
  // The same objects again, and one more, so that it is seen when the run has passed them.
  const next = indicator('198.51.100.2', { object_marking_refs: [GREEN] })
  feed.rows.push(object, address, next)
  assert.ok((await ask(world, 'jp', '/api/v1/taxii/sources/feedco/run', { method: 'POST' })).ok)
  await until('us holds what is new', () => holds(world, 'us', next.id))
  for (const slug of ['jp', 'us'])
    for (const { id } of [object, address]) assert.equal(await holds(world, slug, id), false, `${slug} ${id}`)
})

test('what came of a submission and is recalled goes from the case as well, once it is purged', async () => {
  const { world, post, token } = await withBank()
  await using _ = world
  const object = { ...indicator('203.0.113.9'), pattern: `[domain-name:value = '${CANARY}.example']` }
  const { id } = await post<{ id: string }>('/submissions', { objects: [object], consent: 'none' }, token)
  const accepted = await post<{ publications: { places: { id: string }[] }[] }>(`/submissions/${id}/accept`, {
    tlp: 'amber',
    to: ['pacific'],
  })
  const rendition = accepted.publications[0]?.places[0]?.id ?? ''
  await until('us holds it', () => holds(world, 'us', rendition))
  const ran = await noroshi([
    'recall',
    rendition,
    '--dir',
    world.dir('jp'),
    '--reason',
    'personal-data',
    '--wait',
    '30',
  ])
  assert.equal(ran.code, 0, ran.stdout + ran.stderr)
  await until('no byte at us', async () => (await filesWith(world, 'us')) === 0)
  await until('the case tells of no content of it', async () => {
    const shown = (await (await ask(world, 'jp', `/api/v1/submissions/${id}`)).json()) as typeof accepted
    return !JSON.stringify(shown.publications).includes(CANARY)
  })
  const { publications } = (await (await ask(world, 'jp', `/api/v1/submissions/${id}`)).json()) as typeof accepted
  assert.equal(publications[0]?.places[0]?.id, rendition, 'where it stood is still known')
})

test('a client that takes back its consent is named nowhere any more; one that takes back all leaves nothing', async () => {
  const { world, post, token } = await withBank()
  await using _ = world
  const object = { ...indicator('203.0.113.9'), pattern: `[domain-name:value = '${CANARY}.example']` }
  const submit = async (consent: string, address: string) =>
    (await post<{ id: string }>('/submissions', { objects: [{ ...object, ...indicator(address), pattern: `[domain-name:value = '${CANARY}-${address.length}-${address.at(-1)}.example']` }], consent }, token)).id // prettier-ignore
  const [named, cut] = [await submit('everyone', '203.0.113.9'), await submit('gov', '203.0.113.8')]
  const accept = async (id: string) => {
    const { publications } = await post<Accepted>(`/submissions/${id}/accept`, { tlp: 'amber', to: ['pacific'] })
    const idsOf = (form: string) =>
      publications.filter((one) => one.form === form).flatMap(({ places }) => places.map((place) => place.id))
    for (const one of [...idsOf('base'), ...idsOf('supplement')])
      await until('us holds it', () => holds(world, 'us', one))
    return { bases: idsOf('base'), supplements: idsOf('supplement') }
  }
  const [first, second] = [await accept(named), await accept(cut)]
  assert.ok(first.supplements.length > 0 && first.bases.length > 0)

  const url = ['--url', world.node('jp').url(), '--token', token]
  const consent = await noroshi(['submission', 'withdraw', named, ...url])
  assert.equal(consent.code, 0, consent.stderr)
  assert.match(consent.stdout, /is accepted.*consent none/)
  for (const id of first.supplements) await until('us names nobody', async () => !(await holds(world, 'us', id)))
  for (const id of [...first.bases, ...second.supplements]) assert.ok(await holds(world, 'us', id), 'the rest stays')

  const whole = await noroshi(['submission', 'withdraw', named, '--all', ...url])
  assert.match(whole.stdout, /is withdrawn/, whole.stderr)
  for (const id of first.bases) await until('us holds nothing of it', async () => !(await holds(world, 'us', id)))
  const shown = (await (await ask(world, 'jp', `/api/v1/submissions/${named}`)).json()) as Accepted
  assert.deepEqual(shown.content, [])
  assert.equal((await noroshi(['submission', 'withdraw', named, ...url])).code, 2, 'once')

  // A stop in the middle: what was begun is finished at the next start.
  const { store } = world.node('jp')
  const kept = (await store.record<{ state: string }>('cases', cut)) as object
  await store.commit([{ op: 'put', collection: 'cases', key: cut, value: { ...kept, withdrawing: 'all' } as never }])
  await world.restart('jp')
  for (const id of [...second.bases, ...second.supplements])
    await until('us holds nothing of the other', async () => !(await holds(world, 'us', id)))
  await until('the case says so', async () => {
    const text = await (await ask(world, 'jp', `/api/v1/submissions/${cut}`)).text()
    return text.includes('"state":"withdrawn"') && !text.includes(CANARY)
  })
})

interface Accepted {
  content: object[]
  publications: { form: string; places: { id: string }[] }[]
}

/** Two members, and a bank that the first one serves. */
async function withBank() {
  const provider = await memberOf('jp')
  const bank = clientIdOf(provider, 'jp-bank')
  const row = { id: bank, slug: 'jp-bank', name: 'Bank', kind: 'company', sectors: ['finance'], nation: 'JP' }
  const world = await openWorld({ alliances: { pacific: ['jp', 'us'] }, clients: { jp: [row] } })
  const post = async <T>(path: string, body: unknown, token?: string) => {
    const options = { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
    const response = await ask(world, 'jp', `/api/v1${path}`, { ...options, ...(token ? { token } : {}) })
    assert.ok(response.ok, await response.clone().text())
    return (await response.json()) as T
  }
  const { text: token } = await post<{ text: string }>('/tokens', { name: 'bank', scope: 'submit', org: bank })
  return { world, post, token }
}

async function memberOf(slug: string) {
  await using one = await openWorld({ alliances: { alone: [slug] } })
  return one.node(slug).config.member
}

async function filesWith(world: World, slug: string): Promise<number> {
  let found = 0
  for (const entry of await readdir(world.dir(slug), { recursive: true, withFileTypes: true }))
    if (entry.isFile() && (await readFile(join(entry.parentPath, entry.name))).includes(CANARY)) found++
  return found
}
