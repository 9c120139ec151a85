// Peers that misbehave: what they send never counts, and nobody else waits for them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isJsonObject, parseJson, sha256, utf8 } from '#base'
import { decodeFrames, encodeFrame, leafHash, signCheckpoint, signSnapshot, toSigner } from '#log'
import type { LinkRequest, LinkResponse } from './api.ts'
import { makeMember } from './simulation/members.ts'
import { amberFor, indicator } from './testing/objects.ts'
import { openNodes } from './testing/pair.ts'
import { type RealNode, until } from './testing/real-node.ts'
import { signed } from './testing/signed-request.ts'

const audience = amberFor('pacific')
const limits = { requestTimeoutMs: 300, backoffFirstMs: 50, backoffMaxMs: 200 }
const sizeAt = async (node: RealNode, log: string) => (await node.store.log(log))?.size
async function whole(answer: Promise<LinkResponse>): Promise<{ status: number; headers: object; text: string }> {
  const { status, headers, ...rest } = await answer
  return { status, headers, text: 'body' in rest ? Buffer.from(rest.body).toString() : '(stream)' }
}

const misbehaviours: Record<
  string,
  (request: LinkRequest, next: () => Promise<LinkResponse>) => Promise<LinkResponse>
> = {
  'answers garbage': async () => ({ status: 200, headers: {}, body: utf8('{"statement":[[[}') }),
  'answers 500': async () => ({ status: 500, headers: {}, body: utf8('no') }),
  'never answers': () => new Promise(() => undefined),
  'never ends its answer': async () => ({ status: 200, headers: {}, stream: endless() }),
  'flips a bit in every entry': async (request, next) => {
    const answer = await next()
    if (!request.target.includes('/entries') || !('body' in answer)) return withoutStream(request, answer)
    const body = Uint8Array.from(answer.body)
    body[body.length - 2]! ^= 1
    return { ...answer, body }
  },
  'sends half of every page': async (request, next) => {
    const answer = await next()
    if (!request.target.includes('/entries') || !('body' in answer)) return withoutStream(request, answer)
    return { ...answer, body: answer.body.subarray(0, answer.body.length >> 1) }
  },
}

for (const [what, behaviour] of Object.entries(misbehaviours)) {
  test(`a peer that ${what} is not believed, and delays nobody else`, async () => {
    await using world = await openNodes(['jp-nco', 'us-cisa', 'ph-cert'], { 'us-cisa': { limits } })
    const [bad, us, good] = world.nodes as [RealNode, RealNode, RealNode]
    const object = indicator('from bad', bad.member.self.member, Date.now())
    const spoiled = await bad.publish(audience, [object])
    bad.intercept(behaviour)
    us.federation.start()
    good.federation.start()
    const { log } = await good.publish(audience, [indicator('from good', good.member.self.member, Date.now())])
    await until('the good mirror', async () => (await sizeAt(us, log)) === 2, 3_000)
    await until('a failure is noted', () => {
      const link = us.federation.links().find(({ slug }) => slug === 'jp-nco')
      return link !== undefined && (link.failures > 0 || link.lastError !== undefined)
    })
    assert.equal(await sizeAt(us, spoiled.log), undefined)
    bad.intercept(undefined)
    await until('recovery', async () => (await sizeAt(us, spoiled.log)) === 2, 5_000)
  })
}

test('a snapshot under another key is refused with an alarm, and opens nothing', async () => {
  await using world = await openNodes(['jp-nco', 'us-cisa'], { 'us-cisa': { limits } })
  const [jp, us] = world.nodes as [RealNode, RealNode]
  const forger = toSigner(sha256(utf8('forger')))
  jp.intercept(async (request, next) => {
    if (!request.target.startsWith('/link/v1/logs')) return next()
    const [author, reader] = [jp.member.self.member, us.member.self.member]
    const fields = { author, reader, previousSequence: 0, time: Date.now(), charters: {}, logs: [] }
    return { status: 200, headers: {}, body: utf8(JSON.stringify(signSnapshot(fields, forger))) }
  })
  us.federation.start()
  await until('the alarm', () => us.alarms.some((alarm) => alarm.kind === 'bad-signature'))
  assert.notEqual(us.federation.links()[0]!.state, 'up')
})

test('content that is withheld without a recall is an omission, once the log has gone on without naming it', async () => {
  await using world = await openNodes(['jp-nco', 'us-cisa'], { 'us-cisa': { limits } })
  const [jp, us] = world.nodes as [RealNode, RealNode]
  const { log } = await jp.publish(audience, [indicator('hidden', jp.member.self.member, Date.now())])
  jp.intercept(async (request, next) => {
    const answer = await next()
    if (!request.target.includes('/entries') || !('body' in answer)) return withoutStream(request, answer)
    const frames = decodeFrames(answer.body)
    const at = Number(/from=(\d+)/.exec(request.target)?.[1])
    const stubbed = frames.map((frame, i) =>
      at + i === 1 && 'bytes' in frame ? { leaf: leafHash(frame.bytes) } : frame,
    )
    return { ...answer, body: Buffer.concat(stubbed.map(encodeFrame)) }
  })
  us.federation.start()
  await until('the mirror', async () => (await sizeAt(us, log)) === 2)
  assert.deepEqual(us.alarms, [])
  await jp.publish(audience, [indicator('next', jp.member.self.member, Date.now())])
  await until('the alarm', () => us.alarms.some(({ kind }) => kind === 'omission'))
  assert.ok(
    us.alarms.some(({ kind, evidence }) => kind === 'omission' && evidence !== undefined),
    'signed material is kept',
  )
})

test('a log whose signed tree changed behind its back is a fork: nothing is taken, and both notes are kept', async () => {
  await using world = await openNodes(['jp-nco', 'us-cisa'], { 'us-cisa': { limits } })
  const [jp, us] = world.nodes as [RealNode, RealNode]
  us.federation.start()
  const { log } = await jp.publish(audience, [indicator('one', jp.member.self.member, Date.now())])
  await until('the mirror', async () => (await sizeAt(us, log)) === 2)
  const { self } = jp.member
  const head = { log, size: 3, root: 'ee'.repeat(32), time: Date.now() }
  jp.intercept(async (request, next) => {
    if (request.target.includes('/checkpoint'))
      return {
        status: 200,
        headers: {},
        body: utf8(signCheckpoint({ ...head, charters: [] }, self.member, self.nodeKey)),
      }
    if (!request.target.startsWith('/link/v1/logs?') && request.target !== '/link/v1/logs')
      return withoutStream(request, await next())
    const fields = {
      author: self.member,
      reader: us.member.self.member,
      previousSequence: 0,
      time: Date.now(),
      charters: {},
    }
    return {
      status: 200,
      headers: {},
      body: utf8(JSON.stringify(signSnapshot({ ...fields, logs: [head] }, self.nodeKey))),
    }
  })
  await jp.publish(audience, [indicator('two', self.member, Date.now())])
  jp.federation.announce([{ log, size: 3 }])
  await us.federation.removeLink('jp-nco')
  await us.federation.addLink('jp-nco', jp.address)
  await until('the alarm', () => us.alarms.some(({ kind }) => kind === 'fork'))
  assert.ok(us.alarms.find(({ kind }) => kind === 'fork')!.evidence)
  assert.equal((await us.store.fsck()).ok, true)
})

test('unknown and forbidden logs get the same answer, byte for byte, on every route', async () => {
  await using world = await openNodes(['jp-nco', 'us-cisa', 'ph-cert'])
  const [jp, us, ph] = world.nodes as [RealNode, RealNode, RealNode]
  const red = { v: 1, tlp: 'red', participants: [us.member.self.member] } as const
  const { log } = await jp.publish(red, [indicator('secret', jp.member.self.member, Date.now())])
  await until('the log is announced', async () => {
    return (await whole(jp.federation.handle(signed(us, jp, `/link/v1/logs/${log}/checkpoint`)))).status === 200
  })
  const unknown = '0'.repeat(64)
  for (const tail of ['checkpoint', 'checkpoint?size=1', 'entries?from=0&to=2', 'consistency?from=1&to=2']) {
    const forbidden = await whole(jp.federation.handle(signed(ph, jp, `/link/v1/logs/${log}/${tail}`)))
    const missing = await whole(jp.federation.handle(signed(ph, jp, `/link/v1/logs/${unknown}/${tail}`)))
    assert.deepEqual(forbidden, missing, tail)
    assert.equal(forbidden.status, 404)
  }
  const list = await whole(jp.federation.handle(signed(ph, jp, '/link/v1/logs')))
  const body = parseJson(list.text)
  assert.ok(isJsonObject(body) && !list.text.includes(log), 'a snapshot names no log that its reader may not see')
})

test('a request counts once, also when the node was restarted in between; strangers and wrong recipients get 401', async () => {
  await using world = await openNodes(['jp-nco', 'us-cisa'])
  const [jp, us] = world.nodes as [RealNode, RealNode]
  const request = signed(us, jp, '/link/v1/logs')
  assert.equal((await whole(jp.federation.handle(request))).status, 200)
  assert.equal((await whole(jp.federation.handle(request))).status, 401)
  const { openFederation } = await import('./federation.ts')
  const { self } = jp.member
  const random = (count: number) => new Uint8Array(count)
  const transport = () => Promise.reject(new Error('no'))
  await using again = await openFederation({ store: jp.store, self, now: Date.now, random, transport })
  assert.equal((await whole(again.handle(request))).status, 401)
  assert.equal((await whole(again.handle(signed(us, us, '/link/v1/logs')))).status, 401)
  const stranger = { ...us, member: makeMember('stranger', Date.now()) }
  assert.equal((await whole(again.handle(signed(stranger, jp, '/link/v1/logs')))).status, 401)
  const large = { ...signed(us, jp, '/link/v1/receipts', { method: 'POST' }), body: new Uint8Array(2_000_000) }
  assert.equal((await whole(again.handle(large))).status, 413)
})

async function* endless() {
  while (true) {
    yield new Uint8Array(1_000)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Keeps entries from coming along on the stream, so that they must be fetched. */
const withoutStream = (request: LinkRequest, answer: LinkResponse): LinkResponse =>
  request.target.includes('/stream') ? { status: 404, headers: {}, body: new Uint8Array() } : answer

const refused: LinkResponse = { status: 401, headers: {}, body: utf8('{}') }
const refusals: Record<string, Parameters<RealNode['intercept']>[0]> = {
  everything: async () => refused,
  'everything but its list': (request, next) => (isList(request) ? next() : Promise.resolve(refused)),
  'nothing, but ends every stream at once': async (request, next) => {
    const answer = await next()
    return 'stream' in answer ? { ...answer, stream: ended() } : answer
  },
}
const isList = ({ target }: LinkRequest) => /^\/link\/v1\/logs(\?|$)/.test(target)

async function* ended(): AsyncGenerator<Uint8Array> {
  yield utf8(': alive\n\n')
}

for (const [what, behaviour] of Object.entries(refusals)) {
  test(`a peer that refuses ${what} is asked ever more slowly`, async () => {
    await using world = await openNodes(['jp-nco', 'us-cisa'])
    const [bad, us] = world.nodes as [RealNode, RealNode]
    for (let i = 0; i < 12; i++)
      await bad.publish({ v: 1, tlp: 'red', participants: [us.member.self.member], kinds: [`kind-${i}`] }, [
        indicator(`from bad ${i}`, bad.member.self.member, Date.now()),
      ])
    let requests = 0
    bad.intercept((request, next) => {
      requests++
      return behaviour?.(request, next) ?? next()
    })
    us.federation.start()
    await sleep(1_500)
    const early = requests
    await sleep(3_000)
    assert.ok(early > 0)
    assert.ok(early <= 20, `${early} requests in the first 1.5 s`)
    assert.ok(requests - early <= 8, `${requests - early} requests in the 3 s after`)
  })
}

test('a node whose clock is two minutes off is refused, and does not insist', async () => {
  await using world = await openNodes(['jp-nco', 'us-cisa'], { 'us-cisa': { now: () => Date.now() - 120_000 } })
  const [jp, us] = world.nodes as [RealNode, RealNode]
  let requests = 0
  jp.intercept((_, next) => {
    requests++
    return next()
  })
  us.federation.start()
  await sleep(3_000)
  assert.ok(requests > 1 && requests <= 8, `${requests} requests in 3 s`)
  assert.equal(us.federation.links()[0]?.state, 'down')
})
