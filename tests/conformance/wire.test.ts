// The golden vectors of an independent implementation of the wire format, through what `noroshi wire --batch` answers.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isJsonObject, type Json, type JsonObject } from '#base'
import { answerWireVector } from '#log'

const FOLDER = join(process.env['NOROSHI_SHARED'] ?? join(import.meta.dirname, '../../../shared'), 'fixtures/wire')

const read = (name: string) =>
  readFileSync(join(FOLDER, name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as JsonObject)

test('every golden vector is answered as the independent implementation answers it', (t) => {
  assert.ok(existsSync(FOLDER), `${FOLDER} is absent; set NOROSHI_SHARED to the folder that holds fixtures/`)
  const expected = new Map(read('expected.jsonl').map((answer) => [answer['id'], answer]))
  const requests = read('requests.jsonl')
  assert.equal(requests.length, expected.size)
  const wrong = requests.flatMap((request) => {
    const answer = answerWireVector(request)
    const wanted = expected.get(request['id'] ?? null)
    return wanted && agrees(answer, wanted)
      ? []
      : [{ request: request['id'], what: request['description'], answer, wanted }]
  })
  assert.deepEqual(wrong, [])
  t.diagnostic(`${requests.length} vectors`)
})

test('requests that are no vectors get an error and do not throw', () => {
  const bad: Json[] = [
    null,
    1,
    [],
    {},
    { id: 'a' },
    { id: 'a', op: 'tree.root' },
    { id: 'a', op: 'toString', input: {} },
  ]
  for (const op of ['entry.encode', 'link.verify', 'snapshot.check', 'possession', 'checkpoint.sign', 'tree.inclusion'])
    bad.push({ id: op, op, input: {} }, { id: op, op, input: null })
  for (const request of bad) {
    const answer = answerWireVector(request)
    assert.ok('error' in answer && !('expect' in answer))
    assert.equal(answer['id'], isJsonObject(request) && request['id'] !== undefined ? request['id'] : null)
  }
})

/** Errors agree whatever their text; answers agree as values. */
function agrees(answer: JsonObject, wanted: JsonObject): boolean {
  if ('error' in wanted) return 'error' in answer && !('expect' in answer)
  try {
    assert.deepEqual(answer, wanted)
    return true
  } catch {
    return false
  }
}
