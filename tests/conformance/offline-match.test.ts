// Detection without a node, by commands: the KV botnet's indicators, and SigmaHQ's rules on the rehearsal's telemetry.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { openScenario, stimulusAt } from '#drill'
import { good, noroshi } from './noroshi-command.ts'

const SHARED = process.env.NOROSHI_SHARED ?? join(import.meta.dirname, '../../../shared')
const DATA = join(SHARED, 'data')
const skip = !existsSync(DATA) && `no ${DATA}`
const SCENARIO = fileURLToPath(new URL('../../scenarios/router-botnet/scenario.yaml', import.meta.url))
const INDICATORS = join(DATA, 'kv-botnet-iocs.stix21.json')
const NOW = Date.UTC(2026, 2, 1, 12)

/** SigmaHQ's rules about port proxies, copies of the directory database, and clearing of event logs. */
const CHOSEN = /windows\/process_creation\/.*(port_forward|ntds|eventlog_clear)/

/** File, line and rule of every match on one wave; that `ntdsutil` runs at all is a match of its own rule by definition. */
const EXPECTED = [
  ['telecom-windows.jsonl', 1, 'proc_creation_win_netsh_port_forwarding.yml'],
  ['telecom-windows.jsonl', 2, 'proc_creation_win_ntdsutil_susp_usage.yml'],
  ['telecom-windows.jsonl', 2, 'proc_creation_win_ntdsutil_usage.yml'],
  ['telecom-windows.jsonl', 2, 'proc_creation_win_susp_ntds.yml'],
  ['telecom-windows.jsonl', 3, 'proc_creation_win_susp_eventlog_clear.yml'],
  ['benign-windows.jsonl', 3, 'proc_creation_win_ntdsutil_usage.yml'],
]

interface HitLine {
  indicator?: string
  rule?: string
  value: string
  time: string
  event: { file: string; line: number }
}

const folder = mkdtempSync(join(tmpdir(), 'noroshi-offline-'))
const rules = new Map<string, string>()
const telemetry = new Map<string, string[]>()

before(() => {
  if (skip) return
  mkdirSync(join(folder, 'rules'))
  const lines = gunzipSync(readFileSync(join(DATA, 'sigma/sigmahq-rules.jsonl.gz')))
    .toString('utf8')
    .trimEnd()
    .split('\n')
  for (const line of lines) {
    const { path, rule } = JSON.parse(line) as { path: string; rule: string }
    if (!CHOSEN.test(path)) continue
    rules.set(basename(path), rule)
    writeFileSync(join(folder, 'rules', basename(path)), rule)
  }
  const { scenario, files } = openScenario(SCENARIO)
  for (const wave of scenario.waves) {
    mkdirSync(join(folder, wave.id))
    const stimuli = stimulusAt(scenario, wave, NOW, files.telemetry)
    const paths = stimuli.flatMap(({ format, body }, i) => {
      const path = join(folder, wave.id, scenario.telemetry[i]?.file ?? '')
      writeFileSync(path, body)
      return format === 'windows' ? [path] : []
    })
    telemetry.set(wave.id, paths)
  }
})
after(() => rmSync(folder, { recursive: true, force: true }))

const hitsOf = (stdout: string) =>
  stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as HitLine]))

test('the KV botnet list meets its addresses on the days of their validity', { skip }, async () => {
  const input = join(DATA, 'telemetry/kv-check-conn.jsonl')
  const { stdout, stderr } = await good(noroshi(['match', '--indicators', INDICATORS, '--input', input, '--json']))
  assert.match(stderr, /^57 armed, 0 refused$/m)
  assert.match(stderr, /^276 events, 43 matches, 0 lines that are no events$/m)
  const hits = hitsOf(stdout)
  const days = ['2023-07-01', '2023-12-12', '2023-12-20', '2024-03-01', '2024-07-01', '2026-06-01']
  const dayOf = ({ time }: HitLine) => new Date(time).toISOString().slice(0, 10)
  assert.deepEqual(
    days.map((day) => hits.filter((hit) => dayOf(hit) === day).length),
    [0, 0, 20, 23, 0, 0],
  )
  const lines = readFileSync(input, 'utf8').split('\n')
  for (const { event, value } of hits) {
    assert.equal(event.file, input)
    assert.ok(lines[event.line - 1]?.includes(`"${value}"`), `${event.line}: ${value}`)
  }
})

test('recorded traffic of another attack, packed, meets none of them: exit code 1', { skip }, async () => {
  const input = join(DATA, 'telemetry/zeek/apt29_day1_zeek.jsonl.gz')
  const { code, stdout, stderr } = await noroshi([
    'match',
    '--indicators',
    INDICATORS,
    '--input',
    input,
    '--format',
    'zeek',
  ])
  assert.deepEqual([code, stdout], [1, ''])
  assert.match(stderr, /^2140 events, 0 matches, 0 lines that are no events$/m)
})

test('SigmaHQ’s rules fire on each wave of the rehearsal, where listed and nowhere else', { skip }, async () => {
  assert.ok(rules.size >= 6, `${rules.size} rules`)
  for (const [wave, paths] of telemetry) {
    const inputs = paths.flatMap((path) => ['--input', path])
    const args = ['match', '--rules', join(folder, 'rules'), ...inputs, '--format', 'windows', '--json']
    const { stdout, stderr } = await good(noroshi(args))
    assert.match(stderr, new RegExp(`^${rules.size} armed, 0 refused$`, 'm'))
    const hits = hitsOf(stdout)
    assert.deepEqual(
      hits.map(({ event, rule = '' }) => [basename(event.file), event.line, basename(rule)]),
      EXPECTED,
      wave,
    )
    assert.ok(hits.every(({ time }) => Date.parse(time) === NOW))
  }
})

test('`sigma match --batch` answers the same, rule by rule', { skip }, async () => {
  const [paths = []] = telemetry.values()
  const events = paths.flatMap((path) => {
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
    return lines.map((line, i) => ({ file: basename(path), line: i + 1, event: JSON.parse(line) as object }))
  })
  const requests = [...rules].map(([id, rule]) =>
    JSON.stringify({ id, rule, events: events.map(({ event }) => event) }),
  )
  const file = join(folder, 'requests.jsonl')
  writeFileSync(file, requests.join('\n'))
  const { stdout } = await good(noroshi(['sigma', 'match', '--batch', file]))
  const answers = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string; match: boolean; events: number[] })
  assert.deepEqual(
    answers.map(({ id }) => id),
    [...rules.keys()],
  )
  for (const { id, match, events: found } of answers) {
    const expected = EXPECTED.filter(([, , rule]) => rule === id).map(([path, line]) => `${path}:${line}`)
    assert.deepEqual(
      found.map((at) => `${events[at]?.file}:${events[at]?.line}`),
      expected,
      id,
    )
    assert.equal(match, expected.length > 0, id)
  }
})
