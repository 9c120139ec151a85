// Two members that only reach outwards, and a third that the charter names as their carrier: real nodes, over HTTP on loopback.
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Audience } from '#log'
import type { FederationOptions, VotedCharter } from '../api.ts'
import { makeCharter, makeMember } from '../simulation/members.ts'
import { amberFor, indicator } from '../testing/objects.ts'
import { openRealNode, type RealNode, reserve, until } from '../testing/real-node.ts'

const audience = amberFor('pacific')
/** Machines may be busy; nothing here is about speed. */
const PATIENCE_MS = 30_000
const limits = { requestTimeoutMs: 5_000, backoffFirstMs: 50, backoffMaxMs: 500 }

const object = (name: string, node: RealNode, more = {}) => indicator(name, node.member.self.member, Date.now(), more)
const sizeAt = async (node: RealNode, log: string) => (await node.store.log(log))?.size ?? 0
const idOf = (node: RealNode) => node.member.self.member

interface World extends AsyncDisposable {
  jp: RealNode
  us: RealNode
  ph: RealNode
  charter: VotedCharter
}

/** `jp` and `ph` can't be called by anybody; `us` can, and carries unless told otherwise. */
async function world(more: { carriers?: boolean; options?: Partial<FederationOptions> } = {}): Promise<World> {
  const time = Date.now()
  const folder = await mkdtemp(join(tmpdir(), 'noroshi-carriage-'))
  const places = await Promise.all([reserve(), reserve(), reserve()])
  const made = [makeMember('jp', time), makeMember('us', time, { address: places[1]!.address }), makeMember('ph', time)]
  const carriers = more.carriers === false ? [] : [made[1]!.self.member]
  const charter = makeCharter('pacific', made, time, { carriers })
  const nodes: RealNode[] = []
  for (const [i, member] of made.entries()) {
    await mkdir(join(folder, member.self.slug))
    const node = await openRealNode(member, places[i]!, {
      folder: join(folder, member.self.slug),
      limits,
      ...more.options,
    })
    await node.federation.alliances.bootstrapCharter(charter)
    nodes.push(node)
  }
  const [jp, us, ph] = nodes as [RealNode, RealNode, RealNode]
  return {
    jp,
    us,
    ph,
    charter,
    async [Symbol.asyncDispose]() {
      for (const node of nodes) await node[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

test('what one publishes reaches the other through the carrier, and its receipt, recall and acknowledgement come back', async () => {
  await using opened = await world()
  const { jp, us, ph } = opened
  for (const node of [jp, us, ph]) node.federation.start()
  const { log } = await jp.publish(audience, [object('first', jp)])
  await until('it at ph', async () => (await sizeAt(ph, log)) === 2, PATIENCE_MS)
  await jp.publish(audience, [object('second', jp)])
  await until('the next at ph', async () => (await sizeAt(ph, log)) === 3, PATIENCE_MS)
  await ph.federation.armed(log, 3, [])
  await until(
    'receipts of both kinds at jp',
    async () => {
      const kinds = (await jp.federation.receipts(log)).filter(({ member }) => member === idOf(ph))
      return ['received', 'armed'].every((kind) => kinds.some((one) => one.kind === kind && one.verified))
    },
    PATIENCE_MS,
  )
  const receipts = (await jp.federation.receipts(log)).filter(({ member }) => member === idOf(ph))
  assert.ok(receipts.every(({ via }) => via === idOf(us)))
  assert.ok((await jp.federation.receipts(log)).some(({ member, via }) => member === idOf(us) && via === undefined))
  await jp.federation.recall(log, 1, 'error')
  await until(
    'the recall acknowledged',
    async () =>
      (await jp.federation.recallAcks(log, 1)).some(({ member, via }) => member === idOf(ph) && via === idOf(us)),
    PATIENCE_MS,
  )
  const link = ph.federation.links().find(({ peer }) => peer === idOf(jp))
  assert.deepEqual([link?.state, link?.way, link?.via, link?.lagEntries], ['up', 'carrier', idOf(us), 0])
  assert.deepEqual([jp.alarms, us.alarms, ph.alarms], [[], [], []])
  for (const node of [jp, us, ph]) assert.equal((await node.store.fsck()).ok, true)
})

test('RED, and what the carrier may not hold, does not travel through it', async () => {
  await using opened = await world()
  const { jp, us, ph } = opened
  for (const node of [jp, us, ph]) node.federation.start()
  const red: Audience = { v: 1, tlp: 'red', participants: [idOf(us), idOf(ph)].sort() }
  const hidden: Audience = { v: 1, tlp: 'amber', members: [idOf(ph)] }
  const { log: named } = await jp.publish(red, [object('red', jp)])
  const { log: aside } = await jp.publish(hidden, [object('aside', jp)])
  const { log } = await jp.publish(audience, [object('for all', jp)])
  await until('it at ph', async () => (await sizeAt(ph, log)) === 2, PATIENCE_MS)
  await until('RED at us', async () => (await sizeAt(us, named)) === 2, PATIENCE_MS)
  await jp.publish(audience, [object('after', jp)])
  await until('the next at ph', async () => (await sizeAt(ph, log)) === 3, PATIENCE_MS)
  assert.deepEqual([await sizeAt(ph, named), await sizeAt(ph, aside), await sizeAt(us, aside)], [0, 0, 0])
  assert.deepEqual([jp.alarms, us.alarms, ph.alarms], [[], [], []])
})

test('without a carrier in the charter nothing is carried, and nothing is asked', async () => {
  await using opened = await world({ carriers: false })
  const { jp, us, ph } = opened
  const targets: string[] = []
  us.intercept(async (request, next) => {
    targets.push(request.target)
    return next()
  })
  for (const node of [jp, us, ph]) node.federation.start()
  const { log } = await jp.publish(audience, [object('first', jp)])
  await until('it at us', async () => (await sizeAt(us, log)) === 2, PATIENCE_MS)
  await new Promise((resolve) => setTimeout(resolve, 4_000))
  assert.equal(await sizeAt(ph, log), 0)
  assert.deepEqual(
    targets.filter((target) => /author=|reader=/.test(target)),
    [],
  )
})
