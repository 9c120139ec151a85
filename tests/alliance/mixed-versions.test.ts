// An alliance is upgraded node by node: one member's node lacks the newer routes, and another's says more than is known.
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { ask, holds, indicator, journal, openWorld, publish, until, type World } from './world.ts'

/** What the first nodes answered under /link/v1. */
const FIRST_ROUTES = /^\/link\/v1\/(logs|stream|receipts|charters)\b/
const AMBER = { tlp: 'amber', to: ['alliance:pacific'] }

test('an older node takes part in everything that it knows: newer routes are 404, newer members are passed over', async () => {
  await using world = await openWorld({ alliances: { pacific: ['jp', 'us'] } })
  const refused = new Set<string>()
  await using old = await older(() => world.node('us').url(), refused)
  await using other = await older(() => world.node('jp').url(), refused)
  const relink = async () => {
    await world.node('jp').federation.addLink('us', old.url)
    await world.node('us').federation.addLink('jp', other.url)
  }
  await relink()
  const first = await shared(world, 'jp', 'us')
  const back = await shared(world, 'us', 'jp')

  await world.restart('jp')
  await relink()
  const second = await shared(world, 'jp', 'us')
  const taken = await ask(world, 'jp', '/api/v1/recall', {
    method: 'POST',
    body: JSON.stringify({ id: second, reason: 'error' }),
    headers: { 'content-type': 'application/json' },
  })
  assert.ok(taken.ok)
  await until('us takes it out', async () => !(await holds(world, 'us', second)))
  await until('the acknowledgement comes', async () => {
    const { standing } = (await (await ask(world, 'jp', `/api/v1/objects/${second}/standing`)).json()) as {
      standing: { recall?: { acknowledged: object[] } }[]
    }
    return standing.some(({ recall }) => (recall?.acknowledged.length ?? 0) > 0)
  })
  for (const slug of ['jp', 'us']) {
    assert.ok((await holds(world, slug, first)) && (await holds(world, slug, back)))
    assert.deepEqual(await journal(world, slug, 'alarms'), [], slug)
    await until(`${slug}'s link is up`, () =>
      world
        .node(slug)
        .federation.links()
        .every(({ state }) => state === 'up'),
    )
  }
  assert.ok(refused.has('heads'), 'a newer route was asked for, and was not there')
})

async function shared(world: World, from: string, to: string): Promise<string> {
  const object = indicator('198.51.100.7')
  await publish(world, from, [object], AMBER)
  await until(`${to} holds it`, () => holds(world, to, object.id))
  return object.id
}

/** A node behind a front that knows the first routes alone, and adds a member to every answer that is not signed. */
async function older(target: () => string, refused: Set<string>): Promise<AsyncDisposable & { url: string }> {
  const server: Server = createServer((request, response) => {
    void (async () => {
      const path = request.url ?? '/'
      if (!FIRST_ROUTES.test(path)) {
        refused.add(path.split('/')[3]?.split('?')[0] ?? '')
        response
          .writeHead(404, { 'content-type': 'application/problem+json' })
          .end('{"title":"Not found","status":404}')
        return
      }
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const body = Buffer.concat(chunks)
      const { connection: _, host: __, 'transfer-encoding': ___, 'content-length': ____, ...headers } = request.headers
      const answer = await fetch(target() + path, {
        method: request.method ?? 'GET',
        headers: headers as Record<string, string>,
        ...(request.method === 'POST' ? { body } : {}),
      })
      const type = answer.headers.get('content-type') ?? ''
      response.writeHead(answer.status, { 'content-type': type })
      if (type === 'application/json') {
        const value = JSON.parse(await answer.text()) as Record<string, unknown>
        response.end(JSON.stringify('statement' in value ? value : { ...value, newer: { than: 'known' } }))
      } else if (answer.body)
        Readable.fromWeb(answer.body as never)
          .on('error', () => response.destroy())
          .pipe(response)
      else response.end()
    })().catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
