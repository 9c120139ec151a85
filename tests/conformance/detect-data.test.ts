// Detection over real input: the KV botnet's indicators, SigmaHQ's rules, and telemetry recorded during attacks.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { Detector, type Hit, LineMatcher, type MatchReport } from '#detect'

const SHARED = process.env.NOROSHI_SHARED ?? join(import.meta.dirname, '../../../shared')
const DATA = join(SHARED, 'data')
const skip = !existsSync(DATA) && `no ${DATA}`

interface Indicator {
  type: string
  id: string
  pattern: string
  valid_from: string
  valid_until?: string
}

interface SigmaFile {
  path: string
  rule: string
}

const read = (path: string): Buffer => {
  const bytes = readFileSync(join(DATA, path))
  return path.endsWith('.gz') ? gunzipSync(bytes) : bytes
}

const sigmaFiles = (): SigmaFile[] =>
  read('sigma/sigmahq-rules.jsonl.gz')
    .toString('utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as SigmaFile)

function matchAll(detector: Detector, bytes: Uint8Array, format = 'auto'): { hits: Hit[]; report: MatchReport } {
  const matcher = new LineMatcher(detector, { format })
  const hits: Hit[] = []
  const CHUNK = 65_536
  for (let at = 0; at < bytes.length; at += CHUNK) hits.push(...matcher.push(bytes.subarray(at, at + CHUNK)))
  hits.push(...matcher.end())
  return { hits, report: matcher.report }
}

function kvDetector(): { detector: Detector; byType: Record<string, number> } {
  const bundle = JSON.parse(read('kv-botnet-iocs.stix21.json').toString('utf8')) as { objects: Indicator[] }
  const detector = new Detector()
  const byType: Record<string, number> = {}
  for (const { type, id, pattern, valid_from: from, valid_until: until } of bundle.objects) {
    if (type !== 'indicator') continue
    const validUntil = until ? { validUntil: Date.parse(until) } : {}
    const validFrom = Date.parse(from)
    const result = detector.arm({ id, kind: 'stix', pattern, validFrom, ...validUntil })
    assert.deepEqual(result, { armed: true, as: 'atoms', atoms: 1, replaced: false })
    const kind = /^\[([a-z0-9-]+):/.exec(pattern)?.[1] ?? '?'
    byType[kind] = (byType[kind] ?? 0) + 1
  }
  return { detector, byType }
}

test('the KV botnet list arms 57 indicators: 23 addresses, 32 files, 2 certificates', { skip }, () => {
  const { detector, byType } = kvDetector()
  assert.deepEqual(byType, { 'ipv4-addr': 23, file: 32, 'x509-certificate': 2 })
  assert.equal(detector.size, 57)
})

test('its addresses are matched inside of their validity only, and decoys never', { skip }, () => {
  const { detector } = kvDetector()
  for (const format of ['auto', 'zeek']) {
    const { hits, report } = matchAll(detector, read('telemetry/kv-check-conn.jsonl'), format)
    const days = ['2023-07-01', '2023-12-12', '2023-12-20', '2024-03-01', '2024-07-01', '2026-06-01']
    const dayOf = (hit: Hit) => new Date(hit.time ?? 0).toISOString().slice(0, 10)
    const counts = days.map((day) => hits.filter((hit) => dayOf(hit) === day).length)
    assert.deepEqual(counts, [0, 0, 20, 23, 0, 0], format)
    assert.equal(hits.length, 43)
    assert.deepEqual([report.events, report.badLines], [276, 0])
  }
})

test('the recorded Zeek traffic of another attack has none of them', { skip }, () => {
  const { detector } = kvDetector()
  for (const format of ['auto', 'zeek']) {
    const { hits, report } = matchAll(detector, read('telemetry/zeek/apt29_day1_zeek.jsonl.gz'), format)
    assert.deepEqual([hits, report.events, report.badLines], [[], 2140, 0])
  }
})

test('SigmaHQ compiles but for rules that need values of the operator', { skip }, (t) => {
  const detector = new Detector()
  const files = sigmaFiles()
  const refused: Record<string, string[]> = {}
  for (const { path, rule } of files) {
    const result = detector.arm({ id: path, kind: 'sigma', pattern: rule, validFrom: 0 })
    if (!result.armed) (refused[result.code] ??= []).push(`${path}: ${result.message}`)
  }
  t.diagnostic(`${detector.size} of ${files.length} SigmaHQ rules armed; refused: ${JSON.stringify(refused, null, 1)}`)
  assert.deepEqual(Object.keys(refused), ['SIGMA_EXPAND'])
  assert.equal(detector.size + (refused.SIGMA_EXPAND?.length ?? 0), files.length)
  assert.ok(detector.size >= 3_750)
})

/** Port proxies, the directory database, and clearing of event logs: what the rehearsal's attack uses. */
const CHOSEN = /process_creation\/.*(port_forward|ntds|eventlog_clear)/

/** Each hit over all recorded events, read by hand: all are `ntdsutil` making a copy of the directory database. */
const NTDS = 'atomic_windows_credential_access_host_cmd_dumping_ntds_dit_file_ntdsutil.jsonl.gz'
const NTDS_COMMAND = String.raw`ntdsutil  "ac i ntds" "ifm" "create full C:\Windows\Temp\ntds_T1003" q q`
const NTDS_RULES = ['ntdsutil_susp_usage', 'ntdsutil_usage', 'susp_ntds']
const EXPECTED_HITS = [179, 6297].flatMap((line) =>
  NTDS_RULES.map((rule) => ({ file: NTDS, line, rule: `proc_creation_win_${rule}.yml`, commandLine: NTDS_COMMAND })),
)

test('port-proxy, NTDS and log-clearing rules hit the recorded events exactly where listed', { skip }, (t) => {
  const detector = new Detector()
  const chosen = sigmaFiles().filter(({ path }) => CHOSEN.test(path))
  for (const { path, rule } of chosen) {
    const id = path.slice(path.lastIndexOf('/') + 1)
    assert.equal(detector.arm({ id, kind: 'sigma', pattern: rule, validFrom: 0 }).armed, true, path)
  }
  assert.ok(['port_forward', 'ntds', 'eventlog_clear'].every((word) => chosen.some(({ path }) => path.includes(word))))
  let events = 0
  const found = readdirSync(join(DATA, 'telemetry/otrf')).flatMap((file) => {
    const bytes = read(`telemetry/otrf/${file}`)
    const { hits, report } = matchAll(detector, bytes)
    events += report.events
    if (hits.length === 0) return []
    const lines = bytes.toString('utf8').split('\n')
    return hits.map(({ id, event }) => {
      const raw = JSON.parse(lines[event.line - 1] ?? '{}') as { CommandLine?: string }
      return { file, line: event.line, rule: id, commandLine: raw.CommandLine ?? '' }
    })
  })
  for (const hit of found) t.diagnostic(`${hit.file}:${hit.line} ${hit.rule} ${hit.commandLine}`)
  assert.ok(events > 260_000)
  assert.deepEqual(found, EXPECTED_HITS)
})
