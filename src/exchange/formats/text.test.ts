import assert from 'node:assert/strict'
import { test } from 'node:test'
import { INPUT_MAX_BYTES, readInput } from '#exchange'

/** The largest input takes a few seconds; with a word read again at each sign, more than minutes. */
const LONG_INPUT_MOST_MS = 40_000

const read = (input: string | Uint8Array) =>
  readInput(typeof input === 'string' ? new TextEncoder().encode(input) : input, {
    format: 'text',
    source: 'test',
    now: '2026-02-01T00:00:00.000Z',
  })
const told = (input: string | Uint8Array) => {
  const { objects } = read(input)
  return objects.map((one) => String(one['pattern'] ?? one['name'] ?? one['x_misp_value']))
}
const losses = (input: string | Uint8Array) => read(input).losses.listed.map(({ path, why }) => `${path}: ${why}`)

const MAIL = [
  'Received: from mail.example.net (mail.example.net [198.51.100.1]) by mx.example.org',
  'From: =?utf-8?B?QWxpY2Ugw4kuIEFuYWx5c3Q=?= <alice@csirt.example.net>',
  'To: bob@agency.example.org',
  'Subject: =?iso-2022-jp?B?GyRCSVQ/MyRKRExALhsoQg==?= to evil[.]example[.]com',
  'Message-ID: <1@csirt.example.net>',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary="outer"',
  '',
  'This is a multi-part message in MIME format.',
  '--outer',
  'Content-Type: multipart/alternative; boundary=inner',
  '',
  '--inner',
  'Content-Type: text/plain; charset=utf-8',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  'C2 at hxxps://gate[.]example[.]com/=',
  'in?a=3D1 and 203.0.113[.]9=20',
  'Regards, alice@csirt.example.net',
  '--inner',
  'Content-Type: text/html; charset=utf-8',
  '',
  '<p>C2 at <a href="https://never.example.com/">here</a></p>',
  '--inner--',
  '--outer',
  'Content-Type: text/plain; charset=shift_jis',
  'Content-Transfer-Encoding: base64',
  '',
  Buffer.from([0x92, 0xca, 0x90, 0x4d, 0x90, 0xe6]).toString('base64'),
  '--outer',
  'Content-Type: application/vnd.ms-excel; name="iocs.xls"',
  'Content-Disposition: attachment; filename="iocs.xls"',
  'Content-Transfer-Encoding: base64',
  '',
  'ZXZpbDIuZXhhbXBsZS5jb20=',
  '--outer--',
  '',
].join('\r\n')

test('a saved mail is read by its parts, in their encodings; its people are no indicators, its attachments are told', () => {
  assert.deepEqual(told(MAIL), [
    "[domain-name:value = 'evil.example.com']",
    "[url:value = 'https://gate.example.com/in?a=1']",
    "[ipv4-addr:value = '203.0.113.9']",
  ])
  assert.ok(losses(MAIL).some((line) => line.includes('the attachment iocs.xls is not read')))
  assert.ok(losses(MAIL).some((line) => line.includes('alice@csirt.example.net: it belongs to those who wrote or got')))
  assert.ok(!losses(MAIL).some((line) => line.includes('never.example.com')), 'plain text stands for its HTML')
  assert.deepEqual(read(MAIL).notes, ['A mail, by its parts.'])
})

test('a mail of HTML alone gives its text and where its links lead', () => {
  const html = [
    'From: a@example.net',
    'Subject: x',
    'MIME-Version: 1.0',
    'Content-Type: text/html; charset=windows-1252',
    '',
    '<style>a{}</style><p>see <a href="https://evil.example.com/a?b=1&amp;c=2">your bank</a></p><script>x.example.com</script>',
  ].join('\n')
  assert.deepEqual(told(html), ["[url:value = 'https://evil.example.com/a?b=1&c=2']"])
})

test('a mail of parts within parts without end is read within bounds', () => {
  let body = 'hxxp://deep[.]example[.]com/'
  for (let n = 0; n < 30; n++)
    body = `Content-Type: multipart/mixed; boundary=b${n}\n\n--b${n}\n${n === 0 ? '\n' : ''}${body}\n--b${n}--`
  const mail = `From: a@example.net\nSubject: x\nMIME-Version: 1.0\n${body}`
  assert.ok(losses(mail).some((line) => line.includes('more parts, or parts within parts')))
})

test('a pasted mail leaves out who wrote and got it, but takes what they defanged', () => {
  const pasted =
    'From: Alice <alice@agency.example.org>\nTo: bob@bank.example\nSent: Monday\n\nsee www.evil.example.com and agency.example.org, alice@agency.example.org\n'
  assert.deepEqual(told(pasted), ["[domain-name:value = 'www.evil.example.com']"])
})

for (const [text, expected] of Object.entries({
  'Update to version 1.2.3.4 of setup.exe, see README.md and notes.sh': [],
  'We saw it on our network.In May it went on': [],
  'evil[.]pl and www.evil.pl and script.pl': ["[domain-name:value = 'evil.pl']"],
  'the names www.evil.pl and script.pl': ["[domain-name:value = 'www.evil.pl']"],
  'It used T1059.001 and T1566': ['T1059.001', 'T1566'],
  'Key HKLM\\Software\\Run\\Evil was set': [
    "[windows-registry-key:key = 'HKEY_LOCAL_MACHINE\\\\Software\\\\Run\\\\Evil']",
  ],
  'dropped %TEMP%\\evil.exe there': ["[file:name = 'evil.exe' AND file:parent_directory_ref.path = '%TEMP%']"],
  'hosted at AS64496': [],
  'pay to 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa or 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb': [
    '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa',
  ],
  'pay to bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq': ['bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq'],
  [`hash ${'ab'.repeat(28)} and ${'cd'.repeat(48)}`]: [
    `[file:hashes.'SHA-224' = '${'ab'.repeat(28)}']`,
    `[file:hashes.'SHA-384' = '${'cd'.repeat(48)}']`,
  ],
  '3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C': ["[file:hashes.SSDEEP = '3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C']"],
}))
  test(`“${text.slice(0, 60)}” names ${expected.length === 0 ? 'nothing' : expected.join(', ')}`, () => {
    assert.deepEqual(told(text), expected)
  })

test('what was defanged and is no host of the internet is told, not dropped; a scheme with backslashes is one', () => {
  const input = 'hxxp:\\\\a.c2[.]com/x hxxps://evil[.]invalid/p c2[.]bit foo[@]host[.]lan look(at)this Ａ．Ｂ x[.]1'
  assert.deepEqual(told(input), ["[url:value = 'http://a.c2.com/x']"])
  assert.deepEqual(
    losses(input).map((line) => line.replace(/: it was defanged, but .*/, '')),
    ['line 1: https://evil.invalid/p', 'line 1: c2.bit', 'line 1: foo@host.lan'],
  )
})

test('an input of long words, full of the signs that stand around words, takes time that grows with its length alone', () => {
  const word = `x${'='.repeat(2_040)}y`
  const text = `${`${word} `.repeat(INPUT_MAX_BYTES / 2_048 - 1)}((==*hxxp://evil[.]example.net/a==*))`
  const start = performance.now()
  assert.deepEqual(told(text), [told('hxxp://evil[.]example.net/a')[0]])
  assert.ok(performance.now() - start < LONG_INPUT_MOST_MS)
})
