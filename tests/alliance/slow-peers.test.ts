// Among six members one sends a byte a second and one never answers: the others notice nothing, and nobody's memory grows.
import assert from 'node:assert/strict'
import http, { type IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LinkResponse } from '../../src/federation/api.ts'
import { amberFor, indicator } from '../../src/federation/testing/objects.ts'
import { openNodes } from '../../src/federation/testing/pair.ts'
import { type RealNode, until } from '../../src/federation/testing/real-node.ts'
import { signed } from '../../src/federation/testing/signed-request.ts'

const audience = amberFor('pacific')
const SLUGS = ['jp-nco', 'us-cisa', 'gb-ncsc', 'au-acsc', 'slow', 'dead'] as const
const limits = { requestTimeoutMs: 3_000, backoffFirstMs: 50, backoffMaxMs: 500 }
/** Machines may be busy; nothing here is about speed. */
const PATIENCE_MS = 30_000
const MIB = 1_024 * 1_024

async function* dripped(body: Uint8Array): AsyncGenerator<Uint8Array> {
  for (const byte of body) {
    yield Uint8Array.of(byte)
    await sleep(1_000, undefined, { ref: false })
  }
}

test('a peer that sends a byte a second and one that never answers delay nobody else', async () => {
  await using opened = await openNodes(SLUGS, Object.fromEntries(SLUGS.map((slug) => [slug, { limits }])))
  const [jp, us, gb, au, slow, dead] = opened.nodes as [RealNode, RealNode, RealNode, RealNode, RealNode, RealNode]
  slow.intercept(async (_request, next) => {
    const answer = await next()
    const bytes = 'body' in answer ? answer.body : new Uint8Array(1_000)
    return { status: 200, headers: answer.headers, stream: dripped(bytes) }
  })
  dead.intercept(() => new Promise<LinkResponse>(() => undefined))
  const healthy = [jp, us, gb, au]
  for (const node of healthy) node.federation.start()
  const linkTo = (node: RealNode, peer: RealNode) =>
    node.federation.links().find((link) => link.peer === peer.member.self.member)
  await until(
    'the healthy ones are linked',
    () => healthy.every((node) => healthy.every((peer) => peer === node || linkTo(node, peer)?.state === 'up')),
    PATIENCE_MS,
  )
  const logs: { log: string; size: number }[] = []
  for (const node of healthy)
    logs.push(await node.publish(audience, [indicator('signal', node.member.self.member, Date.now())]))
  const sizes = () =>
    Promise.all(healthy.flatMap((node) => logs.map(async ({ log }) => (await node.store.log(log))?.size)))
  await until(
    'every signal at every healthy member',
    async () => (await sizes()).every((size) => size === 2),
    PATIENCE_MS,
  )
  await until(
    'the two are called down',
    () => healthy.every((node) => [slow, dead].every((peer) => linkTo(node, peer)?.state === 'down')),
    PATIENCE_MS,
  )
  assert.match(linkTo(jp, slow)?.lastError ?? '', /no answer within 3000 ms/)
  assert.match(linkTo(jp, dead)?.lastError ?? '', /no answer within 3000 ms/)
  await jp.publish(audience, [indicator('late', jp.member.self.member, Date.now())])
  const late = () => Promise.all([us, gb, au].map(async (node) => (await node.store.log(logs[0]!.log))?.size))
  await until('what comes later too', async () => (await late()).every((size) => size === 3), PATIENCE_MS)
})

test('a stream that is hardly read holds one batch, whatever is published meanwhile', async () => {
  await using opened = await openNodes(['jp-nco', 'us-cisa'])
  const [jp, us] = opened.nodes as [RealNode, RealNode]
  let pulled = 0
  jp.intercept(async (_request, next) => {
    const answer = await next()
    if (!('stream' in answer)) return answer
    const counted = async function* () {
      for await (const chunk of answer.stream) {
        pulled += chunk.length
        yield chunk
      }
    }
    return { ...answer, stream: counted() }
  })
  const { headers } = signed(us, jp, '/link/v1/stream')
  const asked = http.get(`${jp.address}/link/v1/stream`, { headers: headers as Record<string, string> })
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    asked.on('response', resolve)
    asked.on('error', reject)
  })
  answer.pause()
  let published = 0
  let log = ''
  for (let i = 0; i < 150; i++) {
    const object = indicator(`object ${i}`, jp.member.self.member, Date.now(), { description: 'x'.repeat(200_000) })
    ;({ log } = await jp.publish(audience, [object]))
    published += 200_000
    answer.read(1)
  }
  assert.ok(pulled < published / 2, `${pulled} of ${published} bytes were made for a reader that does not read`)
  assert.ok(pulled < 16 * MIB)
  // Whoever reads is served meanwhile.
  us.federation.start()
  await until('the mirror', async () => (await us.store.log(log))?.size === 151, PATIENCE_MS)
  asked.destroy()
})
