// Answers every vector of the shared policy fixtures, as `noroshi decide --batch` does.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { JsonObject } from '#base'
import { answerDecideVector } from '#policy'

const FOLDER = join(process.env['NOROSHI_SHARED'] ?? '../shared', 'fixtures', 'policy')

const lines = (name: string): JsonObject[] =>
  readFileSync(join(FOLDER, name), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as JsonObject)

/** `redact` is compared as a set; of a no only `send` and `code` are compared. */
function comparable(vector: JsonObject): JsonObject {
  const { redact, onward, ...answer } = vector
  delete answer['id']
  if (answer['send'] !== true) return answer
  return { ...answer, onward: onward ?? null, redact: Array.isArray(redact) ? redact.map(String).sort() : [] }
}

test('the policy vectors are there', () => {
  assert.ok(existsSync(FOLDER), `${FOLDER} is missing; set NOROSHI_SHARED to the folder that holds fixtures/`)
})

test('every policy vector is answered as expected', async (t) => {
  const expected = new Map(lines('expected.jsonl').map((answer) => [answer['id'], answer]))
  const requests = lines('requests.jsonl')
  assert.equal(requests.length, expected.size)
  for (const request of requests) {
    await t.test(String(request['id']), () => {
      const answer = answerDecideVector(request)
      assert.equal(answer['id'], request['id'])
      assert.deepEqual(comparable(answer), comparable(expected.get(request['id']) ?? {}))
    })
  }
})
