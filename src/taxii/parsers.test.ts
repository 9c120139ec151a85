import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TaxiiError } from './error.ts'
import { acceptsTaxii, isTaxiiType } from './media-type.ts'
import { parseFilter, toNext } from './query.ts'
import { fromMicros, fromVersionKey, toMicros, versionKey } from './time.ts'

const FIELDS = { ids: true, types: true, versions: true }
const pieces = fc.constantFrom(
  'application/taxii+json',
  'version',
  '=',
  '2.1',
  '2.0',
  ';',
  ',',
  'q',
  '0',
  '0.5',
  ' ',
  '"',
  '*/*',
  'text/html',
)
const header = fc.oneof(
  fc.string(),
  fc.array(pieces, { maxLength: 20 }).map((parts) => parts.join('')),
)
const name = fc.oneof(
  fc.string(),
  fc.constantFrom('added_after', 'limit', 'next', 'match[id]', 'match[type]', 'match[version]', 'match[spec_version]'),
)
const value = fc.oneof(
  fc.string(),
  fc.constantFrom('last', 'all', '2.1', '1', '0', ',', '2026-01-01T00:00:00Z', '9'.repeat(40)),
)

test('any header is judged, and any query is read or refused as a bad request; nothing else is thrown', () => {
  fc.assert(
    fc.property(header, fc.array(fc.tuple(name, value), { maxLength: 8 }), (text, query) => {
      assert.equal(typeof acceptsTaxii(text), 'boolean')
      assert.equal(typeof isTaxiiType(text), 'boolean')
      try {
        const filter = parseFilter(new URLSearchParams(query), 1_000, FIELDS)
        assert.ok(filter.limit >= 1 && filter.limit <= 1_000 && Number.isSafeInteger(filter.after) && filter.after >= 0)
      } catch (error) {
        assert.ok(error instanceof TaxiiError && error.code === 'TAXII_BAD_REQUEST', String(error))
      }
    }),
    { numRuns: 2_000 },
  )
})

test('an exact range decides over a general one, a quality of 0 excludes, another version is another type', () => {
  for (const [accept, is] of [
    [undefined, true],
    ['', true],
    ['*/*', true],
    ['application/*;q=0.1', true],
    ['application/taxii+json', true],
    ['Application/TAXII+JSON; Version="2.1"; q=0.3 , text/html', true],
    ['application/taxii+json;q=0, */*', false],
    ['application/taxii+json;version=2.0', false],
    ['application/vnd.oasis.taxii+json; version=2.0', false],
    ['application/json', false],
    ['text/html, image/*', false],
    ['*/*;q=0', false],
  ] as const)
    assert.equal(acceptsTaxii(accept), is, accept)
  for (const [type, is] of [
    ['application/taxii+json;version=2.1', true],
    ['application/taxii+json', true],
    ['application/taxii+json; charset=utf-8; version="2.1"', true],
    ['application/taxii+json;version=2.0', false],
    ['application/json', false],
    [undefined, false],
  ] as const)
    assert.equal(isTaxiiType(type), is, type)
})

test('times come back as they were, next goes on exactly, and forms that clients use mean the same instant', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 9_000_000_000_000_000 }), (micros) => {
      assert.equal(toMicros(fromMicros(micros), 'x'), micros)
      assert.match(fromMicros(micros), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
      assert.equal(parseFilter(new URLSearchParams({ next: toNext(micros) }), 1, FIELDS).after, micros)
    }),
  )
  const second = toMicros('2026-01-01T00:00:00Z', 'x')
  assert.equal(toMicros('2026-01-01T00:00:00.000000999Z', 'x'), second)
  assert.equal(toMicros('2026-01-01T00:00:00.000001000Z', 'x'), second + 1)
  assert.equal(toMicros('2026-01-01T00:00:00+00:00', 'x'), second)
  assert.equal(toMicros('2026-01-01t00:00:00 00:00', 'x'), second)
  assert.equal(fromVersionKey(versionKey('2026-01-01T00:00:00.5Z')), '2026-01-01T00:00:00.500Z')
  assert.equal(versionKey('2026-01-01T00:00:00.123450000Z'), '2026-01-01T00:00:00.12345')
})
