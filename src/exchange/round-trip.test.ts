// What goes from MISP to STIX and back is what it was, except for what the loss report names.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { JsonObject } from '#base'
import { readInput, writeOutput } from '#exchange'
import { ATTRIBUTE_SHAPES } from './misp/attribute-table.ts'
import { OBJECT_SHAPES } from './misp/object-table.ts'

const NOW = '2026-02-01T00:00:00.000Z'
const EVENT = '5e6a1f0e-8c1a-4b77-9d55-0242ac120002'
const uuid = (n: number) => `5e6a1f0e-8c1a-4b77-9d55-${String(n).padStart(12, '0')}`

/** Values of attribute types that can't be any text. */
const VALUES: Record<string, string> = {
  AS: 'AS64496',
  ssdeep: '3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C',
  tlsh: `T1${'ab'.repeat(35)}`,
  'domain|ip': 'evil.example.com|203.0.113.9',
  'hostname|port': 'evil.example.com|443',
  'ip-dst': '203.0.113.9',
  'ip-dst|port': '203.0.113.9|443',
  'ip-src': '2001:db8::9',
  'ip-src|port': '203.0.113.9|443',
  'regkey|value': 'HKEY_LOCAL_MACHINE\\Software\\Run|C:\\evil.exe',
  'mac-address': '00:00:5e:00:53:af',
  'mac-eui-64': '00:00:5e:ef:10:00:00:af',
  port: '8443',
  'size-in-bytes': '1234',
  email: 'bad@example.org',
  'email-src': 'bad@example.org',
  'email-dst': 'bad@example.org',
  url: 'https://evil.example.com/a?b=c',
  link: 'https://evil.example.com/a?b=c',
  uri: 'https://evil.example.com/a?b=c',
  domain: 'evil.example.com',
  hostname: 'www.evil.example.com',
  datetime: '2026-01-15T03:00:00+00:00',
  counter: '7',
  float: '7.5',
  boolean: '1',
}
/** Values of relations that can't be any text. */
const RELATIONS: Record<string, string> = {
  encryption_algorithm: 'AES-256-GCM',
  pid: '7',
  'parent-pid': '6',
  'child-pid': '8',
  'group-id': '7',
  state: 'listening',
  'address-family': 'AF_INET',
  'socket-type': 'SOCK_STREAM',
  'data-type': 'REG_SZ',
  cpe: 'cpe:2.3:a:microsoft:word:2000:*:*:*:*:*:*:*',
  'pubkey-info-exponent': '65537',
  'layer3-protocol': 'IP',
  'layer4-protocol': 'TCP',
  'layer7-protocol': 'HTTP',
  'tcp-flags': '00000002',
  'path-encoding': 'UTF-8',
  'file-encoding': 'UTF-8',
  protocol: 'TCP',
  'content-type': 'text/html',
  language: 'en',
}
const HEX: readonly (readonly [RegExp, number])[] = [
  [/^(?:x509-fingerprint-)?md5$|^imphash$/, 32],
  [/sha1$|^pehash$|^cdhash$/, 40],
  [/(?:sha|sha3-|\/)224$/, 56],
  [/(?:sha|sha3-|\/)256$|authentihash/, 64],
  [/384$/, 96],
  [/512$/, 128],
]

function sampleOf(type: string): string {
  const known = VALUES[type]
  if (known !== undefined) return known
  if (type.startsWith('filename|')) return `evil.exe|${sampleOf(type.slice(9))}`
  if (type === 'malware-sample') return `evil.exe|${'ab'.repeat(16)}`
  const digits = HEX.find(([pattern]) => pattern.test(type))?.[1]
  return digits === undefined ? `sample of ${type}` : 'ab'.repeat(digits / 2)
}

interface Both {
  back: JsonObject
  lost: string[]
}

function roundTrip(event: JsonObject): Both {
  const bytes = new TextEncoder().encode(JSON.stringify({ Event: event }))
  const read = readInput(bytes, { format: 'misp', source: 'test', now: NOW, proposals: true })
  const written = writeOutput(read.objects, 'misp', { now: NOW })
  const json = JSON.parse(written.text) as { Event?: JsonObject; response?: { Event: JsonObject }[] }
  const events = json.response?.map((one) => one.Event) ?? [json.Event ?? {}]
  const main = events.find((one) => one['uuid'] === EVENT) ?? {}
  const all = (name: string) => events.flatMap((one) => (one[name] ?? []) as JsonObject[])
  return {
    back: { ...main, Attribute: all('Attribute'), Object: all('Object') },
    lost: [...read.losses.listed, ...written.losses.listed].map(({ path, why }) => `${path}: ${why}`),
  }
}

const eventOf = (more: JsonObject): JsonObject => ({
  uuid: EVENT,
  info: 'Round trip',
  date: '2026-01-15',
  timestamp: '1768446000',
  published: true,
  Orgc: { uuid: '55f6ea5e-2c60-40e5-964f-47a8950d210f', name: 'Example CSIRT' },
  ...more,
})

const TYPES = [
  ...ATTRIBUTE_SHAPES.keys(),
  'btc',
  'iban',
  'comment',
  'text',
  'yara',
  'sigma',
  'vulnerability',
  'campaign-name',
]

test('attributes of every type come back with their uuid, type, value, category, flags, comment, tags and times', () => {
  const attribute = fc.record({
    type: fc.constantFrom(...TYPES),
    to_ids: fc.boolean(),
    comment: fc.constantFrom('', 'seen at the gate'),
    category: fc.constantFrom('Network activity', 'Payload delivery', 'Other'),
    disable_correlation: fc.boolean(),
    tag: fc.constantFrom('', 'tlp:amber', 'osint:certainty="50"'),
    first_seen: fc.constantFrom('', '2026-01-10T00:00:00+00:00'),
  })
  fc.assert(
    fc.property(fc.array(attribute, { minLength: 1, maxLength: 8 }), (attributes) => {
      const made = attributes.map(({ tag, ...one }, index) => ({
        ...one,
        uuid: uuid(index + 100),
        value: sampleOf(one.type),
        timestamp: '1768446000',
        ...(tag === '' ? {} : { Tag: [{ name: tag }] }),
      }))
      const { back, lost } = roundTrip(eventOf({ Attribute: made }))
      for (const [index, one] of made.entries()) {
        const same = (back['Attribute'] as JsonObject[]).find((other) => other['uuid'] === one.uuid)
        const told = lost.some((line) => line.startsWith(`Event.Attribute[${index}]`) || line.includes(one.uuid))
        assert.ok(same ?? told, `${one.type} is gone, and not told: ${lost.join('\n')}`)
        if (!same) continue
        const tags = ((same['Tag'] ?? []) as JsonObject[]).map(({ name }) => name)
        const isCustom = lost.some((line) => line.startsWith(`Event.Attribute[${index}]`))
        assert.deepEqual(
          [same['type'], same['value'], same['category'], same['to_ids']],
          [one.type, one.value, one.category, one.to_ids],
          JSON.stringify(one),
        )
        if (!lost.includes(`Event.Attribute[${index}]: its comment is not kept`))
          assert.equal(same['comment'] ?? '', one.comment, JSON.stringify(one))
        for (const { name } of one.Tag ?? []) assert.ok(tags.includes(name), `${name} on ${JSON.stringify(one)}`)
        if (isCustom) continue
        assert.equal(same['first_seen'] ?? '', one.first_seen, JSON.stringify(one))
        assert.equal(same['disable_correlation'], one.disable_correlation, JSON.stringify(one))
      }
    }),
    { numRuns: 150 },
  )
})

test('objects of every template come back with the values of all their relations', () => {
  const failures: string[] = []
  for (const [name, shape] of OBJECT_SHAPES) {
    const attributes = [...shape.relations].map(([relation, { type }], index) => ({
      uuid: uuid(index + 200),
      object_relation: relation,
      type,
      value: RELATIONS[relation] ?? sampleOf(type),
      to_ids: false,
      ...(type === 'attachment' || type === 'malware-sample' ? { data: 'UEsDBAoACQAAAA==' } : {}),
    }))
    const { back, lost } = roundTrip(
      eventOf({
        Object: [
          {
            uuid: uuid(99),
            name,
            'meta-category': shape.category,
            timestamp: '1768446000',
            comment: 'why',
            Attribute: attributes,
          },
        ],
      }),
    )
    const same = (back['Object'] as JsonObject[]).find((one) => one['uuid'] === uuid(99))
    if (!same) {
      failures.push(`${name}: ${lost.join('\n')}`)
      continue
    }
    assert.equal(same['comment'], 'why', name)
    const relations = ((same['Attribute'] ?? []) as JsonObject[]).map((one) => String(one['object_relation']))
    const gone = attributes.map((one) => one.object_relation).filter((relation) => !relations.includes(relation))
    const untold = gone.filter((relation) => !lost.some((line) => line.includes(relation)))
    if (untold.length > 0) failures.push(`${name}: ${untold.join(', ')}; told ${lost.join('\n')}`)
  }
  assert.deepEqual(failures, [])
})

test('what is said of an event comes back: sightings of each kind, analyst data, reports, references, proposals, facts', () => {
  const [domain, object, related] = [uuid(1), uuid(2), uuid(3)]
  const analyst = { authors: 'a@example.org', created: '2026-01-16 10:00:00', modified: '2026-01-16 11:00:00' }
  const { back, lost } = roundTrip(
    eventOf({
      analysis: '2',
      threat_level_id: '1',
      extends_uuid: uuid(50),
      Tag: [{ name: 'tlp:amber' }, { name: 'osint:certainty="50"' }],
      Note: [{ uuid: uuid(60), note: 'on the whole', language: 'en', ...analyst }],
      ShadowAttribute: [{ uuid: uuid(61), type: 'domain', value: 'proposed.example.com', to_ids: true }],
      EventReport: [{ uuid: uuid(62), name: 'Summary', content: '# What happened', timestamp: '1768446000' }],
      Attribute: [
        {
          uuid: domain,
          type: 'domain',
          category: 'Network activity',
          value: 'evil.example.com',
          to_ids: true,
          timestamp: '1768446000',
          Sighting: [
            { uuid: uuid(70), type: '0', date_sighting: '1768447000' },
            { uuid: uuid(71), type: '1', date_sighting: '1768448000' },
            { uuid: uuid(72), type: '2', date_sighting: '1768449000' },
          ],
          Opinion: [
            {
              uuid: uuid(73),
              opinion: 73,
              comment: 'likely',
              ...analyst,
              Note: [{ uuid: uuid(74), note: 'on the opinion', ...analyst }],
            },
          ],
          Relationship: [{ uuid: uuid(75), related_object_uuid: related, relationship_type: 'derived-from' }],
        },
      ],
      Object: [
        {
          uuid: object,
          name: 'domain-ip',
          'meta-category': 'network',
          timestamp: '1768446000',
          ObjectReference: [
            { uuid: uuid(80), referenced_uuid: related, relationship_type: 'drops', comment: 'by the gate' },
          ],
          Attribute: [
            {
              uuid: uuid(81),
              object_relation: 'domain',
              type: 'domain',
              value: 'two.example.com',
              to_ids: true,
              Sighting: [{ uuid: uuid(82), type: '0', date_sighting: '1768447000' }],
            },
          ],
        },
        {
          uuid: related,
          name: 'mutex',
          'meta-category': 'misc',
          timestamp: '1768446000',
          Attribute: [{ uuid: uuid(83), object_relation: 'name', type: 'text', value: 'M', to_ids: true }],
        },
      ],
    }),
  )
  const list = (of: JsonObject | undefined, name: string) => (of?.[name] ?? []) as JsonObject[]
  const one = (of: JsonObject | undefined, name: string, id: string) =>
    list(of, name).find((each) => each['uuid'] === id)
  const names = (of: JsonObject | undefined) => list(of, 'Tag').map(({ name }) => name)
  assert.deepEqual([back['analysis'], back['threat_level_id'], back['extends_uuid']], ['2', '1', uuid(50)])
  assert.deepEqual(names(back), ['tlp:amber', 'osint:certainty="50"'])
  assert.deepEqual(
    [one(back, 'Note', uuid(60))?.['note'], one(back, 'Note', uuid(60))?.['language']],
    ['on the whole', 'en'],
  )
  assert.equal(one(back, 'Note', uuid(60))?.['modified'], analyst.modified)
  assert.deepEqual(one(back, 'ShadowAttribute', uuid(61)), {
    uuid: uuid(61),
    type: 'domain',
    value: 'proposed.example.com',
    to_ids: true,
  })
  assert.equal(one(back, 'EventReport', uuid(62))?.['content'], '# What happened')
  const attribute = one(back, 'Attribute', domain)
  assert.deepEqual(
    list(attribute, 'Sighting')
      .map((each) => [each['uuid'], each['type'], each['date_sighting']])
      .toSorted((a, b) => (String(a) < String(b) ? -1 : 1)),
    [
      [uuid(70), '0', '1768447000'],
      [uuid(71), '1', '1768448000'],
      [uuid(72), '2', '1768449000'],
    ],
  )
  assert.equal(attribute?.['last_seen'], undefined, 'the end of an expiration is no last sight')
  const opinion = one(attribute, 'Opinion', uuid(73))
  assert.deepEqual([opinion?.['opinion'], opinion?.['comment'], opinion?.['authors']], [73, 'likely', 'a@example.org'])
  const relationship = one(attribute, 'Relationship', uuid(75))
  assert.deepEqual(
    [relationship?.['related_object_uuid'], relationship?.['relationship_type'], relationship?.['related_object_type']],
    [related, 'derived-from', 'Object'],
  )
  const reference = one(one(back, 'Object', object), 'ObjectReference', uuid(80))
  assert.deepEqual(
    [reference?.['referenced_uuid'], reference?.['relationship_type'], reference?.['comment']],
    [related, 'drops', 'by the gate'],
  )
  assert.ok(
    list(one(back, 'Object', object), 'Attribute').some((each) => one(each, 'Sighting', uuid(82))),
    'a sighting of an attribute of an object',
  )
  assert.equal(one(opinion, 'Note', uuid(74))?.['note'], 'on the opinion')
  assert.deepEqual(lost, [])
})
