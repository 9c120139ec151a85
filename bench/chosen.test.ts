import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chosenBenches } from './chosen.ts'

const all: { name: string; byNameOnly?: true }[] = [
  { name: 'pattern-parse' },
  { name: 'pattern' },
  { name: 'detect-a' },
  { name: 'detect-b', byNameOnly: true },
]
const names = (...asked: string[]) => {
  const { wanted, unknown } = chosenBenches(all, asked)
  return [wanted.map(({ name }) => name), unknown]
}

test('a name stands for its bench, or for all that begin with it', () => {
  assert.deepEqual(names('pattern'), [['pattern'], []])
  assert.deepEqual(names('pattern-'), [['pattern-parse'], []])
  assert.deepEqual(names('detect'), [['detect-a', 'detect-b'], []])
  assert.deepEqual(names(), [['pattern-parse', 'pattern', 'detect-a'], []])
  assert.deepEqual(names('detect-a', 'nothing'), [['detect-a'], ['nothing']])
})
