import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concat, type Hash, type MemberId, sha256Hex, toHex, utf8 } from '#base'
import {
  type AirGapFile,
  decodeAirGap,
  decodeFrames,
  encodeAirGap,
  encodeFrame,
  ENTRY_MAX_BYTES,
  type Frame,
  FrameDecoder,
  leafHash,
  memberIdOf,
  possession,
  signSnapshot,
  signStatement,
  toSigner,
} from '#log'

const frame: fc.Arbitrary<Frame> = fc.oneof(
  fc.uint8Array({ maxLength: 80 }).map((bytes) => ({ bytes })),
  fc.uint8Array({ minLength: 32, maxLength: 32 }).map((leaf) => ({ leaf })),
)
const frames = fc.array(frame, { maxLength: 12 })
const encoded = (list: readonly Frame[]) => concat(...list.map(encodeFrame))

test('frames come out as they went in, however the bytes are cut into chunks', () => {
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 40 }), (list, cuts) => {
      const bytes = encoded(list)
      assert.deepEqual(decodeFrames(bytes), list)
      const decoder = new FrameDecoder()
      const got: Frame[] = []
      let at = 0
      for (const cut of cuts) {
        got.push(...decoder.push(bytes.subarray(at, at + cut)))
        at = Math.min(at + cut, bytes.length)
      }
      got.push(...decoder.push(bytes.subarray(at)))
      decoder.end()
      assert.deepEqual(got, list)
    }),
  )
})

test('a body cut anywhere but between two frames is refused', () => {
  fc.assert(
    fc.property(fc.array(frame, { minLength: 1, maxLength: 5 }), fc.nat(), (list, pick) => {
      const bytes = encoded(list)
      const at = pick % bytes.length
      const ends = new Set(list.map((_, i) => encoded(list.slice(0, i)).length))
      if (ends.has(at)) assert.ok(decodeFrames(bytes.subarray(0, at)).length < list.length)
      else assert.throws(() => decodeFrames(bytes.subarray(0, at)), { code: 'FRAME_INVALID' })
    }),
  )
})

test('an entry larger than accepted comes out as its leaf hash, and what follows it is read', () => {
  const large = new Uint8Array(ENTRY_MAX_BYTES + 1).fill(5)
  const whole = new Uint8Array(ENTRY_MAX_BYTES)
  const next = { bytes: utf8('next') }
  const decoder = new FrameDecoder()
  const bytes = encoded([{ bytes: large }, { bytes: whole }, next])
  const got: Frame[] = []
  for (let at = 0; at < bytes.length; at += 300_000) got.push(...decoder.push(bytes.subarray(at, at + 300_000)))
  decoder.end()
  // Compared by length and hash: the difference of two arrays of a million numbers takes gigabytes to print.
  const brief = (list: readonly Frame[]) =>
    list.map((one) => ('leaf' in one ? `leaf ${toHex(one.leaf)}` : `${one.bytes.length} ${sha256Hex(one.bytes)}`))
  assert.deepEqual(brief(got), brief([{ leaf: leafHash(large) }, { bytes: whole }, next]))
})

test('possession differs for another member, log, order, entry, and for a stub instead of the entry', () => {
  const [a, b] = [{ bytes: utf8('a') }, { bytes: utf8('b') }]
  const jp = memberIdOf(toSigner(new Uint8Array(32)).publicKey)
  const log = 'ab'.repeat(32) as Hash
  const proofs = [
    possession(jp, log, [a, b]),
    possession('identity--00000000-0000-4000-8000-000000000000', log, [a, b]),
    possession(jp, 'cd'.repeat(32) as Hash, [a, b]),
    possession(jp, log, [b, a]),
    possession(jp, log, [a]),
    possession(jp, log, [a, { leaf: leafHash(b.bytes) }]),
    possession(jp, log, [{ bytes: utf8('ab') }]),
  ]
  assert.equal(new Set(proofs).size, proofs.length)
})

test('an air-gap file gives back what it was made of, and no cut of it is read as whole', () => {
  const signer = toSigner(new Uint8Array(32).fill(2))
  const author = memberIdOf(signer.publicKey)
  const reader: MemberId = 'identity--00000000-0000-4000-8000-000000000000'
  const snapshot = signSnapshot({ author, reader, previousSequence: 0, time: 1, charters: {}, logs: [] }, signer)
  const ack = {
    member: author,
    log: 'ab'.repeat(32),
    index: 1,
    leaf: 'ab'.repeat(32),
    withheld: 1,
    purged: null,
    time: 1,
  }
  const statement = signStatement('recall-ack', ack, [signer])
  fc.assert(
    fc.property(
      fc.array(fc.array(frame, { minLength: 1, maxLength: 4 }), { maxLength: 4 }),
      fc.boolean(),
      fc.nat(),
      (logs, more, cut) => {
        const parts = logs.map((list, i) => ({
          log: String(i).padStart(64, '0') as Hash,
          from: i,
          to: i + list.length,
          checkpoint: `note ${i}\n`,
          frames: list,
        }))
        const file = { snapshot, charters: [], parts, statements: more ? [statement] : [] } as unknown as AirGapFile
        const bytes = encodeAirGap(file)
        assert.deepEqual(decodeAirGap(bytes), file)
        const short = bytes.subarray(0, cut % bytes.length)
        try {
          assert.ok(decodeAirGap(short).parts.length + (more ? 1 : 0) < parts.length + (more ? 2 : 1))
        } catch (error) {
          assert.match((error as { code: string }).code, /AIR_GAP_INVALID|FRAME_INVALID/)
        }
      },
    ),
    { numRuns: 60 },
  )
})

test('air-gap parts out of order, with empty ranges or after the statements are refused', () => {
  const signer = toSigner(new Uint8Array(32).fill(2))
  const author = memberIdOf(signer.publicKey)
  const snapshot = signSnapshot(
    { author, reader: author, previousSequence: 0, time: 1, charters: {}, logs: [] },
    signer,
  )
  const part = (log: string, from: number, to: number) => ({
    log: log.repeat(64) as Hash,
    from,
    to,
    checkpoint: '',
    frames: Array.from({ length: Math.max(to - from, 0) }, () => ({ bytes: utf8('x') })),
  })
  const file = (parts: AirGapFile['parts']) =>
    encodeAirGap({ snapshot, charters: [], parts, statements: [] } as unknown as AirGapFile)
  decodeAirGap(file([part('a', 0, 2), part('a', 2, 3), part('b', 0, 1)]))
  for (const parts of [[part('b', 0, 1), part('a', 0, 1)], [part('a', 0, 2), part('a', 1, 3)], [part('a', 1, 1)]])
    assert.throws(() => decodeAirGap(file(parts)), { code: 'AIR_GAP_INVALID' })
  assert.throws(() => decodeAirGap(utf8('age-encryption.org/v1\n')), { code: 'AIR_GAP_INVALID' })
})
