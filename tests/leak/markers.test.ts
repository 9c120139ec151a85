import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { markerId, markersIn, markerText } from './markers.ts'

const keys = (bytes: Uint8Array | string) => [...markersIn(bytes).keys()].sort()

test('a marker is found as it is, in capitals, in hex, in base64 of any offset, escaped and under gzip', () => {
  const text = `${markerText(7, 'd')} ${markerId('indicator', 300)}`
  const wanted = ['d7', 'i300']
  assert.deepEqual(keys(text), wanted)
  assert.deepEqual(keys(text.toUpperCase()), wanted)
  assert.deepEqual(keys(`x${Buffer.from(text).toString('hex')}`), wanted)
  assert.deepEqual(keys(JSON.stringify(JSON.stringify({ a: text }))), wanted)
  assert.deepEqual(keys(encodeURIComponent(text)), wanted)
  assert.deepEqual(keys(gzipSync(text)), wanted)
  for (const before of ['', 'a', 'ab', 'abc', '{"name":"'])
    for (const coding of ['base64', 'base64url'] as const)
      assert.deepEqual(keys(`{"frames":"${Buffer.from(before + text).toString(coding)}"}`), wanted, before + coding)
})

test('what is no marker is none', () => {
  assert.deepEqual(keys('lkmkd 5ec2e7aa nothing'), [])
})
