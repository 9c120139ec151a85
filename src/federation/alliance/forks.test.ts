// Members that vote twice: both charters are in force somewhere, and everybody freezes at what came before.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type CharterStatement, signStatement, statementHash } from '#log'
import type { VotedCharter } from '../alliance-api.ts'
import { makeCharter, makeMember } from '../simulation/members.ts'
import { amberFor, indicator } from '../testing/objects.ts'
import { openNodes } from '../testing/pair.ts'
import { openRealNode, type RealNode, reserve, until } from '../testing/real-node.ts'
import { amend, type Amendment } from './amendment.ts'
import { freezeOf, settlingSide } from './forks.ts'

const SLUGS = ['jp-nco', 'us-cisa', 'ph-cert', 'th-ncsa', 'vn-ais']
const T = Date.UTC(2026, 0, 1)
const made = SLUGS.map((slug) => makeMember(slug, T))
const [jp, us, ph, th, vn] = made as [MadeMember, MadeMember, MadeMember, MadeMember, MadeMember]
type MadeMember = ReturnType<typeof makeMember>
const first = makeCharter('pacific', made, T)

function next(after: VotedCharter, amendment: Amendment, voters: readonly MadeMember[]): VotedCharter {
  return voted(amend(after.charter, amendment, { self: jp.self.member, now: after.charter.time + 1 }), voters)
}

function voted(charter: CharterStatement, voters: readonly MadeMember[]): VotedCharter {
  const { alliance, time } = charter
  const fields = { alliance, charter: statementHash(charter), time }
  return {
    charter,
    votes: voters.map(({ self, root }) => signStatement('vote', { ...fields, member: self.member }, [root])),
  }
}

const standing = (member: string, to: 'suspended' | 'left'): Amendment => ({ change: 'standing', member, standing: to })
const goOn = (after: VotedCharter, voters: readonly MadeMember[]) => {
  const { charter } = after
  const { version } = charter
  return voted({ ...charter, version: version + 1, previous: statementHash(charter), time: charter.time + 1 }, voters)
}

const ours = next(first, standing('th-ncsa', 'suspended'), [jp, us, ph])
const theirs = next(first, standing('jp-nco', 'left'), [ph, th, vn])

test('a fork freezes at the parent less whom either side removed', () => {
  const freeze = freezeOf([first, ours], [theirs])
  assert.equal(freeze?.version, 2)
  assert.equal(freeze?.parent, statementHash(first.charter))
  assert.deepEqual(freeze?.removed.toSorted(), [jp.self.member, th.self.member].sort())
  assert.equal(freezeOf([first, ours], []), undefined)
  const longer = next(ours, standing('us-cisa', 'suspended'), [jp, us, ph])
  assert.equal(freezeOf([first, ours, longer], [theirs])?.removed.length, 3, 'what a side did later counts too')
})

test('more than half of those who still count settle it, on either side, and its own quorum alone does not', () => {
  // us, ph and vn count: two of them settle.
  const byUs = goOn(ours, [us, vn, ph])
  assert.equal(freezeOf([first, ours, byUs], [theirs]), undefined)
  const byOne = goOn(ours, [jp, us, ph])
  assert.equal(freezeOf([first, ours, byOne], [theirs]), undefined, 'us and ph are two of three')
  const bySide = goOn(theirs, [ph, th, vn])
  const freeze = freezeOf([first, ours], [theirs, bySide])!
  assert.deepEqual(settlingSide([first, ours], [theirs, bySide], freeze)?.at(-1), bySide)
  const bySelves = goOn(theirs, [th, vn, us].slice(0, 2))
  assert.equal(settlingSide([first, ours], [theirs, bySelves], freezeOf([first, ours], [theirs, bySelves])!), undefined)
})

const isFrozen = (node: RealNode) => node.federation.alliances.list()[0]?.frozen?.version === 2
const sizeAt = async (node: RealNode, log: string) => (await node.store.log(log))?.size

test('a frozen node is frozen after a restart, and goes on once its own side is agreed on', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'noroshi-fork-'))
  try {
    const before = await openRealNode(us, await reserve(), { folder })
    await before.federation.alliances.bootstrapCharter([first, ours])
    await assert.rejects(before.federation.alliances.bootstrapCharter(theirs), {
      code: 'CHARTER_INVALID',
      message: /fork/,
    })
    assert.ok(isFrozen(before))
    assert.deepEqual(await before.federation.alliances.proposals(), [])
    await before[Symbol.asyncDispose]()
    await using node = await openRealNode(us, await reserve(), { folder })
    assert.ok(isFrozen(node))
    assert.equal(node.federation.directory.register().alliance('pacific')?.size, 3)
    const alone = goOn(ours, [jp, us, th])
    await assert.rejects(node.federation.alliances.bootstrapCharter(alone), { message: /not-in-force/ })
    await node.federation.alliances.bootstrapCharter(goOn(ours, [jp, us, ph]))
    assert.deepEqual([node.federation.alliances.list()[0]?.version, isFrozen(node)], [3, false])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test('real nodes: one who sees both sides tells all; the removed get nothing meanwhile; a vote settles it everywhere', async () => {
  await using world = await openNodes(SLUGS)
  const members = world.nodes.map(({ member }) => member) as [
    MadeMember,
    MadeMember,
    MadeMember,
    MadeMember,
    MadeMember,
  ]
  const [a, b, c, d, e] = members
  const [one, two, three, four, five] = world.nodes as [RealNode, RealNode, RealNode, RealNode, RealNode]
  const left = next(world.charter, standing('th-ncsa', 'suspended'), [a, b, c])
  const right = next(world.charter, standing('vn-ais', 'suspended'), [c, d, e])
  for (const node of [one, two]) await node.federation.alliances.bootstrapCharter(left)
  for (const node of [three, four, five]) await node.federation.alliances.bootstrapCharter(right)
  for (const node of world.nodes) node.federation.start()
  await until('all are frozen', () => world.nodes.every(isFrozen), 10_000)
  assert.ok(one.alarms.some(({ kind, evidence }) => kind === 'charter' && evidence !== undefined))
  const counted = one.federation.alliances.list()[0]!
  assert.equal(counted.version, 1)
  assert.deepEqual(counted.frozen?.removed.toSorted(), [d.self.member, e.self.member].sort())
  const { log } = await one.publish(amberFor('pacific'), [indicator('frozen', a.self.member, Date.now())])
  await until('those who count', async () => (await sizeAt(two, log)) === 2 && (await sizeAt(three, log)) === 2)
  assert.deepEqual([await sizeAt(four, log), await sizeAt(five, log)], [undefined, undefined])

  const sides = await one.federation.alliances.sides('pacific')
  assert.deepEqual(
    sides.map(({ hash }) => hash),
    [statementHash(left.charter), statementHash(right.charter)],
  )
  await assert.rejects(one.federation.alliances.settle('pacific', 'ffff', a.root), { code: 'ALLIANCE_NO_FORK' })
  // One of the left side gives in.
  const proposed = await one.federation.alliances.settle('pacific', statementHash(right.charter).slice(0, 12), a.root)
  assert.equal(proposed.inForce, false)
  await until('it waits', async () => (await two.federation.alliances.proposals()).length === 1)
  await two.federation.alliances.approve('pacific', b.root, undefined, proposed.hash)
  await until('it waits', async () => (await three.federation.alliances.proposals())[0]?.votes.length === 2)
  assert.equal((await three.federation.alliances.approve('pacific', c.root)).inForce, true)
  const settled = () =>
    world.nodes.every((node) => {
      const [row] = node.federation.alliances.list()
      return row?.version === 3 && row.frozen === undefined && row.hash === proposed.hash
    })
  await until('one charter everywhere', settled, 10_000)
  await until('four again', async () => (await sizeAt(four, log)) === 2)
  assert.equal(await sizeAt(five, log), undefined, 'whom the agreed side suspended')
  await assert.rejects(one.federation.alliances.settle('pacific', 'ffff', a.root), { code: 'ALLIANCE_NO_FORK' })
})
