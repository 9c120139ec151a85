// A peer that takes more than its share waits; nobody else does.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MemberId } from '#base'
import { LIMITS } from '../limits.ts'
import { amberFor, indicator } from '../testing/objects.ts'
import { openNodes } from '../testing/pair.ts'
import { type RealNode, until } from '../testing/real-node.ts'
import { signed } from '../testing/signed-request.ts'
import { ServedBytes } from './served-bytes.ts'

const A: MemberId = 'identity--a'
const B: MemberId = 'identity--b'

function world(peerBytesPerSecond: number) {
  let now = 0
  const waiting: { at: number; run: () => void }[] = []
  const timers = { set: (ms: number, run: () => void) => waiting.push({ at: now + ms, run }), clear: () => undefined }
  const served = new ServedBytes({ now: () => now, timers, limits: { ...LIMITS, peerBytesPerSecond } })
  const pass = async (ms: number) => {
    now += ms
    for (const one of waiting.splice(0))
      if (one.at <= now) one.run()
      else waiting.push(one)
    await sleep(0)
  }
  return { served, pass }
}

test('who has taken its share waits until time has paid for it, another peer does not', async () => {
  const { served, pass } = world(1_000)
  assert.equal(await served.turn(A), true)
  served.spent(A, 18_000)
  let isServed = false
  const turn = served.turn(A).then((may) => (isServed = may))
  assert.equal(await served.turn(B), true)
  await pass(1_900)
  assert.equal(isServed, false)
  await pass(200)
  await turn
  assert.equal(isServed, true)
})

test('a peer that asks on and on is refused: of it alone so many requests wait, and none for long', async () => {
  const { served, pass } = world(1_000)
  served.spent(A, 17_000)
  const turns = Array.from({ length: 12 }, () => served.turn(A))
  const refused = await Promise.all(turns.slice(8))
  assert.deepEqual(refused, [false, false, false, false])
  await pass(1_500)
  assert.deepEqual(await Promise.all(turns.slice(0, 8)), Array(8).fill(true))
  served.spent(A, 1_000_000)
  assert.equal(await served.turn(A), false, 'it would have to wait for minutes')
  assert.equal(await served.turn(B), true)
})

test('a node slows down a member that takes its logs over and over; the others are served at once', async () => {
  const limits = { peerBytesPerSecond: 20_000 }
  await using opened = await openNodes(['jp-nco', 'us-cisa', 'ph-cert'], { 'jp-nco': { limits } })
  const [jp, us, ph] = opened.nodes as [RealNode, RealNode, RealNode]
  const object = indicator('large', jp.member.self.member, Date.now(), { description: 'x '.repeat(50_000) })
  const { log } = await jp.publish(amberFor('pacific'), [object])
  const path = `/link/v1/logs/${log}/entries?from=0&to=2`
  const take = async (by: RealNode) => (await jp.federation.handle(signed(by, jp, path))).status
  await until('the log', async () => (await take(ph)) === 200)
  const taken = await Promise.all(Array.from({ length: 4 }, () => take(us)))
  assert.deepEqual(taken, [200, 200, 200, 200], 'what may come at once, and the answer that makes the debt')
  assert.equal(await Promise.race([take(us), sleep(300, 'waits')]), 'waits')
  assert.equal(await take(ph), 200)
})
