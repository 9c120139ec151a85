import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalJson, type Json, toHex, utf8 } from '#base'
import {
  consistencyProof,
  encodeEntry,
  type Frame,
  Frontier,
  type HashAt,
  leafHash,
  logIdOf,
  nodeHash,
  rootOf,
  signCheckpoint,
} from '#log'
import { makeMember } from './simulation/members.ts'
import { checkCheckpoint, checkEntries, checkFollows, type MirrorState, provesGrowth } from './verify.ts'

const NOW = 1_790_000_000_000
const { self } = makeMember('jp-nco', NOW)
const author = self.member
const salt = new Uint8Array(32)
const audience = { v: 1 as const, tlp: 'clear' as const }
const payload = (value: Json) => utf8(canonicalJson(value))
const genesis = encodeEntry({
  kind: 0,
  salt,
  time: NOW,
  payload: payload({ author, audience, incarnation: '00'.repeat(16), previous: null }),
})
const log = logIdOf(genesis)
const object = (n: number, time = NOW) => encodeEntry({ kind: 1, salt, time, payload: payload({ n }) })
const entries = [genesis, object(1), object(2), object(3)]
const leaves = entries.map(leafHash)
const frames = entries.map((bytes): Frame => ({ bytes }))
const rootAt = (size: number, of = leaves) => toHex(rootOf(of.slice(0, size)))
const checkpointOf = (size: number, root = rootAt(size), time = NOW) => ({ log, size, root, time, charters: [] })
const empty: MirrorState = { log, author, frontier: new Frontier(), checkpointTime: 0, entryTime: 0 }
const expected = { log, author, now: NOW, nodeKeys: () => [self.nodeKey.publicKey] }
const faultOf = (checked: { ok: boolean; fault?: { kind: string } }) => checked.fault?.kind

test('entries that lead to the signed root count, with audience and frontier', () => {
  const checked = checkEntries(empty, frames, checkpointOf(4))
  assert.ok(checked.ok)
  assert.deepEqual(checked.value.audience, audience)
  assert.equal(checked.value.frontier.size, 4)
  assert.ok(checked.value.entries.every((entry) => entry.bytes))
  assert.equal(empty.frontier.size, 0, 'the state before is left as it was')
})

test('one changed, missing, added or swapped entry spoils the batch', () => {
  const changed = Uint8Array.from(entries[2]!)
  changed[changed.length - 2]! ^= 1
  const spoiled = [frames.with(2, { bytes: changed }), [frames[0]!, frames[2]!, frames[1]!, frames[3]!]]
  for (const batch of spoiled) assert.equal(faultOf(checkEntries(empty, batch, checkpointOf(4))), 'fork')
  for (const batch of [frames.slice(0, 3), [...frames, frames[3]!]])
    assert.equal(faultOf(checkEntries(empty, batch, checkpointOf(4))), 'bad-answer')
})

test('a stub stands for content that is withheld; the genesis can not be one', () => {
  const checked = checkEntries(empty, frames.with(1, { leaf: leaves[1]! }), checkpointOf(4))
  assert.ok(checked.ok && checked.value.entries[1]!.bytes === undefined)
  assert.equal(faultOf(checkEntries(empty, frames.with(0, { leaf: leaves[0]! }), checkpointOf(4))), 'bad-answer')
})

test('a genesis of another author opens no mirror', () => {
  const other = makeMember('us-cisa', NOW).self.member
  assert.equal(faultOf(checkEntries({ ...empty, author: other }, frames, checkpointOf(4))), 'bad-answer')
})

test('an entry against the format extends the mirror, but stays inert', () => {
  const early = object(9, NOW - 1)
  const late = object(9, NOW + 1)
  for (const bytes of [early, late, utf8('no entry at all')]) {
    const all = [...leaves, leafHash(bytes)]
    const checked = checkEntries(empty, [...frames, { bytes }], checkpointOf(5, rootAt(5, all)))
    assert.ok(checked.ok)
    assert.deepEqual(checked.value.entries[4], { index: 4, leaf: all[4], why: 'malformed' })
  }
})

test('a checkpoint counts under a node key of its time alone', () => {
  const note = signCheckpoint(checkpointOf(4), author, self.nodeKey)
  assert.ok(checkCheckpoint(note, expected).ok)
  const stranger = makeMember('stranger', NOW).self
  assert.equal(
    faultOf(checkCheckpoint(signCheckpoint(checkpointOf(4), author, stranger.nodeKey), expected)),
    'bad-signature',
  )
  assert.equal(faultOf(checkCheckpoint(note.replace('\n4\n', '\n5\n'), expected)), 'bad-signature')
  assert.equal(faultOf(checkCheckpoint(note, { ...expected, nodeKeys: () => [] })), 'bad-signature')
  assert.equal(faultOf(checkCheckpoint(note, { ...expected, log: 'ab'.repeat(32) })), 'bad-answer')
  assert.equal(faultOf(checkCheckpoint(note, { ...expected, now: NOW - 60_001 })), 'clock')
  assert.equal(faultOf(checkCheckpoint('garbage', expected)), 'bad-answer')
})

test('size and time do not go back, and a size keeps its root', () => {
  const checked = checkEntries(empty, frames.slice(0, 3), checkpointOf(3))
  assert.ok(checked.ok)
  const mirror: MirrorState = { ...empty, frontier: checked.value.frontier, checkpointTime: NOW, audience }
  assert.equal(checkFollows(mirror, checkpointOf(4)), undefined)
  assert.equal(checkFollows(mirror, checkpointOf(2))?.kind, 'rollback')
  assert.equal(checkFollows(mirror, checkpointOf(4, rootAt(4), NOW - 1))?.kind, 'rollback')
  assert.equal(checkFollows(mirror, checkpointOf(3, rootAt(4)))?.kind, 'fork')
})

test('only an author that extended what it signed can prove its growth', () => {
  const hashAt: HashAt = (level, index) =>
    level === 0 ? leaves[index]! : nodeHash(hashAt(level - 1, index * 2), hashAt(level - 1, index * 2 + 1))
  const proof = consistencyProof(hashAt, 3, 4).map(toHex)
  assert.equal(provesGrowth({ size: 3, root: rootAt(3) }, checkpointOf(4), proof), true)
  assert.equal(provesGrowth({ size: 3, root: rootAt(2) }, checkpointOf(4), proof), false)
  assert.equal(provesGrowth({ size: 3, root: rootAt(3) }, checkpointOf(4), proof.slice(1)), false)
  assert.equal(provesGrowth({ size: 3, root: rootAt(3) }, checkpointOf(4), ['zz']), false)
})
