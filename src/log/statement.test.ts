import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalJson, type Hash, type Json, type JsonObject, toBase64 } from '#base'
import {
  checkDelegation,
  type Envelope,
  keyWindows,
  memberIdOf,
  parseEnvelope,
  signStatement,
  statementHash,
  toSigner,
  verifyStatement,
} from '#log'

const [root, node, seal] = [1, 2, 3].map((n) => toSigner(new Uint8Array(32).fill(n))) as [
  ReturnType<typeof toSigner>,
  ReturnType<typeof toSigner>,
  ReturnType<typeof toSigner>,
]
const member = memberIdOf(root.publicKey)
const hash = 'ab'.repeat(32) as Hash
const received = { member, log: hash, from: 0, size: 3, root: hash, possession: hash, stubs: [1], time: 7 }
const plain = (envelope: unknown) =>
  JSON.parse(JSON.stringify(envelope)) as { statement: JsonObject; signatures: JsonObject[] }

test('a signed statement verifies from any spelling of its text, and with no value changed', () => {
  const data = fc.oneof(fc.string({ unit: 'grapheme' }), fc.maxSafeInteger(), fc.boolean()).filter((v) => v !== null)
  fc.assert(
    fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), data), fc.nat(), (data, indent) => {
      const signed = signStatement('evidence', { member, drill: 'd', kind: 'stimulus', data, time: 1 }, [node])
      const text = JSON.stringify(signed, null, indent % 4)
      const statement = verifyStatement(text, 'evidence', [node.publicKey])
      assert.equal(canonicalJson(statement), canonicalJson(signed.statement as JsonObject))
      assert.equal(statementHash(statement), statementHash(signed.statement))
      const changed = plain(signed)
      changed.statement['data'] = { ...data, more: 1 }
      assert.throws(() => verifyStatement(changed, 'evidence', [node.publicKey]), { code: 'SIGNATURE_INVALID' })
    }),
    { numRuns: 50 },
  )
})

test('unknown members of a statement are passed over but signed', () => {
  const signed = plain(signStatement('received', { ...received, note: 'x' }, [node]))
  assert.equal(verifyStatement(signed, 'received', [node.publicKey])['note'], 'x')
  delete signed.statement['note']
  assert.throws(() => verifyStatement(signed, 'received', [node.publicKey]), { code: 'SIGNATURE_INVALID' })
})

test('an envelope has statement and signatures and nothing else, signatures ascending, one for each key', () => {
  const signed = plain(signStatement('received', received, [node, root, seal]))
  const keys = signed.signatures.map((signature) => signature['key'] as string)
  assert.deepEqual(keys, [...keys].sort())
  const [a, b] = signed.signatures as [JsonObject, JsonObject]
  const bad: Json[] = [
    { ...signed, note: 1 },
    { statement: signed.statement },
    { ...signed, signatures: [b, a] },
    { ...signed, signatures: [a, a] },
    { ...signed, signatures: [{ ...a, alg: 'ed25519' }] },
    { ...signed, signatures: [{ key: (a['key'] as string).toUpperCase(), sig: a['sig'] ?? '' }] },
    { ...signed, signatures: [{ ...a, sig: (a['sig'] as string).replace('==', '') }] },
    { ...signed, signatures: [{ ...a, sig: toBase64(new Uint8Array(63)) }] },
    { ...signed, signatures: [{ ...a, sig: null }] },
    { ...signed, signatures: a },
    { ...signed, statement: [] },
    { ...signed, statement: { ...signed.statement, type: 'Received' } },
    [],
    null,
    'null',
    '{"statement":{},"statement":{},"signatures":[]}',
  ]
  for (const value of bad)
    assert.throws(() => parseEnvelope(value), { code: 'STATEMENT_INVALID' }, JSON.stringify(value))
  assert.ok(parseEnvelope(JSON.stringify(signed)))
})

test('one of the expected keys must have signed; a bad signature under any of them refuses, other keys do not matter', () => {
  const signed = plain(signStatement('received', received, [node, seal]))
  const verify = (value: unknown, ...keys: Uint8Array[]) => verifyStatement(value, 'received', keys)
  verify(signed, node.publicKey)
  verify(signed, root.publicKey, seal.publicKey)
  assert.throws(() => verify(signed, root.publicKey), { code: 'SIGNATURE_INVALID' })
  assert.throws(() => verify({ ...signed, signatures: [] }, node.publicKey), { code: 'SIGNATURE_INVALID' })
  const spoiled = plain(signed)
  for (const signature of spoiled.signatures)
    if (signature['key'] === seal.keyId) signature['sig'] = toBase64(new Uint8Array(64))
  verify(spoiled, node.publicKey)
  assert.throws(() => verify(spoiled, node.publicKey, seal.publicKey), { code: 'SIGNATURE_INVALID' })
})

test('a signature counts for one type of statement only', () => {
  const fields = { member, log: hash, from: 0, size: 3, refused: [], time: 1 }
  const signed = plain(signStatement('armed', fields, [node]))
  assert.throws(() => verifyStatement(signed, 'received', [node.publicKey]), { code: 'STATEMENT_INVALID' })
  const relabelled = { ...signed, statement: { ...received, type: 'received' } }
  assert.throws(() => verifyStatement(relabelled, 'received', [node.publicKey]), { code: 'SIGNATURE_INVALID' })
})

/** For each type, statements that must be signable, and changes that must not. */
const FORMS: Record<string, { good: JsonObject; bad: Json[] }> = {
  delegation: {
    good: { member, key: toBase64(node.publicKey), purpose: 'node', from: 1, until: 2 },
    bad: [
      { until: 1 },
      { purpose: 'admin' },
      { key: 'AA==' },
      { from: -1 },
      { from: 1.5 },
      { member: 'jp' },
      { from: null },
    ],
  },
  'delegation-end': {
    good: { member, key: toBase64(node.publicKey), until: 2, reason: 'lost', time: 3 },
    bad: [{ reason: 'bored' }, { until: null }],
  },
  charter: {
    good: { alliance: 'pacific', version: 1, previous: null, members: [], rules: {}, time: 1 },
    bad: [{ version: 0 }, { version: 2 }, { previous: hash }, { alliance: 'Pacific' }, { members: {} }, { rules: [] }],
  },
  vote: { good: { member, alliance: 'pacific', charter: hash, time: 1 }, bad: [{ charter: 'x' }, { time: '1' }] },
  recall: {
    good: { member, log: hash, index: 1, leaf: hash, reason: 'expired', time: 6 },
    bad: [{ log: 'x' }, { reason: 'other reasons' }, { leaf: null }, { index: -1 }],
  },
  'recall-ack': {
    good: { member, log: hash, index: 1, leaf: hash, withheld: 5, purged: null, time: 6 },
    bad: [{ purged: 'later' }, { withheld: null }, { index: -1 }],
  },
  seal: {
    good: { member, subject: 'report--x', modified: '2026-01-01T00:00:00Z', hash, time: 1 },
    bad: [{ modified: '2026' }, { subject: '' }],
  },
  grant: {
    good: { member, log: hash, index: 1, leaf: hash, grantees: [member], from: 1, until: 2, time: 1 },
    bad: [{ grantees: [member, member] }, { grantees: member }, { until: 1 }],
  },
  'drill-plan': {
    good: { member, alliance: 'a', drill: 'd', from: 1, until: 2, participants: [], scenario: hash, time: 1 },
    bad: [{ scenario: 'x' }, { until: 0 }, { drill: '' }, { participants: [1] }],
  },
  evidence: { good: { member, drill: 'd', kind: 'k', data: [], time: 1 }, bad: [{ data: null }, { kind: 1 }] },
  received: {
    good: received,
    bad: [
      { from: 3 },
      { stubs: [1, 1] },
      { stubs: [2, 1] },
      { stubs: [3] },
      { stubs: null },
      { root: hash.toUpperCase() },
    ],
  },
  armed: {
    good: { member, log: hash, from: 0, size: 3, refused: [{ index: 2, code: 'x' }], time: 1 },
    bad: [
      { refused: [{ index: 3, code: 'x' }] },
      { refused: [{ index: 1 }] },
      { refused: [{ index: 1, code: 'x', a: 1 }] },
    ],
  },
  heads: { good: { member, reader: member, time: 1, heads: ['note'] }, bad: [{ heads: [1] }, { heads: 'note' }] },
}

test('every type of statement has its members in their form', () => {
  for (const [type, { good, bad }] of Object.entries(FORMS)) {
    signStatement(type, good, [node])
    for (const name of Object.keys(good)) {
      const { [name]: _, ...rest } = good
      assert.throws(() => signStatement(type, rest, [node]), { code: 'STATEMENT_INVALID' }, `${type} without ${name}`)
    }
    for (const change of bad) {
      const fields = { ...good, ...(change as JsonObject) }
      assert.throws(
        () => signStatement(type, fields, [node]),
        { code: 'STATEMENT_INVALID' },
        `${type} ${JSON.stringify(change)}`,
      )
    }
  }
  assert.throws(() => signStatement('gossip', { member }, [node]), { code: 'STATEMENT_INVALID' })
  assert.throws(() => signStatement('vote', { ...FORMS['vote']?.good, type: 'seal' }, [node]), {
    code: 'STATEMENT_INVALID',
  })
})

const delegation = (fields: JsonObject = {}, signer = root) =>
  signStatement(
    'delegation',
    { member, key: toBase64(node.publicKey), purpose: 'node', from: 100, until: 200, ...fields },
    [signer],
  ) as Envelope

test('a delegation covers its key, purpose, member and window, by the root key', () => {
  const question = { root: root.publicKey, member, key: node.publicKey, purpose: 'node' as const, at: 100 }
  const check = (change: object, envelope = delegation()) => checkDelegation(envelope, { ...question, ...change })
  check({})
  check({ at: 199 })
  for (const change of [
    { at: 99 },
    { at: 200 },
    { purpose: 'seal' },
    { key: seal.publicKey },
    { member: memberIdOf(node.publicKey) },
  ])
    assert.throws(() => check(change), { code: 'DELEGATION_INVALID' })
  assert.throws(() => check({ root: seal.publicKey }), { code: 'SIGNATURE_INVALID' })
  assert.throws(() => check({}, delegation({}, node)), { code: 'SIGNATURE_INVALID' })
  const zero = new Uint8Array(32)
  assert.throws(() => check({ key: zero }, delegation({ key: toBase64(zero) })), { code: 'KEY_INVALID' })
  check({ key: zero, purpose: 'recipient' }, delegation({ key: toBase64(zero), purpose: 'recipient' }))
})

test('an early end lowers the end of the window of its key alone, the earliest end counts, a compromise sets distrust', () => {
  const end = (until: number, reason: string, key = node) =>
    signStatement('delegation-end', { member, key: toBase64(key.publicKey), until, reason, time: 300 }, [
      root,
    ]) as Envelope
  const windows = (...more: Envelope[]) =>
    keyWindows(
      [delegation(), delegation({ key: toBase64(seal.publicKey), purpose: 'seal' }), ...more],
      member,
      root.publicKey,
    )
  assert.deepEqual(
    windows().map(({ until }) => until),
    [200, 200],
  )
  assert.deepEqual(
    windows(end(150, 'lost')).map(({ until, distrustedFrom }) => [until, distrustedFrom]),
    [
      [150, undefined],
      [200, undefined],
    ],
  )
  assert.equal(windows(end(150, 'lost'), end(120, 'compromised'))[0]?.until, 120)
  assert.equal(windows(end(120, 'compromised'), end(150, 'lost'))[0]?.distrustedFrom, 120)
  assert.equal(windows(end(250, 'replaced'))[0]?.until, 200)
  const foreign = signStatement(
    'delegation-end',
    { member, key: toBase64(node.publicKey), until: 1, reason: 'lost', time: 1 },
    [node],
  )
  assert.throws(() => windows(foreign as Envelope), { code: 'SIGNATURE_INVALID' })
  assert.throws(() => keyWindows([delegation()], memberIdOf(node.publicKey), root.publicKey), {
    code: 'DELEGATION_INVALID',
  })
})
