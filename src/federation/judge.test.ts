import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type JsonObject, timestampKey, toTimestamp } from '#base'
import type { Audience } from '#log'
import { Definitions, registerOf } from '#policy'
import { PREDEFINED_MARKINGS } from '#stix'
import { judgeObject, MODIFIED_AHEAD_MS, type Rules, toCandidate } from './judge.ts'
import { placeOf } from './judge-versions.ts'
import { makeCharter, makeMember } from './simulation/members.ts'
import { amberFor, indicator } from './testing/objects.ts'

const NOW = 1_790_000_000_000
const [jp, us, outsider] = ['jp-nco', 'us-cisa', 'outsider'].map((slug) => makeMember(slug, NOW)) as [
  ReturnType<typeof makeMember>,
  ReturnType<typeof makeMember>,
  ReturnType<typeof makeMember>,
]
const author = jp.self.member
const rules: Rules = {
  publisher: author,
  self: us.self.member,
  register: registerOf([makeCharter('pacific', [jp, us], NOW).charter]),
  definitions: new Definitions(PREDEFINED_MARKINGS.values()),
  now: NOW,
  acceptsDrill: (drill) => drill === 'accepted-drill',
}
const audience = amberFor('pacific')

function at(log: string, index: number, more: JsonObject = {}, where = audience) {
  const object = indicator('one', author, NOW, more)
  const candidate = toCandidate({ log, index, audience: where, entryTime: NOW, object })
  assert.ok(candidate)
  return candidate
}
const codes = (...candidates: ReturnType<typeof at>[]) => {
  const verdicts = judgeObject(candidates, rules)
  return candidates.map((candidate) => verdicts.get(placeOf(candidate))!).map(({ status, code }) => code ?? status)
}
const later = (ms: number, more: JsonObject = {}) => ({ modified: toTimestamp(NOW + ms), ...more })

test('a first valid object that its author may send is accepted', () => {
  assert.deepEqual(codes(at('a', 1)), ['accepted'])
})

test('content of a drill that is not accepted here is quarantined: exercise must not hide an attack', () => {
  assert.deepEqual(codes(at('a', 1, {}, { ...audience, drill: 'accepted-drill' })), ['accepted'])
  assert.deepEqual(codes(at('a', 1, {}, { ...audience, drill: 'another' })), ['QUARANTINE:DRILL'])
})

test('two contents under one modified are equivocation, both of them, in one log or two', () => {
  assert.deepEqual(codes(at('a', 1), at('b', 1, { name: 'x' })), ['REJECT:EQUIVOCATION', 'REJECT:EQUIVOCATION'])
  assert.deepEqual(codes(at('a', 1), at('a', 2, { name: 'x' })), ['REJECT:EQUIVOCATION', 'REJECT:EQUIVOCATION'])
  assert.deepEqual(codes(at('a', 1), at('b', 1)), ['accepted', 'accepted'])
})

test('rollback counts inside one log; across logs an older version is history', () => {
  assert.deepEqual(codes(at('a', 1, later(1_000)), at('a', 2)), ['accepted', 'REJECT:ROLLBACK'])
  assert.deepEqual(codes(at('a', 1, later(1_000)), at('b', 2)), ['accepted', 'accepted'])
})

test('a refused version is no measure for the next one', () => {
  const verdicts = codes(at('a', 1, later(2_000)), at('a', 2), at('a', 3, later(1_000)))
  assert.deepEqual(verdicts, ['accepted', 'REJECT:ROLLBACK', 'REJECT:ROLLBACK'])
})

test('what follows a revocation in its log is refused', () => {
  assert.deepEqual(codes(at('a', 1, { revoked: true }), at('a', 2, later(1_000))), ['accepted', 'REJECT:REVOKED'])
})

test('an object that changes after its entry is quarantined, also by a millisecond over five minutes', () => {
  assert.deepEqual(codes(at('a', 1, later(MODIFIED_AHEAD_MS))), ['accepted'])
  assert.deepEqual(codes(at('a', 1, later(MODIFIED_AHEAD_MS + 1))), ['QUARANTINE:MODIFIED_AHEAD'])
})

test('invalid objects are rejected, with their reason, and objects without an id stand for nothing', () => {
  const object = indicator('bad', author, NOW)
  delete object['pattern']
  const candidate = toCandidate({ log: 'a', index: 1, audience, entryTime: NOW, object })
  assert.match(codes(candidate!)[0]!, /^INVALID:/)
  assert.equal(toCandidate({ log: 'a', index: 1, audience, entryTime: NOW, object: { type: 'indicator' } }), undefined)
})

test('a creator that is another member is not the signer: refused; a third party passes', () => {
  assert.deepEqual(codes(at('a', 1, { created_by_ref: us.self.member })), ['REJECT:NOT_OWNER'])
  assert.deepEqual(codes(at('a', 1, { created_by_ref: outsider.self.member })), ['accepted'])
})

test('what its author was not allowed to send here is quarantined as misdelivered, and so is an unknown marking', () => {
  const elsewhere = { v: 1 as const, tlp: 'red' as const, participants: [outsider.self.member] }
  assert.match(codes(at('a', 1, {}, elsewhere))[0]!, /^QUARANTINE:MISDELIVERED/)
  const refs = { object_marking_refs: ['marking-definition--11111111-1111-4111-8111-111111111111'] }
  assert.deepEqual(codes(at('a', 1, refs)), ['QUARANTINE:UNKNOWN_MARKING'])
})

test('what an audience only writes out is no caveat to a member that declares fewer; what the object adds is one', () => {
  const old = makeMember('old-node', NOW, { caveats: ['releasable_to'] })
  const register = registerOf([makeCharter('pacific', [jp, us, old], NOW).charter])
  const codeAt = (where: Audience) => {
    const candidate = at('a', 1, {}, where)
    const verdict = judgeObject([candidate], { ...rules, self: old.self.member, register }).get(placeOf(candidate))
    return verdict?.code ?? verdict?.status
  }
  assert.equal(codeAt(audience), 'accepted')
  assert.equal(codeAt({ v: 1, tlp: 'amber+strict', alliances: ['pacific'] }), 'accepted')
  assert.equal(codeAt({ ...audience, epochs: ['pacific:0'] }), 'accepted')
  const named = { v: 1 as const, tlp: 'amber' as const, distribution: [old.self.member] }
  assert.equal(codeAt(named), 'QUARANTINE:MISDELIVERED:LEGACY_CAVEAT')
})

test('verdicts are a function of the set, not of the order of arrival', () => {
  const version = fc.record({
    log: fc.constantFrom('a', 'b', 'c'),
    ms: fc.nat(3),
    name: fc.nat(1),
    revoked: fc.boolean(),
    creator: fc.nat(5),
  })
  fc.assert(
    fc.property(fc.array(version, { minLength: 2, maxLength: 8 }), fc.infiniteStream(fc.nat()), (versions, order) => {
      const next: Record<string, number> = {}
      const candidates = versions.map(({ log, ms, name, revoked, creator }) => {
        const more: JsonObject = { ...later(ms * 1_000), name: `n${name}` }
        if (revoked && ms === 3) more['revoked'] = true
        if (creator === 0) more['created_by_ref'] = outsider.self.member
        return at(log, (next[log] = (next[log] ?? 0) + 1), more)
      })
      const shuffled = candidates.map((candidate) => ({ candidate, key: order.next().value as number }))
      shuffled.sort((x, y) => x.key - y.key)
      const one = judgeObject(candidates, rules)
      const other = judgeObject(
        shuffled.map(({ candidate }) => candidate),
        rules,
      )
      for (const candidate of candidates) assert.deepEqual(one.get(placeOf(candidate)), other.get(placeOf(candidate)))
      assert.ok(candidates.every(({ modified, object }) => modified === timestampKey(String(object['modified']))))
    }),
  )
})

test('an object that says it is of STIX 2.0 is rejected: hardly anything of it would be checked', () => {
  assert.deepEqual(codes(at('a', 1, { spec_version: '2.0', pattern: 7 })), ['INVALID:INVALID_VALUE'])
})
