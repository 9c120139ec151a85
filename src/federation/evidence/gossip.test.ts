// An author that shows two members different trees of one log is found out by them alone, and anybody can check the proof.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseJson, utf8 } from '#base'
import { ENTRY_KIND, examineEvidence, statementHash } from '#log'
import { objectColumns } from '#stix'
import type { LinkResponse } from '../api.ts'
import { makeMember, votedBy } from '../simulation/members.ts'
import { amberFor, indicator } from '../testing/objects.ts'
import { openNodes } from '../testing/pair.ts'
import { openRealNode, type RealNode, reserve, until } from '../testing/real-node.ts'
import { signed } from '../testing/signed-request.ts'

const audience = amberFor('pacific')
const limits = { pollMs: 400, backoffFirstMs: 50, backoffMaxMs: 200 }
const everybody = { 'us-cisa': { limits }, 'ph-cert': { limits }, 'jp-nco': { limits } }

async function whole(answer: Promise<LinkResponse>) {
  const { status, ...rest } = await answer
  return { status, text: 'body' in rest ? Buffer.from(rest.body).toString() : '(stream)' }
}

/** Appends with a genesis of its own, so that two stores open the same log. */
async function append(
  node: RealNode,
  genesis: { salt: Uint8Array; time: number; incarnation: Uint8Array },
  names: string[],
) {
  const { member } = node.member.self
  const entries = names.map((name) => {
    const object = indicator(name, member, genesis.time)
    const columns = { ...objectColumns(object), status: 'accepted' as const }
    const salt = new Uint8Array(32).fill(name.length)
    return { kind: ENTRY_KIND.object, salt, time: genesis.time, payload: utf8(JSON.stringify(object)), object: columns }
  })
  const charters = node.federation.directory.charterLines(audience)
  const [outcome] = await node.store.commit([{ op: 'append', author: member, audience, genesis, charters, entries }])
  if (outcome?.op !== 'append') throw new Error('not appended')
  node.federation.announce([{ log: outcome.log, size: outcome.size }])
  return outcome
}

for (const [what, ours, theirs] of [
  ['of the same size', ['one'], ['two']],
  ['of different sizes', ['one', 'three'], ['two', 'four', 'fifth', 'sixth one']],
] as const)
  test(`two trees ${what}: both readers find it within a poll interval, and the proof convicts the author alone`, async () => {
    await using world = await openNodes(['jp-nco', 'us-cisa', 'ph-cert'], everybody)
    const [jp, us, ph] = world.nodes as [RealNode, RealNode, RealNode]
    await using other = await openRealNode(jp.member, await reserve(), { limits })
    await other.federation.alliances.bootstrapCharter(world.charter)
    jp.intercept((request, next) =>
      request.headers['noroshi-from'] === ph.member.self.member ? other.federation.handle(request) : next(),
    )
    const genesis = { salt: new Uint8Array(32).fill(7), time: Date.now(), incarnation: new Uint8Array(16).fill(1) }
    const first = await append(jp, genesis, [...ours])
    const second = await append(other, genesis, [...theirs])
    assert.equal(first.log, second.log)
    assert.notEqual(first.root, second.root)
    us.federation.start()
    ph.federation.start()
    for (const node of [us, ph]) {
      await until('the mirror', async () => (await node.store.log(first.log)) !== undefined)
      await until('the alarm', () =>
        node.alarms.some(({ kind, peer }) => kind === 'fork' && peer === jp.member.self.member),
      )
      const [row, ...more] = await node.federation.evidence.list()
      assert.deepEqual(more, [], 'told once')
      assert.equal(row?.proved, true)
      const { file } = await node.federation.evidence.export(row.id)
      const verdict = examineEvidence(parseJson(JSON.stringify(file)))
      assert.equal(verdict.fault, undefined)
      assert.equal(verdict.accused, jp.member.self.member)
      assert.equal(verdict.alliances[0]?.founding.length, 64)
    }
    await new Promise((resolve) => setTimeout(resolve, limits.pollMs * 3))
    for (const node of [us, ph]) assert.equal((await node.federation.evidence.list()).length, 1, 'and not again')
  })

test('a liar that was suspended meanwhile is still found out, by those alone who stood beside it when it signed', async () => {
  await using world = await openNodes(['jp-nco', 'us-cisa', 'ph-cert'])
  const [jp, us, ph] = world.nodes as [RealNode, RealNode, RealNode]
  await using other = await openRealNode(jp.member, await reserve())
  await other.federation.alliances.bootstrapCharter(world.charter)
  jp.intercept((request, next) =>
    request.headers['noroshi-from'] === ph.member.self.member ? other.federation.handle(request) : next(),
  )
  const genesis = { salt: new Uint8Array(32).fill(7), time: Date.now(), incarnation: new Uint8Array(16).fill(1) }
  const { log } = await append(jp, genesis, ['one'])
  await append(other, genesis, ['two'])
  us.federation.start()
  ph.federation.start()
  for (const node of [us, ph]) await until('the mirror', async () => (await node.store.log(log)) !== undefined)

  const { charter } = world.charter
  const times = await Promise.all([us, ph].map(async ({ store }) => (await store.log(log))!.time))
  const time = Math.max(...times) + 1
  const newcomer = makeMember('th-ncsa', Date.now(), { joined: time })
  const rows = charter.members.map((row) => (row.slug === 'jp-nco' ? { ...row, standing: 'suspended' as const } : row))
  const members = [...rows, newcomer.self.profile].sort((a, b) => (a.id < b.id ? -1 : 1))
  const second = { ...charter, version: 2, previous: statementHash(charter), members, time }
  const chain = [world.charter, votedBy(second, [us.member, ph.member])]
  for (const node of [us, ph]) await node.federation.alliances.bootstrapCharter(chain)

  const { checkpoint } = (await us.store.log(log))!
  /** Each of the two may yet be catching up with what the other named. */
  const ask = async (from: Pick<RealNode, 'member'>) => {
    const body = JSON.stringify({ checkpoints: [checkpoint] })
    const once = () => whole(ph.federation.handle(signed(from, ph, '/link/v1/gossip', { method: 'POST', body })))
    let answer = await once()
    await until('an answer', async () => answer.status !== 503 || (answer = await once()).status !== 503)
    return answer
  }
  assert.deepEqual(parseJson((await ask({ member: newcomer })).text), { checkpoints: [] })
  assert.deepEqual(await ph.federation.evidence.list(), [])
  assert.match((await ask(us)).text, new RegExp(log))
  assert.deepEqual(
    (await ph.federation.evidence.list()).map(({ proved, accused }) => ({ proved, accused })),
    [{ proved: true, accused: jp.member.self.member }],
  )
})

test('an honest author is accused of nothing while its log grows and its readers are at different sizes', async () => {
  await using world = await openNodes(['jp-nco', 'us-cisa', 'ph-cert'], everybody)
  const [jp, us, ph] = world.nodes as [RealNode, RealNode, RealNode]
  us.federation.start()
  let log = ''
  for (let i = 0; i < 12; i++) {
    const object = indicator(`honest ${i}`, jp.member.self.member, Date.now())
    log = (await jp.publish(audience, [object])).log
    if (i === 3) ph.federation.start()
    if (i === 6) await us.federation.removeLink('jp-nco')
    await new Promise((resolve) => setTimeout(resolve, 120))
  }
  await until('ph has all', async () => (await ph.store.log(log))?.size === 13)
  assert.ok(((await us.store.log(log))?.size ?? 0) < 13)
  await new Promise((resolve) => setTimeout(resolve, limits.pollMs * 2))
  for (const node of [us, ph])
    assert.deepEqual(
      node.alarms.filter(({ kind }) => kind !== 'stale'),
      [],
    )
})

test('who asks about a log that it may not see gets the answer for one that does not exist; nobody is asked about one', async () => {
  await using world = await openNodes(['jp-nco', 'us-cisa', 'ph-cert'], everybody)
  const [jp, us, ph] = world.nodes as [RealNode, RealNode, RealNode]
  const asked: string[] = []
  ph.intercept((request, next) => {
    if (request.target === '/link/v1/gossip') asked.push(Buffer.from(request.body).toString())
    return next()
  })
  for (const node of world.nodes) node.federation.start()
  const red = { v: 1, tlp: 'red', participants: [us.member.self.member] } as const
  const secret = await jp.publish(red, [indicator('secret', jp.member.self.member, Date.now())])
  const shared = await jp.publish(audience, [indicator('shared', jp.member.self.member, Date.now())])
  for (const { log } of [secret, shared]) await until('the mirror', async () => (await us.store.log(log)) !== undefined)
  await until('the shared log was compared', () => asked.some((body) => body.includes(shared.log)))
  assert.ok(!asked.some((body) => body.includes(secret.log)), 'a hidden log is not spoken of')

  const note = (await us.store.log(secret.log))!.checkpoint
  const ask = (checkpoints: unknown) =>
    whole(
      us.federation.handle(
        signed(ph, us, '/link/v1/gossip', { method: 'POST', body: JSON.stringify({ checkpoints }) }),
      ),
    )
  const hidden = await ask([note])
  const unknown = await ask([note.replace(secret.log, '0'.repeat(64))])
  assert.deepEqual(hidden, unknown)
  assert.deepEqual(parseJson(hidden.text), { checkpoints: [] })
  const known = await ask([(await us.store.log(shared.log))!.checkpoint])
  assert.match(known.text, new RegExp(shared.log))
  const forged = await ask([(await us.store.log(shared.log))!.checkpoint.replace('\n2\n', '\n3\n')])
  assert.deepEqual(forged, hidden, 'what its author did not sign is not answered')
  assert.equal((await ask(Array(65).fill(note))).status, 400)
  assert.deepEqual(us.alarms, [])
})
