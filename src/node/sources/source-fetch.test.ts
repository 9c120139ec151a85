// What sources are asked through, against real servers: packed answers, where names lead, and stopping.
import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { TaxiiHttp } from '#taxii'
import { openSourceFetch } from './source-fetch.ts'

async function server(answer: (response: ServerResponse) => unknown) {
  let asked = 0
  const http = createServer((_request, response) => {
    asked++
    response.on('error', () => undefined)
    response.setHeader('content-type', 'application/taxii+json;version=2.1')
    answer(response)
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  return {
    port: (http.address() as AddressInfo).port,
    asked: () => asked,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => http.close(() => resolve()).closeAllConnections()),
  }
}

async function asked(url: string, options: { allowPrivate?: boolean; stop?: AbortSignal } = {}) {
  using outbound = openSourceFetch({ allowPrivate: true, stop: new AbortController().signal, ...options })
  const http = new TaxiiHttp({
    fetch: outbound.fetch,
    sleep: async () => undefined,
    now: () => 0,
    random: () => 0,
    tries: 2,
  })
  return (await http.get(url)).value
}

const BODY = JSON.stringify({ title: 'x', description: 'y'.repeat(10_000) })

test('answers packed by gzip, deflate or br are read; broken ones are asked for again', async () => {
  for (const [encoding, pack] of [
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ] as const) {
    await using there = await server((response) => response.setHeader('content-encoding', encoding).end(pack(BODY)))
    assert.equal((await asked(`http://127.0.0.1:${there.port}/`))['title'], 'x')
    const packed = pack(BODY)
    await using cut = await server((response) =>
      response.setHeader('content-encoding', encoding).end(packed.subarray(0, packed.length - 9)),
    )
    await assert.rejects(asked(`http://127.0.0.1:${cut.port}/`), { code: 'TAXII_SERVER_UNREACHABLE' })
    assert.equal(cut.asked(), 2)
  }
  await using bomb = await server((response) =>
    response.setHeader('content-encoding', 'gzip').end(gzipSync(Buffer.alloc(64 * 1_048_576, ' '))),
  )
  await assert.rejects(asked(`http://127.0.0.1:${bomb.port}/`), /answers more than/)
  await using short = await server((response) =>
    response.setHeader('content-length', '9').write('{"a"', () => response.destroy()),
  )
  await assert.rejects(asked(`http://127.0.0.1:${short.port}/`), { code: 'TAXII_SERVER_UNREACHABLE' })
})

test('names are looked up when the connection is made: one that leads inside is not asked', async () => {
  await using there = await server((response) => response.end('{}'))
  for (const host of ['localhost', '127.0.0.1', '[::1]'])
    await assert.rejects(asked(`http://${host}:${there.port}/`, { allowPrivate: false }), /not a public address/)
  assert.equal(there.asked(), 0)
  assert.deepEqual(await asked(`http://localhost:${there.port}/`), {})
})

test('a stop ends what is under way', async () => {
  const stop = new AbortController()
  await using there = await server(() => stop.abort())
  await assert.rejects(asked(`http://127.0.0.1:${there.port}/`, { stop: stop.signal }))
  assert.ok(there.asked() <= 1)
})
