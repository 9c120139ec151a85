import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Json, JsonObject } from '#base'
import { SAMPLES } from './sample-objects.ts'
import { answerValidateVector, validateObject } from './validate.ts'

const sample = (type: string): JsonObject => structuredClone(SAMPLES[type] ?? {})
const errors = (value: Json) => validateObject(value).errors.map(({ path, code }) => `${path} ${code}`)
const warnings = (value: Json) =>
  validateObject(value, { strict: true }).warnings.map(({ path, code }) => `${path} ${code}`)
/** The findings on a sample after a change to it. */
const after = (type: string, change: JsonObject) => errors({ ...sample(type), ...change })

test('all errors of an object come at once, each with path, section and a message', () => {
  const { valid, errors: all } = validateObject({
    ...sample('indicator'),
    confidence: 101,
    created: '2026-02-30T00:00:00.000Z',
    external_references: [{ source_name: 'a' }, { source_name: 'b', url: 7 }],
    labels: [],
    valid_until: '2020-01-01T00:00:00Z',
  })
  assert.equal(valid, false)
  assert.deepEqual(all.map(({ path, code, section }) => [path, code, section].join(' ')).toSorted(), [
    'confidence OUT_OF_RANGE 2.10',
    'created INVALID_TIMESTAMP 2.16',
    'external_references.[0] MISSING_PROPERTY 2.5',
    'external_references.[1].url WRONG_TYPE 2.15',
    'labels EMPTY_LIST 2.12',
    'valid_until TIME_ORDER 4.7',
  ])
  assert.ok(all.every(({ message }) => message.length > 10))
})

test("a bundle's findings carry the index of their object; translations mirror a target in the bundle", () => {
  const id = 'bundle--5d0092c5-5f74-4287-9642-33f4c354e56d'
  const bundle = (...objects: Json[]) => errors({ type: 'bundle', id, objects })
  assert.deepEqual(bundle(sample('tool'), { ...sample('tool'), name: 5 }), ['objects.[1].name WRONG_TYPE'])
  assert.deepEqual(bundle({ type: 'bundle', id }, 7), ['objects.[0] INVALID_VALUE', 'objects.[1] WRONG_TYPE'])
  assert.deepEqual(bundle(), ['objects EMPTY_LIST'])
  assert.deepEqual(errors({ type: 'bundle', id }), [])
  const target: JsonObject = { ...sample('tool'), aliases: ['a', 'b'] }
  const content = (texts: Json) => ({
    ...sample('language-content'),
    object_ref: target['id'] ?? null,
    object_modified: target['modified'] ?? null,
    contents: { de: texts },
  })
  assert.deepEqual(bundle(target, content({ name: 'Werkzeug', aliases: ['', 'B'], unknown: 'ignored' })), [])
  assert.deepEqual(bundle(target, content({ name: ['x'], aliases: ['B'] })), [
    'objects.[1].contents.de.name WRONG_TYPE',
    'objects.[1].contents.de.aliases INVALID_VALUE',
  ])
  assert.deepEqual(after('language-content', { contents: { español: { name: 'x' } } }), [
    'contents.español INVALID_LANGUAGE',
  ])
})

test('strict warns of what the specification recommends, and never makes an object invalid', () => {
  const found = warnings({ ...sample('ipv4-addr'), id: 'ipv4-addr--0c7b5b88-8ff7-5a4d-aa9d-feb398cd0061' })
  assert.deepEqual(found, ['id DETERMINISTIC_ID'])
  assert.deepEqual(warnings(sample('ipv4-addr')), [])
  assert.ok(warnings({ ...sample('tool'), own: 1 }).includes('own CUSTOM_PROPERTY'))
  assert.ok(
    warnings({ ...sample('relationship'), relationship_type: 'eats' }).includes(
      'relationship_type INVALID_RELATIONSHIP',
    ),
  )
  assert.ok(warnings({ type: 'own', id: 'own--0c7b5b88-8ff7-4a4d-aa9d-feb398cd0061' }).includes('type NAMING'))
  for (const object of Object.values(SAMPLES)) assert.equal(validateObject(object, { strict: true }).valid, true)
  assert.deepEqual(validateObject(sample('tool')).warnings, [])
})

test('a batch answer carries the id of the request, also for a bundle or for what is no object', () => {
  const { id, type, valid } = answerValidateVector({ id: 'r1', object: sample('tool') })
  assert.deepEqual([id, type, valid], ['r1', 'tool', true])
  for (const object of [null, 7, 'x', [], {}]) assert.equal(answerValidateVector({ id: 'r2', object }).valid, false)
  assert.equal(answerValidateVector({ id: 'r3' }).valid, false)
})

test('whatever replaces a property of a valid object, validation answers, and says no only with a reason', () => {
  const json: fc.Arbitrary<Json> = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>
  const types = Object.keys(SAMPLES)
  fc.assert(
    fc.property(fc.constantFrom(...types), fc.nat(), json, fc.boolean(), (type, pick, value, strict) => {
      const object = sample(type)
      const names = Object.keys(object)
      object[names[pick % names.length] ?? 'x'] = value
      const { valid, errors: found, warnings: advised } = validateObject(object, { strict })
      assert.equal(valid, found.length === 0)
      if (!strict) assert.equal(advised.length, 0)
      // The verdict does not depend on strict, nor on what was validated before.
      assert.deepEqual(validateObject(object, { strict: !strict }).errors, found)
    }),
    { numRuns: 500 },
  )
})

test('a wrong type in any property of any object is an error under that property', () => {
  for (const [type, object] of Object.entries(SAMPLES))
    for (const name of Object.keys(object)) {
      if (name === 'type' || name.startsWith('x_')) continue
      const found = validateObject({ ...object, [name]: [[true]] }).errors
      assert.ok(
        found.some(({ path }) => path === name || path.startsWith(`${name}.`)),
        `${type}.${name}`,
      )
    }
})

test('a hostile number of errors gives a bounded report', () => {
  const labels = Array.from({ length: 100_000 }, () => 7)
  const { errors: found, valid } = validateObject({ ...sample('tool'), labels })
  assert.equal(valid, false)
  assert.equal(found.length, 1_001)
  assert.equal(found.at(-1)?.code, 'TOO_MANY_FINDINGS')
  const long = validateObject({ ...sample('tool'), [`X${'y'.repeat(500_000)}`]: 'z'.repeat(500_000) })
  assert.ok(JSON.stringify(long).length < 1_000)
})

test('half a surrogate pair anywhere is reported or passed over, and never thrown', () => {
  for (const sample of Object.values(SAMPLES))
    for (const name of Object.keys(sample)) {
      const broken = { ...sample, [name]: '\ud800' }
      const bundle = { type: 'bundle', id: 'bundle--5d0092c5-5f74-4287-9642-33f4c354e56d', objects: [broken, broken] }
      for (const value of [broken, bundle])
        assert.doesNotThrow(() => validateObject(value, { strict: true }), `${String(sample['type'])}.${name}`)
    }
})

test('under strict, codes of countries and subdivisions that exist are no warning', () => {
  const about = (change: JsonObject) =>
    warnings({ ...sample('location'), ...change }).filter((found) => found.includes('INVALID_VALUE'))
  for (const country of ['fr', 'FR', 'US', 'jp']) assert.deepEqual(about({ country }), [], country)
  for (const country of ['UK', 'EU', 'F', 'France']) assert.deepEqual(about({ country }), ['country INVALID_VALUE'])
  assert.deepEqual(about({ administrative_area: 'US-CA' }), [])
})

test('an IPv4 address within an IPv6 one stands at its end and has no leading zeros', () => {
  const isValid = (value: string) => validateObject({ ...sample('ipv6-addr'), value }).valid
  for (const value of ['::192.0.2.1', '1:2:3:4:5:6:192.0.2.1', '64:ff9b::192.0.2.1/96', '1::', '::'])
    assert.equal(isValid(value), true, value)
  for (const value of ['192.0.2.1::', '192.0.2.1::1', '::192.0.2.01', '::192.0.2', '::192.0.2.1:1', '::256.0.2.1'])
    assert.equal(isValid(value), false, value)
})

test('what is passed on is of STIX 2.1: an object that says 2.0 is hardly checked', () => {
  const old = { ...sample('indicator'), spec_version: '2.0' }
  assert.equal(validateObject(old).valid, true)
  const { valid, errors: found } = validateObject(old, { current: true })
  assert.equal(valid, false)
  assert.deepEqual([found[0]?.code, found[0]?.path], ['INVALID_VALUE', 'spec_version'])
  assert.equal(validateObject(sample('indicator'), { current: true }).valid, true)
})

test('all faults of an object are told at once, also where its type is none', () => {
  const faults = { id: 'x--1', created: 'yesterday', confidence: 101, Foo: null }
  const paths = ['id', 'created', 'confidence', 'Foo', 'Foo']
  const found = (type: Json | undefined) =>
    validateObject({ ...(type === undefined ? {} : { type }), ...faults }, { strict: true }).errors.map(
      ({ path }) => path,
    )
  for (const type of ['Not A Type', 7, undefined]) assert.deepEqual(found(type), ['type', ...paths], String(type))
  assert.deepEqual(found('x-foo'), paths)
})
