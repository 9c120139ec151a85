// Joining: invitation, words on both sides, votes, and a charter that reaches everybody.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { signStatement } from '#log'
import { makeCharter, makeMember } from '../simulation/members.ts'
import { openRealNode, reserve, until } from '../testing/real-node.ts'

async function open(slug: string) {
  const place = await reserve()
  return openRealNode(makeMember(slug, Date.now(), { address: place.address }), place)
}

test('an invited member joins once a quorum voted; both sides see the same words; everybody ends at one charter', async () => {
  await using jp = await open('jp-nco')
  await using us = await open('us-cisa')
  await using ph = await open('ph-cert')
  const all = [jp, us, ph]
  for (const node of all) node.federation.start()
  await jp.federation.alliances.create('pacific', {}, jp.member.root)
  for (const [joiner, voters] of [
    [us, []],
    [ph, [us]],
  ] as const) {
    const { text } = await jp.federation.alliances.invite('pacific')
    const { words } = await joiner.federation.alliances.join(text)
    const [request] = await jp.federation.alliances.joinRequests('pacific')
    assert.equal(request!.words, words)
    assert.equal(words.split(' ').length, 4)
    assert.equal(await joiner.federation.alliances.joined('pacific'), false)
    const id = joiner.member.self.member
    await assert.rejects(jp.federation.alliances.confirm('pacific', id, us.member.root), { code: 'KEY_MISMATCH' })
    let state = await jp.federation.alliances.confirm('pacific', id, jp.member.root)
    for (const voter of voters) {
      assert.equal(state.inForce, false)
      await until('the proposal', async () => (await voter.federation.alliances.proposals()).length === 1)
      state = await voter.federation.alliances.approve('pacific', voter.member.root)
    }
    assert.equal(state.inForce, true)
    await until('the joiner is in', () => joiner.federation.alliances.joined('pacific'))
    await assert.rejects(joiner.federation.alliances.join(text), { code: 'ALLIANCE_EXISTS' })
  }
  await until('one charter everywhere', () => {
    const hashes = all.map((node) => JSON.stringify(node.federation.alliances.list().map(({ hash }) => hash)))
    return new Set(hashes).size === 1 && all.every((node) => node.federation.alliances.list()[0]?.version === 3)
  })
  await until('links to everybody', () =>
    all.every((node) => node.federation.links().filter(({ state }) => state === 'up').length === 2),
  )
})

test('who asks to join under the id of a member that is known by another root key is refused', async () => {
  await using jp = await open('jp-nco')
  const us = makeMember('us-cisa', Date.now())
  await jp.federation.alliances.bootstrapCharter(makeCharter('trilateral', [jp.member, us], Date.now()))
  await jp.federation.alliances.create('pacific', {}, jp.member.root)
  const thief = makeMember('thief', Date.now())
  const [delegation] = thief.self.profile.delegations
  const { type: _, ...fields } = delegation!.statement
  const claimed = {
    ...us.self.profile,
    firstRoot: us.self.profile.root,
    root: thief.self.profile.root,
    delegations: [signStatement('delegation', { ...fields, member: us.self.member }, [thief.root])],
  }
  const place = await reserve()
  const self = { ...us.self, nodeKey: thief.self.nodeKey, profile: { ...claimed, address: place.address } }
  await using impostor = await openRealNode({ self, root: thief.root }, place)
  const { text } = await jp.federation.alliances.invite('pacific')
  await assert.rejects(impostor.federation.alliances.join(text), { code: 'INVITATION_REFUSED' })
  assert.deepEqual(await jp.federation.alliances.joinRequests('pacific'), [])
})

test('an invitation is good for one member, and an altered or ended one for nobody', async () => {
  await using jp = await open('jp-nco')
  await using us = await open('us-cisa')
  await using th = await open('th-ncsa')
  await jp.federation.alliances.create('pacific', {}, jp.member.root)
  const { text } = await jp.federation.alliances.invite('pacific')
  await us.federation.alliances.join(text)
  await assert.rejects(th.federation.alliances.join(text), { code: 'INVITATION_REFUSED' })
  await assert.rejects(th.federation.alliances.join(text.slice(3)), { code: 'INVITATION_INVALID' })
  const { text: ended } = await jp.federation.alliances.invite('pacific', { validMs: 0 })
  await assert.rejects(th.federation.alliances.join(ended), { code: 'INVITATION_EXPIRED' })
})

test('a member votes once for each version, and a charter without its quorum is not installed', async () => {
  await using jp = await open('jp-nco')
  const others = ['us-cisa', 'ph-cert'].map((slug) => makeMember(slug, Date.now()))
  const charter = makeCharter('pacific', [jp.member, ...others], Date.now())
  const [first] = charter.votes
  await assert.rejects(jp.federation.alliances.bootstrapCharter({ ...charter, votes: [first!] }), {
    code: 'CHARTER_INVALID',
  })
  await jp.federation.alliances.bootstrapCharter(charter)
  assert.equal(jp.federation.directory.members().length, 3)
  await assert.rejects(jp.federation.alliances.approve('pacific', jp.member.root), { code: 'ALLIANCE_NO_PROPOSAL' })
})

test('a member that nobody can call learns of its admission by itself, also over a restart, and links to its inviter', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'noroshi-federation-'))
  const place = await reserve()
  // Its charter row names no address: nobody can push to it, and it can't be told.
  await using jp = await openRealNode(makeMember('jp-nco', Date.now()), place)
  const member = makeMember('us-cisa', Date.now())
  const first = await openRealNode(member, await reserve(), { folder })
  for (const node of [jp, first]) node.federation.start()
  await jp.federation.alliances.create('pacific', {}, jp.member.root)
  const { text } = await jp.federation.alliances.invite('pacific', { address: place.address })
  await first.federation.alliances.join(text)
  await first[Symbol.asyncDispose]()
  await jp.federation.alliances.confirm('pacific', member.self.member, jp.member.root)
  await using second = await openRealNode(member, await reserve(), { folder })
  second.federation.start()
  await until('the charter', () => second.federation.directory.charter('pacific') !== undefined, 8_000)
  await until('the link', () => second.federation.links()[0]?.state === 'up', 8_000)
  assert.equal(second.federation.links()[0]?.address, place.address)
  await rm(folder, { recursive: true, force: true })
})
