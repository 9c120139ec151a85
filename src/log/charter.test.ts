import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Hash, type MemberId, toBase64 } from '#base'
import {
  type CharterMember,
  type CharterStatement,
  checkCharter,
  type Envelope,
  memberIdOf,
  membersAtFork,
  quorumOf,
  type Signer,
  signStatement,
  statementHash,
  toCharter,
  toSigner,
} from '#log'

const signers = Array.from({ length: 6 }, (_, n) => toSigner(new Uint8Array(32).fill(n + 1)))
const NAMES = ['jp', 'us', 'ph', 'th', 'fr', 'au']

function memberOf(n: number, change: Partial<CharterMember> = {}): CharterMember {
  const root = signers[n] as Signer
  const id = memberIdOf(root.publicKey)
  const key = toBase64(toSigner(new Uint8Array(32).fill(n + 100)).publicKey)
  const delegation = signStatement('delegation', { member: id, key, purpose: 'node', from: 1, until: 9 }, [root])
  return {
    id,
    slug: NAMES[n] ?? '',
    name: `Agency ${n}`,
    nation: (NAMES[n] ?? '').toUpperCase(),
    kind: 'national-csirt',
    sectors: ['energy'],
    root: toBase64(root.publicKey),
    delegations: [delegation as Envelope],
    standing: 'active',
    joined: 1,
    ...change,
  }
}

const byId = (members: readonly CharterMember[]) => [...members].sort((a, b) => (a.id < b.id ? -1 : 1))
const charterOf = (members: readonly CharterMember[], change: Partial<CharterStatement> = {}): CharterStatement => ({
  type: 'charter',
  alliance: 'pacific',
  version: 1,
  previous: null,
  members: byId(members),
  rules: { quorum: 'majority', receipts: 'author', greenDefault: 'community', carriers: [] },
  time: 10,
  ...change,
})
const vote = (n: number, charter: CharterStatement, change: object = {}, signer = signers[n] as Signer) => {
  const member = memberIdOf((signers[n] as Signer).publicKey)
  const fields = { member, alliance: 'pacific', charter: statementHash(charter), time: 20, ...change }
  return signStatement('vote', fields, [signer])
}
const first = charterOf([0, 1, 2, 3].map((n) => memberOf(n)))
const next = (members: readonly CharterMember[], change: Partial<CharterStatement> = {}) =>
  charterOf(members, { version: 2, previous: statementHash(first), ...change })
const refused = (change: () => unknown, code = 'CHARTER_INVALID') => assert.throws(change, { code })

test('version 1 is in force by the votes of all its active members, and no fewer', () => {
  fc.assert(
    fc.property(fc.subarray([0, 1, 2, 3]), (voters) => {
      const verdict = checkCharter(
        undefined,
        first,
        voters.map((n) => vote(n, first)),
      )
      assert.equal(verdict.inForce, voters.length === 4)
      assert.equal(verdict.needed, 4)
      assert.deepEqual(verdict.approvals, voters.map((n) => memberIdOf((signers[n] as Signer).publicKey)).sort())
    }),
  )
})

test('a later version is in force by more than half of the active members of the one before', () => {
  const second = next([...first.members, memberOf(4)])
  fc.assert(
    fc.property(fc.subarray([0, 1, 2, 3, 4, 5]), (voters) => {
      const verdict = checkCharter(
        first,
        second,
        voters.map((n) => vote(n, second)),
      )
      assert.equal(verdict.inForce, voters.filter((n) => n < 4).length >= 3)
    }),
  )
})

test('votes count once for a member, and not for another charter, alliance, member or key', () => {
  const second = next(first.members)
  const count = (...votes: unknown[]) => checkCharter(first, second, votes).approvals.length
  assert.equal(count(vote(0, second), vote(0, second, { time: 21 })), 1)
  assert.equal(count(vote(0, first)), 0)
  assert.equal(count(vote(0, second, { alliance: 'atlantic' })), 0)
  assert.equal(count(vote(0, second, {}, signers[1])), 0)
  assert.equal(count(vote(0, second, { member: memberIdOf((signers[1] as Signer).publicKey) })), 0)
  assert.equal(count(null, 1, {}, { statement: {}, signatures: [] }), 0)
})

test('observers, suspended members and those who left do not vote', () => {
  const standings = [{}, { standing: 'observer' }, { standing: 'suspended' }, { standing: 'left', left: 5 }] as const
  const charter = charterOf(standings.map((standing, n) => memberOf(n, standing)))
  const verdict = checkCharter(undefined, charter, [vote(0, charter), vote(1, charter), vote(2, charter)])
  assert.deepEqual([verdict.inForce, verdict.needed, verdict.approvals.length], [true, 1, 1])
})

test('a quorum in numbers is above half of the active members and within their number', () => {
  const withQuorum = (quorum: number) =>
    charterOf(
      [0, 1, 2, 3].map((n) => memberOf(n)),
      { rules: { ...first.rules, quorum } },
    )
  for (const quorum of [3, 4]) assert.equal(quorumOf(toCharter(withQuorum(quorum))), quorum)
  for (const quorum of [0, 1, 2, 5, 3.5]) refused(() => toCharter(withQuorum(quorum)))
  assert.equal(quorumOf(first), 3)
})

test('a charter follows the version before: number, hash, alliance and time', () => {
  checkCharter(first, next(first.members), [])
  for (const change of [{ version: 3 }, { previous: '0'.repeat(64) as Hash }, { alliance: 'atlantic' }, { time: 9 }])
    refused(() => checkCharter(first, next(first.members, change), []))
  refused(() => checkCharter(undefined, next(first.members), []))
})

test('a member id follows from its first root key, which a rotated one names', () => {
  const rotated = { root: toBase64((signers[5] as Signer).publicKey), delegations: [] }
  toCharter(next([memberOf(1), memberOf(0, { ...rotated, firstRoot: memberOf(0).root })]))
  refused(() => toCharter(next([memberOf(1), memberOf(0, rotated)])))
  refused(() => toCharter(charterOf([memberOf(0, { id: memberOf(1).id, delegations: [] })])))
})

test('after a rotation the old root key has no vote', () => {
  const rotated = memberOf(0, {
    root: toBase64((signers[5] as Signer).publicKey),
    firstRoot: memberOf(0).root,
    delegations: [],
  })
  const second = next([rotated, memberOf(1), memberOf(2), memberOf(3)])
  const third = next(second.members, { version: 3, previous: statementHash(second) })
  assert.equal(checkCharter(second, third, [vote(0, third)]).approvals.length, 0)
  assert.equal(checkCharter(second, third, [vote(0, third, {}, signers[5])]).approvals.length, 1)
})

test('members and rules of another form are refused', () => {
  const bad: Partial<Record<keyof CharterMember, unknown>>[] = [
    { slug: 'JP' },
    { name: '' },
    { nation: 'jp' },
    { kind: 'National CSIRT' },
    { sectors: ['energy', 'banking'] },
    { sectors: undefined },
    { standing: 'candidate' },
    { joined: -1 },
    { left: 5 },
    { standing: 'left' },
    { address: 'ftp://x' },
    { address: 'https://' },
    { maxTlp: 'white' },
    { tlpVersion: '3.0' },
    { caveats: ['b', 'a'] },
    { cyberCommunity: 'yes' },
    { networks: ['192.0.2.0/24', '10.0.0.0/8', '192.0.2.0/24'] },
    { networks: ['Cert.example'] },
    { networks: ['.'] },
    { networks: 'cert.example' },
    { networks: Array.from({ length: 1_001 }, (_, n) => `n${String(n).padStart(4, '0')}.example`) },
    { clients: [{ id: 'x' }] },
    { root: 'AA==' },
    { delegations: {} },
  ]
  for (const change of bad) refused(() => toCharter(charterOf([memberOf(0, change as Partial<CharterMember>)])))
  refused(() => toCharter(charterOf([memberOf(0), memberOf(1, { slug: 'jp' })])))
  refused(() =>
    toCharter({ ...charterOf([memberOf(0), memberOf(1)]), members: byId([memberOf(0), memberOf(1)]).toReversed() }),
  )
  refused(() => toCharter(charterOf([])))
  refused(() => toCharter(charterOf([memberOf(0, { standing: 'observer' })])))
  for (const rules of [
    { quorum: 'all' },
    { receipts: 'public' },
    { greenDefault: 'x' },
    { carriers: [memberOf(5).id] },
    { carriers: undefined },
  ])
    refused(() => toCharter({ ...first, rules: { ...first.rules, ...rules } }))
  for (const member of [null, 7, 'x', []] as never[]) refused(() => toCharter({ ...first, members: [member] }))
  for (const client of [null, 7, 'x', []] as never[])
    refused(() => toCharter(charterOf([memberOf(0, { clients: [client] })])))
  for (const envelope of [null, 7, {}, { statement: null }, { signatures: [] }] as never[])
    refused(() => toCharter(charterOf([memberOf(0, { delegations: [envelope] })])), 'STATEMENT_INVALID')
  const foreign = memberOf(1).delegations
  refused(() => toCharter(charterOf([memberOf(0, { delegations: foreign })])), 'SIGNATURE_INVALID')
  toCharter(charterOf([memberOf(0, { networks: ['192.0.2.0/24', '2001:db8::/32', 'cert.example'] })]))
  toCharter({ ...first, note: 'unknown members are passed over' })
})

test('at a fork the parent counts, less whom either side removed or lowered', () => {
  const [a, b, c, d] = [0, 1, 2, 3].map((n) => memberOf(n)) as [
    CharterMember,
    CharterMember,
    CharterMember,
    CharterMember,
  ]
  const left = next([a, b, c, memberOf(4)])
  const right = next([a, d, c, { ...b, standing: 'suspended' }])
  const ids = (members: readonly CharterMember[]): MemberId[] => members.map((member) => member.id)
  assert.deepEqual(ids(membersAtFork(first, [left, right])), ids(byId([a, c])))
})
