import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compiled } from './generate.ts'
import texts from './sqlite.json' with { type: 'json' }

test('the statements on file are those that the definitions compile to', () => {
  assert.deepEqual(texts, JSON.parse(JSON.stringify(compiled)), 'run: node src/store/sql/generate.ts')
})

test('no statement holds a value: everything is a parameter', () => {
  const statements = [texts.read, texts.write, texts.fsck].flatMap((group) => Object.values(group))
  for (const { text, parameters } of statements) assert.equal(text.split('?').length - 1, parameters.length, text)
})
