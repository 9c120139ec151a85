// Two real nodes in one process, over HTTP on loopback, each with its own store on disk.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Mirrored, RecallAck, Recalled, Receipt } from './api.ts'
import { amberFor, indicator } from './testing/objects.ts'
import { openNodes } from './testing/pair.ts'
import { type RealNode, until } from './testing/real-node.ts'

const audience = amberFor('pacific')
const sizeAt = async (node: RealNode, log: string) => (await node.store.log(log))?.size

test('what one node publishes is mirrored, judged and receipted with possession at the other', async () => {
  const receipts: Receipt[] = []
  const mirrored: Mirrored[] = []
  await using pair = await openNodes(['jp-nco', 'us-cisa'], {
    'jp-nco': { events: { receipt: (receipt) => receipts.push(receipt) } },
    'us-cisa': { events: { mirrored: (event) => mirrored.push(event) } },
  })
  const [jp, us] = pair.nodes as [RealNode, RealNode]
  for (const node of pair.nodes) node.federation.start()
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

test('a recall is executed at once, acknowledged, and purged after the hold', async () => {
  const recalled: Recalled[] = []
  const acks: RecallAck[] = []
  await using pair = await openNodes(['jp-nco', 'us-cisa'], {
    'jp-nco': { events: { recallAcknowledged: (ack) => acks.push(ack) } },
    'us-cisa': { events: { recalled: (event) => recalled.push(event) } },
  })
  const [jp, us] = pair.nodes as [RealNode, RealNode]
  for (const node of pair.nodes) node.federation.start()
  const names = ['held', 'personal']
  const { log } = await jp.publish(
    audience,
    names.map((name) => indicator(name, jp.member.self.member, Date.now())),
  )
  await until('the mirror', async () => (await sizeAt(us, log)) === 3)
  await jp.federation.recall(log, 1, 'error')
  await jp.federation.recall(log, 2, 'personal-data')
  await until('both recalls', () => recalled.length === 2)
  await until('both acknowledgements', () => acks.length === 2)
  assert.deepEqual(
    recalled.map(({ index, reason, alertOnly }) => ({ index, reason, alertOnly })),
    [
      { index: 1, reason: 'error', alertOnly: false },
      { index: 2, reason: 'personal-data', alertOnly: false },
    ],
  )
  assert.deepEqual(
    acks.map((ack) => ack.purged === null),
    [true, false],
  )
  assert.equal((await jp.federation.recallAcks(log, 2))[0]!.member, us.member.self.member)
  for (const node of [jp, us]) {
    const [, held, personal] = await node.store.entries(log, 0, 3)
    assert.equal(held!.bytes, undefined, 'withheld content is on no way out')
    assert.equal(personal!.bytes, undefined)
    assert.deepEqual((await node.store.objects({ logs: [log], limit: 10 })).rows, [])
    assert.equal((await node.store.fsck()).ok, true)
  }
  await assert.rejects(us.federation.recall(log, 1, 'error'), { code: 'RECALL_NOT_OWN' })
})

test('a node that comes back after a stop catches up, and its receipts arrive', async () => {
  await using pair = await openNodes(['jp-nco', 'us-cisa'])
  const [jp, us] = pair.nodes as [RealNode, RealNode]
  jp.federation.start()
  const { log } = await jp.publish(audience, [indicator('early', jp.member.self.member, Date.now())])
  for (let i = 0; i < 5; i++) await jp.publish(audience, [indicator(`later-${i}`, jp.member.self.member, Date.now())])
  us.federation.start()
  await until('the mirror', async () => (await sizeAt(us, log)) === 7)
  await until('a receipt of everything', async () => {
    return (await jp.federation.receipts(log)).some((receipt) => receipt.size === 7 && receipt.verified)
  })
})

test('who comes after a recall gets a stub in the place of the content, without alarm, and acknowledges', async () => {
  await using pair = await openNodes(['jp-nco', 'us-cisa'])
  const [jp, us] = pair.nodes as [RealNode, RealNode]
  jp.federation.start()
  const { log } = await jp.publish(audience, [indicator('gone', jp.member.self.member, Date.now())])
  await jp.federation.recall(log, 1, 'legal')
  us.federation.start()
  await until('the acknowledgement', async () => (await jp.federation.recallAcks(log, 1)).length === 1)
  assert.equal((await us.store.entries(log, 1, 2))[0]!.bytes, undefined)
  await until('the receipt', async () => (await jp.federation.receipts(log)).some(({ verified }) => verified))
  const [receipt] = await jp.federation.receipts(log)
  assert.deepEqual(receipt!.envelope.statement['stubs'], [1])
  assert.deepEqual(us.alarms, [])
})
