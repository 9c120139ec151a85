import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Json, JsonObject } from '#base'
import { SAMPLES } from '../sample-objects.ts'
import { validateObject } from '../validate.ts'

const sample = (type: string): JsonObject => structuredClone(SAMPLES[type] ?? {})
const errors = (value: Json) => validateObject(value).errors.map(({ path, code }) => `${path} ${code}`)
const warnings = (value: Json) =>
  validateObject(value, { strict: true }).warnings.map(({ path, code }) => `${path} ${code}`)
/** The findings on a sample after a change to it. */
const after = (type: string, change: JsonObject) => errors({ ...sample(type), ...change })
const without = (type: string, ...names: string[]) => {
  const object = sample(type)
  for (const name of names) delete object[name]
  return errors(object)
}

test('an object of every type with every property of the specification is valid', () => {
  for (const [type, object] of Object.entries(SAMPLES)) assert.deepEqual(validateObject(object).errors, [], type)
})

test('every required property is missed, and nothing else is', () => {
  const required: Record<string, string[]> = {
    'attack-pattern': ['type', 'spec_version', 'id', 'created', 'modified', 'name'],
    indicator: ['pattern', 'pattern_type', 'valid_from'],
    malware: ['is_family'],
    'malware-analysis': ['product'],
    'observed-data': ['first_observed', 'last_observed', 'number_observed'],
    opinion: ['opinion', 'object_refs'],
    report: ['name', 'published', 'object_refs'],
    relationship: ['relationship_type', 'source_ref', 'target_ref'],
    sighting: ['sighting_of_ref'],
    'network-traffic': ['type', 'id', 'protocols'],
    'email-message': ['is_multipart'],
    'extension-definition': ['created_by_ref', 'name', 'schema', 'version', 'extension_types'],
    'language-content': ['object_ref', 'contents'],
    'marking-definition': ['created', 'definition', 'definition_type'],
  }
  for (const [type, names] of Object.entries(required))
    for (const name of names) assert.deepEqual(without(type, name), [`${name} MISSING_PROPERTY`], `${type}.${name}`)
  assert.deepEqual(without('network-traffic', 'spec_version'), [])
})

test('an identifier is the type, two hyphens and an RFC 4122 UUID', () => {
  const uuid = '0c7b5b88-8ff7-4a4d-aa9d-feb398cd0061'
  for (const id of [`tool--${uuid}`, `malware-${uuid}`, `malware--${uuid.slice(1)}`, 'malware--', `malware--${uuid}0`])
    assert.deepEqual(after('malware', { id }), ['id INVALID_ID'], id)
  for (const bad of [
    '0c7b5b88-8ff7-0a4d-aa9d-feb398cd0061',
    '0c7b5b88-8ff7-9a4d-aa9d-feb398cd0061',
    '0c7b5b88-8ff7-4a4d-ca9d-feb398cd0061',
    '0c7b5b88-8ff7-4a4d-aa9d_feb398cd0061',
  ])
    assert.deepEqual(after('malware', { id: `malware--${bad}` }), ['id INVALID_ID'], bad)
  for (const version of '12345678')
    assert.deepEqual(after('malware', { id: `malware--0c7b5b88-8ff7-${version}a4d-9a9d-feb398cd0061` }), [])
})

test('timestamps are on the calendar, in UTC, without leap seconds', () => {
  const good = ['2024-02-29T23:59:59Z', '2000-02-29T00:00:00.1Z', '2026-12-31T00:00:00.123456789Z']
  const bad = [
    '2023-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '2026-06-30T23:59:60Z',
    '2026-01-01T00:00:00.Z',
    '2026-01-01T00:00:00',
    '2026-01-01T00:00:00+00:00',
    '2026-01-01 00:00:00Z',
    '2026-01-01T00:00:00z',
    '2026-1-01T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '',
  ]
  for (const published of good) assert.deepEqual(after('report', { published }), [], published)
  for (const published of bad)
    assert.deepEqual(after('report', { published }), ['published INVALID_TIMESTAMP'], published)
  assert.deepEqual(after('report', { created: '2016-01-01T00:00:00Z' }), ['created INVALID_TIMESTAMP'])
})

test('times that belong together are in order, compared as instants', () => {
  const order = (type: string, earlier: string, later: string, equal: 'allowed' | 'refused') => {
    const times = (from: string, to: string) => after(type, { [earlier]: from, [later]: to })
    assert.deepEqual(times('2026-01-01T00:00:00.5Z', '2026-01-01T00:00:00.50001Z'), [], type)
    assert.deepEqual(times('2026-01-01T00:00:00.9Z', '2026-01-01T00:00:00.85Z'), [`${later} TIME_ORDER`], type)
    assert.deepEqual(
      times('2026-01-01T00:00:00.500Z', '2026-01-01T00:00:00.5Z'),
      equal === 'allowed' ? [] : [`${later} TIME_ORDER`],
    )
    assert.deepEqual(
      times('2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z'),
      equal === 'allowed' ? [] : [`${later} TIME_ORDER`],
    )
    assert.deepEqual(times('2026-01-02T00:00:00Z', '2026-01-01T00:00:00Z'), [`${later} TIME_ORDER`], type)
  }
  for (const type of ['campaign', 'infrastructure', 'intrusion-set', 'malware', 'threat-actor', 'sighting'])
    order(type, 'first_seen', 'last_seen', 'allowed')
  order('observed-data', 'first_observed', 'last_observed', 'allowed')
  order('indicator', 'valid_from', 'valid_until', 'refused')
  order('relationship', 'start_time', 'stop_time', 'refused')
  order('network-traffic', 'start', 'end', 'allowed')
  assert.deepEqual(after('tool', { created: '2026-01-01T00:00:00.000Z', modified: '2025-12-31T00:00:00.000Z' }), [
    'modified TIME_ORDER',
  ])
})

test('references point to types that the property may point to; custom types may be domain objects or observables', () => {
  const id = (type: string) => `${type}--0c7b5b88-8ff7-4a4d-aa9d-feb398cd0061`
  const cases: [string, string, string[], string[]][] = [
    ['tool', 'created_by_ref', ['identity'], ['tool', 'x-org']],
    [
      'relationship',
      'source_ref',
      ['file', 'x-thing', 'malware'],
      ['relationship', 'sighting', 'bundle', 'marking-definition'],
    ],
    ['sighting', 'sighting_of_ref', ['indicator', 'x-thing'], ['file', 'relationship', 'language-content']],
    ['network-traffic', 'src_ref', ['ipv4-addr', 'domain-name'], ['url', 'x-thing', 'tool']],
    ['malware-analysis', 'sample_ref', ['file', 'artifact', 'network-traffic'], ['software']],
  ]
  for (const [type, property, allowed, refused] of cases) {
    for (const target of allowed) assert.deepEqual(after(type, { [property]: id(target) }), [], `${property} ${target}`)
    for (const target of [...refused, 'BAD', 'a--b'])
      assert.deepEqual(
        after(type, { [property]: id(target) }),
        [`${property} INVALID_REFERENCE`],
        `${property} ${target}`,
      )
  }
  assert.deepEqual(after('observed-data', { object_refs: [id('file'), id('indicator')] }), [
    'object_refs.[1] INVALID_REFERENCE',
  ])
})

test('observed data refers to at least one observable', () => {
  const object_refs = ['relationship--0c7b5b88-8ff7-4a4d-aa9d-feb398cd0061']
  assert.deepEqual(after('observed-data', { object_refs }), ['object_refs INVALID_REFERENCE'])
})

test('hashes have the length of their algorithm; unknown algorithms need a name of three characters', () => {
  const hash = (hashes: Json) => after('file', { hashes })
  assert.deepEqual(hash({ MD5: 'd41d8cd98f00b204e9800998ecf8427e', 'x_foo-1': 'anything' }), [])
  assert.deepEqual(hash({ MD5: 'd41d8cd98f00b204e9800998ecf8427', 'SHA-256': 'zz' }), [
    'hashes.MD5 INVALID_HASH',
    'hashes.SHA-256 INVALID_HASH',
  ])
  assert.deepEqual(hash({ ab: 'x' }), ['hashes.ab INVALID_NAME'])
  assert.deepEqual(hash({ constructor: 'x' }), [])
  assert.deepEqual(hash({}), ['hashes EMPTY_OBJECT'])
})

test('binary is padded base64, hexadecimal comes in pairs', () => {
  const payload = (payload_bin: string) => after('artifact', { payload_bin })
  for (const text of ['', 'QQ==', 'QUI=', 'QUJD', '+/+/']) assert.deepEqual(payload(text), [], text)
  for (const text of ['Q', 'QQ=', 'Q===', '=QQQ', 'QQ=Q', 'QUJ D', 'QUJDQ', 'QQ-_'])
    assert.deepEqual(payload(text), ['payload_bin INVALID_VALUE'], text)
  for (const hex of ['abc', '0g', '0x4d'])
    assert.deepEqual(after('file', { magic_number_hex: hex }), ['magic_number_hex INVALID_VALUE'], hex)
})

test('a megabyte in any text property is answered within a tenth of a second', () => {
  const long = 'a:1.'.repeat(250_000)
  for (const [type, object] of Object.entries(SAMPLES))
    for (const [name, value] of Object.entries(object)) {
      if (typeof value !== 'string' || name === 'type') continue
      const micros = [1, 2, 3].map(() => {
        const before = process.cpuUsage()
        validateObject({ ...object, [name]: long })
        const { user, system } = process.cpuUsage(before)
        return user + system
      })
      // The least of three: the machine has other work, and memory to collect.
      assert.ok(Math.min(...micros) < 100_000, `${type}.${name}: ${micros.join(', ')} µs`)
    }
})

test('enumerations are closed, vocabularies open', () => {
  assert.deepEqual(after('opinion', { opinion: 'maybe' }), ['opinion NOT_IN_ENUMERATION'])
  assert.deepEqual(after('artifact', { encryption_algorithm: 'rot13' }), ['encryption_algorithm NOT_IN_ENUMERATION'])
  const odd = { ...sample('tool'), tool_types: ['odd'] }
  assert.deepEqual(errors(odd), [])
  assert.ok(warnings(odd).includes('tool_types.[0] NOT_IN_VOCABULARY'))
})

test('predefined extensions are checked by their own tables, on the types that have them', () => {
  const file = (extensions: Json) => after('file', { extensions })
  assert.deepEqual(file({ 'ntfs-ext': { alternate_data_streams: [{ size: -1 }] } }), [
    'extensions.ntfs-ext.alternate_data_streams.[0].size OUT_OF_RANGE',
    'extensions.ntfs-ext.alternate_data_streams.[0].name MISSING_PROPERTY',
  ])
  assert.deepEqual(file({ 'windows-pebinary-ext': { pe_type: 'exe' } }), [
    'extensions.windows-pebinary-ext MISSING_PROPERTY',
  ])
  assert.deepEqual(file({ 'pdf-ext': {} }), ['extensions.pdf-ext MISSING_PROPERTY'])
  assert.deepEqual(file({ 'x-own-ext': { anything: [1] } }), [])
  assert.deepEqual(file({}), ['extensions EMPTY_OBJECT'])
})

test("an extension-definition's extension names one of the five kinds, and does not redefine a standard type", () => {
  const key = 'extension-definition--d83fce45-ef58-4c6c-a3f4-1fbc32e98c6e'
  const tool = (extension: Json, name = key) => after('tool', { extensions: { [name]: extension } })
  assert.deepEqual(tool({ extension_type: 'property-extension', rank: 5 }), [])
  assert.deepEqual(tool({ extension_type: 'toplevel-property-extension' }), [])
  assert.deepEqual(tool({ rank: 5 }), [`extensions.${key}.extension_type MISSING_PROPERTY`])
  assert.deepEqual(tool({ extension_type: 'other' }), [`extensions.${key}.extension_type NOT_IN_ENUMERATION`])
  assert.deepEqual(tool({ extension_type: 'new-sdo' }), [`extensions.${key}.extension_type INVALID_EXTENSION`])
  assert.deepEqual(tool({ extension_type: 'property-extension', Bad: 1 }), [`extensions.${key}.Bad INVALID_NAME`])
  assert.deepEqual(tool({ extension_type: 'property-extension' }, 'extension-definition--1'), [
    'extensions.extension-definition--1 INVALID_EXTENSION',
  ])
  const own = (kind: string) =>
    errors({
      type: 'x-own',
      id: 'x-own--0c7b5b88-8ff7-4a4d-aa9d-feb398cd0061',
      extensions: { [key]: { extension_type: kind } },
    })
  assert.deepEqual(own('new-sco'), [])
  for (const kind of ['new-sdo', 'new-sro'])
    assert.deepEqual(own(kind), [
      'spec_version MISSING_PROPERTY',
      'created MISSING_PROPERTY',
      'modified MISSING_PROPERTY',
    ])
})

test('granular selectors select something that is there', () => {
  const marked = (...selectors: Json[]) =>
    after('tool', { labels: ['a'], granular_markings: [{ lang: 'de', selectors }] })
  assert.deepEqual(marked('description', 'labels.[0]', 'external_references.[0].source_name', 'id'), [])
  for (const selector of [
    'nothing',
    'labels.[1]',
    'labels.name',
    'description.[0]',
    '[0]',
    'labels.[01]',
    'a..b',
    '',
    'constructor',
    '__proto__',
  ])
    assert.deepEqual(marked(selector), ['granular_markings.[0].selectors.[0] INVALID_SELECTOR'], selector)
  const both = {
    lang: 'de',
    marking_ref: 'marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9',
    selectors: ['id'],
  }
  assert.deepEqual(after('tool', { granular_markings: [both] }), [
    'granular_markings.[0].marking_ref PROPERTY_COMBINATION',
  ])
  assert.deepEqual(after('tool', { granular_markings: [{ selectors: ['id'] }] }), [
    'granular_markings.[0] MISSING_PROPERTY',
  ])
})

test('TLP markings are the four of the specification; a marking does not mark itself', () => {
  const tlp = { definition_type: 'tlp', definition: { tlp: 'red' }, created: '2017-01-20T00:00:00Z' }
  const red = 'marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed'
  const withoutMillis = ['created INVALID_TIMESTAMP']
  assert.deepEqual(after('marking-definition', { ...tlp, id: red }), withoutMillis)
  assert.deepEqual(after('marking-definition', { ...tlp, id: red, created: '2017-01-20T00:00:00.000Z' }), [])
  assert.deepEqual(after('marking-definition', { ...tlp, created: '2017-01-20T00:00:00.000Z' }), ['id INVALID_MARKING'])
  assert.deepEqual(after('marking-definition', { ...tlp, id: red, created: '2018-01-20T00:00:00.000Z' }), [
    'created INVALID_MARKING',
  ])
  assert.deepEqual(after('marking-definition', { ...tlp, id: red, definition: { tlp: 'pink' } }), [
    ...withoutMillis,
    'definition.tlp INVALID_MARKING',
  ])
  const self = sample('marking-definition')['id'] ?? null
  assert.deepEqual(after('marking-definition', { object_marking_refs: [self] }), [
    'object_marking_refs INVALID_MARKING',
  ])
})

test('properties exclude and require each other as the specification says', () => {
  assert.deepEqual(after('location', { region: 'asia', precision: 5, latitude: 1, longitude: 2 }), [])
  assert.deepEqual(without('location', 'region', 'country', 'latitude', 'longitude', 'precision'), [
    ' MISSING_PROPERTY',
  ])
  assert.deepEqual(without('location', 'latitude'), ['latitude MISSING_PROPERTY', 'latitude MISSING_PROPERTY'])
  assert.deepEqual(after('artifact', { url: 'https://a.example/x' }), ['url PROPERTY_COMBINATION'])
  assert.deepEqual(without('artifact', 'encryption_algorithm'), ['encryption_algorithm MISSING_PROPERTY'])
  assert.deepEqual(after('malware', { name: 'x', is_family: true }), [])
  assert.deepEqual(without('malware', 'name'), ['name MISSING_PROPERTY'])
  assert.deepEqual(after('network-traffic', { is_active: true }), ['end PROPERTY_COMBINATION'])
  assert.deepEqual(after('email-message', { is_multipart: false }), ['body_multipart PROPERTY_COMBINATION'])
  assert.deepEqual(after('observed-data', { objects: { 0: { type: 'mutex', name: 'm' } } }), [
    'objects PROPERTY_COMBINATION',
  ])
  assert.deepEqual(without('file', 'hashes', 'name', 'name_enc'), [' MISSING_PROPERTY'])
  assert.deepEqual(after('extension-definition', { extension_types: ['new-sdo'] }), [
    'extension_properties PROPERTY_COMBINATION',
  ])
  assert.deepEqual(errors({ type: 'process', id: 'process--0c7b5b88-8ff7-4a4d-aa9d-feb398cd0061' }), [
    ' MISSING_PROPERTY',
  ])
  assert.deepEqual(after('attack-pattern', { external_references: [{ source_name: 'capec', external_id: '163' }] }), [
    'external_references.[0].external_id INVALID_VALUE',
  ])
})

test('addresses and names have the form of their standard, unless the object says it is defanged', () => {
  const value = (type: string, text: string, defanged = false) => errors({ ...sample(type), value: text, defanged })
  const good = {
    'ipv4-addr': '198.51.100.0/24',
    'ipv6-addr': '2001:db8::1:198.51.100.7',
    'mac-addr': '00:1a:2b:3c:4d:5e',
    'domain-name': '_dmarc.bücher.example.',
    'email-addr': '"a b"@example.com',
    url: 'hxxp+x://example.com/%20?q#f',
  }
  const bad = {
    'ipv4-addr': '198.51.100.256',
    'ipv6-addr': '2001:db8:::1',
    'mac-addr': '00:1A:2B:3C:4D:5E',
    'domain-name': 'example[.]com',
    'email-addr': 'Jane <jane@example.com>',
    url: 'www.example.com/a b',
  }
  for (const [type, text] of Object.entries(good)) assert.deepEqual(value(type, text), [], text)
  for (const [type, text] of Object.entries(bad)) {
    assert.deepEqual(value(type, text), ['value INVALID_VALUE'], text)
    assert.deepEqual(value(type, text, true), [], text)
  }
})

test('references inside the deprecated container name its keys', () => {
  const container = (objects: Json) => {
    const object = { ...sample('observed-data'), objects }
    delete (object as JsonObject)['object_refs']
    return errors(object)
  }
  const address = { type: 'ipv4-addr', value: '198.51.100.2' }
  assert.deepEqual(container({ 0: address, 1: { type: 'network-traffic', dst_ref: '0', protocols: ['tcp'] } }), [])
  assert.deepEqual(container({ 1: { type: 'network-traffic', dst_ref: '0', protocols: ['tcp'] } }), [
    'objects.1.dst_ref INVALID_REFERENCE',
  ])
  assert.deepEqual(
    container({ 0: { type: 'mutex', name: 'm' }, 1: { type: 'network-traffic', dst_ref: '0', protocols: ['tcp'] } }),
    ['objects.1.dst_ref INVALID_REFERENCE'],
  )
  assert.deepEqual(container({ 0: { type: 'indicator' } }), ['objects.0.type INVALID_VALUE'])
  assert.deepEqual(container({}), ['objects EMPTY_OBJECT'])
})

test('custom properties and types keep the rules of naming; reserved names are refused', () => {
  assert.deepEqual(after('tool', { x_own: 1, anything: { Deep: [{ er: 'x' }, 0, ''] } }), [])
  assert.deepEqual(
    after('tool', { Bad: 1, ab: 1, _own: 1, '7own': 1, __proto__x: 1 }).sort(),
    ['7own', 'Bad', '__proto__x', '_own', 'ab'].map((name) => `${name} INVALID_NAME`),
  )
  assert.deepEqual(after('tool', { x_own: null, x_list: [], x_map: {} }), [
    'x_own NULL_VALUE',
    'x_list EMPTY_LIST',
    'x_map EMPTY_OBJECT',
  ])
  assert.deepEqual(after('tool', { x_map: { 'a:b': 1, OK_1: 1 } }), ['x_map INVALID_NAME'])
  assert.deepEqual(after('tool', { x_map: { a: { b: null, c: [1, {}], d: { 'e:f': [] } } } }), [
    'x_map.a.b NULL_VALUE',
    'x_map.a.c.[1] EMPTY_OBJECT',
    'x_map.a.d INVALID_NAME',
    'x_map.a.d.e:f EMPTY_LIST',
  ])
  let deep: Json = 'x'
  for (let level = 0; level < 20_000; level++) deep = [deep]
  assert.equal(validateObject({ ...sample('tool'), x_deep: deep }).errors[0]?.code, 'TOO_DEEP')
  for (const name of ['severity', 'username', 'phone_number', 'action', 'defanged'])
    assert.deepEqual(after('tool', { [name]: true }), [`${name} FORBIDDEN_PROPERTY`])
  for (const type of ['Tool', 'x--y', '1ab', 'ab', 'x_y'])
    assert.deepEqual(errors({ type, id: `${type}--0c7b5b88-8ff7-4a4d-aa9d-feb398cd0061` }), ['type INVALID_NAME'], type)
})

test("an indicator's STIX pattern is parsed; of other languages it is a text", () => {
  assert.deepEqual(after('indicator', { pattern: "[file:name = 'a" }), ['pattern INVALID_PATTERN'])
  assert.deepEqual(after('indicator', { pattern: "[file:hashes.MD5 = 'short']" }), ['pattern INVALID_PATTERN'])
  assert.deepEqual(after('indicator', { pattern: 'rule a {}', pattern_type: 'yara' }), [])
})
