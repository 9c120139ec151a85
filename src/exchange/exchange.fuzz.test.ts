// Broken and hostile input of every format: only this part's errors, only valid STIX, and never long.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { JsonObject } from '#base'
import { validateObject } from '#stix'
import { EXPORT_FORMATS, ExchangeError, IMPORT_FORMATS, type ImportFormat, readInput, writeOutput } from './index.ts'
import { SAMPLE_CSV, SAMPLE_EVENT, SAMPLE_MAIL, SAMPLE_REPORT, sampleWorkbook } from './samples.ts'

const SEED = Number(process.env['NOROSHI_SEED'] ?? 20_260_115)
const RUNS = Number(process.env['NOROSHI_RUNS'] ?? 300)
const NOW = '2026-02-01T00:00:00.000Z'
/** Time for each begun KB of input; the measured worst is far below, the rest is room for a busy machine. */
const MS_PER_KB = 100
const options = { seed: SEED, numRuns: RUNS }

/** Reads and writes an input; fails for anything that is no refusal of this part, is invalid, or takes long. */
function endure(bytes: Uint8Array, format: ImportFormat | 'auto'): void {
  const from = process.cpuUsage()
  let objects: JsonObject[] = []
  try {
    objects = readInput(bytes, { format, source: 'fuzz', now: NOW }).objects
  } catch (error) {
    if (!(error instanceof ExchangeError)) throw error
  }
  const used = process.cpuUsage(from)
  const ms = (used.user + used.system) / 1_000
  const kilobytes = Math.ceil((bytes.length + 1) / 1_024)
  assert.ok(ms <= MS_PER_KB * kilobytes, `${ms} ms for ${bytes.length} bytes of ${format}`)
  for (const object of objects)
    assert.deepEqual(validateObject(object, {}).errors, [], JSON.stringify(object).slice(0, 500))
  for (const name of EXPORT_FORMATS) assert.equal(typeof writeOutput(objects, name, { now: NOW }).text, 'string')
}

const corpus: Uint8Array[] = [JSON.stringify(SAMPLE_EVENT), SAMPLE_CSV, SAMPLE_MAIL, SAMPLE_REPORT].map((text) =>
  new TextEncoder().encode(text),
)
corpus.push(sampleWorkbook())
const anyFormat = fc.constantFrom<ImportFormat | 'auto'>('auto', ...IMPORT_FORMATS)

/** A sample with some bytes changed, cut out or repeated. */
const mutated = fc
  .tuple(
    fc.constantFrom(...corpus),
    fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.nat(3), fc.nat(40)), { minLength: 1, maxLength: 8 }),
  )
  .map(([sample, edits]) => {
    let bytes = Buffer.from(sample)
    for (const [place, value, kind, length] of edits) {
      const at = place % Math.max(1, bytes.length)
      if (kind === 0) bytes[at] = value
      else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)])
      else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)])
      else bytes = Buffer.concat([bytes.subarray(0, at), Buffer.alloc(length * 8, value), bytes.subarray(at)])
    }
    return Uint8Array.from(bytes)
  })

test('broken samples of every format are read or refused, and what is made of them is valid', () => {
  fc.assert(fc.property(mutated, anyFormat, endure), options)
})

test('any bytes and any text are read or refused', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 2_000 }), anyFormat, endure), options)
  const text = fc.string({ unit: 'binary', maxLength: 2_000 }).map((one) => new TextEncoder().encode(one))
  fc.assert(fc.property(text, anyFormat, endure), options)
})

const FIELD_NAMES = [
  'uuid',
  'type',
  'value',
  'category',
  'to_ids',
  'object_relation',
  'name',
  'meta-category',
  'Tag',
  'Galaxy',
  'GalaxyCluster',
  'meta',
  'Attribute',
  'Object',
  'ObjectReference',
  'referenced_uuid',
  'relationship_type',
  'Sighting',
  'EventReport',
  'content',
  'timestamp',
  'distribution',
  'Orgc',
  'data',
  'first_seen',
  'deleted',
  'synonyms',
  'refs',
  '__proto__',
  'constructor',
]
const VALUES = [
  'domain',
  'ip-dst|port',
  'malware-sample',
  'email',
  'file',
  'pe',
  'pe-section',
  'process',
  'registry-key',
  'x509',
  'vulnerability',
  'annotation',
  'script',
  'mitre-malware',
  'includes',
  '203.0.113.5|443',
  'a|b',
  "it's",
  '\\',
  ']',
  '1',
  '0',
  'true',
  '2026-01-15T00:00:00+00:00',
  '9999999999999',
  'tlp:red',
  'pid',
  'md5',
  'd41d8cd98f00b204e9800998ecf8427e',
  '\uD800',
  'x'.repeat(3_000),
]
const node: fc.Arbitrary<unknown> = fc.letrec<{ node: unknown }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(fc.constantFrom(...VALUES), fc.string({ maxLength: 20 }), fc.double(), fc.boolean(), fc.constant(null)),
    fc.array(tie('node'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...FIELD_NAMES), tie('node'), { maxKeys: 6 }),
  ),
})).node
const listOf = fc.array(fc.dictionary(fc.constantFrom(...FIELD_NAMES), node, { maxKeys: 8 }), { maxLength: 6 })

test('events of any shape are read or refused, and what is made of them is valid', () => {
  const event = fc.record({
    Attribute: listOf,
    Object: listOf,
    Galaxy: listOf,
    Tag: listOf,
    info: fc.constantFrom('x', ''),
    timestamp: fc.constantFrom('1768446000', 'no'),
  })
  fc.assert(
    fc.property(event, (one) => endure(new TextEncoder().encode(JSON.stringify({ Event: one })), 'misp')),
    options,
  )
})

test('STIX of any shape is written or told, in every format', () => {
  const type = fc.constantFrom(
    'indicator',
    'observed-data',
    'malware',
    'report',
    'identity',
    'location',
    'vulnerability',
    'file',
    'process',
    'note',
    'x-misp-object',
    'relationship',
  )
  const labels = fc.array(
    fc.constantFrom(
      'misp:type="domain"',
      'misp:name="file"',
      'misp:name="annotation"',
      'misp:galaxy-type="x"',
      'other',
    ),
    { maxLength: 3 },
  )
  const object = fc.tuple(
    type,
    labels,
    fc.dictionary(
      fc.constantFrom(
        'name',
        'pattern',
        'pattern_type',
        'object_refs',
        'created_by_ref',
        'external_references',
        'modified',
        'x_misp_a',
        'value',
        'hashes',
        'parent_ref',
        'aliases',
      ),
      node,
      { maxKeys: 6 },
    ),
  )
  const objects = fc
    .array(object, { maxLength: 6 })
    .map((list) =>
      list.map(
        ([kind, names, rest], index) => ({ type: kind, id: `${kind}--${index}`, labels: names, ...rest }) as JsonObject,
      ),
    )
  fc.assert(
    fc.property(objects, (list) => {
      const plain = JSON.parse(JSON.stringify(list)) as JsonObject[]
      for (const name of EXPORT_FORMATS) writeOutput(plain, name, { now: NOW })
    }),
    options,
  )
})

test('input made to be slow is not', () => {
  const hostile: [ImportFormat, string][] = [
    ['text', `${')'.repeat(20_000)}a `.repeat(3)],
    ['text', '[.]'.repeat(20_000)],
    ['text', 'hxxp'.repeat(15_000)],
    ['text', 'a@'.repeat(30_000)],
    ['text', `${'a.'.repeat(30_000)}com`],
    ['text', '{[(<'.repeat(15_000)],
    ['csv', `value\n${'"'.repeat(60_000)}`],
    ['csv', `value,tlp\nevil.example.com,a${' '.repeat(30_000)}!`],
    ['csv', ','.repeat(60_000)],
    ['misp', JSON.stringify({ Event: { Tag: [{ name: `tlp:${' '.repeat(60_000)}!` }], info: 'x' } })],
    [
      'misp',
      JSON.stringify({
        Event: {
          info: 'x',
          Object: [
            {
              name: 'email',
              Attribute: Array.from({ length: 900 }, () => ({
                type: 'email-dst',
                object_relation: 'cc',
                value: 'a@example.com',
              })),
            },
          ],
        },
      }),
    ],
    [
      'misp',
      JSON.stringify({
        Event: {
          info: 'x',
          Object: Array.from({ length: 600 }, (_, i) => ({
            uuid: `u${i}`,
            name: 'pe',
            ObjectReference: [{ referenced_uuid: `u${(i + 1) % 600}`, relationship_type: 'includes' }],
          })),
        },
      }),
    ],
  ]
  for (const [format, text] of hostile) endure(new TextEncoder().encode(text), format)
})
