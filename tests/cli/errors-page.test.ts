import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ERRORS } from '#node'
import { HOME } from './command-line.ts'
import { PAGE, renderPage } from './errors-page.ts'

test('docs/errors.md lists every code with its status and its next step', () => {
  assert.equal(readFileSync(PAGE, 'utf8'), renderPage(), 'write it anew: node bin/node24.mjs tests/cli/errors-page.ts')
})

test('every @throws of the node and the command line names a code of the table, and every code is thrown somewhere', () => {
  const files = globSync('src/{node,cli}/**/*.ts', { cwd: HOME }).filter((file) => !file.endsWith('.test.ts'))
  const texts = files.map((file) => [file, readFileSync(join(HOME, file), 'utf8')] as const)
  for (const [file, text] of texts) {
    for (const [, codes] of text.matchAll(/@throws ([A-Z]{3,}[A-Z_]*\b(?:, [A-Z_]+\b)*)/g)) {
      for (const code of codes?.split(', ') ?? []) assert.ok(code in ERRORS, `${file}: @throws ${code}`)
    }
  }
  const all = texts.map(([, text]) => text).join('\n')
  for (const code of Object.keys(ERRORS)) {
    const uses = all.split(`'${code}'`).length - 1
    assert.ok(uses > 0, `${code} is in the table, but nothing answers it`)
  }
})
