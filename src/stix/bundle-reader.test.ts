import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BundleReader, type ReaderLimits, type StreamItem } from './bundle-reader.ts'

const BUNDLE_ID = 'bundle--5d0092c5-5f74-4287-9642-33f4c354e56d'

function read(text: string | Uint8Array, sizes: number[] = [], limits?: ReaderLimits): StreamItem[] {
  const bytes = Buffer.from(text)
  const reader = new BundleReader(limits)
  const items: StreamItem[] = []
  let at = 0
  let turn = 0
  while (at < bytes.length) {
    const size = sizes.length === 0 ? bytes.length : (sizes[turn++ % sizes.length] ?? 1)
    const chunk = Uint8Array.from(bytes.subarray(at, at + size))
    items.push(...reader.push(chunk))
    chunk.fill(0)
    at += size
  }
  return [...items, ...reader.end()]
}

const values = (items: StreamItem[]) => items.flatMap((item) => (item.kind === 'object' ? [item.value] : []))
const faults = (items: StreamItem[]) => items.flatMap((item) => (item.kind === 'fault' ? [item.error.code] : []))

test('a bundle gives its objects, each with the bytes it was written in, and then the bundle itself', () => {
  const first = '{ "type":"x-a", "n": 1.0 }'
  const items = read(
    `{"type":"bundle","id":"${BUNDLE_ID}","objects":[${first}, {"type":"x-b"}],"x_after":{"objects":[3]}}`,
  )
  assert.deepEqual(values(items), [{ type: 'x-a', n: 1 }, { type: 'x-b' }])
  assert.equal(items[0]?.kind === 'object' ? Buffer.from(items[0].bytes).toString() : '', first)
  assert.deepEqual(items.at(-1), {
    kind: 'bundle',
    value: { type: 'bundle', id: BUNDLE_ID, objects: [], x_after: { objects: [3] } },
    objects: 2,
    from: 0,
    to: 150,
  })
})

test('a list, a single object and NDJSON with blank lines are read too', () => {
  assert.deepEqual(values(read('[{"a":1},{"a":2}]')), [{ a: 1 }, { a: 2 }])
  assert.deepEqual(values(read('{"type":"note","a":[1]}')), [{ type: 'note', a: [1] }])
  assert.deepEqual(values(read('{"a":1}\n\r\n{"a":2}\n{"a":3}')), [{ a: 1 }, { a: 2 }, { a: 3 }])
})

test("`objects` is a bundle's only where the type says so, comes later, or is spelt with escapes", () => {
  const observed = '{"type":"observed-data","objects":{"0":{"type":"file"}}}'
  assert.deepEqual(values(read(observed)), [JSON.parse(observed)])
  const custom = '{"type":"x-list","objects":[1,2]}'
  assert.deepEqual(values(read(custom)), [JSON.parse(custom)])
  const late = read('{"objects":[{"a":1}],"type":"bundle"}')
  assert.deepEqual(values(late), [{ a: 1 }])
  assert.deepEqual(values(read('{"type":"bundle","\\u006fbjects":[{"a":1}]}')), [{ a: 1 }])
  assert.deepEqual(values(read('{"type":7,"x":"bundle","objects":[{"a":1}]}')), [{ a: 1 }])
})

test('a closing brace where an element should be is a fault, and the list goes on', () => {
  for (const text of ['[}', '[1,}', '{"objects":[}', '[}}}1]', '[{"a":1}}]']) {
    const items = read(text)
    assert.ok(faults(items).includes('STIX_STREAM_SYNTAX'), text)
    assert.ok(items.length < 6, text)
  }
  assert.deepEqual(values(read('[},{"a":1}]')), [{ a: 1 }])
})

test('a name beyond the limit of an object is read alike, however the bytes are cut', () => {
  const text = `{"x":"${'a'.repeat(300)}","type":"bundle","objects":[{"a":1}]}`
  for (const size of [1, 7, 64, 310, 400]) {
    const plain = read(text, [], { maxObjectBytes: 320 })
    assert.deepEqual(faults(read(text, [size], { maxObjectBytes: 320 })), faults(plain), `${size}`)
    assert.deepEqual(values(read(text, [size], { maxObjectBytes: 320 })), values(plain), `${size}`)
  }
})

test('the bytes of an object stay as they were when the chunk is used again', () => {
  const chunk = Buffer.from('{"a":1}')
  const [item] = new BundleReader().push(chunk)
  chunk.fill(0)
  assert.equal(item?.kind === 'object' && Buffer.from(item.bytes).toString(), '{"a":1}')
})

test('however the bytes are cut into chunks, the same items come out', () => {
  const object = fc.dictionary(
    fc.constantFrom('type', 'objects', 'id', 'quo"te', 'bräcket}', 'x'),
    fc.oneof(fc.string(), fc.integer(), fc.array(fc.string()), fc.constant({ objects: [{ type: 'bundle' }] })),
  )
  fc.assert(
    fc.property(
      fc.array(object),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
      fc.boolean(),
      (objects, sizes, lines) => {
        const text = lines
          ? objects.map((each) => JSON.stringify({ type: 'x-a', ...each, objects: 1 })).join('\n')
          : JSON.stringify({ type: 'bundle', objects })
        const whole = read(text)
        assert.deepEqual(read(text, sizes), whole)
        assert.deepEqual(faults(whole), [])
        assert.deepEqual(
          values(whole),
          lines
            ? objects
                .map((each) => ({ type: 'x-a', ...each, objects: 1 }))
                .map((each) => JSON.parse(JSON.stringify(each)))
            : JSON.parse(JSON.stringify(objects)),
        )
      },
    ),
  )
})

test('an object that is too large, too deep or malformed is a fault, and the next one is read', () => {
  const deep = `{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`
  const large = `{"a":"${'x'.repeat(2_000)}"}`
  const items = read(`{"objects":[${deep},${large},{"a":tru},{"a":1,"a":2},{"ok":1}],"type":"bundle"}`, [7], {
    maxObjectBytes: 1_000,
  })
  assert.deepEqual(faults(items), [
    'STIX_STREAM_OBJECT_TOO_LARGE',
    'STIX_STREAM_OBJECT_TOO_LARGE',
    'JSON_SYNTAX',
    'JSON_DUPLICATE_KEY',
  ])
  assert.deepEqual(values(items), [{ ok: 1 }])
  assert.deepEqual(faults(read(`[${deep},1]`)), ['STIX_STREAM_TOO_DEEP'])
  assert.deepEqual(faults(read(deep)), ['STIX_STREAM_TOO_DEEP'])
})

test('a large object cut into many chunks comes out with every byte', () => {
  const object = { type: 'note', content: Array.from({ length: 30_000 }, (_, index) => index) }
  const text = JSON.stringify(object)
  for (const sizes of [[1], [997], [4_096, 1, 65_536]]) {
    const [item] = read(`[${text}]`, sizes)
    assert.equal(item?.kind === 'object' ? Buffer.from(item.bytes).toString() : '', text)
    assert.deepEqual(values(read(text, sizes)), [object])
  }
})

test('a broken line of NDJSON costs that line only', () => {
  const items = read('{"a":1}\nnonsense\n{"a":"open\n{"a":2}\n')
  assert.equal(faults(items).length, 2)
  assert.deepEqual(values(items), [{ a: 1 }, { a: 2 }])
})

test('missing, doubled and trailing commas between objects are faults', () => {
  for (const list of ['[{"a":1},]', '[,{"a":1}]', '[{"a":1},,{"a":2}]', '[{"a":1}{"a":2}]'])
    assert.deepEqual(faults(read(list)), ['STIX_STREAM_SYNTAX'], list)
})

test('a fault is told with its place in the whole input, however the input is cut', () => {
  const bundle = Buffer.from(
    '\n{"type":"bundle", "objects":[\n{"x":"é"},\n {"a":\n tru}, {"b":"?"}, [[["deep"]]]\n,{"c"',
  )
  bundle[bundle.indexOf('?')] = 0xff
  for (const sizes of [[], [1], [7, 2]]) {
    const items = read(bundle, sizes, { maxDepth: 2 })
    const messages = items.flatMap((item) => (item.kind === 'fault' ? [item.error.message] : []))
    const after = (text: string) => bundle.indexOf(text)
    assert.deepEqual(messages, [
      `Expected a value at line 5 (byte ${after('tru')})`,
      `Bytes that are not well-formed UTF-8 at line 5 (byte ${after('{"b"') + 6})`,
      `Object 3 that begins at line 5 (byte ${after('[[[')}) is nested 3 levels deep; at most 2 are read`,
      `The input ends within the value that begins at line 6 (byte ${after('{"c"')}), after ${bundle.length} bytes`,
    ])
  }
})

test('input that ends within a value, or begins with a byte-order mark, is a fault', () => {
  for (const text of ['{"type":"bundle","objects":[{"a":1}', '{"type":"bundle","objects":[', '{"a":', '[1'])
    assert.deepEqual(faults(read(text)), ['STIX_STREAM_TRUNCATED'], text)
  const marked = read('\ufeff[{"a":1}]')
  assert.deepEqual(faults(marked), ['STIX_STREAM_SYNTAX'])
  assert.deepEqual(values(marked), [{ a: 1 }])
})

test('a hundred megabytes pass while no more than one object is held', () => {
  const object = Buffer.from(`,{"type":"note","content":"${'x'.repeat(4_000)}"}`)
  const chunk = Buffer.concat(Array.from({ length: 16 }, () => object))
  const reader = new BundleReader()
  let objects = reader.push(Buffer.from('{"type":"bundle","objects":[{}')).length
  const before = process.memoryUsage().arrayBuffers
  let most = 0
  for (let round = 0; round < 1_600; round++) {
    objects += reader.push(chunk).length
    if (round % 100 === 99) most = Math.max(most, process.memoryUsage().arrayBuffers - before)
  }
  objects += reader.push(Buffer.from(']}')).length
  assert.equal(objects, 1_600 * 16 + 2)
  assert.ok(chunk.length * 1_600 > 100_000_000)
  assert.ok(most < 100_000_000, `${most} bytes held`)
})
