import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Hash, type Json, toBase64 } from '#base'
import { examineSigned, signCheckpoint, signStatement } from '#log'
import { makeCharter, type MadeMember, makeMember } from '../simulation/members.ts'

const T = Date.UTC(2026, 4, 1)
const [jp, us, ph] = ['jp-nco', 'us-cisa', 'ph-cert'].map((slug) => makeMember(slug, T)) as [
  MadeMember,
  MadeMember,
  MadeMember,
]
const charter = makeCharter('pacific', [jp, us, ph], T)
const log = 'ab'.repeat(32) as Hash
const root = 'ef'.repeat(32) as Hash
const note = signCheckpoint({ log, size: 2, root, time: T, charters: [] }, jp.self.member, jp.self.nodeKey)

test('every signed thing of a file is examined, wherever it stands', () => {
  const received = (member: MadeMember, by = member) =>
    signStatement(
      'received',
      {
        member: member.self.member,
        log,
        from: 0,
        size: 2,
        root: root,
        possession: 'cd'.repeat(32),
        stubs: [],
        time: T,
      },
      [by.self.nodeKey],
    )
  const report = { receipts: [received(us), { envelope: received(ph) }], notes: [note] } as unknown as Json
  const of = (value: Json, more: Json[] = []) =>
    examineSigned(value, more, undefined).things.map(({ result, by }) => [result, by])
  assert.deepEqual(of(report, [{ charters: [charter] } as unknown as Json]), [
    ['holds', 'charter'],
    ['holds', 'charter'],
    ['holds', 'charter'],
  ])
  assert.deepEqual(
    of(report).map(([result]) => result),
    ['unknown', 'unknown', 'unknown'],
  )
  const members = [{ member: us.self.member, key64: toBase64(us.self.nodeKey.publicKey) }]
  assert.deepEqual(of({ receipts: [received(us)], members } as unknown as Json), [['holds', 'list']])
  assert.deepEqual(of({ receipts: [received(us, ph)], members } as unknown as Json)[0]?.[0], 'fails')
  const changed = structuredClone(received(us)) as unknown as { statement: { size: number } }
  changed.statement.size = 3
  assert.deepEqual(of([changed] as unknown as Json, [{ charters: [charter] } as unknown as Json])[0]?.[0], 'fails')
  assert.equal(
    examineSigned(report, [{ charters: [charter] } as unknown as Json], 'ef'.repeat(32) as Hash).things[0]?.result,
    'unknown',
  )
})
