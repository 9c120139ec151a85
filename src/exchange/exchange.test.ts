import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '#base'
import { TLP_LEVEL_BY_ID, validateObject } from '#stix'
import { ExchangeError, readInput, writeOutput } from './index.ts'
import { csvRow } from './table/delimited.ts'
import { SAMPLE_CSV, SAMPLE_EVENT, SAMPLE_MAIL, SAMPLE_REPORT, sampleWorkbook, zipOf } from './samples.ts'

const NOW = '2026-02-01T00:00:00.000Z'
const bytes = (text: string) => new TextEncoder().encode(text)
const read = (input: string | Uint8Array, source = 'test') =>
  readInput(typeof input === 'string' ? bytes(input) : input, { source, now: NOW })
const patterns = (objects: readonly JsonObject[]) =>
  objects.filter(({ type }) => type === 'indicator').map(({ pattern }) => pattern)
const why = (understood: ReturnType<typeof read>) =>
  understood.losses.listed.map(({ path, why: reason }) => `${path}: ${reason}`)

test('each format is recognised by its content, and all that is made of it is valid STIX', () => {
  const inputs = {
    misp: bytes(JSON.stringify(SAMPLE_EVENT)),
    csv: bytes(SAMPLE_CSV),
    text: bytes(SAMPLE_MAIL),
    shadowserver: bytes(SAMPLE_REPORT),
    xlsx: sampleWorkbook(),
  }
  for (const [format, input] of Object.entries(inputs)) {
    const understood = read(input)
    assert.equal(understood.format, format)
    assert.ok(understood.objects.length > 0, format)
    for (const object of understood.objects)
      assert.deepEqual(validateObject(object, {}).errors, [], `${format}: ${JSON.stringify(object)}`)
    assert.deepEqual(read(input).objects, understood.objects, 'the same input gives the same objects')
  }
})

test('another source gives other ids, so that two reports never overwrite each other', () => {
  const ids = (source: string) => read(SAMPLE_MAIL, source).objects.map(({ id }) => id)
  assert.equal(new Set([...ids('one'), ...ids('two')]).size, 2 * ids('one').length)
})

test('defanged values are made whole, with their line as context; what is written whole beside them is left as a reference', () => {
  const understood = read(SAMPLE_MAIL)
  assert.deepEqual(patterns(understood.objects), [
    "[url:value = 'https://evil.example.com/gate']",
    "[ipv4-addr:value = '203.0.113.77']",
    "[email-addr:value = 'bad@example.org']",
    "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']",
  ])
  assert.match(String(understood.objects[0]?.['description']), /^Beacon to hxxps:/)
  assert.ok(understood.objects.some(({ type, name }) => type === 'vulnerability' && name === 'CVE-2024-21762'))
  assert.ok(why(understood).some((line) => line.startsWith('line 2: https://www.example.org/report: written whole')))
})

test('a text that defangs nothing gives what it names, without the addresses of internal networks', () => {
  const understood = read('C2: evil.example.com, 203.0.113.7:443 and 192.168.1.1. See notes.md and report.pdf.\n')
  assert.deepEqual(patterns(understood.objects), [
    "[domain-name:value = 'evil.example.com']",
    "[ipv4-addr:value = '203.0.113.7']",
  ])
  assert.ok(why(understood).some((line) => line.includes('192.168.1.1: an address of internal networks')))
})

for (const [form, value] of Object.entries({
  'hxxp://a[.]example[.]com/x': 'http://a.example.com/x',
  'hXXps[:]//a.example[.]com': 'https://a.example.com',
  'h**p://a[.]example.com': 'http://a.example.com',
  'hxxp[://]a.example.com': 'http://a.example.com',
  'a[.]example[dot]com': 'a.example.com',
  'a(dot)example(.)com': 'a.example.com',
  'a{.}example.com': 'a.example.com',
  'a\\.example\\.com': 'a.example.com',
  'bad[@]example[.]com': 'bad@example.com',
  'bad(at)example.com': 'bad@example.com',
  'bad [at] example.com': 'bad@example.com',
  '203[.]0[.]113[.]9': '203.0.113.9',
  '２０３．０．１１３．９': '203.0.113.9',
  '2001:db8[:]:1': '2001:db8::1',
})) {
  test(`${form} is ${value}`, () => {
    assert.match(
      String(patterns(read(`seen: ${form} today`).objects)),
      new RegExp(`= '${value.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}'`),
    )
  })
}

test('a table with a header says what its columns are, and what of it was not taken', () => {
  const understood = read(SAMPLE_CSV)
  const [domain, hash] = understood.objects
  assert.equal(domain?.['pattern'], "[domain-name:value = 'evil.example.com']")
  assert.equal(domain?.['valid_from'], '2026-01-15T03:12:44.000Z')
  assert.equal(domain?.['description'], 'gate, first')
  assert.deepEqual(domain?.['labels'], ['c2', 'kv'])
  assert.equal(TLP_LEVEL_BY_ID.get(String([domain?.['object_marking_refs']].flat()[0])), 'amber')
  assert.equal(hash?.['valid_from'], NOW)
  assert.equal(hash?.['object_marking_refs'], undefined)
  assert.deepEqual(why(understood), [
    'row 4: 10.0.0.1: an address of internal networks',
    'column "shoe size": its name says nothing that an indicator has',
  ])
})

test('a marking that is no level of TLP 2.0 is handled as red', () => {
  const [object] = read('value,tlp\nevil.example.com,TLP:PURPLE\nother.example.com,TLP:WHITE\n').objects
  assert.equal(TLP_LEVEL_BY_ID.get(String([object?.['object_marking_refs']].flat()[0])), 'red')
  const event = {
    Event: { info: 'x', Tag: [{ name: 'tlp:unclear' }], Attribute: [{ type: 'domain', value: 'evil.example.com' }] },
  }
  const marked = read(JSON.stringify(event)).objects
  assert.ok(marked.every((one) => TLP_LEVEL_BY_ID.get(String([one['object_marking_refs']].flat()[0])) === 'red'))
})

test('tables are read in UTF-8 with and without mark, UTF-16, Shift_JIS and Windows-1252, with any delimiter', () => {
  const cases: [string, Uint8Array, string][] = [
    ['utf-8', bytes('値;備考\nevil.example.com;日本語の備考\n'), '日本語の備考'],
    ['utf-8', bytes('\uFEFFvalue\tcomment\nevil.example.com\tbéacon\n'), 'béacon'],
    ['utf-16le', Buffer.from('\uFEFFvalue,comment\nevil.example.com,日本\n', 'utf16le'), '日本'],
    [
      'shift_jis',
      Uint8Array.from([
        ...bytes('value,comment\nevil.example.com,'),
        0x93,
        0xfa,
        0x96,
        0x7b,
        0x8c,
        0xea,
        0x83,
        0x65,
        0x83,
        0x58,
        0x83,
        0x67,
        0x0a,
      ]),
      '日本語テスト',
    ],
    [
      'windows-1252',
      Uint8Array.from([
        ...bytes('value|comment\nevil.example.com|caf'),
        0xe9,
        ...bytes(' d'),
        0xe9,
        ...bytes('j'),
        0xe0,
        ...bytes(' vu\n'),
      ]),
      'café déjà vu',
    ],
  ]
  for (const [encoding, input, comment] of cases) {
    const understood = readInput(input, { format: 'csv', source: 'test', now: NOW })
    assert.equal(understood.objects[0]?.['description'], comment, encoding)
    assert.ok(understood.notes[0]?.includes(encoding), `${encoding}: ${understood.notes[0]}`)
  }
})

test('a workbook is read by value: shared and inline strings, dates, sheet names', () => {
  const understood = read(sampleWorkbook())
  assert.deepEqual(patterns(understood.objects), ["[domain-name:value = 'evil.example.com']"])
  assert.equal(understood.objects[0]?.['valid_from'], '2026-01-15T12:00:00.000Z')
  assert.ok(understood.notes[0]?.includes('"IoC & more"'))
})

test('a workbook that unpacks beyond the limit is refused before it fills the memory', () => {
  const bomb = zipOf({
    'xl/workbook.xml': '<workbook><sheets><sheet name="a" r:id="1"/></sheets></workbook>',
    'xl/worksheets/sheet1.xml': new Uint8Array(70_000_000),
  })
  assert.throws(
    () => read(bomb),
    (error) => error instanceof ExchangeError && error.code === 'EXCHANGE_TOO_LARGE',
  )
})

test('a report on infected hosts becomes observations at their country, UK as GB', () => {
  const { objects } = read(SAMPLE_REPORT)
  const observed = objects.find(({ type }) => type === 'observed-data')
  assert.equal(observed?.['first_observed'], '2026-01-15T03:12:44.000Z')
  assert.deepEqual(observed?.['labels'], ['infection:kv-botnet'])
  const location = objects.find(({ type }) => type === 'location')
  assert.equal(location?.['country'], 'GB')
  const traffic = objects.find(({ type }) => type === 'network-traffic')
  assert.deepEqual([traffic?.['src_port'], traffic?.['dst_port'], traffic?.['protocols']], [40112, 443, ['tcp']])
  assert.ok(
    objects.some(
      (one) =>
        one['type'] === 'relationship' &&
        one['source_ref'] === observed?.['id'] &&
        one['target_ref'] === location?.['id'],
    ),
  )
})

test('an event keeps its markings, the strictest for each element, and leaves out what is not for others', () => {
  const understood = read(JSON.stringify(SAMPLE_EVENT))
  const levelOf = (pattern: string) => {
    const object = understood.objects.find((one) => one['pattern'] === pattern)
    return TLP_LEVEL_BY_ID.get(String([object?.['object_marking_refs']].flat()[0]))
  }
  assert.equal(
    levelOf(
      "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '203.0.113.5' AND network-traffic:dst_port = 443]",
    ),
    'amber',
  )
  assert.equal(
    levelOf("[file:hashes.'SHA-256' = 'ec5aedf5ecc6bdadd4120932170d1b10f6cfa175cfda22951dfd882928ab279b']"),
    'red',
  )
  assert.ok(
    understood.objects.every((one) => one['object_marking_refs'] !== undefined),
    'observables are marked too',
  )
  const red = 'indicator--5e6a1f0e-8c1a-4b77-9d55-0242ac120004'
  for (const object of understood.objects)
    if (JSON.stringify(object).includes(red))
      assert.equal(
        TLP_LEVEL_BY_ID.get(String([object['object_marking_refs']].flat()[0])),
        'red',
        'what is amber names nothing red',
      )
  const text = JSON.stringify(understood.objects)
  for (const withheld of ['closer.example.com', 'gone.example.com', 'proposed.example.com'])
    assert.ok(!text.includes(withheld), withheld)
  const told = why(understood).join('\n')
  assert.match(told, /Event\.Attribute\[2\]: its own distribution is your organisation only/)
  assert.match(told, /Event\.Attribute\[3\]: it was deleted/)
  assert.match(told, /Event\.ShadowAttribute\[0\]: a proposal/)
  assert.match(told, /PAP:AMBER/)
  assert.ok(understood.notes.some((note) => note.includes('sharing group Allies of Example CSIRT')))
})

test('what a file takes in from its executable keeps the strictest marking, and nothing that was withheld', () => {
  const event = {
    Event: {
      info: 'x',
      Tag: [{ name: 'tlp:green' }],
      Object: [
        {
          uuid: '5e6a1f0e-8c1a-4b77-9d55-0242ac120020',
          name: 'file',
          'meta-category': 'file',
          ObjectReference: [{ referenced_uuid: '5e6a1f0e-8c1a-4b77-9d55-0242ac120021', relationship_type: 'includes' }],
          Attribute: [{ type: 'filename', object_relation: 'filename', value: 'a.exe', to_ids: true }],
        },
        {
          uuid: '5e6a1f0e-8c1a-4b77-9d55-0242ac120021',
          name: 'pe',
          'meta-category': 'file',
          Attribute: [
            {
              type: 'imphash',
              object_relation: 'imphash',
              value: '23ea835ab4b9017c74dfb023d2301c99',
              to_ids: true,
              Tag: [{ name: 'tlp:red' }],
            },
            { type: 'text', object_relation: 'company-name', value: 'withheld', deleted: true },
          ],
        },
      ],
    },
  }
  const { objects } = read(JSON.stringify(event))
  const file = objects.find(({ type }) => type === 'file')
  assert.equal(TLP_LEVEL_BY_ID.get(String([file?.['object_marking_refs']].flat()[0])), 'red')
  assert.ok(JSON.stringify(objects).includes('23ea835ab4b9017c74dfb023d2301c99'))
  assert.ok(!JSON.stringify(objects).includes('withheld'))
})

test('sightings, references, galaxies and reports of an event become relationships, sightings and notes', () => {
  const { objects } = read(JSON.stringify(SAMPLE_EVENT))
  const indicator = 'indicator--5e6a1f0e-8c1a-4b77-9d55-0242ac120003'
  const sighting = objects.find(({ type }) => type === 'sighting')
  assert.deepEqual(
    [sighting?.['sighting_of_ref'], sighting?.['where_sighted_refs']],
    [indicator, ['identity--55f6ea5e-2c60-40e5-964f-47a8950d2100']],
  )
  assert.ok(
    objects.some(
      (one) =>
        one['relationship_type'] === 'communicates-with' &&
        one['target_ref'] === 'indicator--5e6a1f0e-8c1a-4b77-9d55-0242ac120004',
    ),
  )
  const technique = objects.find(({ type }) => type === 'attack-pattern')
  assert.deepEqual(technique?.['external_references'], [{ source_name: 'mitre-attack', external_id: 'T1134' }])
  const report = objects.find(({ type }) => type === 'report')
  assert.ok([report?.['object_refs']].flat().includes(technique?.['id']))
  const note = objects.find(({ type }) => type === 'note')
  assert.deepEqual(
    [note?.['abstract'], note?.['content'], note?.['object_refs']],
    ['Summary', 'What happened', [String(report?.['id'])]],
  )
})

test('an event that went out and comes back is the same event; what is stricter than it comes in one of its own', () => {
  const { objects } = read(JSON.stringify(SAMPLE_EVENT))
  const { text, losses } = writeOutput(objects, 'misp', { now: NOW })
  const { response } = JSON.parse(text) as {
    response: { Event: { uuid: string; Attribute: JsonObject[]; Object: JsonObject[] } }[]
  }
  const [{ Event }] = response as [(typeof response)[number]]
  const all = response.flatMap((one) => one.Event.Attribute)
  assert.equal(response.length, 2)
  assert.ok(!JSON.stringify(Event).includes('ec5aedf5ecc6'))
  assert.equal(Event.uuid, SAMPLE_EVENT.Event.uuid)
  for (const original of SAMPLE_EVENT.Event.Attribute.slice(0, 2)) {
    const back = all.find(({ uuid }) => uuid === original.uuid)
    assert.deepEqual(
      [back?.['type'], back?.['value'], back?.['to_ids'], back?.['category']],
      [original.type, original.value, original.to_ids, original.category],
    )
  }
  const [object] = Event.Object
  assert.deepEqual(
    ((object?.['Attribute'] ?? []) as JsonObject[])
      .map((one) => `${String(one['object_relation'])}=${String(one['value'])}`)
      .toSorted((a, b) => (a < b ? -1 : 1)),
    ['domain=evil.example.com', 'ip=203.0.113.9'],
  )
  const seen = all.find(({ uuid }) => uuid === SAMPLE_EVENT.Event.Attribute[0]?.uuid)?.['Sighting'] as JsonObject[]
  assert.deepEqual(
    seen.map((one) => [one['uuid'], one['type'], one['date_sighting'], (one['Organisation'] as JsonObject)['name']]),
    [['5e6a1f0e-8c1a-4b77-9d55-0242ac120009', '0', '1768446100', 'Other']],
  )
  assert.deepEqual(
    losses.listed.map(({ why: reason }) => reason),
    ['one of its ends is no element of the event'],
    'the reference to what is stricter crosses the two events',
  )
})

test('what is not valid STIX is put right or left out, and nothing refers to it', () => {
  const event = {
    Event: {
      info: 'x',
      Attribute: [
        { type: 'regkey', value: 'HKLM\\Software\\a', to_ids: true },
        { type: 'uri', value: 'no url at all', to_ids: true },
      ],
    },
  }
  const understood = read(JSON.stringify(event))
  assert.ok(understood.objects.some((one) => one['key'] === 'HKEY_LOCAL_MACHINE\\Software\\a'))
  assert.ok(!understood.objects.some(({ type }) => type === 'url'))
  const ids = new Set(understood.objects.map(({ id }) => id))
  for (const object of understood.objects)
    for (const ref of (object['object_refs'] as string[] | undefined) ?? []) assert.ok(ids.has(ref), ref)
  assert.ok(why(understood).some((line) => line.includes('not valid STIX')))
})

test('a table that is written is read again as the same values and markings', () => {
  const { objects } = read(SAMPLE_CSV)
  const again = read(writeOutput(objects, 'csv', { now: NOW }).text)
  assert.deepEqual(patterns(again.objects), patterns(objects))
  assert.deepEqual(
    again.objects.map((one) => one['object_marking_refs']),
    objects.map((one) => one['object_marking_refs']),
  )
  assert.deepEqual(patterns(read(writeOutput(objects, 'text', { now: NOW }).text).objects), patterns(objects))
})

test('a pattern of several conditions is never sold as one of its values', () => {
  const object = {
    type: 'indicator',
    id: 'indicator--1',
    pattern_type: 'stix',
    pattern: "[file:name = 'setup.exe' AND file:size = 10]",
  }
  const { text, losses } = writeOutput([object], 'csv', { now: NOW })
  assert.ok(!text.includes('setup.exe'))
  assert.equal(losses.total, 1)
})

test('cells that a spreadsheet would run are kept as text', () => {
  assert.equal(csvRow(['=1+1', '+x', '-x', '@x', 'a"b', 'plain']), `'=1+1,'+x,'-x,'@x,"a""b",plain`)
})

test('input that is not of its format is refused with what is right', () => {
  const refused = (input: string, format: 'misp' | 'xlsx' | 'csv', code: string) =>
    assert.throws(
      () => readInput(bytes(input), { format, source: 'x', now: NOW }),
      (error) => error instanceof ExchangeError && error.code === code,
      input.slice(0, 40),
    )
  refused('{"Event":', 'misp', 'EXCHANGE_SYNTAX')
  refused('[1]', 'misp', 'EXCHANGE_SYNTAX')
  refused(`${'['.repeat(100)}${']'.repeat(100)}`, 'misp', 'EXCHANGE_TOO_LARGE')
  refused('{"5e6a1f0e-8c1a-4b77-9d55-0242ac120002":{"info":"x"}}', 'misp', 'EXCHANGE_SYNTAX')
  refused('PK\u0003\u0004', 'xlsx', 'EXCHANGE_SYNTAX')
  refused('a\0b', 'csv', 'EXCHANGE_ENCODING')
  refused('\n\n', 'csv', 'EXCHANGE_EMPTY')
})
