import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readInput, type ReadOptions } from '#exchange'
import { decodeText } from '../encoding.ts'
import { ExchangeError } from '../error.ts'
import { zipOf } from '../samples.ts'
import { timeOf } from './time.ts'

const read = (input: string | Uint8Array, more: Partial<ReadOptions> = {}) =>
  readInput(typeof input === 'string' ? new TextEncoder().encode(input) : input, {
    source: 'test',
    now: '2026-02-01T00:00:00.000Z',
    ...more,
  })

/** Tables as tools of ten countries write them: name of the encoding, bytes, and the last cell. */
const ENCODED: readonly (readonly [encoding: string, hex: string, last: string])[] = [
  [
    'shift_jis',
    '88e696bc2c83688381834383930a6576696c2e6578616d706c652e636f6d2c9573905282c892ca904d82f08c9f926d82b582dc82b582bd',
    '不審な通信を検知しました',
  ],
  [
    'euc-jp',
    'c3cd2cc8f7b9cd0a6576696c2e6578616d706c652e636f6d2cc9d4bfb3a4cac4ccbfaea4f2b8a1c3cea4b7a4dea4b7a4bf',
    '不審な通信を検知しました',
  ],
  [
    'iso-2022-jp',
    '1b2442434d1b28422c1b24424877394d1b28420a6576696c2e6578616d706c652e636f6d2c1b244249543f33244a444c3f2e1b2842',
    '不審な通信',
  ],
  [
    'gb18030',
    '76616c75652cb1b8d7a20a6576696c2e6578616d706c652e636f6d2cb6f1d2e2c8edbcfeb5c4d3f2c3fbb5d8d6b7',
    '恶意软件的域名地址',
  ],
  [
    'big5',
    '76616c75652cb3c6b5f90a6576696c2e6578616d706c652e636f6d2cb463b74eb57ba6a1aababaf4b0eca6eca77d',
    '惡意程式的網域位址',
  ],
  [
    'euc-kr',
    '76616c75652cbcb3b8ed0a6576696c2e6578616d706c652e636f6d2cbec7bcbac4dab5e520b5b5b8dec0ce20c1d6bcd2',
    '악성코드 도메인 주소',
  ],
  [
    'windows-874',
    '76616c75652ccbc1d2c2e0cbb5d80a6576696c2e6578616d706c652e636f6d2ce0abd4c3ecbfe0c7cdc3ecb7d5e8bcd9e9e2a8c1b5d5e3aae9',
    'เซิร์ฟเวอร์ที่ผู้โจมตีใช้',
  ],
  [
    'windows-1252',
    '76616c75652c42656d65726b756e670a6576696c2e6578616d706c652e636f6d2c62e961636f6e2066fc72204772f6df65',
    'béacon für Größe',
  ],
  [
    'utf-16le',
    '760061006c00750065002c0063006f006d006d0065006e0074000a006500760069006c002e006500780061006d0070006c0065002e0063006f006d002c006200e900610063006f006e00',
    'béacon',
  ],
]

for (const [encoding, hex, last] of ENCODED)
  test(`a table in ${encoding} is read as it was written, recognised and named`, () => {
    const bytes = new Uint8Array(Buffer.from(hex, 'hex'))
    assert.equal(decodeText(bytes).encoding, encoding)
    assert.ok(decodeText(bytes).text.endsWith(last))
    for (const more of [{}, { encoding }]) {
      const { format, objects } = read(bytes, more)
      assert.equal(format, 'csv')
      assert.deepEqual(
        objects.map(({ pattern }) => pattern),
        ["[domain-name:value = 'evil.example.com']"],
      )
    }
  })

test('a named encoding that is not that of the bytes, or that nobody knows, is refused', () => {
  const isCode = (error: unknown) => error instanceof ExchangeError && error.code === 'EXCHANGE_ENCODING'
  assert.throws(() => decodeText(new Uint8Array([0xff, 0xff]), 'utf-8'), isCode)
  assert.throws(() => decodeText(new Uint8Array([0x41]), 'klingon'), isCode)
})

for (const [cell, time] of Object.entries({
  '2026-01-15T03:12:44Z': '2026-01-15T03:12:44.000Z',
  '2026-01-15 03:12:44.5 +0900': '2026-01-14T18:12:44.500Z',
  '2026/1/15 3:12': '2026-01-15T03:12:00.000Z',
  '15.01.2026 03:12': '2026-01-15T03:12:00.000Z',
  '15/01/2026': '2026-01-15T00:00:00.000Z',
  '1/15/2026 3:12 PM': '2026-01-15T15:12:00.000Z',
  '1/1/2026': '2026-01-01T00:00:00.000Z',
  '1/2/2026': undefined,
  '15 Jan 2026 12:05 am': '2026-01-15T00:05:00.000Z',
  'Thu, 15 Jan 2026 03:12:44 GMT': '2026-01-15T03:12:44.000Z',
  'January 15th, 2026': '2026-01-15T00:00:00.000Z',
  '2026年1月15日 3時12分': '2026-01-15T03:12:00.000Z',
  令和8年1月15日: '2026-01-15T00:00:00.000Z',
  '15/01/2569 10:12 ICT': '2026-01-15T03:12:00.000Z',
  '1768446764': '2026-01-15T03:12:44.000Z',
  '1768446764000': '2026-01-15T03:12:44.000Z',
  '30 Feb 2026': undefined,
  '2026-13-01': undefined,
  '15 Jan 2026 25:00': undefined,
  soon: undefined,
}))
  test(`the time “${cell}” is ${time ?? 'not understood'}`, () => assert.equal(timeOf(cell), time))

test('the header that a feed writes as a comment, and Excel’s line on its delimiter, are understood', () => {
  const feed = '# URLs\n# id,dateadded,url,threat\n"1","2026-01-15 03:12:44","http://evil.example.com/a","gate"\n'
  const [object] = read(feed).objects
  assert.deepEqual(
    [object?.['pattern'], object?.['valid_from'], object?.['name']],
    ["[url:value = 'http://evil.example.com/a']", '2026-01-15T03:12:44.000Z', 'gate'],
  )
  const excel = read('sep=;\r\nvalue;comment\r\nevil.example.com;"two\r\nlines; and more"\r\n')
  assert.deepEqual(
    excel.objects.map(({ description }) => description),
    ['two\r\nlines; and more'],
  )
})

test('a column of hosts takes names that could be files; a list without a header does not', () => {
  const patterns = (text: string) => read(text, { format: 'csv' }).objects.map(({ pattern }) => pattern)
  assert.deepEqual(patterns('domain,comment\nevil.pl,x\n'), ["[domain-name:value = 'evil.pl']"])
  assert.deepEqual(patterns('script.pl,x\nwww.evil.pl,y\n'), ["[domain-name:value = 'www.evil.pl']"])
})

test('hidden sheets stay out; days from 1904 and numbers with an exponent are read as what they are', () => {
  const workbook = zipOf({
    'xl/workbook.xml':
      '<workbook><workbookPr date1904="1"/><sheets><sheet name="a" r:id="r1"/><sheet name="b" state="veryHidden" r:id="r2"/></sheets></workbook>',
    'xl/_rels/workbook.xml.rels':
      '<Relationships><Relationship Id="r1" Target="worksheets/sheet1.xml"/><Relationship Id="r2" Target="worksheets/sheet2.xml"/></Relationships>',
    'xl/styles.xml': '<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>',
    'xl/worksheets/sheet1.xml':
      '<worksheet><sheetData><row><c t="inlineStr"><is><t>value</t></is></c><c t="inlineStr"><is><t>first_seen</t></is></c></row><row><c t="inlineStr"><is><t>evil.example.com</t></is></c><c s="1"><v>44575.5</v></c></row><row><c t="inlineStr"><is><t>two.example.com</t></is></c><c><v>1.768446764E9</v></c></row></sheetData></worksheet>',
    'xl/worksheets/sheet2.xml':
      '<worksheet><sheetData><row><c t="inlineStr"><is><t>secret.example.com</t></is></c></row></sheetData></worksheet>',
  })
  const { objects, losses } = read(workbook)
  assert.deepEqual(
    objects.map((one) => [one['name'], one['valid_from']]),
    [
      ['evil.example.com', '2026-01-15T12:00:00.000Z'],
      ['two.example.com', '2026-01-15T03:12:44.000Z'],
    ],
  )
  assert.ok(losses.listed.some(({ path, why }) => path === 'sheet "b"' && why.startsWith('it is hidden')))
})

test('a workbook of old Excel, or with a password, is refused with what to do', () => {
  const old = new Uint8Array([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, ...new Uint8Array(600)])
  assert.throws(() => read(old), /\.xls\)[\s\S]*save it as \.xlsx or CSV/)
})
