// Another party's TAXII server, for real over HTTP: one collection whose rows a test sets.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { TYPE } from './taxii-world.ts'

export interface Feed extends AsyncDisposable {
  url: string
  /** Requests as they came: method, path and query, and what they carried for an account. */
  asked: { path: string; authorization: string | undefined }[]
  rows: object[]
  /** Answers before the collection does; true where it has answered. */
  before: (request: IncomingMessage, response: ServerResponse) => boolean
}

/** Serves the collection `c` of the API root `/root/`, pages of `page` rows, dates added a second apart. */
export async function openFeed(rows: object[], page = 10): Promise<Feed> {
  const feed: Omit<Feed, 'url' | keyof AsyncDisposable> = { asked: [], rows, before: () => false }
  const dateOf = (at: number) => new Date(Date.parse('2026-01-01T00:00:00Z') + at * 1_000).toISOString()
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://localhost')
    feed.asked.push({ path: url.pathname + url.search, authorization: request.headers.authorization })
    if (feed.before(request, response)) return
    const answer = (value: object, headers = {}) => {
      response.writeHead(200, { 'content-type': TYPE, ...headers })
      response.end(JSON.stringify(value))
    }
    const about = { id: 'c', title: 'Feed', can_read: true, can_write: false }
    if (url.pathname === '/taxii2/') return answer({ title: 'Feed', api_roots: ['/root/'] })
    if (url.pathname === '/root/') return answer({ title: 'Root', versions: [TYPE], max_content_length: 1_000_000 })
    if (url.pathname === '/root/collections/') return answer({ collections: [about] })
    if (url.pathname === '/root/collections/c/') return answer(about)
    if (url.pathname !== '/root/collections/c/objects/') {
      response.writeHead(404, { 'content-type': TYPE })
      return response.end('{"title":"Not found"}')
    }
    const after = url.searchParams.get('added_after')
    const start = Number(
      url.searchParams.get('next') ?? (after === null ? 0 : feed.rows.findIndex((_, at) => dateOf(at) > after)),
    )
    const from = start < 0 ? feed.rows.length : start
    const objects = feed.rows.slice(from, from + page)
    const more = from + page < feed.rows.length
    if (objects.length === 0) return answer({})
    answer(
      { more, ...(more ? { next: String(from + page) } : {}), objects },
      { 'X-TAXII-Date-Added-First': dateOf(from), 'X-TAXII-Date-Added-Last': dateOf(from + objects.length - 1) },
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(feed, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  })
}
