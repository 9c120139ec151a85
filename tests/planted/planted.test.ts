// The planted bugs of every suite still fit the tree, and what plants them tells a bug that was caught from every other outcome.
// `npm run planted` plants them all.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { bugApplied } from './bugged-tree.ts'
import { campaign, type Progress } from './campaign.ts'
import { patchedPath, plantedBugs, readPlantedBug } from './planted-bug.ts'
import { summary } from './report.ts'

const FOLDER = import.meta.dirname
const HOME = dirname(dirname(FOLDER))
/** The suites of docs/proof.md; each keeps at least this many planted bugs. */
const SUITES = ['leak', 'simulation', 'chaos', 'rogue']
const FEWEST = 10
const HANG_LIMIT_MS = 5_000

const bugs = plantedBugs(FOLDER, '')
const silent: Progress = { began: () => undefined, ended: () => undefined, result: () => undefined }

test('each suite keeps at least ten planted bugs', () => {
  for (const name of SUITES) {
    const kept = bugs.filter(({ id }) => id.startsWith(`${name}/`))
    assert.ok(kept.length >= FEWEST, `${name}: ${kept.length} planted bugs, ${FEWEST} are promised`)
  }
})

test('docs/proof.md counts the planted bugs right, and names tests that there are', () => {
  const page = readFileSync(join(HOME, 'docs/proof.md'), 'utf8')
  for (const name of SUITES) {
    const kept = bugs.filter(({ id }) => id.startsWith(`${name}/`)).length
    const row = new RegExp(`^\\| ${name} \\|.*\\| (\\d+) \\|$`, 'm').exec(page)
    assert.equal(Number(row?.[1]), kept, `the row of ${name} in docs/proof.md`)
  }
  const rogueTests = globSync('tests/rogue/*.test.ts', { cwd: HOME })
    .map((path) => readFileSync(join(HOME, path), 'utf8'))
    .join('\n')
  const rows = [...page.slice(page.indexOf('| Attack |')).matchAll(/^\| [^|]+ \| `([^`]+)` \|/gm)]
  assert.ok(rows.length > 20, `${rows.length} attacks`)
  for (const [, name = ''] of rows)
    assert.ok(rogueTests.includes(`test('${name}`), `tests/rogue has no test "${name}…"`)
})

test('a planted bug is in the product, never in a test', () => {
  for (const { id, files } of bugs) {
    for (const file of files) assert.match(patchedPath(file), /^src\/(?!.*\.test\.ts$)/, id)
  }
})

test('every planted bug fits the files as they are', async () => {
  const misfits: string[] = []
  for (const bug of bugs) await bugApplied(HOME, bug).catch((error: Error) => misfits.push(error.message))
  assert.deepEqual(misfits, [])
})

test('a patch without its promise, its tests or its change is refused', () => {
  const change = '--- a/src/x.ts\n+++ b/src/x.ts\n@@ -1,1 +1,1 @@\n-a\n+b\n'
  const head = 'Promise: p\nRun: A=1 tests/x.test.ts\nFails: f\n'
  assert.equal(readPlantedBug('s/1', `${head}\n${change}`).run.env.A, '1')
  assert.equal(readPlantedBug('s/1', `${head}Says: what is wrong\n\n${change}`).says, 'what is wrong')
  assert.throws(() => readPlantedBug('s/1', `Run: tests/x.test.ts\nFails: f\n${change}`), /no line "Promise/)
  assert.throws(() => readPlantedBug('s/1', `Promise: p\nRun: rm -rf tests\nFails: f\n${change}`), /"Run:" takes/)
  assert.throws(() => readPlantedBug('s/1', 'Promise: p\nRun: tests/x.test.ts\nFails: f\n'), /no patch/)
})

const SUM =
  'export const sum = (a: number, b: number) => a + b\nexport const product = (a: number, b: number) => a * b\n'
const TESTS = `
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { product, sum } from '../src/sum.ts'
test('sums are right', () => assert.equal(sum(2, 3), 5, 'the sum of 2 and 3'))
test('products are right', () => assert.equal(product(2, 3), 6))
test('red anyhow', () => assert.equal(sum(2, 2), 5))
test('what comes late', async () => { while (product(2, 3) !== 6) await new Promise((done) => setTimeout(done, 10)) })
`

test('a bug that its test catches is told from one that is not noticed, noticed by others, red anyhow, hanging or outdated', async () => {
  const home = await mkdtemp(join(tmpdir(), 'noroshi-planted-test-'))
  try {
    for (const part of ['src', 'tests', 'node_modules']) await mkdir(join(home, part))
    await writeFile(join(home, 'package.json'), '{"type":"module"}')
    await writeFile(join(home, 'src/sum.ts'), SUM)
    await writeFile(join(home, 'tests/sum.test.ts'), TESTS)
    const bug = (name: string, fails: string, says: string, from: string, to: string) =>
      readPlantedBug(
        `suite/${name}`,
        `Promise: ${name}\nRun: tests/sum.test.ts\nFails: ${fails}\n${says && `Says: ${says}\n`}\n` +
          `--- a/src/sum.ts\n+++ b/src/sum.ts\n@@ -1,2 +1,2 @@\n-${from}\n+${to}\n ${SUM.split('\n')[1]}\n`,
      )
    const [line = ''] = SUM.split('\n')
    const minus = line.replace('a + b', 'a - b')
    const results = await campaign(
      [
        bug('caught', 'sums are right', '', line, minus),
        bug('caught-by-what-it-says', 'sums are right', 'the sum of 2 and 3', line, minus),
        bug('says-something-else', 'sums are right', 'the sum of 7 and 9', line, minus),
        bug('unnoticed', 'products are right', '', line, minus),
        bug('red', 'red anyhow', '', line, minus),
        bug('absent', 'no such test', '', line, minus),
        bug('outdated', 'sums are right', '', 'export const sum = 7', minus),
        bug('broken', 'sums are right', '', line, 'export const sum = ('),
        readPlantedBug(
          'suite/hanging',
          `Promise: p\nRun: tests/sum.test.ts\nFails: what comes late\n\n--- a/src/sum.ts\n+++ b/src/sum.ts\n@@ -1,2 +1,2 @@\n ${line}\n-${SUM.split('\n')[1]}\n+export const product = (a: number, b: number) => a - b\n`,
        ),
      ],
      { home, lanes: 2, limitMs: HANG_LIMIT_MS },
      silent,
    )
    assert.deepEqual(
      results.map(({ bug: { id }, verdict }) => [id, verdict]),
      [
        ['suite/caught', 'caught'],
        ['suite/caught-by-what-it-says', 'caught'],
        ['suite/says-something-else', 'another-test'],
        ['suite/unnoticed', 'unnoticed'],
        ['suite/red', 'red-without-it'],
        ['suite/absent', 'red-without-it'],
        ['suite/outdated', 'does-not-fit'],
        ['suite/broken', 'another-test'],
        ['suite/hanging', 'hangs'],
      ],
    )
    const table = summary(results, 1)
    assert.match(table, /9 planted bugs, 2 caught/)
    assert.match(table, /^suite +caught +sums are right/m)
    assert.match(table, /NOT NOTICED: suite\/unnoticed\n"products are right" stayed green/)
  } finally {
    await rm(home, { recursive: true, force: true })
  }
})
