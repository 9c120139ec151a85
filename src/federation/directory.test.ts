// Which keys of a member count while charters name different root keys of it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sha256, toBase64, utf8 } from '#base'
import { type CharterMember, type Envelope, type Signer, signStatement, toSigner } from '#log'
import { CharterDirectory } from './directory.ts'
import { makeCharter, makeMember } from './simulation/members.ts'

const NOW = 1_800_000_000_000
const keyOf = (name: string) => toSigner(sha256(utf8(name)))
const jp = makeMember('jp-nco', NOW)
const us = makeMember('us-cisa', NOW)

const delegation = (root: Signer, key: Signer, until = NOW + 1_000): Envelope =>
  signStatement(
    'delegation',
    { member: jp.self.member, key: toBase64(key.publicKey), purpose: 'node', from: 0, until },
    [root],
  )

/** The member's row, as a charter gives it another root key. */
const under = (root: Signer, delegations: Envelope[]): CharterMember => ({
  ...jp.self.profile,
  firstRoot: jp.self.profile.root,
  root: toBase64(root.publicKey),
  delegations,
})

function directoryOf(rows: Record<string, CharterMember>): CharterDirectory {
  const directory = new CharterDirectory(us.self.member)
  for (const [alliance, row] of Object.entries(rows)) {
    const { charter } = makeCharter(alliance, [jp, us], NOW)
    const members = charter.members.map((member) => (member.id === row.id ? { ...row, joined: 0 } : member))
    directory.install({ charter: { ...charter, members }, votes: [] })
  }
  return directory
}

const keysAt = (directory: CharterDirectory, at = NOW) => directory.nodeKeys(jp.self.member, at).map(String)

test('a root key that one alliance changed before another keeps the node key in force', () => {
  const next = keyOf('next root')
  const directory = directoryOf({
    pacific: jp.self.profile,
    trilateral: under(next, [delegation(next, jp.self.nodeKey)]),
  })
  assert.deepEqual(keysAt(directory), [String(jp.self.nodeKey.publicKey)])
  assert.deepEqual(keysAt(directory, NOW + 1_000), [], 'as long as both delegate it')
})

test('a root key that an alliance made up for a member speaks for it nowhere', () => {
  const theirs = keyOf('made up')
  const thief = keyOf('thief')
  const invented = under(theirs, [delegation(theirs, thief)])
  const directory = directoryOf({ pacific: jp.self.profile, conspiracy: invented })
  assert.deepEqual(keysAt(directory), [String(jp.self.nodeKey.publicKey)])
  const both = under(theirs, [delegation(theirs, thief), delegation(theirs, jp.self.nodeKey)])
  assert.deepEqual(keysAt(directoryOf({ pacific: jp.self.profile, conspiracy: both })), [
    String(jp.self.nodeKey.publicKey),
  ])
  // Neither is the first one: nobody can tell which is true, and none counts.
  const later = keyOf('later root')
  const changed = under(later, [delegation(later, jp.self.nodeKey)])
  assert.deepEqual(keysAt(directoryOf({ pacific: changed, conspiracy: invented })), [])
})
