// Tables, texts, mails and the manifests of feeds.
import { ExchangeError, type ImportFormat, LossReport, parseManifest } from '#exchange'
import { SAMPLE_CSV, SAMPLE_EVENT, SAMPLE_MAIL, SAMPLE_REPORT } from '../../../src/exchange/samples.ts'
import { csvRow, parseDelimited } from '../../../src/exchange/table/delimited.ts'
import { attempt, must, mustEqual, randomOf, type Target, textOf } from '../target.ts'
import { exchanged } from './exchanged.ts'

export const tables: Target = {
  name: 'exchange-table',
  hostile: [
    `value\n${'"'.repeat(60_000)}`,
    `value,tlp\nevil.example.com,a${' '.repeat(30_000)}!`,
    ','.repeat(60_000),
    `value\n${',"'.repeat(20_000)}`,
  ],
  weight: 0.7,
  shape: 'text',
  maxBytes: 6_000,
  words: [
    'type',
    'value',
    'tlp',
    'tags',
    'comment',
    'first_seen',
    ',',
    ';',
    '\t',
    '|',
    '"',
    '""',
    '\r\n',
    '\n',
    '#',
    '=cmd',
    'TLP:RED',
    'evil[.]example.com',
    '203.0.113.5',
    'timestamp',
    'src_ip',
    'infection',
    '\ufeff',
    '2026/1/15',
    '指標',
  ],
  seeds: [
    SAMPLE_CSV,
    SAMPLE_REPORT,
    SAMPLE_CSV.replaceAll(',', ';'),
    SAMPLE_CSV.replaceAll(',', '\t'),
    'value\nevil.example.com\n"a\nb"\n',
    Buffer.from(SAMPLE_CSV, 'utf16le'),
  ],
  run: (input) => {
    const random = randomOf(input)
    const format = random.pick<ImportFormat | 'auto'>(['csv', 'shadowserver', 'auto'])
    const word = exchanged(input, format)
    const text = textOf(input).slice(0, 2_000)
    const rows = parseDelimited(text, ',', new LossReport())
    // What stands at the beginning of a comment or formula is changed on purpose, and blanks are trimmed.
    const kept = rows
      .map((row) => row.map((cell) => cell.trim()))
      .filter((row) => row.some((cell) => cell !== '') && !row.some((cell) => /^[=+\-@\t\r#]|\s$|^"/.test(cell)))
    const printed = kept.map(csvRow).join('\n')
    mustEqual(parseDelimited(printed, ',', new LossReport()), kept, 'rows that are written are read the same')
    return word
  },
}

export const texts: Target = {
  name: 'exchange-text',
  hostile: [
    `${')'.repeat(20_000)}a `.repeat(3),
    '[.]'.repeat(20_000),
    'hxxp'.repeat(15_000),
    'a@'.repeat(30_000),
    `${'a.'.repeat(30_000)}com`,
    '{[(<'.repeat(15_000),
  ],
  weight: 0.7,
  shape: 'text',
  maxBytes: 6_000,
  words: [
    'hxxp',
    '[.]',
    '(dot)',
    '[at]',
    '@',
    '://',
    '.',
    '/',
    ' ',
    '\n',
    'example',
    'com',
    '203.0.113.7',
    'CVE-2024-21762',
    'AS64496',
    'd41d8cd98f00b204e9800998ecf8427e',
    '[',
    ']',
    '{',
    '(',
    ')',
    '<',
    '>',
    'xn--',
    '2001:db8::1',
    '狼煙',
  ],
  seeds: [
    SAMPLE_MAIL,
    'evil[.]example[.]com\n203[.]0[.]113[.]7:8080\nhxxps[:]//a.example/b?c=d#e',
    'bad(at)example(dot)org',
    `From: a@example.com\nTo: b@example.com\nSubject: =?utf-8?B?eA==?=\n\n${SAMPLE_MAIL}`,
  ],
  run: (input) => exchanged(input, randomOf(input).pick<ImportFormat | 'auto'>(['text', 'text', 'auto'])),
}

const MAIL = [
  'Return-Path: <a@example.com>',
  'Message-ID: <1@example.com>',
  'From: "A" <a@example.com>',
  'To: b@example.com',
  'Subject: =?utf-8?B?eA==?= =?iso-2022-jp?Q?=1B$B?=',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary="x"',
  '',
  '--x',
  'Content-Type: text/plain; charset=utf-8',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  'hxxps://evil[.]example[.]com/gate=3Fa=',
  '--x',
  'Content-Type: text/html; charset=shift_jis',
  'Content-Transfer-Encoding: base64',
  '',
  Buffer.from('<p>203.0.113[.]77 &amp; <a href="http://evil.example.com">x</a><script>y</script>').toString('base64'),
  '--x--',
  '',
].join('\r\n')

export const mail: Target = {
  name: 'exchange-mail',
  weight: 0.7,
  shape: 'text',
  maxBytes: 6_000,
  words: [
    'Content-Type: ',
    'multipart/mixed',
    'message/rfc822',
    'text/html',
    'boundary="x"',
    'boundary=',
    'charset=',
    'utf-7',
    'base64',
    'quoted-printable',
    '--x',
    '--x--',
    '\r\n',
    '\r\n\r\n',
    '=?utf-8?B?',
    '?=',
    '=\r\n',
    '=C3',
    '<!--',
    '-->',
    '<style>',
    '&#x41;',
    'Received: ',
    'Subject: ',
    ';',
    '"',
    ':',
    '@',
    ' ',
  ],
  seeds: [MAIL, MAIL.replaceAll('\r\n', '\n')],
  hostile: [`${MAIL}${'--x\r\n'.repeat(5_000)}`, MAIL.replace('Subject: ', `Subject: ${'=?utf-8?B?'.repeat(3_000)}`)],
  run: (input) => exchanged(input, randomOf(input).pick<ImportFormat | 'auto'>(['text', 'auto'])),
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export const manifest: Target = {
  name: 'feed-manifest',
  shape: 'json',
  words: [SAMPLE_EVENT.Event.uuid, '../../etc/passwd', 'info', 'timestamp', 'date', 'Orgc', 'Tag', '1768446000'],
  seeds: [
    { [SAMPLE_EVENT.Event.uuid]: { info: 'x', timestamp: '1768446000', date: '2026-01-15' }, '../x': { info: 'y' } },
  ],
  run: (input) => {
    const read = attempt(() => parseManifest(input, new LossReport()), ExchangeError)
    if (!read.ok) return read.word
    for (const { uuid } of read.value) must(UUID.test(uuid), 'a file of a feed is named by a uuid alone', uuid)
    return `read ${Math.min(3, read.value.length)}`
  },
}
