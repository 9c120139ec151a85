import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { JsonObject } from '#base'
import { cutObjects } from './raw-objects.ts'

const LIMIT = 1_048_576
const texts = (body: string) =>
  cutObjects(Buffer.from(body), LIMIT).objects.map(({ bytes }) => Buffer.from(bytes).toString())

test('an object keeps every byte that its author wrote, in every wrapping', () => {
  const odd = '{"type" : "x",\t"a":[1 , {"b":"]}\\"\\\\"} ] , "n":1.0}'
  const wrapped = [
    odd,
    `[${odd} ,${odd}]`,
    `{"type":"bundle","id":"bundle--1","objects":[ ${odd}\n,\n${odd} ]}`,
    `{"objects":[${odd}],"tlp":"amber"}`,
    `{"tlp":"amber","bundle":{"type":"bundle","objects":[${odd}]}}`,
    `${odd}\n${odd}\r\n`,
    `{"type":"bundle","objects":[${odd}]}\n{"type":"bundle","objects":[${odd}]}`,
  ]
  for (const body of wrapped) for (const text of texts(body)) assert.equal(text, odd, body)
  assert.equal(texts(wrapped[5] as string).length, 2)
  assert.equal(texts(wrapped[6] as string).length, 2)
})

test('cut slices parse to what the whole holds, whatever the objects and the spacing', () => {
  const object = fc
    .dictionary(
      fc.string(),
      fc.oneof(fc.string(), fc.integer(), fc.array(fc.string()), fc.dictionary(fc.string(), fc.boolean())),
    )
    .map((value) => ({ ...value, type: 'x' }))
  const property = fc.property(fc.array(object), fc.nat(4), (values, indent) => {
    const parsed = JSON.parse(JSON.stringify(values)) as JsonObject[]
    const cut = cutObjects(Buffer.from(JSON.stringify({ type: 'bundle', objects: values }, null, indent)), LIMIT)
    assert.deepEqual(
      cut.objects.map(({ value }) => value),
      parsed,
    )
    assert.deepEqual(
      cut.objects.map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()) as unknown),
      parsed,
    )
  })
  fc.assert(property, { numRuns: 300 })
})

test('the members of an envelope come beside its objects', () => {
  assert.deepEqual(cutObjects(Buffer.from('{"objects":[],"tlp":"green","to":["member:us-cisa"]}'), LIMIT).envelope, {
    tlp: 'green',
    to: ['member:us-cisa'],
  })
})

test('an object may be as deep in a bundle as it may be alone, and no deeper', () => {
  const deep = (levels: number) => `{"type":"x","a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`
  assert.equal(texts(`{"type":"bundle","objects":[${deep(64)}]}`).length, 1)
  assert.throws(() => texts(`{"type":"bundle","objects":[${deep(65)}]}`), { code: 'JSON_TOO_DEEP' })
  assert.throws(() => texts(deep(65)), { code: 'JSON_TOO_DEEP' })
  assert.throws(() => texts(deep(10_000)), { code: 'JSON_TOO_DEEP' })
  assert.throws(() => texts('['.repeat(10_000)), { name: 'JsonError' })
})

test('JSON of another shape is refused by name', () => {
  for (const body of ['3', '"x"', '[1]', '{"type":"bundle","objects":{}}', '{"objects":3}', '{"objects":[[]]}'])
    assert.throws(() => texts(body), { code: 'INPUT_INVALID' }, body)
  for (const body of ['{', '{"a":1}}', '[{}', '{"a":1,"a":2}', '{"type":"x"},', 'nul'])
    assert.throws(() => texts(body), { name: 'JsonError' }, body)
})
