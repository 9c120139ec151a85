// The validator against the recorded verdicts of the OASIS suites, and against real threat intelligence.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { isJsonObject, parseJson } from '#base'
import { answerValidateVector, BundleReader, validateObject } from '#stix'

const HERE = dirname(fileURLToPath(import.meta.url))
const SHARED = resolve(process.env['NOROSHI_SHARED'] ?? join(HERE, '..', '..', '..', 'shared'))
const FIXTURES = join(SHARED, 'fixtures', 'stix')
const DATA = join(SHARED, 'data')
const LEAST_AGREEMENT = 0.95
/** Adjudicated verdicts are a handful, or the list has become a way around the fixture. */
const MOST_ADJUDICATED = 8

const lines = (path: string) =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const value = parseJson(line, { maxBytes: 16 * 1_048_576 })
      assert.ok(isJsonObject(value), line.slice(0, 80))
      return value
    })

/** Ids of requests whose recorded verdict the specification contradicts: `### <id>` headings of adjudicated.md. */
function adjudicated(): Set<string> {
  const path = join(HERE, 'adjudicated.md')
  if (!existsSync(path)) return new Set()
  const section =
    readFileSync(path, 'utf8')
      .split(/^## /m)
      .find((part) => part.startsWith('stix/objects')) ?? ''
  return new Set([...section.matchAll(/^### `?([0-9a-f]{6,})`?/gm)].map((match) => match[1] ?? ''))
}

test(
  'the verdict on recorded objects is the expected one',
  { skip: !existsSync(FIXTURES) && 'shared folder absent' },
  (t) => {
    const expected = new Map(
      lines(join(FIXTURES, 'objects.expected.jsonl')).map((answer) => [answer['id'], answer['valid']]),
    )
    const excluded = adjudicated()
    assert.ok(excluded.size <= MOST_ADJUDICATED)
    const differing: string[] = []
    let compared = 0
    for (const request of lines(join(FIXTURES, 'objects.requests.jsonl'))) {
      const answer = answerValidateVector(request)
      assert.equal(answer.id, request['id'])
      const id = typeof answer.id === 'string' ? answer.id : ''
      if (excluded.has(id)) continue
      compared++
      const wanted = expected.get(id) === true
      if (answer.valid === wanted) continue
      differing.push(`${id}: expected ${wanted}, ${JSON.stringify(answer.errors)}`)
    }
    t.diagnostic(`${compared - differing.length} of ${compared} verdicts as expected, ${excluded.size} adjudicated`)
    for (const line of differing) t.diagnostic(line)
    assert.ok(compared > 0)
    assert.ok((compared - differing.length) / compared >= LEAST_AGREEMENT)
  },
)

test(
  'real threat intelligence is valid, read through the stream reader',
  { skip: !existsSync(DATA) && 'shared folder absent' },
  (t) => {
    const files = readdirSync(DATA).filter((name) => /\.stix21\.json(\.gz)?$/.test(name))
    assert.ok(files.length > 0)
    for (const name of files) {
      const bytes = readFileSync(join(DATA, name))
      const text = name.endsWith('.gz') ? gunzipSync(bytes) : bytes
      const reader = new BundleReader()
      const invalid: string[] = []
      let objects = 0
      for (let at = 0; at < text.length; at += 65_536)
        for (const item of reader.push(text.subarray(at, at + 65_536))) {
          if (item.kind === 'fault') invalid.push(item.error.message)
          if (item.kind !== 'object') continue
          objects++
          const { id, valid, errors } = validateObject(item.value)
          if (!valid) invalid.push(`${id ?? ''}: ${JSON.stringify(errors)}`)
        }
      assert.deepEqual(reader.end(), [])
      assert.deepEqual(invalid, [], name)
      t.diagnostic(`${name}: ${objects} objects valid`)
    }
  },
)
