// The corners of the TAXII surface, through HTTP: who may do what, how lists page, what odd requests get.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { indicator, uuid } from '../cli/command-line.ts'
import { type Caller, openTaxiiWorld, post, type TaxiiWorld, TYPE } from './taxii-world.ts'

const INBOX = '/_node/collections/inbox/'
const MARKED = { object_marking_refs: ['marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421'] }
const COUNT = 23

interface Page {
  more: boolean
  next?: string
  objects?: { id: string; modified?: string; date_added?: string; version?: string; media_type?: string }[]
  versions?: string[]
}

describe('the corners of the surface', () => {
  let world: TaxiiWorld
  let writer: Caller
  let reader: Caller
  let stranger: Caller
  const objects = Array.from({ length: COUNT }, (_, i) => indicator(`198.51.100.${i}`, MARKED))

  before(async () => {
    world = await openTaxiiWorld()
    await world.run('alliance', 'create', 'trilateral')
    await world.run('taxii', 'collection', 'create', 'inbox')
    writer = await world.caller('writer', 'publish')
    reader = await world.caller('reader', 'read')
    stranger = await world.caller('stranger', 'read')
    await world.run('taxii', 'collection', 'grant', 'inbox', '--token-id', writer.id, '--can', 'write')
    assert.equal((await post(writer, INBOX, objects)).status, 202)
  })
  after(() => world?.[Symbol.asyncDispose]())

  const json = async <T = Page>(caller: Caller, path: string, status = 200): Promise<T> => {
    const answer = await caller.ask(path)
    assert.equal(answer.status, status, path)
    return (await answer.json()) as T
  }
  const walk = async (caller: Caller, path: string, limit: number, by: 'next' | 'added_after') => {
    const found: Page[] = []
    let position: string | undefined
    for (;;) {
      const query = new URLSearchParams({ limit: String(limit), ...(position === undefined ? {} : { [by]: position }) })
      const answer = await caller.ask(`${path}?${query.toString()}`)
      const page = (await answer.json()) as Page
      found.push(page)
      assert.equal(page.more, page.next !== undefined, 'next is there where there is more, and only there')
      if (!page.more) return found
      const last = answer.headers.get('x-taxii-date-added-last')
      position = by === 'next' ? page.next : (last ?? undefined)
      assert.ok(position)
    }
  }

  test('objects, manifest and versions page alike by next and by added_after, and their headers name the first and last', async () => {
    for (const by of ['next', 'added_after'] as const) {
      const pages = await walk(writer, `${INBOX}objects/`, 7, by)
      assert.deepEqual(
        pages.map((page) => page.objects?.length),
        [7, 7, 7, 2],
      )
      assert.deepEqual(
        pages.flatMap((page) => page.objects ?? []).map(({ id }) => id),
        objects.map(({ id }) => id),
      )
      const rows = (await walk(writer, `${INBOX}manifest/`, 5, by)).flatMap((page) => page.objects ?? [])
      assert.deepEqual(
        rows.map(({ id }) => id),
        objects.map(({ id }) => id),
      )
      for (const row of rows) {
        assert.match(row.date_added ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
        assert.deepEqual(
          [row.version, row.media_type],
          ['2026-01-01T00:00:00.000Z', 'application/stix+json;version=2.1'],
        )
      }
    }
    const { objects: rows = [] } = await json(writer, `${INBOX}manifest/?limit=4`)
    for (const what of ['objects', 'manifest']) {
      const { headers } = await writer.ask(`${INBOX}${what}/?limit=4`)
      assert.equal(headers.get('x-taxii-date-added-first'), rows[0]?.date_added)
      assert.equal(headers.get('x-taxii-date-added-last'), rows[3]?.date_added)
    }
  })

  test('versions: one object in three versions pages by one, and DELETE of one version leaves the others', async () => {
    const first = indicator('192.0.2.1', MARKED)
    const times = [1, 2, 3].map((n) => `2026-01-0${n}T00:00:00.000Z`)
    for (const modified of times) assert.equal((await post(writer, INBOX, [{ ...first, modified }])).status, 202)
    const path = `${INBOX}objects/${first.id}/`
    const pages = await walk(writer, `${path}versions/`, 1, 'next')
    assert.deepEqual(
      pages.map(({ versions }) => versions),
      times.map((time) => [time]),
    )
    const modified = async (query: string) =>
      (await json(writer, `${path}?${query}`)).objects?.map((one) => one.modified)
    assert.deepEqual(await modified(`match[version]=first,${times[1]}`), times.slice(0, 2))
    assert.deepEqual(await modified(`match[version]=first&match[version]=last`), [times[0], times[2]])
    assert.equal((await writer.ask(`${path}?match[spec_version]=2.0`, { method: 'DELETE' })).status, 404)
    const before = (await json(writer, `${INBOX}manifest/?match[id]=${first.id}`)).objects?.[0]?.date_added
    assert.equal((await writer.ask(`${path}?match[version]=${times[2]}`, { method: 'DELETE' })).status, 200)
    assert.deepEqual(await modified('match[version]=all'), times.slice(0, 2))
    const again = await json(writer, `${INBOX}objects/?added_after=${before}`)
    assert.deepEqual(
      again.objects?.map((one) => one.modified),
      [times[1]],
      'what is the newest again appears again',
    )
    assert.equal((await writer.ask(path, { method: 'DELETE' })).status, 200)
    assert.equal((await writer.ask(path)).status, 404)
  })

  test('what each caller may do stands in its collections; only who may write takes back, and views take nothing', async () => {
    const rights = async (caller: Caller) => {
      type All = { collections: { alias: string; can_read: boolean; can_write: boolean; media_types: string[] }[] }
      const { collections } = await json<All>(caller, '/_node/collections/')
      assert.ok(collections.every(({ media_types: types }) => types[0] === 'application/stix+json;version=2.1'))
      return Object.fromEntries(
        collections
          .filter(({ alias }) => alias === 'inbox' || alias === 'everything')
          .map((one) => [one.alias, [one.can_read, one.can_write]]),
      )
    }
    assert.deepEqual(await rights(writer), { everything: [true, false], inbox: [true, true] })
    assert.deepEqual(await rights(world.operator), { everything: [true, false], inbox: [true, true] })
    assert.deepEqual(await rights(reader), { everything: [true, false], inbox: [true, false] })
    const one = objects[0]?.id ?? ''
    assert.equal((await reader.ask(`${INBOX}objects/${one}/`, { method: 'DELETE' })).status, 403)
    assert.equal((await post(reader, INBOX, [objects[0]])).status, 403)
    assert.equal((await writer.ask(`${INBOX}objects/${one}/`)).status, 200)
    assert.equal((await writer.ask(`/_node/collections/everything/objects/${one}/`, { method: 'DELETE' })).status, 403)
  })

  test('HEAD, OPTIONS, other methods, no slash at the end, unknown and repeated parameters, odd limits and positions', async () => {
    for (const path of ['/', '/_node/', '/_node/collections/', INBOX, `${INBOX}objects/`, `${INBOX}manifest/`]) {
      const answer = await writer.ask(path)
      const head = await writer.ask(path, { method: 'HEAD' })
      assert.equal(head.status, 200)
      assert.equal(head.headers.get('content-length'), answer.headers.get('content-length'))
      assert.equal(await head.text(), '')
      assert.equal(await (await writer.ask(path.replace(/\/$/, ''))).text(), await answer.text())
      assert.equal((await writer.ask(`${path}?unknown=1&match[nothing]=x`)).status, 200)
      for (const method of ['OPTIONS', 'PUT', 'PATCH']) {
        const refused = await writer.ask(path, { method })
        assert.equal(refused.status, 405)
        assert.match(refused.headers.get('allow') ?? '', /^GET/)
        assert.equal(refused.headers.get('content-type'), TYPE)
        assert.ok(((await refused.json()) as { title: string }).title)
      }
    }
    const long = await writer.ask(`${INBOX}objects/?match[id]=${'a'.repeat(40_000)}`)
    assert.deepEqual(
      [long.status, await long.json()],
      [431, { title: 'Request header fields too large', status: 431, http_status: '431' }],
    )
    const [a, b] = objects.map(({ id }) => id)
    const both = await json(writer, `${INBOX}objects/?match[id]=${a}&match[id]=${b}`)
    assert.deepEqual(
      both.objects?.map(({ id }) => id),
      [a, b],
    )
    for (const odd of ['limit=0', 'limit=-1', 'limit=1.5', 'limit=9e9', 'next=!!', 'next=zzzzzzzzzzz', 'next=a&next=b'])
      assert.equal((await writer.ask(`${INBOX}objects/?${odd}`)).status, 400, odd)
    assert.equal((await json(writer, `${INBOX}objects/?limit=999999999999999`)).objects?.length, COUNT)
    const future = await writer.ask(`${INBOX}objects/?added_after=2126-01-01T00:00:00.000000Z`)
    assert.deepEqual(await future.json(), { more: false })
    assert.equal(future.headers.get('x-taxii-date-added-first'), null)
  })

  test('another reader’s next is a place like any other: nobody sees more by it', async () => {
    const red = {
      ...indicator('192.0.2.9'),
      object_marking_refs: ['marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1'],
    }
    assert.equal((await post(writer, INBOX, [red])).status, 202)
    const mine = await json(writer, `${INBOX}objects/?limit=3`)
    const theirs = await json(stranger, `/_node/collections/everything/objects/?next=${mine.next}`)
    const own = await json(stranger, `/_node/collections/everything/objects/`)
    const seen = new Set(own.objects?.map(({ id }) => id))
    assert.ok((theirs.objects ?? []).every(({ id }) => seen.has(id)))
  })

  test('the quarantine is bounded: what finds no room is refused, and told so; what ends gives room', async () => {
    const unmarked = Array.from({ length: 2_005 }, (_, i) => ({ ...indicator(`10.9.${i >> 8}.${i & 255}`) }))
    const send = async (some: unknown[]) => {
      const answer = await post(writer, INBOX, some)
      assert.equal(answer.status, 202)
      return (await answer.json()) as { failure_count: number; failures: { id: string; message: string }[] }
    }
    const status = await send(unmarked)
    assert.equal(status.failure_count, 2_005)
    const refused = status.failures.filter(({ message }) => message.startsWith('Refused'))
    assert.deepEqual(
      refused.map(({ id }) => id),
      unmarked.slice(2_000).map(({ id }) => id),
    )
    assert.match(refused[0]?.message ?? '', /2000 objects/)
    const { quarantined } = (await world.run('taxii', 'quarantine', 'list')) as unknown as {
      quarantined: { key: string }[]
    }
    assert.equal(quarantined.length, 2_000)
    await world.run('taxii', 'quarantine', 'end', quarantined[0]?.key ?? '', '--drop')
    const next = await send([indicator('10.10.0.1'), indicator('10.10.0.2')])
    assert.deepEqual(
      next.failures.map(({ message }) => message.split(':')[0]),
      ['Quarantined', 'Refused'],
    )
  })

  test('an embargo holds an object back for its readers; at its end it appears to whoever reads on', async () => {
    const definition = {
      type: 'marking-definition',
      spec_version: '2.1',
      id: `marking-definition--${uuid()}`,
      created: '2026-01-01T00:00:00.000Z',
      extensions: {
        'extension-definition--e2e73502-04cb-4c22-9259-f7e05a4d6333': {
          extension_type: 'property-extension',
          embargo_until: new Date(Date.now() + 4_000).toISOString(),
        },
      },
    }
    const held = { ...indicator('192.0.2.44'), object_marking_refs: [...MARKED.object_marking_refs, definition.id] }
    const everything = '/_node/collections/everything/'
    const last = async () =>
      (await stranger.ask(`${everything}objects/?match[version]=all`)).headers.get('x-taxii-date-added-last')
    const before = await last()
    const answer = await world.node.ask('/api/v1/publish', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ objects: [definition, held], tlp: 'amber', to: ['alliance:trilateral'] }),
    })
    const { published } = (await answer.json()) as { published: { id: string; notBefore?: number }[] }
    assert.ok(published.find(({ id }) => id === held.id)?.notBefore, 'it is held back')
    assert.equal((await post(writer, INBOX, [indicator('192.0.2.45', MARKED)])).status, 202)
    const position = await last()
    assert.ok(position && before && position > before)
    const newer = async () => (await json(stranger, `${everything}objects/?added_after=${position}`)).objects ?? []
    assert.deepEqual(await newer(), [])
    const deadline = Date.now() + 60_000
    for (let found = false; !found;) {
      assert.ok(Date.now() < deadline, 'it appears when its embargo is over')
      found = (await newer()).some(({ id }) => id === held.id)
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  })
})
