// The commands that need no node: one answer per line in batch mode, exit codes, bounded memory, help with examples.
import assert from 'node:assert/strict'
import { createWriteStream } from 'node:fs'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { atTerminal } from './at-terminal.ts'
import { folder, indicator, noroshi, uuid } from './command-line.ts'

const COMMANDS = [
  ...[
    'init',
    'serve',
    'status',
    'publish',
    'recall',
    'submit',
    'who',
    'watch',
    'validate',
    'decide',
    'wire',
    'match',
    'fsck',
  ].map((name) => [name]),
  ...['create', 'invite', 'join', 'requests', 'approve', 'members'].map((name) => ['alliance', name]),
  ...['list', 'add', 'remove'].map((name) => ['link', name]),
  ...['list', 'add', 'remove'].map((name) => ['alliance', 'client', name]),
  ...['list', 'show', 'ask', 'answer', 'note', 'edit', 'preview', 'accept', 'decline'].map((name) => [
    'submission',
    name,
  ]),
  ...['create', 'list', 'revoke'].map((name) => ['token', name]),
  ...['check', 'match'].map((name) => ['pattern', name]),
  ['sigma', 'match'],
]

test('every command has help with examples and takes --json', async () => {
  for (const command of COMMANDS) {
    const { code, stdout } = await noroshi([...command, '--help'])
    assert.equal(code, 0, command.join(' '))
    assert.match(stdout, /Examples:\n {2}\$ .*noroshi/, command.join(' '))
    assert.match(stdout, /--json/, command.join(' '))
  }
  const { code, stdout } = await noroshi(['--help'])
  assert.equal(code, 0)
  for (const [name] of COMMANDS) assert.match(stdout, new RegExp(`^ {2}${name}\\b`, 'm'))
})

test('a batch answers every line in order, also those that cannot be processed', async () => {
  const requests = [
    JSON.stringify({ id: 'a', object: indicator('198.51.100.1') }),
    '{"id":"b",',
    JSON.stringify({ id: 'c', object: indicator('198.51.100.1', { pattern: '[nonsense' }) }),
    '[]',
    '',
    JSON.stringify({
      id: 'd',
      object: { type: 'bundle', id: `bundle--${uuid()}`, objects: [indicator('198.51.100.2')] },
    }),
    JSON.stringify({ id: 'e' }),
    `{"id":"f","object":${'['.repeat(10_000)}${']'.repeat(10_000)}}`,
  ]
  const { code, json } = await noroshi(['validate', '--batch', '-'], { input: requests.join('\n') })
  assert.equal(code, 0)
  const answers = json() as { id: unknown; valid?: boolean; error?: string }[]
  assert.equal(answers.length, 7)
  assert.deepEqual(
    answers.map(({ id, valid, error }) => [id, error === undefined ? valid : 'error']),
    [
      ['a', true],
      [null, 'error'],
      ['c', false],
      [null, 'error'],
      ['d', true],
      ['e', false],
      ['f', false],
    ],
  )
})

test('a line beyond the limit costs no memory and the next one is answered', async () => {
  await using home = await folder()
  const path = home.in('long.jsonl')
  const file = createWriteStream(path)
  const part = 'x'.repeat(1_000_000)
  file.write('{"id":"long","pattern":"')
  for (let i = 0; i < 40; i++) if (!file.write(part)) await once(file, 'drain')
  file.end(`"}\n{"id":"next","pattern":"[ipv4-addr:value = '198.51.100.7']"}\n`)
  await once(file, 'close')
  const { json } = await noroshi(['pattern', 'check', '--batch', path])
  const answers = json() as { id: unknown; valid?: boolean; error?: string }[]
  assert.equal(answers.length, 2)
  assert.match(String(answers[0]?.error), /bytes/)
  assert.deepEqual([answers[1]?.id, answers[1]?.valid], ['next', true])
})

test('validate streams 100 MB under 300 MB of memory', async () => {
  await using home = await folder()
  const path = home.in('large.json')
  const file = createWriteStream(path)
  file.write(`{"type":"bundle","id":"bundle--${uuid()}","objects":[`)
  let bytes = 0
  for (let i = 0; bytes < 100_000_000; i++) {
    const text = `${i === 0 ? '' : ','}${JSON.stringify(indicator('198.51.100.7', { description: 'z'.repeat(2_000) }))}`
    bytes += text.length
    if (!file.write(text)) await once(file, 'drain')
  }
  file.end(']}')
  await once(file, 'close')
  const { code, stderr } = await noroshi(['validate', path], {
    flags: ['--import', `data:text/javascript,${encodeURIComponent(PEAK)}`],
  })
  assert.equal(code, 0, stderr)
  assert.match(stderr, /\d+ objects, 0 invalid/)
  const peak = Number(/peak (\d+)/.exec(stderr)?.[1])
  assert.ok(peak > 0 && peak < 300_000, `peak of ${peak} KiB`)
})

/** Says the largest resident size at the end, in KiB. */
const PEAK = `process.on('exit', () => process.stderr.write('peak ' + process.resourceUsage().maxRSS + '\\n'))`

test('single checks answer in words, and with 1 where the answer is no', async () => {
  await using home = await folder()
  const good = await noroshi(['pattern', 'check', `[ipv4-addr:value = '198.51.100.7']`])
  assert.deepEqual([good.code, good.stdout.trim()], [0, 'valid'])
  const bad = await noroshi(['pattern', 'check', `[ipv4-addr:value = ]`, '--json'])
  assert.equal(bad.code, 1)
  const [{ errors }] = bad.json() as [{ errors: { line: number }[] }]
  assert.equal(errors[0]?.line, 1)

  const observed = {
    type: 'bundle',
    id: `bundle--${uuid()}`,
    objects: [
      {
        type: 'ipv4-addr',
        spec_version: '2.1',
        id: 'ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd',
        value: '198.51.100.7',
      },
      {
        type: 'observed-data',
        spec_version: '2.1',
        id: `observed-data--${uuid()}`,
        created: '2026-01-01T00:00:00.000Z',
        modified: '2026-01-01T00:00:00.000Z',
        first_observed: '2026-01-01T00:00:00Z',
        last_observed: '2026-01-01T00:00:00Z',
        number_observed: 1,
        object_refs: ['ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd'],
      },
    ],
  }
  await writeFile(home.in('observed.json'), JSON.stringify(observed))
  assert.deepEqual(
    (
      await noroshi(['pattern', 'match', `[ipv4-addr:value = '198.51.100.7']`, home.in('observed.json'), '--json'])
    ).json(),
    [{ match: true }],
  )
  assert.equal(
    (await noroshi(['pattern', 'match', `[ipv4-addr:value = '198.51.100.8']`, home.in('observed.json')])).code,
    1,
  )

  await writeFile(
    home.in('objects.ndjson'),
    `${JSON.stringify(indicator('198.51.100.1'))}\n${JSON.stringify({ type: 'indicator' })}\n{"broken`,
  )
  const mixed = await noroshi(['validate', home.in('objects.ndjson'), '--json'])
  assert.equal(mixed.code, 1)
  assert.deepEqual(
    (mixed.json() as { valid: boolean }[]).map(({ valid }) => valid),
    [true, false, false],
  )
})

test('findings in words name the place of what has no id, and the section; nothing of the input moves the terminal', async () => {
  await using home = await folder()
  const file = home.in('objects.ndjson')
  const hostile = { type: 'x-foo', id: 'x-foo--\u001b[31m', name: '\u202e' }
  await writeFile(
    file,
    `${JSON.stringify(indicator('198.51.100.1'))}\n${JSON.stringify(hostile)}\n{"type":"tool"}\n{"broken`,
  )
  const { code, stdout, stderr } = await noroshi(['validate', file])
  assert.equal(code, 1)
  assert.match(stdout, /^x-foo--\\u001b\[31m: error INVALID_ID at id: .* \(section 2\.9\)$/m)
  assert.ok(stdout.includes(`\n${file}, object 2: error MISSING_PROPERTY at id: is required`), stdout)
  assert.ok(stdout.includes(`\n${file}: error STIX_STREAM_TRUNCATED: `), stdout)
  assert.doesNotMatch(stdout.replaceAll('\n', ''), /\p{Cc}/u)
  assert.match(stderr, /^4 objects, 3 invalid$/m)
  assert.match((await noroshi(['validate', '\u001b[31m.json'])).stderr, /: \\u001b\[31m\.json\n$/)
  const { shown } = await atTerminal(['pattern', 'check', '[\u001b[31m'], [])
  assert.match(shown, /\\u001b/)
  assert.ok(!shown.includes('\u001b[31m'))
  await writeFile(home.in('empty.json'), '')
  const empty = await noroshi(['validate', home.in('empty.json')])
  assert.deepEqual(
    [empty.code, empty.stderr.trim()],
    [1, '0 objects, 0 invalid, and 1 of the bundles or files around them'],
  )
})

test('match finds indicators and Sigma rules in telemetry, by event time, also in compressed files', async () => {
  await using home = await folder()
  await writeFile(
    home.in('iocs.json'),
    JSON.stringify({
      type: 'bundle',
      id: `bundle--${uuid()}`,
      objects: [indicator('198.51.100.7', { valid_until: '2026-06-01T00:00:00Z' })],
    }),
  )
  await mkdir(home.in('rules'))
  await writeFile(
    join(home.in('rules'), 'portproxy.yml'),
    'title: Port proxy\nlogsource:\n  category: process_creation\n  product: windows\ndetection:\n  selection:\n    CommandLine|contains: portproxy\n  condition: selection\n',
  )
  const line = (time: string) =>
    JSON.stringify({
      ts: Date.parse(time) / 1_000,
      uid: 'C1',
      'id.orig_h': '10.0.0.5',
      'id.orig_p': 1,
      'id.resp_h': '198.51.100.7',
      'id.resp_p': 443,
      proto: 'tcp',
    })
  await writeFile(
    home.in('conn.jsonl'),
    `${line('2025-12-31T00:00:00Z')}\n${line('2026-02-01T00:00:00Z')}\n${line('2026-07-01T00:00:00Z')}\n`,
  )
  const windows = JSON.stringify({
    EventID: 4688,
    Channel: 'Security',
    EventTime: '2026-02-01T00:00:00Z',
    NewProcessName: 'C:\\netsh.exe',
    CommandLine: 'netsh interface portproxy add',
  })
  await writeFile(home.in('windows.jsonl.gz'), gzipSync(`${windows}\n`))
  const args = [
    'match',
    '--rules',
    home.in('rules'),
    '--indicators',
    home.in('iocs.json'),
    '--input',
    home.in('conn.jsonl'),
    '--input',
    home.in('windows.jsonl.gz'),
    '--json',
  ]
  const { code, json, stderr } = await noroshi(args)
  assert.equal(code, 0, stderr)
  const hits = json() as { indicator?: string; rule?: string; event: { file: string; line: number } }[]
  assert.deepEqual(
    hits.map(({ indicator: id, rule, event }) => [
      id === undefined ? rule?.replace(/.*\//, '') : 'indicator',
      event.line,
    ]),
    [
      ['indicator', 2],
      ['portproxy.yml', 1],
    ],
  )
  assert.equal(
    (await noroshi(['match', '--indicators', home.in('iocs.json'), '--input', home.in('windows.jsonl.gz')])).code,
    1,
  )
})

test('a failure shows its stack only to those who asked', async () => {
  const quiet = await noroshi(['decide', '/nowhere.jsonl'])
  assert.equal(quiet.code, 2)
  assert.equal(quiet.stderr.trim().split('\n').length, 1)
  const loud = await noroshi(['decide', '/nowhere.jsonl'], { env: { NOROSHI_DEBUG: '1' } })
  assert.match(loud.stderr, /ENOENT/)
})

test('no offline command loads the server', async () => {
  const text = await readFile(new URL('../../src/cli/batch.ts', import.meta.url), 'utf8')
  assert.doesNotMatch(text, /#node/)
  const trace = `import{registerHooks}from'node:module';registerHooks({resolve(s,c,n){const r=n(s,c);if(/fastify|\\/src\\/(node|store|federation)\\//.test(r.url))process.stderr.write('loaded '+r.url+'\\n');return r}})`
  for (const args of [
    ['pattern', 'check', 'x'],
    ['validate', '--batch', '-'],
    ['decide', '--batch', '-'],
    ['wire', '--batch', '-'],
    ['sigma', 'match', '--batch', '-'],
  ]) {
    const { stderr } = await noroshi(args, { flags: ['--import', `data:text/javascript,${encodeURIComponent(trace)}`] })
    assert.doesNotMatch(stderr, /loaded/, args.join(' '))
  }
})
