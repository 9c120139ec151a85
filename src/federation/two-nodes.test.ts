// Two real nodes in one process, over HTTP on loopback, each with its own store on disk.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openRealNode, type RealNode, reserve, until } from './testing/real-node.ts'
import { amberFor, indicator } from './testing/objects.ts'
import { makeCharter, makeMember } from './simulation/members.ts'
import type { FederationOptions, Mirrored, Receipt } from './api.ts'

async function pair(more: [Partial<FederationOptions>, Partial<FederationOptions>] = [{}, {}]) {
  const places = [await reserve(), await reserve()] as const
  const time = Date.now()
  const members = [
    makeMember('jp-nco', time, { address: places[0].address }),
    makeMember('us-cisa', time, { address: places[1].address, nation: 'US' }),
  ] as const
  const charter = makeCharter('pacific', members, time)
  const jp = await openRealNode(members[0], places[0], more[0])
  const us = await openRealNode(members[1], places[1], more[1])
  for (const node of [jp, us]) await node.federation.alliances.bootstrapCharter(charter)
  return { jp, us }
}

const audience = amberFor('pacific')
const sizeAt = async (node: RealNode, log: string) => (await node.store.log(log))?.size

test('what one node publishes is mirrored, judged and receipted with possession at the other', async () => {
  const receipts: Receipt[] = []
  const mirrored: Mirrored[] = []
  const { jp, us } = await pair([
    { events: { receipt: (receipt) => receipts.push(receipt) } },
    { events: { mirrored: (event) => mirrored.push(event) } },
  ])
  await using _jp = jp
  await using _us = us
  jp.federation.start()
  us.federation.start()
  const object = indicator('first', jp.member.self.member, Date.now())
  const { log } = await jp.publish(audience, [object])
  await until('the mirror', async () => (await sizeAt(us, log)) === 2)
  const { rows } = await us.store.objects({ logs: [log], limit: 10 })
  assert.deepEqual(JSON.parse(Buffer.from(rows[0]!.json).toString()), object)
  await until('the receipt', () => receipts.length === 1)
  assert.equal(receipts[0]!.member, us.member.self.member)
  assert.equal(receipts[0]!.verified, true)
  assert.deepEqual([receipts[0]!.from, receipts[0]!.size], [0, 2])
  assert.equal(mirrored[0]!.correlate, true)
  // Now by the stream: no poll is due for a minute.
  await until('the stream', () => us.federation.links()[0]?.state === 'up')
  await jp.publish(audience, [indicator('second', jp.member.self.member, Date.now())])
  await until('the push', async () => (await sizeAt(us, log)) === 3, 2_000)
  await us.federation.armed(log, 3, [])
  await until('all receipts', async () => (await jp.federation.receipts(log)).length === 3)
  const kinds = (await jp.federation.receipts(log)).map((receipt) => receipt.kind)
  assert.deepEqual(kinds.sort(), ['armed', 'received', 'received'])
  assert.deepEqual([jp.alarms, us.alarms], [[], []])
  assert.equal(us.federation.links()[0]!.lagEntries, 0)
})
