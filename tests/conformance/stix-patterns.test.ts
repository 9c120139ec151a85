// Holds the pattern verdicts recorded from the OASIS suites: one answer per request, in order.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { answerPatternCheckVector, answerPatternMatchVector } from '#stix'

const HOME = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const FIXTURES = join(process.env.NOROSHI_SHARED ?? join(HOME, '../shared'), 'fixtures/stix')
const skip = existsSync(FIXTURES) ? false : `no fixtures at ${FIXTURES}`

interface Request {
  id: string
  pattern: string
}
interface Expected {
  id: string
  valid?: boolean
  match?: boolean
  error?: boolean
}

const lines = <T>(name: string): T[] =>
  readFileSync(join(FIXTURES, name), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)

function compare(name: string, answer: (request: Request) => Expected): void {
  const expected = lines<Expected>(`${name}.expected.jsonl`)
  const requests = lines<Request>(`${name}.requests.jsonl`)
  assert.equal(requests.length, expected.length)
  const wrong = requests
    .map((request, at) => ({ pattern: request.pattern, got: answer(request), expected: expected[at] }))
    .filter(({ got, expected: wanted }) => JSON.stringify(got) !== JSON.stringify(wanted))
  assert.deepEqual(wrong, [])
}

test('every pattern of the fixtures is valid or not as recorded', { skip }, () => {
  compare('patterns', (request) => {
    const { valid = false, errors } = answerPatternCheckVector(request)
    assert.equal(valid, errors?.length === 0)
    return { id: request.id, valid }
  })
})

test('every pattern of the fixtures matches its observations as recorded, or is refused', { skip }, () => {
  compare('pattern-match', (request) => {
    const { match, error } = answerPatternMatchVector(request)
    return error === undefined && match !== undefined ? { id: request.id, match } : { id: request.id, error: true }
  })
})
