import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  concat,
  equalBytes,
  fromBase64,
  fromHex,
  fromUtf8,
  isHash,
  sha256,
  sha256Hex,
  toBase64,
  toHex,
  utf8,
  uuid5,
} from '#base'

test('hex and base64 give the bytes back', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      assert.deepEqual(fromHex(toHex(bytes)), bytes)
      assert.deepEqual(fromBase64(toBase64(bytes)), bytes)
    }),
  )
})

test('every text is either the one base64 of its bytes or refused', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9+/=_-]{0,12}$/), (text) => {
      try {
        assert.equal(toBase64(fromBase64(text)), text)
      } catch (error) {
        assert.equal((error as { code: string }).code, 'ENCODING_BASE64')
      }
    }),
  )
  for (const text of ['AA', 'AA=', 'AB==', 'A-==', 'AA==\n', 'AA== ', 'A']) assert.throws(() => fromBase64(text), text)
  assert.throws(() => fromBase64('AA==', 2))
})

test('hex in capitals, of odd length or of another length is refused', () => {
  for (const text of ['AB', 'a', 'ab ', 'ab\n', 'zz', '0xab'])
    assert.throws(() => fromHex(text), { code: 'ENCODING_HEX' })
  assert.throws(() => fromHex('abab', 1))
})

test('SHA-256 of chunks is that of their concatenation', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array(), { maxLength: 4 }), (chunks) => {
      assert.deepEqual(sha256(...chunks), sha256(concat(...chunks)))
    }),
  )
  assert.equal(sha256Hex(), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  assert.ok(isHash(sha256Hex()))
  assert.ok(!isHash(sha256Hex().toUpperCase()) && !isHash(`${sha256Hex()}\n`))
})

test('UTF-8 gives the text back; ill-formed bytes are refused, a byte-order mark is kept', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => assert.equal(fromUtf8(utf8(text)), text)))
  assert.throws(() => fromUtf8(Uint8Array.of(0xff)), { code: 'ENCODING_UTF8' })
  assert.equal(fromUtf8(Uint8Array.of(0xef, 0xbb, 0xbf)), '\uFEFF')
})

test('equalBytes compares content and length', () => {
  assert.ok(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(0, 1, 2).subarray(1)))
  assert.ok(!equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 3)))
})

test('UUIDv5 gives the examples of its specification', () => {
  assert.equal(uuid5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'www.example.com'), '2ed6657d-e927-568b-95e1-2665a8aea6a2')
  assert.equal(uuid5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'python.org'), '886313e1-3b8a-5372-9b90-0c9aee199e5d')
})
