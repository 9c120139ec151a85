// Formats of other systems: what is made of any input is valid STIX, and can be written in every format.
import { isUtf8 } from 'node:buffer'
import { deflateRawSync } from 'node:zlib'
import type { JsonObject } from '#base'
import { ExchangeError, IMPORT_FORMATS } from '#exchange'
import { decodeText } from '../../../src/exchange/encoding.ts'
import {
  SAMPLE_CSV,
  SAMPLE_EVENT,
  SAMPLE_MAIL,
  SAMPLE_REPORT,
  sampleWorkbook,
  zipOf,
} from '../../../src/exchange/samples.ts'
import { walkXml } from '../../../src/exchange/workbook/xml.ts'
import { SAMPLES } from '../../../src/stix/sample-objects.ts'
import { mutateText } from '../mutate/pieces.ts'
import { ODD_TEXTS, ODD_TIMES } from '../mutate/odd-values.ts'
import type { Random } from '../random.ts'
import { exchanged, written } from './exchanged.ts'
import { attempt, jsonOf, must, mustEqual, randomOf, type Target, textOf } from '../target.ts'

const MISP_WORDS =
  'uuid type value category to_ids object_relation name meta-category Tag Galaxy GalaxyCluster meta Attribute Object ObjectReference referenced_uuid relationship_type Sighting EventReport content timestamp distribution SharingGroup Orgc data first_seen last_seen deleted synonyms refs Event response info date domain ip-dst ip-dst|port filename|sha256 malware-sample email-src file pe pe-section process registry-key x509 vulnerability annotation script mitre-malware includes tlp:red tlp:amber pid md5 url hostname asn'.split(
    ' ',
  )
const MISP_VALUES = [
  ...MISP_WORDS,
  '203.0.113.5|443',
  'a|b',
  "it's",
  ']',
  '1',
  'true',
  '2026-01-15T00:00:00+00:00',
  '9999999999999',
  'd41d8cd98f00b204e9800998ecf8427e',
  'evil.example.com',
  ...ODD_TEXTS,
  ...ODD_TIMES,
]

function mispNode(random: Random, depth: number): unknown {
  if (depth === 0 || random.once(2))
    return random.pick<unknown>([random.pick(MISP_VALUES), random.pick(MISP_VALUES), random.below(2_000), true, null])
  if (random.once(2)) return Array.from({ length: random.below(4) }, () => mispNode(random, depth - 1))
  return Object.fromEntries(
    Array.from({ length: random.below(6) }, () => [random.pick(MISP_WORDS), mispNode(random, depth - 1)]),
  )
}
const mispList = (random: Random) =>
  Array.from({ length: random.below(5) }, () =>
    Object.fromEntries(
      Array.from({ length: random.between(1, 8) }, () => [random.pick(MISP_WORDS), mispNode(random, 2)]),
    ),
  )
const MISP_OBJECTS =
  'file domain-ip email url pe pe-section process registry-key x509 vulnerability annotation script asn credential network-connection geolocation person'.split(
    ' ',
  )
const mispObjects = (random: Random) =>
  Array.from({ length: random.below(3) }, (_, at) => ({
    uuid: `5e6a1f0e-8c1a-4b77-9d55-0242ac12000${at}`,
    name: random.pick(MISP_OBJECTS),
    Attribute: Array.from({ length: random.below(6) }, () => ({
      type: random.pick(MISP_WORDS),
      object_relation: random.pick(MISP_WORDS),
      value: random.pick(MISP_VALUES),
    })),
    ObjectReference: [
      { referenced_uuid: '5e6a1f0e-8c1a-4b77-9d55-0242ac120000', relationship_type: random.pick(MISP_WORDS) },
    ],
  }))

export const misp: Target = {
  name: 'exchange-misp',
  weight: 0.3,
  shape: 'json',
  maxBytes: 12_000,
  words: MISP_VALUES,
  seeds: [SAMPLE_EVENT, [SAMPLE_EVENT], { response: [SAMPLE_EVENT] }, { Attribute: SAMPLE_EVENT.Event.Attribute }],
  make: (random) => ({
    Event: {
      ...(random.once(2) ? { info: 'x', uuid: SAMPLE_EVENT.Event.uuid } : {}),
      timestamp: random.pick(['1768446000', 'no', '']),
      Attribute: mispList(random),
      Object: random.once(2) ? mispList(random) : mispObjects(random),
      Galaxy: mispList(random),
      Tag: mispList(random),
    },
  }),
  hostile: [
    { Event: { Tag: [{ name: `tlp:${' '.repeat(60_000)}!` }], info: 'x' } },
    {
      Event: {
        info: 'x',
        Object: [
          {
            name: 'email',
            Attribute: Array.from({ length: 200 }, () => ({
              type: 'email-dst',
              object_relation: 'cc',
              value: 'a@example.com',
            })),
          },
        ],
      },
    },
    {
      Event: {
        info: 'x',
        Object: Array.from({ length: 600 }, (_, i) => ({
          uuid: `u${i}`,
          name: 'pe',
          ObjectReference: [{ referenced_uuid: `u${(i + 1) % 600}`, relationship_type: 'includes' }],
        })),
      },
    },
    `${'{"Event":'.repeat(5_000)}`,
  ],
  run: (input) => exchanged(input, 'misp'),
}

const SHEET_WORDS = [
  '<row>',
  '</row>',
  '<c r="A1" t="s">',
  '<v>',
  '</v>',
  '<![CDATA[',
  ']]>',
  '<!--',
  '-->',
  '&amp;',
  '&#x10ffff;',
  '&#1114112;',
  '&lt;',
  'r="ZZZ99999"',
  '46037.5',
  '1e308',
  '<?',
  '<!DOCTYPE a [<!ENTITY b "c">]>',
  '&b;',
  '/>',
  'Id="rId1"',
  'Target="../x"',
]
const SHEET =
  '<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="inlineStr"><is><t>first_seen</t></is></c></row><row r="2"><c r="A2" t="s"><v>1</v></c><c r="C2" s="1"><v>46037.5</v></c></row></sheetData></worksheet>'
const STRINGS = '<sst><si><t>indicator</t></si><si><r><t>evil.</t></r><r><t>example.com</t></r></si></sst>'

export const workbook: Target = {
  name: 'exchange-workbook',
  weight: 0.7,
  shape: 'bytes',
  maxBytes: 12_000,
  words: [...SHEET_WORDS, 'PK\u0001\u0002', 'PK\u0003\u0004', 'PK\u0005\u0006'],
  seeds: [sampleWorkbook(), deflateRawSync(Buffer.alloc(1_000))],
  // A whole file around broken parts: broken bytes rarely get past the unpacking.
  make: (random) => {
    const broken = (xml: string) => (random.once(2) ? xml : mutateText(xml, [SHEET, STRINGS], SHEET_WORDS, random))
    return zipOf({
      'xl/workbook.xml': broken('<workbook><sheets><sheet name="IoC" sheetId="1" r:id="rId1"/></sheets></workbook>'),
      'xl/_rels/workbook.xml.rels': broken(
        '<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>',
      ),
      'xl/sharedStrings.xml': broken(STRINGS),
      'xl/styles.xml': broken('<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>'),
      'xl/worksheets/sheet1.xml': broken(SHEET),
    })
  },
  run: (input) => {
    let events = 0
    for (const { kind } of walkXml(textOf(input))) if (kind) events++
    must(events <= 2 * input.length + 2, 'XML has no more parts than characters', events)
    return exchanged(input, randomOf(input).once(4) ? 'auto' : 'xlsx')
  },
}

export const anything: Target = {
  name: 'exchange-auto',
  shape: 'bytes',
  maxBytes: 6_000,
  words: ['PK', '{"Event":', '[{', 'value,', '"timestamp",', '\u0000', 'ÿþ'],
  seeds: [
    JSON.stringify(SAMPLE_EVENT),
    SAMPLE_CSV,
    SAMPLE_MAIL,
    SAMPLE_REPORT,
    sampleWorkbook(),
    Buffer.from('8ac28d5c2c82a02c83658358', 'hex'),
    Buffer.from('fffe610062000a00', 'hex'),
  ],
  run: (input) => {
    const decoded = attempt(() => decodeText(input), ExchangeError)
    const bare = input[0] === 0xef ? input.subarray(3) : input
    if (decoded.ok && isUtf8(input) && input[0] !== 0xef && decoded.value.encoding === 'utf-8')
      mustEqual(decoded.value.text, Buffer.from(bare).toString(), 'UTF-8 is read as UTF-8')
    const random = randomOf(input)
    return `${decoded.word} ${exchanged(input, random.once(2) ? 'auto' : random.pick(IMPORT_FORMATS))}`
  },
}

const STIX_TYPES = [
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
]
const LABELS = [
  'misp:type="domain"',
  'misp:name="file"',
  'misp:name="annotation"',
  'misp:galaxy-type="x"',
  'misp:meta-category="file"',
  'other',
]
const samples = Object.values(SAMPLES)

export const exportStix: Target = {
  name: 'exchange-export',
  weight: 0.4,
  shape: 'json',
  maxBytes: 12_000,
  words: [
    ...STIX_TYPES,
    ...LABELS,
    'labels',
    'pattern',
    'pattern_type',
    'object_refs',
    'x_misp_a',
    'hashes',
    'parent_ref',
    'aliases',
  ],
  seeds: [samples.slice(0, 6), samples.slice(6, 12), samples.slice(12, 20), samples.slice(20, 30), samples.slice(30)],
  make: (random) =>
    Array.from({ length: random.between(1, 4) }, (_, at) => {
      const type = random.pick(STIX_TYPES)
      const sample = samples.find((one) => one['type'] === type) ?? {}
      return {
        ...sample,
        type,
        id: `${type}--${at}`,
        labels: [random.pick(LABELS), random.pick(LABELS)],
        [random.pick(['name', 'pattern', 'value', 'object_refs', 'x_misp_a'])]: mispNode(random, 2),
      }
    }),
  run: (input) => {
    const value = jsonOf(input)
    const objects = (Array.isArray(value) ? value : [value]).filter(
      (one) => typeof one === 'object' && one !== null && !Array.isArray(one),
    ) as JsonObject[]
    written(objects)
    return [...new Set(objects.map(({ type }) => String(type)))].sort().join(' ').slice(0, 60)
  },
}
