// The link protocol against its earlier versions: what passed between two nodes was recorded, and must still work.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { LinkRequest, TransportResponse } from '../../src/federation/api.ts'
import { amberFor, indicator } from '../../src/federation/testing/objects.ts'
import { openNodes } from '../../src/federation/testing/pair.ts'
import { openRealNode, type RealNode, reserve, until } from '../../src/federation/testing/real-node.ts'
import { signed } from '../../src/federation/testing/signed-request.ts'
import {
  answerOf,
  author,
  charter,
  type Exchange,
  fixedRandom,
  openAuthor,
  reader,
  RECORDED_AT,
} from './recorded-link.ts'

interface Recording {
  version: string
  log: string
  exchanges: Exchange[]
}

const FOLDER = new URL('../fixtures/link-v1/', import.meta.url)
const recordings = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as Recording)
const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, 'base64'))

for (const { version, log, exchanges } of recordings) {
  test(`requests of version ${version} get the answers that they got then`, async () => {
    const opened = await openAuthor()
    await using node = opened.node
    assert.equal(opened.log, log)
    for (const { name, request, answer } of exchanges) {
      const { method, target, headers } = request
      const now = await answerOf(await node.federation.handle({ method, target, headers, body: bytesOf(request.body) }))
      assert.deepEqual(now, answer, name)
    }
  })

  test(`a reader of today takes everything from an author of version ${version}`, async () => {
    const answers = new Map(exchanges.map(({ request, answer }) => [`${request.method} ${request.target}`, answer]))
    const sent: string[] = []
    const transport = async (_address: string, { method, target, signal }: LinkRequest & { signal: AbortSignal }) => {
      sent.push(`${method} ${target}`)
      const { status, type, body } = answers.get(`${method} ${target}`) ?? { status: 404, type: '', body: '' }
      const headers = { 'content-type': type }
      const answer: TransportResponse = { status, headers, body: bytesOf(body) }
      return target.startsWith('/link/v1/stream') ? { ...answer, body: openEnded(bytesOf(body), signal) } : answer
    }
    const now = () => RECORDED_AT
    const random = fixedRandom('reader')
    await using node = await openRealNode(reader, await reserve(), { now, random, transport: transport as never })
    await node.federation.alliances.bootstrapCharter(charter)
    node.federation.start()
    await until('the mirror', async () => (await node.store.log(log))?.size === 4, 20_000)
    assert.equal((await node.store.objects({ logs: [log], limit: 9 })).rows.length, 3)
    await until('the receipt sent', () => sent.includes('POST /link/v1/receipts'), 20_000)
    const [link] = node.federation.links()
    assert.deepEqual([link?.state, link?.peer, node.alarms], ['up', author.self.member, []])
  })
}

async function* openEnded(first: Uint8Array, signal: AbortSignal) {
  yield first
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
}

test('a higher minor version is spoken with, another major one is refused with the reason', async () => {
  await using pair = await openNodes(['jp-nco', 'us-cisa'])
  const [jp, us] = pair.nodes as [RealNode, RealNode]
  const status = async (version: string | undefined) => {
    const request = signed(us, jp, '/link/v1/logs')
    const headers = version === undefined ? request.headers : { ...request.headers, 'noroshi-protocol': version }
    const answer = await jp.federation.handle({ ...request, headers })
    assert.match(answer.headers['noroshi-protocol'] ?? '', /^1\.\d+$/)
    return answer.status
  }
  assert.equal(await status(undefined), 200)
  assert.equal(await status('1.0'), 200)
  assert.equal(await status('1.99'), 200)
  for (const version of ['2.0', '0.9', '1', 'x', '1.1.1', '']) assert.equal(await status(version), 426, version)
  jp.intercept(async (_request, next) => {
    const answer = await next()
    return { ...answer, headers: { ...answer.headers, 'noroshi-protocol': '2.3' } }
  })
  us.federation.start()
  await until('the link is down', () => us.federation.links()[0]?.state === 'down')
  assert.match(us.federation.links()[0]?.lastError ?? '', /speaks protocol 2\.3, this node 1\.\d+: the older/)
  jp.intercept(undefined)
  await until('the link is up', () => us.federation.links()[0]?.state === 'up')
})

test('pages of history are compressed for who asks, alone, and inflated within bounds', async () => {
  await using pair = await openNodes(['jp-nco', 'us-cisa'])
  const [jp, us] = pair.nodes as [RealNode, RealNode]
  const objects = Array.from({ length: 300 }, (_, i) => indicator(`object ${i}`, jp.member.self.member, Date.now()))
  const { log, size } = await jp.publish(amberFor('pacific'), objects)
  const page = async (coding: string | undefined, to = size) => {
    const request = signed(us, jp, `/link/v1/logs/${log}/entries?from=0&to=${to}`)
    const headers = coding === undefined ? request.headers : { ...request.headers, 'accept-encoding': coding }
    const answer = await jp.federation.handle({ ...request, headers })
    assert.ok('body' in answer)
    return { coding: answer.headers['content-encoding'], bytes: answer.body.length }
  }
  const plain = await page(undefined)
  assert.equal(plain.coding, undefined)
  for (const coding of ['br', 'gzip;q=0', 'identity']) assert.deepEqual(await page(coding), plain, coding)
  const small = await page('br, gzip;q=0.5')
  assert.equal(small.coding, 'gzip')
  assert.ok(small.bytes < plain.bytes / 2, `${small.bytes} of ${plain.bytes} bytes`)
  assert.equal((await page('gzip', 3)).coding, undefined, 'single publications go as they are')
})
