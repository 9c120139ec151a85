// Recalls and expiries of entries whose log takes no more: they stand as statements in the log that goes on from it.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { canonicalJson, type Json, type JsonObject, utf8 } from '#base'
import { type Audience, ENTRY_KIND, signStatement } from '#log'
import { amberFor, indicator } from './testing/objects.ts'
import { openNodes } from './testing/pair.ts'
import { type RealNode, until } from './testing/real-node.ts'

const audience = amberFor('pacific')
const random = (count: number) => new Uint8Array(randomBytes(count))
const objectAt = async (node: RealNode, log: string, index: number) =>
  (await node.store.entries(log, index, index + 1))[0]
const isGone = async (node: RealNode, log: string, index: number) => {
  const entry = await objectAt(node, log, index)
  return entry !== undefined && entry.bytes === undefined
}
const newObject = (node: RealNode, name: string): JsonObject => indicator(name, node.member.self.member, Date.now())

/** Ends a log as a restore does; answers the one that goes on. */
async function renew(node: RealNode, log: string): Promise<string> {
  const genesis = { salt: random(32), time: Date.now(), incarnation: random(16) }
  const charters = node.federation.directory.charterLines(audience)
  const [outcome] = await node.store.commit([{ op: 'renew', log, genesis, charters }])
  assert.ok(outcome?.op === 'renew')
  node.federation.announce([
    { log, size: 0 },
    { log: outcome.log, size: 1 },
  ])
  return outcome.log
}

/** A statement in a node's log for an audience, whatever it says. */
async function say(node: RealNode, to: Audience, fields: JsonObject): Promise<void> {
  const { member, nodeKey } = node.member.self
  const statement = signStatement('recall', { member, time: Date.now(), ...fields }, [nodeKey])
  const [outcome] = await node.store.commit([
    {
      op: 'append',
      author: member,
      audience: to,
      genesis: { salt: random(32), time: Date.now(), incarnation: random(16) },
      charters: node.federation.directory.charterLines(to),
      entries: [
        {
          kind: ENTRY_KIND.statement,
          salt: random(32),
          time: Date.now(),
          payload: utf8(canonicalJson(statement as unknown as Json)),
        },
      ],
    },
  ])
  assert.ok(outcome?.op === 'append')
  node.federation.announce([{ log: outcome.log, size: outcome.size }])
}

test('entries of a log that ended are recalled and expire in the next one, and recipients acknowledge', async () => {
  await using world = await openNodes(['jp-nco', 'us-cisa'])
  const [jp, us] = world.nodes as [RealNode, RealNode]
  for (const node of world.nodes) node.federation.start()
  const { log } = await jp.publish(audience, [newObject(jp, 'a'), newObject(jp, 'b'), newObject(jp, 'c')])
  await until('the mirror', async () => (await us.store.log(log))?.size === 4)
  const next = await renew(jp, log)
  await jp.federation.recall(log, 1, 'personal-data')
  assert.equal(await jp.federation.expire(log, [2]), 1)
  await until('us took both out', async () => (await isGone(us, log, 1)) && (await isGone(us, log, 2)))
  await until('the acknowledgement', async () => (await jp.federation.recallAcks(log, 1)).length > 0)
  assert.equal((await us.store.log(log))?.size, 4, 'nothing was appended to what ended')
  assert.equal((await us.store.log(next))?.size, 3)
  assert.ok((await objectAt(us, log, 3))?.bytes, 'the rest stays')
  assert.deepEqual([...jp.alarms, ...us.alarms], [])
  for (const node of world.nodes) assert.deepEqual((await node.store.fsck()).faults, [])
})

for (const isContentLate of [true, false])
  test(`who meets ${isContentLate ? 'the recall before the log' : 'the log before the recall'} takes the stub without an alarm`, async () => {
    await using world = await openNodes(['jp-nco', 'us-cisa'])
    const [jp, us] = world.nodes as [RealNode, RealNode]
    const { log } = await jp.publish(audience, [newObject(jp, 'a'), newObject(jp, 'b')])
    const next = await renew(jp, log)
    await jp.federation.recall(log, 1, 'personal-data')
    const late = isContentLate ? log : next
    let isBarred = true
    jp.intercept(async (request, serve) => {
      const answer = await serve()
      const isKept = isBarred && request.target.includes(late)
      const isStream = request.target.includes('/stream')
      return isKept || isStream ? { status: 404, headers: {}, body: new Uint8Array() } : answer
    })
    us.federation.start()
    const early = isContentLate ? next : log
    await until('the first mirror', async () => (await us.store.log(early)) !== undefined)
    assert.equal(await us.store.log(late), undefined)
    isBarred = false
    await until('the second mirror', async () => (await us.store.log(late)) !== undefined, 20_000)
    await until('the acknowledgement', async () => (await jp.federation.recallAcks(log, 1)).length > 0, 20_000)
    assert.ok(await isGone(us, log, 1))
    assert.ok((await objectAt(us, log, 2))?.bytes)
    assert.deepEqual(us.alarms, [])
    assert.deepEqual((await us.store.fsck()).faults, [])
  })

test('content that comes after its recall is never used', async () => {
  await using world = await openNodes(['jp-nco', 'us-cisa'])
  const [jp, us] = world.nodes as [RealNode, RealNode]
  const { log } = await jp.publish(audience, [newObject(jp, 'a')])
  const leaf = (await objectAt(jp, log, 1))!.leaf
  await renew(jp, log)
  // The author says so and still serves the content: as a relay that has not heard of it would.
  await say(jp, audience, { log, index: 1, leaf, reason: 'error' })
  let isBarred = true
  jp.intercept(async (request, serve) => {
    const isKept = isBarred && request.target.includes(log)
    const isStream = request.target.includes('/stream')
    return isKept || isStream ? { status: 404, headers: {}, body: new Uint8Array() } : serve()
  })
  us.federation.start()
  await until('the recall', async () => (await us.store.logs()).length === 1)
  isBarred = false
  await until('the log', async () => (await us.store.log(log))?.size === 2, 20_000)
  const { rows } = await us.store.objects({ logs: [log], statuses: ['accepted'], limit: 10 })
  assert.deepEqual(rows, [], 'it came in the same commit that withholds it')
  await until('the acknowledgement', async () => (await jp.federation.recallAcks(log, 1)).length > 0)
})

test('a statement takes nothing out of another member’s log, of another audience’s, or under another leaf', async () => {
  await using world = await openNodes(['jp-nco', 'us-cisa', 'ph-cert'])
  const [jp, us, ph] = world.nodes as [RealNode, RealNode, RealNode]
  for (const node of world.nodes) node.federation.start()
  const { log } = await jp.publish(audience, [newObject(jp, 'a'), newObject(jp, 'b')])
  await until('the mirrors', async () => (await us.store.log(log))?.size === 3 && (await ph.store.log(log))?.size === 3)
  const leaf = (await objectAt(jp, log, 1))!.leaf
  const other = (await objectAt(jp, log, 2))!.leaf
  const named = { log, index: 1, leaf, reason: 'error' }
  const narrow: Audience = { v: 1, tlp: 'amber', members: [us.member.self.member] }
  const cases: [RealNode, Audience, JsonObject][] = [
    [ph, audience, named],
    [jp, narrow, named],
    [jp, audience, { ...named, leaf: other }],
  ]
  for (const [i, [author, to, fields]] of cases.entries()) {
    await say(author, to, fields)
    await until(`alarm ${i}`, () => us.alarms.length === i + 1)
    assert.equal(us.alarms[i]?.kind, 'bad-answer')
    assert.equal(us.alarms[i]?.peer, author.member.self.member)
    assert.ok((await objectAt(us, log, 1))?.bytes, `case ${i}`)
  }
  await jp.federation.recall(log, 1, 'error')
  await until('its author’s recall counts', () => isGone(us, log, 1))
})

test('a stranger’s word about a log that has not come yet takes nothing out of it, nor its author’s for another audience', async () => {
  await using world = await openNodes(['jp-nco', 'us-cisa', 'ph-cert'])
  const [jp, us, ph] = world.nodes as [RealNode, RealNode, RealNode]
  const { log } = await jp.publish(audience, [newObject(jp, 'a')])
  const leaf = (await objectAt(jp, log, 1))!.leaf
  await say(ph, audience, { log, index: 1, leaf, reason: 'error' })
  await say(jp, { v: 1, tlp: 'amber', members: [us.member.self.member] }, { log, index: 1, leaf, reason: 'error' })
  const isKept = { jp: true }
  jp.intercept((request, serve) =>
    (isKept.jp && request.target.includes(log)) || request.target.includes('/stream')
      ? Promise.resolve({ status: 404, headers: {}, body: new Uint8Array() })
      : serve(),
  )
  us.federation.start()
  await until('both words', async () => (await us.store.logs()).length === 2)
  isKept.jp = false
  await until('the log', async () => (await us.store.log(log))?.size === 2, 20_000)
  assert.ok((await objectAt(us, log, 1))?.bytes)
  const { rows } = await us.store.objects({ logs: [log], statuses: ['accepted'], limit: 10 })
  assert.equal(rows.length, 1)
})

test('a recall far behind what it names explains the stub: whoever comes later is not alarmed in between', async () => {
  await using world = await openNodes(['jp-nco', 'us-cisa'])
  const [jp, us] = world.nodes as [RealNode, RealNode]
  let log = ''
  for (let batch = 0; batch < 4; batch++) {
    const names = Array.from({ length: 1_500 }, (_, i) => newObject(jp, `${batch} ${i}`))
    log = (await jp.publish(audience, names)).log
  }
  await jp.federation.recall(log, 1, 'error')
  us.federation.start()
  await until('the mirror', async () => (await us.store.log(log))?.size === 6_002, 30_000)
  assert.deepEqual(us.alarms, [])
  assert.ok(await isGone(us, log, 1))
})
