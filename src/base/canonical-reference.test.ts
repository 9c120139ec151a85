import assert from 'node:assert/strict'
import { test } from 'node:test'
import canonicalize from 'canonicalize'
import fc from 'fast-check'
import { canonicalJson, type Json } from '#base'

test('canonical JSON is that of the reference implementation of RFC 8785', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      assert.equal(canonicalJson(value as Json), canonicalize(value))
    }),
    { numRuns: 2_000 },
  )
})
