// Import and export through real processes: what analysts have goes in, what the node holds comes out.
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { folder, init, noroshi, serve } from './command-line.ts'

const MAIL =
  'Beacon to hxxps://evil[.]example[.]com/gate and 203.0.113[.]77\r\nsee https://www.example.org/report and CVE-2024-21762\r\n'
const EVENT = {
  Event: {
    uuid: '5e6a1f0e-8c1a-4b77-9d55-0242ac120002',
    info: 'Beaconing',
    date: '2026-01-15',
    timestamp: '1768446000',
    distribution: '0',
    Orgc: { uuid: '55f6ea5e-2c60-40e5-964f-47a8950d210f', name: 'Example CSIRT' },
    Tag: [{ name: 'tlp:amber' }, { name: 'misp-galaxy:mitre-attack-pattern="Phishing - T1566"' }],
    Attribute: [
      {
        uuid: '5e6a1f0e-8c1a-4b77-9d55-0242ac120003',
        type: 'domain',
        category: 'Network activity',
        value: 'evil.example.com',
        to_ids: true,
        timestamp: '1768446000',
      },
      {
        uuid: '5e6a1f0e-8c1a-4b77-9d55-0242ac120004',
        type: 'comment',
        category: 'Other',
        value: 'seen twice',
        to_ids: false,
        timestamp: '1768446000',
      },
    ],
    ShadowAttribute: [{ type: 'domain', value: 'proposed.example.com' }],
  },
}

test('a pasted mail is previewed, refused without a marking, published once, and comes back as CSV', async () => {
  await using home = await folder()
  const dir = home.in('node')
  await init(dir)
  await using node = await serve(dir)
  const file = home.in('mail.txt')
  await writeFile(file, MAIL)

  const unmarked = await noroshi(['import', file, '--dir', dir, '--yes'])
  assert.equal(unmarked.code, 1, unmarked.stderr)
  assert.match(unmarked.stdout, /3 objects carry no marking/)
  assert.match(unmarked.stdout, /www\.example\.org\/report: written whole in a text that defangs/)

  const dry = await noroshi(['import', file, '--dir', dir, '--tlp', 'amber', '--dry-run'])
  assert.equal(dry.code, 0, dry.stderr)
  assert.match(dry.stdout, /Would publish 3 objects as TLP:AMBER/)
  const asked = await noroshi(['import', file, '--dir', dir, '--tlp', 'amber'])
  assert.equal(asked.code, 1, 'without a terminal to ask at, nothing is published')
  const before = (await (await node.ask('/api/v1/objects')).json()) as { objects: unknown[] }
  assert.deepEqual(before.objects, [])

  const done = await noroshi(['import', file, '--dir', dir, '--tlp', 'amber', '--yes', '--json'])
  assert.equal(done.code, 0, done.stderr)
  const [answer] = done.json() as [
    { format: string; published: unknown[]; refused: unknown[]; losses: { total: number } },
  ]
  assert.equal(answer.format, 'text')
  assert.equal(answer.published.length, 3)
  assert.deepEqual(answer.refused, [])
  assert.equal(answer.losses.total, 1)

  const again = await noroshi(['import', file, '--dir', dir, '--tlp', 'amber', '--yes', '--json'])
  assert.equal(again.code, 0)
  assert.equal(again.json()[0]?.['unchanged'], 3, 'a repeated import repeats nothing')

  const csv = home.in('out.csv')
  const out = await noroshi(['export', '--format', 'csv', '--type', 'indicator', '--dir', dir, '--out', csv, '--json'])
  assert.equal(out.code, 0, out.stderr)
  assert.equal(out.json()[0]?.['objects'], 2)
  const rows = (await readFile(csv, 'utf8')).split('\r\n')
  assert.ok(
    rows.some((row) => row.startsWith('url,https://evil.example.com/gate,')),
    rows.join('\n'),
  )
  assert.ok(
    rows.some((row) => row.startsWith('ipv4,203.0.113.77,') && row.includes(',TLP:AMBER,')),
    rows.join('\n'),
  )
  const later = await noroshi(['export', '--format', 'csv', '--since', '2099-01-01', '--dir', dir])
  assert.equal(later.code, 1, 'nothing arrived since')
})

test('a MISP event keeps its own marking, tells what was left out, and comes back as an event', async () => {
  await using home = await folder()
  const dir = home.in('node')
  await init(dir)
  await using node = await serve(dir)
  const file = home.in('event.json')
  await writeFile(file, JSON.stringify(EVENT))

  const done = await noroshi(['import', file, '--dir', dir, '--yes', '--json'])
  assert.equal(done.code, 0, done.stdout + done.stderr)
  const [answer] = done.json() as [
    {
      format: string
      notes: string[]
      published: { id: string; audience: { tlp: string } }[]
      losses: { listed: { path: string; why: string }[] }
    },
  ]
  assert.equal(answer.format, 'misp')
  assert.ok(answer.notes.some((note) => note.includes('your organisation only')))
  assert.ok(
    answer.published.every(({ audience }) => audience.tlp === 'amber'),
    'the event’s tag marks all it holds',
  )
  assert.ok(
    answer.losses.listed.some(({ path, why }) => path === 'Event.ShadowAttribute[0]' && why.includes('proposal')),
  )
  assert.ok(answer.losses.listed.some(({ path }) => path === 'Event.Attribute[1]'))
  assert.ok(!done.stdout.includes('proposed.example.com'))
  assert.equal(
    (await noroshi(['import', file, '--dir', dir, '--yes', '--json'])).json()[0]?.['unchanged'],
    answer.published.length,
  )

  const held = (await (await node.ask('/api/v1/objects?type=indicator')).json()) as {
    objects: { object: { id: string; pattern: string } }[]
  }
  assert.deepEqual(
    held.objects.map(({ object }) => object.pattern),
    ["[domain-name:value = 'evil.example.com']"],
  )

  const out = await noroshi(['export', '--format', 'misp', '--dir', dir])
  assert.equal(out.code, 0, out.stderr)
  const { Event } = JSON.parse(out.stdout) as {
    Event: {
      uuid: string
      info: string
      Attribute: Record<string, unknown>[]
      Tag: { name: string }[]
      Galaxy: { type: string }[]
    }
  }
  assert.equal(Event.uuid, EVENT.Event.uuid)
  assert.equal(Event.info, 'Beaconing')
  assert.ok(Event.Tag.some(({ name }) => name === 'tlp:amber'))
  assert.deepEqual(
    Event.Galaxy.map(({ type }) => type),
    ['mitre-attack-pattern'],
  )
  for (const expected of EVENT.Event.Attribute) {
    const back = Event.Attribute.find(({ uuid }) => uuid === expected.uuid)
    assert.deepEqual(
      [back?.['type'], back?.['value'], back?.['category'], back?.['to_ids']],
      [expected.type, expected.value, expected.category, expected.to_ids],
    )
  }
})

test('conversion needs no node; wrong usage and unreadable input say what is right', async () => {
  await using home = await folder()
  const file = home.in('list.csv')
  await writeFile(
    file,
    Buffer.from('\xef\xbb\xbftype;value;comment\r\ndomain;evil.example.com;b\xc3\xa9acon\r\n', 'latin1'),
  )
  const printed = await noroshi(['import', file, '--print'])
  assert.equal(printed.code, 0, printed.stderr)
  const bundle = JSON.parse(printed.stdout) as { objects: { pattern: string; description: string }[] }
  assert.deepEqual(
    bundle.objects.map(({ pattern, description }) => [pattern, description]),
    [["[domain-name:value = 'evil.example.com']", 'béacon']],
  )
  const text = await noroshi(['export', '--format', 'text', '--from', '-'], { input: printed.stdout })
  assert.equal(text.stdout.trim(), 'evil[.]example[.]com')

  const format = await noroshi(['import', file, '--format', 'word', '--print'])
  assert.equal(format.code, 2)
  assert.match(format.stderr, /--format is auto or one of misp/)
  const broken = await noroshi(['import', '-', '--format', 'misp', '--print'], { input: '{"Event": ' })
  assert.equal(broken.code, 2)
  assert.match(broken.stderr, /no JSON/)
  const nothing = await noroshi(['import', '-', '--format', 'text', '--print'], { input: 'nothing to see\n' })
  assert.equal(nothing.code, 1)
  assert.match((await noroshi(['import', '--help'])).stdout, /noroshi import event\.json/)
  assert.match((await noroshi(['export', '--help'])).stdout, /noroshi export --format csv/)
})

test('tables leave in the encodings of their readers, as CSV or as a workbook, and come back the same', async () => {
  await using home = await folder()
  const list = home.in('list.csv')
  await writeFile(list, 'value,comment,tags\nevil.example.com,不審な通信 é,"c2"\n203.0.113.9,"=HYPERLINK(""x"")",\n')
  const bundle = home.in('bundle.json')
  await writeFile(bundle, (await noroshi(['import', list, '--print'])).stdout)
  const convert = async (...more: string[]) => {
    const ran = await noroshi(['export', '--from', bundle, ...more])
    assert.equal(ran.code, 0, ran.stderr)
    return ran
  }
  const rowsOf = async (file: string) => {
    const ran = await noroshi(['import', file, '--print', '--source', 'same'])
    assert.equal(ran.code, 0, ran.stderr)
    const { objects } = JSON.parse(ran.stdout) as { objects: { pattern: string; description: string }[] }
    return objects.map(({ pattern, description }) => [pattern, description])
  }
  const workbook = home.in('out.xlsx')
  await convert('--format', 'xlsx', '--out', workbook)
  assert.deepEqual(await rowsOf(workbook), [
    ["[domain-name:value = 'evil.example.com']", '不審な通信 é'],
    ["[ipv4-addr:value = '203.0.113.9']", '=HYPERLINK("x")'],
  ])
  const japanese = home.in('out.csv')
  const told = await convert('--format', 'csv', '--encoding', 'shift_jis', '--out', japanese)
  assert.match(told.stderr, /“é”: shift_jis has no such character/)
  assert.ok((await readFile(japanese)).includes(Buffer.from('9573905282c892ca904d', 'hex')))
  assert.equal((await rowsOf(japanese))[0]?.[1], '不審な通信 ?')
  await convert('--format', 'csv', '--encoding', 'utf-8', '--out', japanese)
  assert.equal((await readFile(japanese))[0], 't'.charCodeAt(0), 'no mark')
  assert.equal((await noroshi(['export', '--from', bundle, '--format', 'csv', '--encoding', 'klingon'])).code, 2)
  const refused = await noroshi(['export', '--from', bundle, '--format', 'misp', '--encoding', 'utf-8'])
  assert.equal(refused.code, 2)
  assert.match(refused.stderr, /misp has one encoding only/)
})
