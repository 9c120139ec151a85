// SigmaHQ's regression data: every rule must (or, for events of another log source, must not) match its events.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { answerSigmaVector } from '#detect'
import type { JsonObject } from '#base'

const SHARED = process.env.NOROSHI_SHARED ?? join(import.meta.dirname, '../../../shared')
const FOLDER = join(SHARED, 'fixtures/sigma')

const lines = (name: string): JsonObject[] =>
  readFileSync(join(FOLDER, name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as JsonObject)

test('every Sigma vector is answered as expected', { skip: !existsSync(FOLDER) && `no ${FOLDER}` }, () => {
  const requests = lines('regression.requests.jsonl')
  const expected = lines('regression.expected.jsonl')
  assert.equal(requests.length, expected.length)
  assert.ok(requests.length > 0)
  const wrong = requests.flatMap((request, i) => {
    const { id, match, error } = answerSigmaVector(request)
    const right = id === expected[i]?.id && match === expected[i]?.match && error === undefined
    return right ? [] : [{ id, match, error, expected: expected[i] }]
  })
  assert.deepEqual(wrong, [])
})
