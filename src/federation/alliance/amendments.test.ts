// The life of a charter after it was founded: standing, caps, rules, leaving.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MemberId } from '#base'
import { type CharterStatement, statementHash } from '#log'
import { admits, registerOf } from '#policy'
import { makeCharter, makeMember } from '../simulation/members.ts'
import { amberFor, indicator } from '../testing/objects.ts'
import { openNodes } from '../testing/pair.ts'
import { type RealNode, until } from '../testing/real-node.ts'
import { signed } from '../testing/signed-request.ts'
import { amend, type Amendment } from './amendment.ts'

const T = Date.UTC(2026, 0, 1)
const SLUGS = ['jp-nco', 'us-cisa', 'ph-cert']
const [jp, us, ph] = SLUGS.map((slug) => makeMember(slug, T))
const { charter: parent } = makeCharter('pacific', [jp!, us!, ph!], T)
const proposer = { self: jp!.self.member, now: T + 1_000 }
const rowIn = (charter: CharterStatement, slug: string) => charter.members.find((member) => member.slug === slug)!

test('each change makes the version that follows, and nothing else of it differs', () => {
  const left = amend(parent, { change: 'leave' }, proposer)
  assert.deepEqual([left.version, rowIn(left, 'jp-nco').standing, rowIn(left, 'jp-nco').left], [2, 'left', T + 1_000])
  assert.deepEqual(rowIn(left, 'us-cisa'), rowIn(parent, 'us-cisa'))
  const back = amend(
    left,
    { change: 'standing', member: 'jp-nco', standing: 'active' },
    { ...proposer, now: T + 2_000 },
  )
  assert.deepEqual([rowIn(back, 'jp-nco').joined, rowIn(back, 'jp-nco').left], [T + 2_000, undefined])
  const capped = amend(parent, { change: 'row', member: 'ph-cert', set: { maxTlp: 'green' } }, proposer)
  assert.equal(rowIn(capped, 'ph-cert').maxTlp, 'green')
  const free = amend(capped, { change: 'row', member: ph!.self.member, set: { maxTlp: null } }, proposer)
  assert.deepEqual(free.members, parent.members)
  const carried = amend(parent, { change: 'rules', set: { carriers: ['us-cisa'], observers: 'green' } }, proposer)
  assert.deepEqual([carried.rules.carriers, carried.rules.observers], [[us!.self.member], 'green'])
  const dropped = amend(carried, { change: 'standing', member: 'us-cisa', standing: 'suspended' }, proposer)
  assert.deepEqual(dropped.rules.carriers, [], 'who is suspended carries nothing')
  const closed = amend(carried, { change: 'rules', set: { observers: null } }, proposer)
  assert.ok(!('observers' in closed.rules))
})

test('a change that is none, names nobody, or makes no charter is refused with the reason', () => {
  const refused = (amendment: Amendment, code: string, message: RegExp) =>
    assert.throws(() => amend(parent, amendment, proposer), { code, message })
  refused({ change: 'standing', member: 'us-cisa', standing: 'active' }, 'ALLIANCE_AMENDMENT', /changes nothing/)
  refused({ change: 'standing', member: 'xx', standing: 'left' }, 'ALLIANCE_MEMBER', /xx does not stand in pacific/)
  refused({ change: 'rules', set: { quorum: 1 } }, 'ALLIANCE_AMENDMENT', /more than half/)
  refused({ change: 'rules', set: { carriers: ['xx'] } }, 'ALLIANCE_MEMBER', /xx/)
  refused({ change: 'row', member: 'us-cisa', set: { nation: 'usa' } }, 'ALLIANCE_AMENDMENT', /nation/)
})

test('observers and candidates see what the rules give them, never more, and bring no clients', () => {
  const client = {
    id: ph!.self.member.replace(/.$/, '0') as MemberId,
    slug: 'ph-bank',
    name: 'x',
    kind: 'bank',
    sectors: [],
    nation: 'PH',
  }
  const withClient = amend(parent, { change: 'row', member: 'ph-cert', set: { clients: [client] } }, proposer)
  const observed = amend(withClient, { change: 'standing', member: 'ph-cert', standing: 'observer' }, proposer)
  const opened = amend(observed, { change: 'rules', set: { observers: 'green', candidates: 'amber' } }, proposer)
  const candidate = amend(opened, { change: 'standing', member: 'ph-cert', standing: 'candidate' }, proposer)
  const sees = (charter: CharterStatement, reader: MemberId, tlp: 'clear' | 'green' | 'amber') =>
    admits({
      audience: tlp === 'clear' ? { v: 1, tlp } : { v: 1, tlp, community: ['pacific'] },
      author: jp!.self.member,
      server: jp!.self.member,
      reader,
      channel: 'node',
      register: registerOf([charter]),
      now: T + 5_000,
    }).send
  const levels = ['clear', 'green', 'amber'] as const
  const seen = (charter: CharterStatement, reader = ph!.self.member) => levels.map((tlp) => sees(charter, reader, tlp))
  assert.deepEqual(seen(withClient), [true, true, true])
  assert.deepEqual(seen(withClient, client.id), [true, true, false])
  assert.deepEqual(seen(observed), [true, false, false], 'no rule: what is for the world')
  assert.deepEqual(seen(opened), [true, true, false])
  assert.deepEqual(seen(opened, client.id), [false, false, false])
  assert.deepEqual(seen(candidate), [true, true, true])
  assert.deepEqual(seen(amend(candidate, { change: 'standing', member: 'ph-cert', standing: 'suspended' }, proposer)), [
    false,
    false,
    false,
  ])
})

const sizeAt = async (node: RealNode, log: string) => (await node.store.log(log))?.size
const versionAt = (node: RealNode) => node.federation.alliances.list()[0]?.version
const vote = async (node: RealNode) => {
  await until('the proposal', async () => (await node.federation.alliances.proposals()).length === 1)
  return node.federation.alliances.approve('pacific', node.member.root)
}

test('a suspended member gets nothing from that version on, and all of it when it is reinstated', async () => {
  await using world = await openNodes(SLUGS)
  const [one, two, three] = world.nodes as [RealNode, RealNode, RealNode]
  for (const node of world.nodes) node.federation.start()
  const publish = (name: string) =>
    one.publish(amberFor('pacific'), [indicator(name, one.member.self.member, Date.now())])
  const { log } = await publish('before')
  await until('both mirrors', async () => (await sizeAt(two, log)) === 2 && (await sizeAt(three, log)) === 2)
  const { alliances } = one.federation
  const suspend: Amendment = { change: 'standing', member: 'ph-cert', standing: 'suspended' }
  const state = await alliances.amend('pacific', suspend, one.member.root)
  assert.equal(state.inForce, false, 'one vote of three is no quorum')
  await assert.rejects(alliances.amend('pacific', { change: 'leave' }, one.member.root), { code: 'ALLIANCE_VERSION' })
  await assert.rejects(alliances.amend('pacific', { change: 'leave' }, one.member.root, true), {
    code: 'ALLIANCE_VOTED',
  })
  assert.equal((await vote(two)).inForce, true)
  await until('version 2 everywhere', () => world.nodes.every((node) => versionAt(node) === 2))
  await publish('meanwhile')
  await until('the mirror at two', async () => (await sizeAt(two, log)) === 3)
  await new Promise((resolve) => setTimeout(resolve, 200))
  assert.equal(await sizeAt(three, log), 2)
  await alliances.amend('pacific', { change: 'standing', member: 'ph-cert', standing: 'active' }, one.member.root)
  await vote(two)
  await until('the mirror at three', async () => (await sizeAt(three, log)) === 3)
})

test('who leaves hears of it, ends its links, and learns of no later version; the others go on', async () => {
  await using world = await openNodes(SLUGS)
  const [one, two, three] = world.nodes as [RealNode, RealNode, RealNode]
  for (const node of world.nodes) node.federation.start()
  await until('links', () => world.nodes.every((node) => node.federation.links().every(({ state }) => state === 'up')))
  await three.federation.alliances.amend('pacific', { change: 'leave' }, three.member.root)
  await vote(one)
  await until('version 2 everywhere', () => world.nodes.every((node) => versionAt(node) === 2))
  await until('no links', () => three.federation.links().length === 0 && one.federation.links().length === 1)
  await one.federation.alliances.amend('pacific', { change: 'rules', set: { receipts: 'alliance' } }, one.member.root)
  await vote(two)
  await until('version 3', () => versionAt(one) === 3 && versionAt(two) === 3)
  const { log } = await one.publish(amberFor('pacific'), [indicator('later', one.member.self.member, Date.now())])
  await until('the mirror at two', async () => (await sizeAt(two, log)) === 2)
  assert.equal(versionAt(three), 2)
  assert.equal(await sizeAt(three, log), undefined)
  // What it asks by itself is answered with what it knows already: not even that there is more.
  const ask = async (path: string) => {
    const answer = await one.federation.handle(signed(three, one, path))
    assert.equal(answer.status, 200)
    return JSON.parse(Buffer.from('body' in answer ? answer.body : '').toString()) as Answers
  }
  const { charters } = await ask('/link/v1/charters/pacific?from=1')
  assert.deepEqual(
    charters.map(({ charter }) => charter.version),
    [1, 2],
  )
  const { statement } = await ask('/link/v1/logs')
  assert.deepEqual(statement, { ...statement, charters: { pacific: statementHash(charters[1]!.charter) }, logs: [] })
})

interface Answers {
  charters: { charter: CharterStatement }[]
  statement: object
}

test('who was away when it left is told by the next answer that it gets', async () => {
  await using world = await openNodes(SLUGS)
  const [one, two, three] = world.nodes as [RealNode, RealNode, RealNode]
  one.federation.start()
  two.federation.start()
  await one.federation.alliances.amend(
    'pacific',
    { change: 'standing', member: 'ph-cert', standing: 'left' },
    one.member.root,
  )
  await vote(two)
  await until('version 2', () => versionAt(one) === 2 && versionAt(two) === 2)
  await one.federation.alliances.amend('pacific', { change: 'rules', set: { receipts: 'alliance' } }, one.member.root)
  await vote(two)
  await until('version 3', () => versionAt(one) === 3)
  three.federation.start()
  await until('its end', () => versionAt(three) === 2 && three.federation.links().length === 0)
})
