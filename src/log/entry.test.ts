import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalJson, type Hash, type Json, type MemberId, utf8 } from '#base'
import {
  audienceId,
  canonicalAudience,
  decodeEntry,
  encodeEntry,
  ENTRY_KIND,
  type Genesis,
  genesisPayload,
  logIdOf,
  parseGenesis,
  PAYLOAD_MAX_BYTES,
  peekEntry,
  plainPayload,
  signStatement,
  toAudience,
  toSigner,
} from '#log'

const salt = new Uint8Array(32).fill(7)
const author: MemberId = 'identity--b5d57dc4-1ab3-5e3c-9900-dc48cae238bf'
const hash = 'ab'.repeat(32) as Hash
const genesis: Genesis = {
  author,
  audience: { v: 1, tlp: 'amber', alliances: ['pacific'] },
  incarnation: '0'.repeat(32),
  previous: null,
}
const encode = (kind: number, payload: Json | Uint8Array, time = 5) =>
  encodeEntry({ kind, salt, time, payload: payload instanceof Uint8Array ? payload : utf8(canonicalJson(payload)) })
const refused = (kind: number, payload: Json | Uint8Array) =>
  assert.throws(
    () => encode(kind, payload),
    (error: { code: string }) => ['ENTRY_INVALID', 'AUDIENCE_INVALID', 'STATEMENT_INVALID'].includes(error.code),
  )

test('an entry decodes to what was encoded, and no cut or longer one decodes', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ unit: 'grapheme-ascii' }), fc.nat()),
      fc.maxSafeNat(),
      fc.nat(),
      (object, time, cut) => {
        const payload = utf8(JSON.stringify(object, null, 1))
        const bytes = encodeEntry({ kind: 1, salt, time, payload })
        assert.deepEqual(decodeEntry(bytes), { kind: 1, salt, time, payload: bytes.subarray(46) })
        assert.deepEqual(bytes.subarray(46), payload)
        assert.throws(() => decodeEntry(bytes.subarray(0, cut % bytes.length)), { code: 'ENTRY_INVALID' })
        assert.throws(() => decodeEntry(Uint8Array.of(...bytes, 0x20)), { code: 'ENTRY_INVALID' })
      },
    ),
  )
})

test('versions and kinds that are not known are refused, and times beyond 2^53 − 1', () => {
  const bytes = encode(1, {})
  for (const [at, value] of [
    [0, 0],
    [0, 2],
    [1, 6],
    [1, 255],
    [35, 0x20],
  ] as const)
    assert.throws(() => decodeEntry(bytes.with(at, value)), { code: 'ENTRY_INVALID' })
  for (const time of [-1, 0.5, 2 ** 53, NaN]) assert.throws(() => encode(1, {}, time), { code: 'ENTRY_INVALID' })
  assert.throws(() => encodeEntry({ kind: 1, salt: salt.subarray(1), time: 0, payload: utf8('{}') }), {
    code: 'ENTRY_INVALID',
  })
  assert.equal(peekEntry(bytes).kind, ENTRY_KIND.object)
})

test('an object keeps its bytes; every other kind must be its canonical JSON', () => {
  encode(1, utf8(' {"b" : 1.0,\n"a":2e0} '))
  const recall = { index: 1, leaf: hash, reason: 'error' as const }
  encode(2, plainPayload(recall))
  refused(2, utf8('{"leaf":"' + hash + '","index":1,"reason":"error"}'))
  refused(2, utf8(canonicalJson(recall) + '\n'))
  refused(3, utf8('{"index":1.0,"leaf":"' + hash + '"}'))
})

test('payloads that are no JSON object, too large, or not strict JSON are refused', () => {
  for (const text of ['[]', '1', '"a"', 'null', '', '{"a":1,"a":2}', '{', '\uFEFF{}']) refused(1, utf8(text))
  const filled = (size: number) => utf8(`{"a":"${'x'.repeat(size - 8)}"}`)
  assert.equal(encode(1, filled(PAYLOAD_MAX_BYTES)).length, PAYLOAD_MAX_BYTES + 46)
  refused(1, filled(PAYLOAD_MAX_BYTES + 1))
})

test('recalls, expiries and closings have their members and no others', () => {
  encode(3, { index: 0, leaf: hash })
  encode(4, { reason: 'moved', next: hash })
  encode(4, { reason: 'ended', next: null })
  refused(2, { index: 1, leaf: hash, reason: 'boredom' })
  refused(2, { index: -1, leaf: hash, reason: 'error' })
  refused(2, { index: 1, leaf: hash.toUpperCase(), reason: 'error' })
  refused(2, { index: 1, leaf: hash })
  refused(2, { index: 1, leaf: hash, reason: 'error', note: '' })
  refused(3, { index: '1', leaf: hash })
  refused(3, { index: 1, leaf: hash, reason: 'error' })
  refused(4, { reason: 'ended' })
  refused(4, { reason: 'ended', next: 'x' })
  refused(4, { reason: 'paused', next: null })
})

test('a genesis names author, canonical audience, incarnation and what was before', () => {
  const bytes = encode(0, genesisPayload(genesis))
  assert.deepEqual(parseGenesis(bytes), genesis)
  assert.deepEqual(parseGenesis(decodeEntry(bytes)), genesis)
  const previous = { log: logIdOf(bytes), size: 3, root: hash }
  assert.deepEqual(parseGenesis(encode(0, genesisPayload({ ...genesis, previous }))).previous, previous)
  const whole = { author, incarnation: '0'.repeat(32), previous: null, audience: { v: 1, tlp: 'amber' } as Json }
  encode(0, whole)
  refused(0, { ...whole, audience: { v: 1, tlp: 'amber', nations: ['JP', 'FR'] } })
  refused(0, { ...whole, audience: { v: 1, tlp: 'amber', nations: ['JP', 'JP'] } })
  refused(0, { ...whole, author: 'jp' })
  refused(0, { ...whole, incarnation: '0'.repeat(31) })
  refused(0, { ...whole, incarnation: 'A'.repeat(32) })
  refused(0, { ...whole, previous: { log: hash, size: 0, root: hash } })
  refused(0, { ...whole, previous: { log: hash, size: 1 } })
  refused(0, { ...whole, extra: 1 })
  refused(0, { author, incarnation: whole.incarnation, audience: whole.audience })
})

test('only a genesis entry has a log id, and the salt changes it', () => {
  const payload = genesisPayload(genesis)
  const other = encodeEntry({ kind: 0, salt: new Uint8Array(32), time: 5, payload })
  assert.notEqual(logIdOf(encode(0, payload)), logIdOf(other))
  assert.throws(() => logIdOf(encode(1, payload)), { code: 'ENTRY_INVALID' })
})

test('a statement entry is an envelope with a signature, as canonical JSON', () => {
  const signer = toSigner(new Uint8Array(32).fill(1))
  const plan = {
    member: author,
    alliance: 'pacific',
    drill: 'd',
    from: 1,
    until: 2,
    participants: [author],
    scenario: hash,
    time: 1,
  }
  const envelope = signStatement('drill-plan', plan, [signer]) as unknown as { statement: Json; signatures: Json }
  encode(5, { ...envelope })
  refused(5, { ...envelope, signatures: [] })
  refused(5, { ...envelope, note: 1 })
  refused(5, utf8(JSON.stringify({ statement: envelope.statement, signatures: envelope.signatures })))
  const charter = { type: 'charter', alliance: 'pacific', version: 1, previous: null, members: [], rules: {}, time: 1 }
  encode(5, { statement: charter, signatures: [] })
})

test('canonical audiences are their own canonical form, whatever order lists came in', () => {
  const list = (item: fc.Arbitrary<string>) => fc.option(fc.array(item, { maxLength: 5 }), { nil: undefined })
  const slug = fc.stringMatching(/^[a-z0-9]{1,4}$/)
  const audience = fc.record({
    v: fc.constant(1),
    tlp: fc.constantFrom('clear', 'green', 'amber', 'amber+strict', 'red'),
    alliances: list(slug),
    epochs: list(slug.map((text) => `${text}:3`)),
    nations: list(fc.stringMatching(/^[A-Z]{2}$/)),
    distribution: list(fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => text.isWellFormed())),
    drill: fc.option(slug, { nil: undefined }),
  })
  fc.assert(
    fc.property(audience, (value) => {
      const given = JSON.parse(JSON.stringify(value)) as Record<string, Json>
      const once = toAudience(given)
      const text = canonicalAudience(once)
      assert.equal(canonicalAudience(toAudience(JSON.parse(text))), text)
      const turned = Object.fromEntries(
        Object.entries(given).map(([name, list]) => [
          name,
          Array.isArray(list) ? [...list, ...list].toReversed() : list,
        ]),
      )
      assert.equal(audienceId(toAudience(turned)), audienceId(once))
    }),
  )
})

test('audiences of any other form are refused, not repaired', () => {
  const bad: Json[] = [
    null,
    [],
    { tlp: 'red' },
    { v: 2, tlp: 'red' },
    { v: '1', tlp: 'red' },
    { v: 1, tlp: 'RED' },
    { v: 1, tlp: 'white' },
    { v: 1, tlp: 'red', nations: ['jp'] },
    { v: 1, tlp: 'red', nations: ['JPN'] },
    { v: 1, tlp: 'red', nations: 'JP' },
    { v: 1, tlp: 'red', nations: null },
    { v: 1, tlp: 'red', alliances: ['Pacific'] },
    { v: 1, tlp: 'red', alliances: ['a'.repeat(64)] },
    { v: 1, tlp: 'red', epochs: ['pacific'] },
    { v: 1, tlp: 'red', epochs: ['pacific:03'] },
    { v: 1, tlp: 'red', epochs: ['pacific:-1'] },
    { v: 1, tlp: 'red', members: ['jp'] },
    { v: 1, tlp: 'red', distribution: [1] },
    { v: 1, tlp: 'red', drill: 1 },
    { v: 1, tlp: 'red', drill: null },
    { v: 1, tlp: 'red', embargo: 1 },
  ]
  for (const value of bad) assert.throws(() => toAudience(value), { code: 'AUDIENCE_INVALID' }, JSON.stringify(value))
})

test('an empty list is another audience than no list', () => {
  assert.notEqual(audienceId({ v: 1, tlp: 'green' }), audienceId({ v: 1, tlp: 'green', nations: [] }))
})
