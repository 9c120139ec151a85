import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { objectColumns } from './columns.ts'
import { PREDEFINED_MARKINGS, TLP_LEVEL_BY_ID } from './marking.ts'
import { validateObject } from './validate.ts'
import { allVersions, latestVersions, revokedVersions, toVersion, type ObjectVersion } from './version.ts'

const version = (publisher: string, id: string, modified: string, revoked = false) =>
  toVersion(publisher, { type: 'tool', id, modified, revoked })

test('versions are told apart by publisher, and ordered by the instant, not the text', () => {
  const early = version('a', 'tool--1', '2026-01-01T00:00:00.9Z')
  const late = version('a', 'tool--1', '2026-01-01T00:00:00.95Z')
  const other = version('b', 'tool--1', '2025-01-01T00:00:00Z')
  assert.deepEqual(latestVersions([late, other, early]), [late, other])
  assert.deepEqual(allVersions([late, other, early]), [early, late, other])
  assert.equal(
    version('a', 'x', '2026-01-01T00:00:00.500Z').modified,
    version('a', 'x', '2026-01-01T00:00:00.5Z').modified,
  )
})

test('a revoked object is one whose newest version is revoked, and at one instant the revocation counts', () => {
  const alive = version('a', 'tool--1', '2026-01-01T00:00:00Z')
  const gone = version('a', 'tool--1', '2026-01-01T00:00:00.0Z', true)
  assert.deepEqual(revokedVersions([gone, alive]), [gone])
  assert.deepEqual(revokedVersions([gone, version('a', 'tool--1', '2026-01-02T00:00:00Z')]), [])
})

test('the order of arrival decides nothing', () => {
  const one: fc.Arbitrary<ObjectVersion> = fc.record(
    {
      publisher: fc.constantFrom('a', 'b'),
      id: fc.constantFrom('tool--1', 'tool--2'),
      modified: fc.constantFrom('2026-01-01T00:00:00', '2026-01-01T00:00:00.5', '2026-01-02T00:00:00'),
      revoked: fc.boolean(),
    },
    { noNullPrototype: true },
  )
  fc.assert(
    fc.property(fc.array(one), (versions) => {
      assert.deepEqual(latestVersions(versions.toReversed()), latestVersions(versions))
    }),
  )
})

test('columns are read from the object: the version key, and what is absent stays absent', () => {
  assert.deepEqual(
    objectColumns({
      type: 'indicator',
      id: 'indicator--1',
      created: '2025-01-01T00:00:00.000Z',
      modified: '2026-01-01T00:00:00.500Z',
      created_by_ref: 'identity--2',
      pattern_type: 'sigma',
      revoked: true,
    }),
    {
      id: 'indicator--1',
      type: 'indicator',
      modified: '2026-01-01T00:00:00.5',
      creator: 'identity--2',
      patternType: 'sigma',
      revoked: true,
    },
  )
  assert.deepEqual(objectColumns({ type: 'url', id: 'url--1' }), { id: 'url--1', type: 'url', modified: '' })
  assert.equal(
    objectColumns({ type: 'marking-definition', id: 'x', created: '2017-01-20T00:00:00.000Z' }).modified,
    '2017-01-20T00:00:00',
  )
})

test('the nine TLP markings are valid objects with a level each; white reads as clear', () => {
  assert.equal(PREDEFINED_MARKINGS.size, 9)
  for (const [id, marking] of PREDEFINED_MARKINGS) {
    assert.deepEqual(validateObject(marking).errors, [])
    assert.ok(TLP_LEVEL_BY_ID.has(id))
  }
  assert.equal(TLP_LEVEL_BY_ID.get('marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9'), 'clear')
  assert.equal(TLP_LEVEL_BY_ID.get('marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003'), 'amber+strict')
})
