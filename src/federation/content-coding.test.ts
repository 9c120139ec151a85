import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { BodyTooLong, readBounded } from './bytes-bound.ts'
import { decoded } from './content-coding.ts'

test('a body that inflates without end is given up at the bound', async () => {
  const bomb = gzipSync(Buffer.alloc(64 * 1_024 * 1_024))
  assert.ok(bomb.length < 100_000)
  await assert.rejects(readBounded(decoded(bomb, 'gzip'), 1_024 * 1_024), BodyTooLong)
})

test('a coding that nobody asked for, and bytes that are none, fail', async () => {
  assert.throws(() => decoded(new Uint8Array(), 'br'), /not asked for/)
  await assert.rejects(readBounded(decoded(Buffer.from('not gzip'), 'gzip'), 99))
  const cut = gzipSync(Buffer.from('some text')).subarray(0, 15)
  await assert.rejects(readBounded(decoded(cut, 'gzip'), 99))
  assert.equal(Buffer.from(await readBounded(decoded(gzipSync('whole'), 'gzip'), 99)).toString(), 'whole')
})
