import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fromBase64, fromHex, type Hash, toBase64, toHex } from '#base'
import {
  type Checkpoint,
  checkSuccessor,
  keyHash,
  memberIdOf,
  openCheckpoint,
  openNote,
  parseVerifierKey,
  peekCheckpoint,
  signCheckpoint,
  signNote,
  toPublicKey,
  toSigner,
  verifySignature,
} from '#log'
import { isReducedScalar } from './ed25519.ts'

const signer = toSigner(new Uint8Array(32).fill(3))
const other = toSigner(new Uint8Array(32).fill(4))
const name = memberIdOf(signer.publicKey)
const verifier = { name, publicKey: signer.publicKey }
const checkpoint: Checkpoint = {
  log: 'ab'.repeat(32) as Hash,
  size: 8,
  root: 'cd'.repeat(32) as Hash,
  time: 1_767_225_600_008,
  charters: [
    ['atlantic', 'ef'.repeat(32) as Hash],
    ['pacific', '01'.repeat(32) as Hash],
  ],
}
const note = signCheckpoint(checkpoint, name, signer)
/** Signs any text, so that only the text can be the fault. */
const signed = (change: (text: string) => string) =>
  signNote(change(note.slice(0, note.lastIndexOf('\n\n') + 1)), name, signer)

test('a checkpoint opens to what was signed', () => {
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => toHex(bytes) as Hash)
  const slugs = fc.uniqueArray(fc.stringMatching(/^[a-z0-9]{1,5}$/), { maxLength: 4 }).map((list) => list.sort())
  fc.assert(
    fc.property(hash, hash, fc.maxSafeNat(), fc.maxSafeNat(), slugs, (log, root, size, time, alliances) => {
      const given = {
        log,
        root,
        size: Math.max(size, 1),
        time,
        charters: alliances.map((slug) => [slug, root] as const),
      }
      const text = signCheckpoint(given, name, signer)
      assert.deepEqual(openCheckpoint(text, verifier), given)
      assert.deepEqual(peekCheckpoint(text), given)
    }),
    { numRuns: 30 },
  )
})

test('no note with a changed character opens to another checkpoint', () => {
  fc.assert(
    fc.property(fc.nat(note.length - 1), fc.constantFrom('0', 'a', 'A', '\n', ' ', '=', '+'), (at, char) => {
      if (note[at] === char) return
      const changed = note.slice(0, at) + char + note.slice(at + 1)
      assert.throws(
        () => openCheckpoint(changed, verifier),
        (error: { code: string }) => /NOTE|CHECKPOINT/.test(error.code),
      )
    }),
  )
})

test('checkpoints of another form are refused although their signature holds', () => {
  const changes: ((text: string) => string)[] = [
    (text) => text.replace('noroshi/v1/', 'noroshi/v2/'),
    (text) => text.replace('\n8\n', '\n08\n'),
    (text) => text.replace('\n8\n', '\n0\n'),
    (text) => text.replace('\n8\n', '\n9007199254740992\n'),
    (text) => text.replace('\n8\n', '\n+8\n'),
    (text) => text.replace(checkpoint.log, checkpoint.log.toUpperCase()),
    (text) => text.replace(/\ntime \d+/, ''),
    (text) => text.replace(/\ntime /, '\ntime 0'),
    (text) => text.replace(/(\ntime \d+)/, '$1$1'),
    (text) => text.replace(/(\ncharter atlantic \w+)(\ncharter pacific \w+)/, '$2$1'),
    (text) => text.replace(/(\ncharter atlantic \w+)/, '$1$1'),
    (text) => text.replace(/(\ncharter atlantic )(\w+)/, (_, line: string, hash: string) => line + hash.toUpperCase()),
    (text) => text.replace('charter atlantic', 'charter Atlantic'),
    (text) => text.replace(toBase64(fromHex(checkpoint.root)), toBase64(new Uint8Array(31))),
    (text) => text.replace(toBase64(fromHex(checkpoint.root)), toBase64(fromHex(checkpoint.root)).slice(0, -1)),
    (text) => `${text}extra\n`,
    (text) => `${text}\n`,
  ]
  for (const change of changes) {
    const bad = signed(change)
    assert.notEqual(bad, note)
    assert.throws(() => openCheckpoint(bad, verifier), { code: 'CHECKPOINT_INVALID' }, bad)
  }
  assert.equal(
    signed((text) => text),
    note,
  )
})

test('lines of other keys are passed over, a bad line of the expected key spoils the note', () => {
  const body = note.slice(0, note.lastIndexOf('— '))
  const good = note.slice(body.length)
  const foreign = signCheckpoint(checkpoint, memberIdOf(other.publicKey), other).slice(body.length)
  const sameName = signCheckpoint(checkpoint, name, other).slice(body.length)
  const bytes = fromBase64(good.trim().split(' ')[2] ?? '')
  const bad = `— ${name} ${toBase64(bytes.with(20, (bytes[20] ?? 0) ^ 1))}\n`
  const short = `— ${name} ${toBase64(bytes.subarray(0, 40))}\n`
  for (const lines of [good, foreign + good, good + sameName, sameName + good + foreign])
    assert.equal(openCheckpoint(body + lines, verifier).size, 8)
  for (const lines of [
    bad,
    good + bad,
    bad + good,
    good + short,
    foreign,
    sameName,
    `${good}x\n`,
    `${good}\n`,
    '',
    good.trimEnd(),
  ])
    assert.throws(() => openCheckpoint(body + lines, verifier), { code: 'NOTE_INVALID' }, lines)
})

test('from one checkpoint to the next neither size nor time falls, and an equal size repeats the root', () => {
  const next = (change: Partial<Checkpoint>) => () => checkSuccessor(checkpoint, { ...checkpoint, ...change })
  assert.doesNotThrow(next({}))
  assert.doesNotThrow(next({ size: 9, root: '02'.repeat(32) as Hash, time: checkpoint.time + 1 }))
  for (const change of [
    { size: 7 },
    { time: checkpoint.time - 1 },
    { root: '02'.repeat(32) as Hash },
    { log: checkpoint.root },
  ])
    assert.throws(next(change), { code: 'CHECKPOINT_INVALID' })
})

test('a verifier key is read only with its right hash and type', () => {
  const encoded = (type: number) => toBase64(Uint8Array.of(type, ...signer.publicKey))
  const hash = toHex(keyHash(name, signer.publicKey))
  assert.deepEqual(parseVerifierKey(`${name}+${hash}+${encoded(1)}`), verifier)
  for (const text of [
    `${name}+00000000+${encoded(1)}`,
    `${name}+${hash}+${encoded(2)}`,
    `+${hash}+${encoded(1)}`,
    name,
    `${name}+${hash}`,
  ])
    assert.throws(() => parseVerifierKey(text), { code: 'NOTE_INVALID' })
})

test('texts and names that a note cannot hold are refused', () => {
  for (const text of ['no newline', 'tab\there\n', 'carriage\r\n', ''])
    assert.throws(() => signNote(text, name, signer), { code: 'NOTE_INVALID' })
  for (const bad of ['', 'two words', 'a+b', 'a\n'])
    assert.throws(() => signNote('text\n', bad, signer), { code: 'NOTE_INVALID' })
  assert.equal(openNote(signNote('a\n\nb\n', name, signer), verifier), 'a\n\nb\n')
})

test('public keys of small order, off the curve or not canonical are refused', () => {
  const bad = [
    '0100000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000080',
    '0000000000000000000000000000000000000000000000000000000000000000',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    '0200000000000000000000000000000000000000000000000000000000000000',
    'ab'.repeat(31),
  ]
  for (const hex of bad) assert.throws(() => toPublicKey(fromHex(hex)), { code: 'KEY_INVALID' }, hex)
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (seed) => {
      const made = toSigner(seed)
      assert.equal(toPublicKey(made.publicKey).keyId, made.keyId)
    }),
    { numRuns: 40 },
  )
})

test('S is reduced up to L − 1 and not from L on', () => {
  const L = 2n ** 252n + 27742317777372353535851937790883648493n
  const bytes = (s: bigint) => fromHex(s.toString(16).padStart(64, '0')).reverse()
  for (const s of [0n, 1n, L - 1n]) assert.ok(isReducedScalar(bytes(s)))
  for (const s of [L, L + 1n, 2n ** 255n]) assert.ok(!isReducedScalar(bytes(s)))
})

test('a signature with S not below L is refused, though its points agree', () => {
  const message = Uint8Array.of(1, 2, 3)
  const signature = signer.sign(message)
  assert.ok(verifySignature(signer.publicKey, message, signature))
  const L = 2n ** 252n + 27742317777372353535851937790883648493n
  const s = BigInt(`0x${toHex(signature.slice(32).reverse())}`) + L
  const lifted = signature.slice()
  lifted.set(fromHex(s.toString(16).padStart(64, '0')).reverse(), 32)
  assert.ok(!verifySignature(signer.publicKey, message, lifted))
  assert.ok(!verifySignature(signer.publicKey, message, signature.subarray(1)))
  assert.ok(!verifySignature(other.publicKey, message, signature))
})
