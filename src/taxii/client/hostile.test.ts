// Servers that mean harm: each is bounded in time and memory, and ends with an error that says what is wrong.
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { TAXII_TYPE } from '../media-type.ts'
import type { ClientOptions } from './client-options.ts'
import { collectionsAt } from './discover.ts'
import { TaxiiHttp } from './http.ts'
import { pullPages, type PulledPage } from './pull.ts'

const MEBIBYTE = 1_048_576

async function server(answer: (request: IncomingMessage, response: ServerResponse) => unknown) {
  const asked: IncomingMessage[] = []
  const http = createServer((request, response) => {
    asked.push(request)
    response.on('error', () => undefined)
    void answer(request, response)
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    asked,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => http.close(() => resolve()).closeAllConnections()),
  }
}

const client = (more: Partial<ClientOptions> = {}) =>
  new TaxiiHttp({
    fetch: (url, init) => fetch(url, init as RequestInit) as ReturnType<ClientOptions['fetch']>,
    sleep: async () => undefined,
    now: () => 0,
    random: () => 0,
    tries: 2,
    ...more,
  })

async function pulled(url: string, more: Partial<ClientOptions> = {}): Promise<PulledPage[]> {
  const pages: PulledPage[] = []
  for await (const page of pullPages(client(more), `${url}/c/`, {})) pages.push(page)
  return pages
}

const object = (n: number) => JSON.stringify({ type: 'x', id: `x--${n}`, modified: '2026-01-01T00:00:00Z' })
const ok = (response: ServerResponse, headers: Record<string, string> = {}) =>
  response.writeHead(200, { 'content-type': TAXII_TYPE, ...headers })

/** Writes as fast as it is read, until nobody reads any more. */
async function flood(response: ServerResponse, chunk: Buffer): Promise<void> {
  while (!response.destroyed) {
    response.write(chunk)
    while (response.writableNeedDrain && !response.destroyed) await pause(2)
  }
}

describe('a hostile server', () => {
  test('a body without end is left where the limit is, whatever it is asked for', { timeout: 60_000 }, async () => {
    await using there = await server(async (_request, response) => {
      ok(response).write('{"objects":["')
      await flood(response, Buffer.alloc(MEBIBYTE, 'a'))
    })
    await assert.rejects(pulled(there.url, { answerBytes: 8 * MEBIBYTE }), /answers more than 8388608 bytes/)
    assert.match(there.asked.at(-1)?.url ?? '', /limit=1$/, 'it asks for less first')
    await assert.rejects(collectionsAt(client(), there.url), /answers more than 4194304 bytes/)
  })

  test('a packed bomb is unpacked up to the limit alone', { timeout: 60_000 }, async () => {
    const bomb = gzipSync(Buffer.alloc(512 * MEBIBYTE, ' '))
    await using there = await server((_request, response) => ok(response, { 'content-encoding': 'gzip' }).end(bomb))
    const before = process.memoryUsage.rss()
    await assert.rejects(pulled(there.url, { answerBytes: 8 * MEBIBYTE }), /answers more than 8388608 bytes/)
    assert.ok(process.memoryUsage.rss() - before < 200 * MEBIBYTE)
  })

  test('slow drips and silence are given up', { timeout: 60_000 }, async () => {
    await using drip = await server(async (_request, response) => {
      ok(response)
      for (; !response.destroyed; await pause(20)) response.write(' ')
    })
    await assert.rejects(pulled(drip.url, { tryMs: 300 }), /did not finish within 0.3 s/)
    await using silent = await server((_request, response) => {
      ok(response).flushHeaders()
    })
    await assert.rejects(pulled(silent.url, { idleMs: 200, tryMs: 20_000 }), /sent nothing for 0.2 s/)
    await using mute = await server(() => undefined)
    await assert.rejects(pulled(mute.url, { idleMs: 200, tryMs: 20_000 }), { code: 'TAXII_SERVER_UNREACHABLE' })
  })

  test('depth and breadth: an object that is too deep costs no other, an envelope of such is refused', async () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000)
    const bodies = [
      `{"objects":[${object(1)},{"id":"x--2","a":${deep}},${object(3)}]}`,
      `{"objects":[${object(1)}],"next":${deep}}`,
      deep,
      `{"objects":[${'0,'.repeat(300_000)}0]}`,
      `${'{"objects":['.repeat(1_000)}`,
      `{"objects":[${object(1)} ${object(2)}]}`,
      `{"objects":[{"type":"bundle","id":"b","objects":[{"type":"bundle","id":"b","objects":[${object(1)}]}]}]}`,
    ]
    await using there = await server((request, response) =>
      ok(response).end(bodies[Number(new URL(request.url ?? '', 'http://x').pathname.split('/')[1])]),
    )
    const [page] = await pulled(`${there.url}/0`)
    assert.deepEqual(
      [page?.objects.map(({ id }) => id), page?.unreadable.map(({ code }) => code)],
      [['x--1', 'x--3'], ['STIX_STREAM_TOO_DEEP']],
    )
    for (const [i, said] of [
      /can't be read/,
      /no JSON object/,
      /more than 250000 objects/,
      /can't be read/,
      /a missing comma/,
    ].entries())
      await assert.rejects(pulled(`${there.url}/${i + 1}`), said)
    const [nested] = await pulled(`${there.url}/6`)
    assert.equal((nested?.objects.length ?? 0) + (nested?.unreadable.length ?? 0), 1)
    await assert.rejects(collectionsAt(client(), `${there.url}/2`), { code: 'TAXII_SERVER_ODD' })
  })

  test('pages without end are left when they lead in circles or stay empty', async () => {
    let n = 0
    const rounds = [
      () => ({ more: true, next: String(n++), objects: [] }),
      () => ({ more: true, next: String(n++), objects: [JSON.parse(object(n % 2))] }),
      () => ({ more: true, next: 'same', objects: [JSON.parse(object(n++))] }),
    ]
    for (const round of rounds) {
      await using there = await server((_request, response) => ok(response).end(JSON.stringify(round())))
      const pages = await pulled(there.url)
      assert.match(pages.at(-1)?.gap ?? '', /in circles/)
      assert.ok(there.asked.length < 1_100)
    }
  })

  test('redirects are bounded, keep to TLS and carry the account nowhere else', async () => {
    await using loop = await server((request, response) =>
      response.writeHead(302, { location: `${request.url}x` }).end(),
    )
    await assert.rejects(pulled(loop.url), /redirects more than 5 times/)
    assert.equal(loop.asked.length, 6)
    await using other = await server((_request, response) => ok(response).end('{}'))
    await using there = await server((request, response) =>
      response.writeHead(307, { location: `${other.url.replace('//', '//user:word@')}${request.url}` }).end(),
    )
    await pulled(there.url, { authorization: 'Bearer secret' })
    assert.deepEqual(
      [there, other].map(({ asked }) => asked[0]?.headers.authorization),
      ['Bearer secret', undefined],
    )
    for (const location of ['http://192.0.2.1/', 'file:///etc/passwd', 'javascript:1']) {
      await using away = await server((_request, response) => response.writeHead(302, { location }).end())
      await assert.rejects(pulled(away.url), { code: 'TAXII_TLS_REQUIRED' })
    }
  })

  test('bodies that break off are asked for again, and nothing of them counts twice', async () => {
    const whole = `{"objects":[${[1, 2, 3].map(object).join()}]}`
    const parts: ((response: ServerResponse) => void)[] = [
      (response) =>
        void ok(response, { 'content-length': String(whole.length) }).write(whole.slice(0, 80), () =>
          response.destroy(),
        ),
      (response) => void ok(response).write(whole.slice(0, 80), () => response.destroy()),
      (response) => void ok(response, { connection: 'close' }).end(whole.slice(0, 80)),
      (response) => void ok(response, { 'content-encoding': 'gzip' }).end(gzipSync(whole).subarray(0, 40)),
      (response) => void ok(response, { 'content-encoding': 'gzip' }).end(gzipSync(whole)),
    ]
    for (const part of parts) {
      let tries = 0
      await using there = await server((_request, response) =>
        tries++ === 0 ? part(response) : ok(response).end(whole),
      )
      const [page, ...others] = await pulled(there.url)
      assert.deepEqual([page?.objects.map(({ id }) => id), others.length], [['x--1', 'x--2', 'x--3'], 0])
    }
  })

  test('a refusal is passed on short and without control characters', async () => {
    await using there = await server((_request, response) =>
      response
        .writeHead(403, { 'content-type': 'application/json' })
        .end(JSON.stringify({ title: `\u001b[31m${'x'.repeat(100_000)}` })),
    )
    await assert.rejects(
      pulled(there.url),
      (error: Error) => error.message.length < 600 && !error.message.includes('\u001b'),
    )
  })
})
