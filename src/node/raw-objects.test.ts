import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import type { JsonObject } from '#base'
import { cutEnvelope, cutObjects } from './raw-objects.ts'

const texts = async (body: string) =>
  (await cutObjects(Buffer.from(body))).objects.map(({ bytes }) => Buffer.from(bytes).toString())

test('an object keeps every byte that its author wrote, in every wrapping', async () => {
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
  for (const body of wrapped) for (const text of await texts(body)) assert.equal(text, odd, body)
  assert.equal((await texts(wrapped[5] as string)).length, 2)
  assert.equal((await texts(wrapped[6] as string)).length, 2)
})

test('cut slices parse to what the whole holds, whatever the objects and the spacing', async () => {
  const object = fc
    .dictionary(
      fc.string(),
      fc.oneof(fc.string(), fc.integer(), fc.array(fc.string()), fc.dictionary(fc.string(), fc.boolean())),
    )
    .map((value) => ({ ...value, type: 'x' }))
  const property = fc.asyncProperty(fc.array(object), fc.nat(4), async (values, indent) => {
    const parsed = JSON.parse(JSON.stringify(values)) as JsonObject[]
    const cut = await cutObjects(Buffer.from(JSON.stringify({ type: 'bundle', objects: values }, null, indent)))
    assert.deepEqual(
      cut.objects.map(({ value }) => value),
      parsed,
    )
    assert.deepEqual(
      cut.objects.map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()) as unknown),
      parsed,
    )
  })
  await fc.assert(property, { numRuns: 300 })
})

test('the members of an envelope come beside its objects', async () => {
  assert.deepEqual((await cutObjects(Buffer.from('{"objects":[],"tlp":"green","to":["member:us-cisa"]}'))).envelope, {
    tlp: 'green',
    to: ['member:us-cisa'],
  })
})

test('an object may be as deep in a bundle as it may be alone, and no deeper', async () => {
  const deep = (levels: number) => `{"type":"x","a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`
  assert.equal((await texts(`{"type":"bundle","objects":[${deep(64)}]}`)).length, 1)
  await assert.rejects(texts(`{"type":"bundle","objects":[${deep(65)}]}`), {
    code: 'STIX_STREAM_TOO_DEEP',
    message: /at most 64/,
  })
  await assert.rejects(texts(deep(65)), { code: 'STIX_STREAM_TOO_DEEP', message: /at most 64/ })
  await assert.rejects(texts(deep(10_000)), { code: 'STIX_STREAM_TOO_DEEP', message: /at most 64/ })
  await assert.rejects(texts('['.repeat(10_000)), { code: 'STIX_STREAM_TRUNCATED' })
})

test('JSON of another shape is refused by name', async () => {
  for (const body of ['3', '"x"', '[1]', '{"type":"bundle","objects":{}}', '{"objects":3}', '{"objects":[[]]}'])
    await assert.rejects(texts(body), { code: 'INPUT_INVALID' }, body)
  for (const body of ['{', '{"a":1}}', '[{}', '{"a":1,"a":2}', '{"type":"x"},', 'nul'])
    await assert.rejects(texts(body), { name: /^(Json|Stix)Error$/, code: /^(JSON|STIX_STREAM)_/ }, body)
})

test('an object with a property named like the list of a bundle stays one object', async () => {
  for (const odd of ['{"objects":[1, {"a":1}] ,"type":"x-list"}', '{"type":"x-list","objects":[{"a":1}]}'])
    for (const body of [
      odd,
      `${odd}\n${odd}`,
      `[${odd}]`,
      `{"type":"bundle","objects":[${odd}]}`,
      `{"objects":[${odd}]}`,
    ])
      for (const text of await texts(body)) assert.equal(text, odd, body)
})

test('a list stands in "objects" or in "bundle"', async () => {
  assert.deepEqual(await texts('{"bundle":{"objects":[{"type":"x"}],"type":"bundle"},"tlp":"green"}'), ['{"type":"x"}'])
  assert.deepEqual(await texts('{"bundle":{"type":"bundle"}}'), [])
  for (const body of [
    '{"objects":[],"bundle":{"objects":[]}}',
    '{"bundle":[]}',
    '{"bundle":{"type":"bundle","objects":1}}',
  ])
    await assert.rejects(texts(body), { code: 'INPUT_INVALID' }, body)
})

test('a bundle within a list is refused, since its objects would be lost', async () => {
  const inner = '{"type":"bundle","objects":[{"type":"x"}]}'
  for (const body of [`[${inner}]`, `{"type":"bundle","objects":[${inner}]}`, `{"objects":[{"type":"x"},${inner}]}`])
    await assert.rejects(cutObjects(Buffer.from(body)), { code: 'INPUT_INVALID' }, body)
})

test('a body that is faults from end to end is refused at its first one', async () => {
  for (const piece of ['x,', ',', '}', '{"a":1,"a":2},']) {
    const body = Buffer.from(`[${piece.repeat(70_000)}`)
    const from = process.cpuUsage()
    await assert.rejects(cutObjects(body), { name: /^(JsonError|StixError)$/ }, piece)
    if (piece !== '{"a":1,"a":2},') await assert.rejects(cutEnvelope(body), { code: 'JSON_INVALID' }, piece)
    // Each of the faults takes far longer to tell than the piece of the body that is read at once.
    const { user, system } = process.cpuUsage(from)
    assert.ok(user + system < 3_000_000, `${piece}: ${(user + system) / 1_000} ms`)
  }
})

test('elements that are no objects are told one by one, a thousand of them; more refuse the envelope', async () => {
  for (const piece of ['{"a":1,"a":2}', '1', '{"type":"x"}', '"x"']) {
    const envelope = (count: number) => Buffer.from(`{"objects":[${Array(count).fill(piece).join(',')}]}`)
    const told = await cutEnvelope(envelope(1_000))
    assert.equal(told?.length, 1_000, piece)
    assert.ok(told?.every((item) => 'fault' in item))
    await assert.rejects(
      cutEnvelope(envelope(1_001)),
      { code: 'INPUT_INVALID', message: /More than 1000 elements/ },
      piece,
    )
  }
})

test('whoever else waits goes on while a submission is read', async () => {
  const ids = Array.from({ length: 200_000 }, (_, i) => `{"id":"x--${i}"}`)
  const body = Buffer.from(`{"objects":[${ids.join(',')}]}`)
  for (const cut of [cutObjects, cutEnvelope]) {
    let turns = 0
    let isDone = false
    const work = cut(body).finally(() => (isDone = true))
    while (!isDone) {
      await setImmediate()
      turns++
    }
    await work
    assert.ok(turns > 5, `${turns} turns`)
  }
})
