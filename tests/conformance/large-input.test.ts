// Input that is large, deep or broken, through the command `validate`: bounded memory, and faults with their place.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { good, noroshi } from './noroshi-command.ts'

const LARGE_BYTES = 100_000_000
const MEMORY_LIMIT_KIB = 300 * 1024
const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const REPORT = pathToFileURL(join(import.meta.dirname, 'report-peak-memory.ts')).href

const folder = mkdtempSync(join(tmpdir(), 'noroshi-large-input-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const indicator = (number: number) => {
  const time = '2026-01-01T00:00:00.000Z'
  return JSON.stringify({
    type: 'indicator',
    spec_version: '2.1',
    id: `indicator--00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`,
    created: time,
    modified: time,
    name: `Router ${number}`,
    description: 'x'.repeat(1_000 + (number % 1_000)),
    pattern: `[ipv4-addr:value = '198.51.100.${number % 256}']`,
    pattern_type: 'stix',
    valid_from: time,
  })
}

/** A bundle of at least so many bytes; every 1,000th object lacks what it needs. Answers how many there are. */
async function writeLargeBundle(path: string): Promise<{ objects: number; broken: number }> {
  await using file = await open(path, 'w')
  let [objects, broken, bytes] = [0, 0, 0]
  await file.write('{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000000","objects":[')
  while (bytes < LARGE_BYTES) {
    let text = ''
    for (let i = 0; i < 1_000; i++) {
      const object = indicator(objects)
      text += `${objects === 0 ? '' : ',\n'}${i === 999 ? object.replace('"valid_from"', '"x_from"') : object}`
      objects++
    }
    broken++
    bytes += (await file.write(text)).bytesWritten
  }
  await file.write(']}')
  return { objects, broken }
}

test('a bundle of 100 MB is validated in less than 300 MB of memory', async (t) => {
  const [path, peakFile] = [join(folder, 'large.json'), join(folder, 'peak')]
  const { objects, broken } = await writeLargeBundle(path)
  const started = Date.now()
  const env = { NODE_OPTIONS: `--import=${REPORT}`, NOROSHI_PEAK_FILE: peakFile }
  const { code, stdout, stderr } = await noroshi(['validate', path], env)
  const seconds = (Date.now() - started) / 1000
  const peak = Number(readFileSync(peakFile, 'utf8'))
  t.diagnostic(`100 MB, ${objects} objects: ${seconds.toFixed(1)} s, peak ${Math.round(peak / 1024)} MiB`)
  assert.equal(code, 1)
  assert.match(stderr, new RegExp(`^${objects} objects, ${broken} invalid$`, 'm'))
  const left = Number(/^(\d+) objects of large bundles were checked by themselves/m.exec(stderr)?.[1])
  assert.ok(left > 0 && left < objects, stderr)
  const told = stdout.match(/^indicator--\S+: error MISSING_PROPERTY at valid_from: /gm)
  assert.equal(told?.length, broken)
  assert.ok(peak > 20_000, `${peak} KiB is no plausible peak`)
  assert.ok(peak < MEMORY_LIMIT_KIB, `${peak} KiB`)
  rmSync(path)
})

test(
  'a person at a terminal sees the progress, and a pipe gets none of it',
  { skip: spawnSync('script', ['--version']).status !== 0 && 'no program `script`, which gives a terminal' },
  async () => {
    const path = join(folder, 'watched.json')
    const objects = Array.from({ length: 2_000 }, (_, number) => indicator(number))
    writeFileSync(
      path,
      `{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000000","objects":[${objects.join(',')}]}`,
    )
    const command = `stty cols 200; '${process.execPath}' --disable-warning=ExperimentalWarning '${MAIN}' validate '${path}'`
    const { stdout: seen, status } = spawnSync('script', ['-qec', command, '/dev/null'], {
      encoding: 'utf8',
    })
    assert.equal(status, 0, seen)
    const bars = [...seen.matchAll(/\[[#.]{20}\] +\d+ %  [\d.]+\/[\d.]+ MB  [\d.]+ MB\/s/g)]
    assert.ok(bars.length > 0, JSON.stringify(seen))
    assert.match(seen, /2000 objects, 0 invalid/)
    const { stdout, stderr } = await good(noroshi(['validate', path]))
    assert.deepEqual([stdout, stderr], ['', '2000 objects, 0 invalid\n'])
  },
)

test('what objects of a bundle say about each other is found in the stream', async () => {
  const path = join(folder, 'versions.json')
  const [first, later] = [1, 2].map((day) => ({
    ...(JSON.parse(indicator(1)) as object),
    created: `2025-01-0${day}T00:00:00.000Z`,
  }))
  const bundle = { type: 'bundle', id: 'bundle--00000000-0000-4000-8000-000000000000', objects: [first, later] }
  writeFileSync(path, JSON.stringify(bundle))
  const { code, stdout } = await noroshi(['validate', path])
  assert.deepEqual([code, stdout.trimEnd().split('\n').length], [1, 1], stdout)
  assert.match(stdout, /^bundle--\S+: error VERSION_CONFLICT at objects\.\[1\]\.created: /)
})

test('a valid bundle is valid, packed or not, and one with an empty list is not', async () => {
  const bundle = `{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000000","objects":[${indicator(1)},${indicator(2)}]}`
  const paths = ['good.json', 'good.json.gz', 'empty.json', 'cut.json.gz'].map((name) => join(folder, name))
  const [plain, packed, empty, cut] = paths as [string, string, string, string]
  writeFileSync(plain, bundle)
  writeFileSync(packed, gzipSync(bundle))
  writeFileSync(empty, '{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000000","objects":[]}')
  writeFileSync(cut, gzipSync(bundle).subarray(0, -20))
  const { stdout, stderr } = await good(noroshi(['validate', plain, packed]))
  assert.deepEqual([stdout, stderr.trim()], ['', '4 objects, 0 invalid'])
  const none = await noroshi(['validate', empty])
  assert.deepEqual([none.code, /EMPTY_LIST at objects/.test(none.stdout)], [1, true])
  const broken = await noroshi(['validate', cut])
  assert.deepEqual([broken.code, /cut\.json\.gz .*gzip/.test(broken.stderr)], [2, true], broken.stderr)
})

const DEEP = `${'['.repeat(10_000)}${']'.repeat(10_000)}`
const FAULTS: [name: string, text: string, words: RegExp][] = [
  ['nested.json', `{"type":"note","x":${DEEP}}`, /nested\.json: .*line 1 \(byte 0\).* 10001 levels/],
  ['nested-list.json', `\n${DEEP}`, /nested-list\.json: .*line 2 \(byte \d+\).* levels/],
  [
    'malformed.json',
    `[\n${indicator(1)},\n{"x": tru}]`,
    new RegExp(`malformed\\.json: .* line 3 \\(byte ${indicator(1).length + 10}\\)`),
  ],
  ['cut.json', '{"type":"bundle",\n"objects":[\n{"type":"no', /cut\.json: .* ends .*line 3 \(byte 30\)/],
  ['words.json', 'hello', /words\.json: .* line 1 \(byte 0\)/],
  ['lines.ndjson', `${indicator(1)}\n{"a":"open\n${indicator(2)}\n`, /lines\.ndjson: .* line 2 /],
]

for (const [name, text, words] of FAULTS)
  test(`${name}: the fault is told with its place in the file`, async () => {
    const path = join(folder, name)
    writeFileSync(path, text)
    const { code, stdout, stderr } = await noroshi(['validate', path])
    assert.equal(code, 1, stderr)
    assert.equal(stdout.trimEnd().split('\n').length, 1, stdout)
    assert.match(stdout, words)
    const asJson = JSON.parse(
      (await noroshi(['validate', path, '--json'])).stdout.split('\n').find((line) => line.includes('"valid":false')) ??
        '{}',
    ) as {
      valid: boolean
      errors: { message: string }[]
    }
    assert.match(asJson.errors[0]?.message ?? '', words)
  })
