import assert from 'node:assert/strict'
import { test } from 'node:test'
import { progressColumns } from './output.ts'

test('progress fills a terminal but for its last column, and 79 where the terminal tells no width', () => {
  assert.equal(progressColumns(120), 119)
  assert.equal(progressColumns(0), 79)
  assert.equal(progressColumns(undefined), 79)
  assert.equal(progressColumns(5), 20)
})
