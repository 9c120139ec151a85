// The client against servers that behave as others were seen to: each oddity of `oddities/` over real HTTP.
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { collectionsAt } from './discover.ts'
import type { TaxiiClientError } from './error.ts'
import type { ClientOptions } from './client-options.ts'
import { TaxiiHttp } from './http.ts'
import { type Position, pullPages } from './pull.ts'
import { push, toSubmissions } from './push.ts'
import { retryAfter } from './refusal.ts'

type Answer = (url: URL, request: IncomingMessage, response: ServerResponse) => unknown

async function server(answer: Answer): Promise<{ url: string; asked: string[] } & AsyncDisposable> {
  const asked: string[] = []
  const http = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://localhost')
    asked.push(`${url.pathname}${url.search}`)
    if (!response.hasHeader('content-type')) response.setHeader('content-type', 'application/taxii+json;version=2.1')
    const value = answer(url, request, response)
    if (value === undefined && !response.writableEnded) response.statusCode = 404
    if (!response.writableEnded) response.end(JSON.stringify(value ?? { title: 'Not found' }))
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  return { url, asked, [Symbol.asyncDispose]: () => new Promise((resolve) => http.close(() => resolve())) }
}

function client() {
  const slept: number[] = []
  const http = new TaxiiHttp({
    fetch: (url, init) => fetch(url, init as RequestInit) as ReturnType<ClientOptions['fetch']>,
    sleep: async (ms) => void slept.push(ms),
    now: () => Date.parse('2026-01-01T00:00:00Z'),
    random: () => 0,
  })
  return { http, slept }
}

const rows = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({ id: `x--${from + i}`, modified: '2026-01-01T00:00:00Z' }))
const added = (n: number) => `2026-01-01T00:00:${String(n).padStart(2, '0')}.000000Z`

async function pulled(url: string, from: Position = {}) {
  const ids: string[] = []
  let position = from
  for await (const page of pullPages(client().http, `${url}/c/`, from)) {
    ids.push(...page.objects.map(({ id }) => id))
    position = page.position
  }
  return { ids, position }
}
const all = (count: number) => rows(0, count).map(({ id }) => id)

describe('oddities of other servers', () => {
  test('API roots without a host are read from the origin, then from the discovery address', async () => {
    for (const [discovery, root, place] of [
      ['/taxii2/', '/taxii2/abc/', '/taxii2/abc/'],
      ['/taxii2/', '/root', '/taxii2/root/'],
      ['/taxii2', '/root', '/taxii2/root/'],
    ] as const) {
      await using there = await server((url) => {
        if (url.pathname.replace(/\/?$/, '/') === '/taxii2/') return { title: 'x', default: root, api_roots: [root] }
        if (url.pathname === place) return { title: 'root', versions: ['2.1'], max_content_length: 20_480_000_000 }
        if (url.pathname === `${place}collections/`)
          return { collections: [{ id: 'c', title: 'C', can_read: true, can_write: true }] }
        return undefined
      })
      const [found] = await collectionsAt(client().http, `${there.url}${discovery}`)
      assert.equal(found?.url, `${there.url}${place}collections/c/`)
      assert.equal(found.maxBytes, 8_388_608)
    }
  })

  test('next as a number goes on as a text; dates with an offset are sent back with a Z', async () => {
    await using there = await server((url, _request, response) => {
      const at = Number(url.searchParams.get('next') ?? 0)
      response.setHeader('X-TAXII-Date-Added-Last', added(at + 2).replace('Z', '+00:00'))
      return {
        objects: rows(at, Math.min(5, at + 2)),
        ...(at + 2 < 5 ? { more: true, next: at + 2 } : { more: false }),
      }
    })
    const { ids, position } = await pulled(there.url)
    assert.deepEqual(ids, all(5))
    assert.deepEqual(position, { addedAfter: added(6), seen: ['x--4 2026-01-01T00:00:00Z'] })
  })

  test('a server that ignores next is gone through by time, one that ignores both is left after a page', async () => {
    const answer =
      (knowsTime: boolean): Answer =>
      (url, _request, response) => {
        const after = url.searchParams.get('added_after')
        const at = knowsTime && after ? Number(after.slice(17, 19)) : 0
        const end = Math.min(5, at + 2)
        response.setHeader('X-TAXII-Date-Added-Last', added(end))
        return { more: end < 5, next: 'ignored', objects: rows(at, end) }
      }
    await using byTime = await server(answer(true))
    assert.deepEqual((await pulled(byTime.url)).ids, all(5))
    await using byNothing = await server(answer(false))
    assert.deepEqual((await pulled(byNothing.url)).ids, all(2))
    assert.ok(byNothing.asked.length < 10, byNothing.asked.join(' '))
  })

  test('added_after as "at or after" repeats nothing and ends', async () => {
    await using there = await server((url, _request, response) => {
      const after = url.searchParams.get('added_after')
      const at = after ? Number(after.slice(17, 19)) - 1 : 0
      const end = Math.min(5, at + 3)
      response.setHeader('X-TAXII-Date-Added-Last', added(end))
      return { more: true, objects: rows(at, end) }
    })
    assert.deepEqual((await pulled(there.url)).ids, all(5))
  })

  test('a bundle, under another media type, is read as an envelope; a page of HTML is refused', async () => {
    await using bundle = await server((_url, _request, response) => {
      response.setHeader('content-type', 'text/plain')
      return { type: 'bundle', id: 'bundle--1', objects: rows(0, 3) }
    })
    assert.deepEqual((await pulled(bundle.url)).ids, all(3))
    await using html = await server((_url, _request, response) => {
      response.setHeader('content-type', 'text/html')
      response.end('<html>')
      return null
    })
    await assert.rejects(pulled(html.url), { code: 'TAXII_SERVER_ODD' })
  })

  test('a server that forgot where the last run stopped is asked from the beginning of that run', async () => {
    await using there = await server((url, _request, response) => {
      if (url.searchParams.has('next')) {
        response.statusCode = 400
        return { title: 'unknown next' }
      }
      return { more: false, objects: rows(0, 3) }
    })
    const { ids } = await pulled(there.url, { addedAfter: added(1), next: 'gone' })
    assert.deepEqual(ids, all(3))
    assert.match(there.asked[1] ?? '', /added_after=2026/)
  })
})

describe('patience', () => {
  test('passing failures are tried again, with longer pauses, as long as the server asks', async () => {
    let tries = 0
    await using there = await server((_url, _request, response) => {
      tries++
      if (tries > 4) return { more: false, objects: rows(0, 1) }
      response.statusCode = tries === 3 ? 429 : 503
      if (tries === 3) response.setHeader('retry-after', '7')
      if (tries === 4) response.setHeader('retry-after', 'Thu, 01 Jan 2026 00:00:09 GMT')
      return { title: 'later' }
    })
    const { http, slept } = client()
    assert.equal((await http.get(`${there.url}/x/`)).value['more'], false)
    assert.deepEqual(slept, [500, 1_000, 7_000, 9_000])
    assert.equal(retryAfter('soon', 0), undefined)
    assert.equal(retryAfter('99999999', 0), 600_000)
  })

  test('lasting refusals are told at once, an absent server after all tries, plain http to elsewhere never asked', async () => {
    await using there = await server(() => undefined)
    const { http, slept } = client()
    await assert.rejects(http.get(`${there.url}/x/`), (error: TaxiiClientError) => error.details['status'] === 404)
    assert.equal(slept.length, 0)
    await assert.rejects(http.get('http://127.0.0.1:1/'), { code: 'TAXII_SERVER_UNREACHABLE' })
    assert.equal(slept.length, 6)
    await assert.rejects(http.get('http://taxii.example.org/'), { code: 'TAXII_TLS_REQUIRED' })
  })

  test('a submission that the server still works on is looked at until it is done', async () => {
    let looks = 0
    await using there = await server((url) =>
      url.pathname.includes('/status/') && ++looks === 3
        ? { id: 's', status: 'complete', failure_count: 2, failures: [{ id: 'x--1', version: '' }] }
        : { id: 's', status: 'pending', pending_count: 2 },
    )
    const target = {
      url: `${there.url}/c/`,
      root: `${there.url}/`,
      id: 'c',
      title: 'C',
      canRead: true,
      canWrite: true,
      maxBytes: 9_999,
    }
    const { failures, pending } = await push(client().http, target, { body: Buffer.from('{}'), objects: 2 })
    assert.deepEqual([failures.length, pending, looks], [2, 0, 3])
  })

  test('submissions are as large as the server takes, and hold every object once', async () => {
    const objects = rows(0, 500).map((row) => Buffer.from(JSON.stringify(row)))
    const seen: unknown[] = []
    for await (const { body, objects: count } of toSubmissions(objects, 2_000)) {
      assert.ok(body.length <= 2_000)
      const list = (JSON.parse(body.toString()) as { objects: unknown[] }).objects
      assert.equal(list.length, count)
      seen.push(...list)
    }
    assert.deepEqual(seen, rows(0, 500))
  })
})
