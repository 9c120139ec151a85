import { deflateRawSync } from 'node:zlib'

/** Inputs of every format, small and whole: what the tests begin with, and what they break. */
export const SAMPLE_EVENT = {
  Event: {
    uuid: '5e6a1f0e-8c1a-4b77-9d55-0242ac120002',
    info: 'Sample',
    date: '2026-01-15',
    timestamp: '1768446000',
    publish_timestamp: '1768446060',
    distribution: '4',
    SharingGroup: { name: 'Allies', SharingGroupOrg: [{ Organisation: { name: 'Example CSIRT' } }] },
    Orgc: { uuid: '55f6ea5e-2c60-40e5-964f-47a8950d210f', name: 'Example CSIRT' },
    Tag: [{ name: 'tlp:amber' }, { name: 'PAP:AMBER' }, { name: 'osint:certainty="50"' }],
    Galaxy: [
      {
        name: 'Attack Pattern',
        type: 'mitre-attack-pattern',
        GalaxyCluster: [
          {
            uuid: 'e042a41b-5ecf-4f3a-8f1f-1b528c534772',
            type: 'mitre-attack-pattern',
            value: 'Access Token Manipulation - T1134',
            meta: { external_id: 'T1134' },
          },
        ],
      },
    ],
    Attribute: [
      {
        uuid: '5e6a1f0e-8c1a-4b77-9d55-0242ac120003',
        type: 'ip-dst|port',
        category: 'Network activity',
        value: '203.0.113.5|443',
        to_ids: true,
        timestamp: '1768446000',
        Sighting: [
          {
            uuid: '5e6a1f0e-8c1a-4b77-9d55-0242ac120009',
            type: '0',
            date_sighting: '1768446100',
            Organisation: { name: 'Other', uuid: '55f6ea5e-2c60-40e5-964f-47a8950d2100' },
          },
        ],
      },
      {
        uuid: '5e6a1f0e-8c1a-4b77-9d55-0242ac120004',
        type: 'sha256',
        category: 'Payload delivery',
        value: 'ec5aedf5ecc6bdadd4120932170d1b10f6cfa175cfda22951dfd882928ab279b',
        to_ids: true,
        Tag: [{ name: 'tlp:red' }],
      },
      {
        uuid: '5e6a1f0e-8c1a-4b77-9d55-0242ac120005',
        type: 'domain',
        category: 'Network activity',
        value: 'closer.example.com',
        to_ids: true,
        distribution: '0',
      },
      {
        uuid: '5e6a1f0e-8c1a-4b77-9d55-0242ac120006',
        type: 'domain',
        category: 'Network activity',
        value: 'gone.example.com',
        to_ids: true,
        deleted: true,
      },
    ],
    Object: [
      {
        uuid: '5e6a1f0e-8c1a-4b77-9d55-0242ac120007',
        name: 'domain-ip',
        'meta-category': 'network',
        timestamp: '1768446000',
        ObjectReference: [
          { referenced_uuid: '5e6a1f0e-8c1a-4b77-9d55-0242ac120004', relationship_type: 'communicates-with' },
        ],
        Attribute: [
          {
            uuid: '5e6a1f0e-8c1a-4b77-9d55-0242ac120010',
            type: 'domain',
            object_relation: 'domain',
            value: 'evil.example.com',
            to_ids: true,
          },
          {
            uuid: '5e6a1f0e-8c1a-4b77-9d55-0242ac120011',
            type: 'ip-dst',
            object_relation: 'ip',
            value: '203.0.113.9',
            to_ids: true,
          },
        ],
      },
    ],
    EventReport: [
      {
        uuid: '5e6a1f0e-8c1a-4b77-9d55-0242ac120012',
        name: 'Summary',
        content: 'What happened',
        timestamp: '1768446000',
      },
    ],
    ShadowAttribute: [{ type: 'domain', value: 'proposed.example.com' }],
  },
}

/** A table as analysts send it. */
export const SAMPLE_CSV = [
  'type,value,first_seen,comment,tags,tlp,shoe size',
  'domain,evil[.]example.com,2026-01-15 03:12:44,"gate, first",c2;kv,TLP:AMBER,44',
  'sha256,ec5aedf5ecc6bdadd4120932170d1b10f6cfa175cfda22951dfd882928ab279b,,dropper,,,',
  'ip,10.0.0.1,,internal,,,',
].join('\r\n')

/** A mail with defanged indicators. */
export const SAMPLE_MAIL =
  'Beacon to hxxps://evil[.]example[.]com/gate from 203.0.113[.]77, mailed by bad(at)example(dot)org.\nSee https://www.example.org/report on CVE-2024-21762; hash d41d8cd98f00b204e9800998ecf8427e.\n'

/** A report on infected hosts. */
export const SAMPLE_REPORT = [
  '"timestamp","protocol","src_ip","src_port","src_asn","src_geo","dst_ip","dst_port","dst_asn","infection","event_id"',
  '"2026-01-15 03:12:44","tcp","192.0.2.10",40112,64496,"UK","203.0.113.5",443,64511,"kv-botnet","1"',
].join('\n')

/** A workbook with one sheet: text cells by shared string and inline, a date, and a column left out. */
export function sampleWorkbook(): Uint8Array {
  const main = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main'
  return zipOf({
    'xl/workbook.xml': `<?xml version="1.0"?><workbook xmlns="${main}"><sheets><sheet name="IoC &amp; more" sheetId="1" r:id="rId1"/></sheets></workbook>`,
    'xl/_rels/workbook.xml.rels':
      '<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>',
    'xl/sharedStrings.xml':
      '<sst><si><t>indicator</t></si><si><r><t>evil.</t></r><r><t>example.com</t></r><rPh><t>イビル</t></rPh></si></sst>',
    'xl/styles.xml': '<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>',
    'xl/worksheets/sheet1.xml':
      '<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="inlineStr"><is><t>first_seen</t></is></c></row><row r="2"><c r="A2" t="s"><v>1</v></c><c r="C2" s="1"><v>46037.5</v></c></row></sheetData></worksheet>',
  })
}

/** A zip file of some parts. */
export function zipOf(parts: Readonly<Record<string, string | Uint8Array>>): Uint8Array {
  const locals: Buffer[] = []
  const entries: Buffer[] = []
  let offset = 0
  for (const [name, content] of Object.entries(parts)) {
    const plain = typeof content === 'string' ? Buffer.from(content) : Buffer.from(content)
    const packed = deflateRawSync(plain)
    const header = Buffer.alloc(30)
    header.writeUInt32LE(0x04034b50, 0)
    header.writeUInt16LE(8, 8)
    header.writeUInt32LE(packed.length, 18)
    header.writeUInt32LE(plain.length, 22)
    header.writeUInt16LE(name.length, 26)
    locals.push(header, Buffer.from(name), packed)
    const entry = Buffer.alloc(46)
    entry.writeUInt32LE(0x02014b50, 0)
    entry.writeUInt16LE(8, 10)
    entry.writeUInt32LE(packed.length, 20)
    entry.writeUInt32LE(plain.length, 24)
    entry.writeUInt16LE(name.length, 28)
    entry.writeUInt32LE(offset, 42)
    entries.push(entry, Buffer.from(name))
    offset += 30 + name.length + packed.length
  }
  const directory = Buffer.concat(entries)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(Object.keys(parts).length, 8)
  end.writeUInt16LE(Object.keys(parts).length, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, directory, end])
}
