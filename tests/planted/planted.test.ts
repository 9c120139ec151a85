// Each proof suite would fail if its promise broke: real bugs are planted, one at a time, and the suite that holds the promise must turn red.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { dirname } from 'node:path'
import { BuggedTree } from './bugged-tree.ts'
import { patchedPath, plantedBugs, readPlantedBug } from './planted-bug.ts'
import type { Outcome } from './bugged-tree.ts'
import type { PlantedBug } from './planted-bug.ts'

const FOLDER = import.meta.dirname
const HOME = dirname(dirname(FOLDER))
const LANES = 2
/** The suites of docs/proof.md; each keeps at least this many planted bugs. */
const SUITES = ['leak', 'simulation', 'chaos', 'rogue']
const FEWEST = 10

const asked = process.env.NOROSHI_PLANTED ?? ''
const bugs = plantedBugs(FOLDER, asked)

test('each suite keeps at least ten planted bugs', { skip: asked !== '' }, () => {
  for (const name of SUITES) {
    const kept = bugs.filter(({ id }) => id.startsWith(`${name}/`))
    assert.ok(kept.length >= FEWEST, `${name}: ${kept.length} planted bugs, ${FEWEST} are promised`)
  }
})

test('a planted bug is in the product, never in a test', () => {
  for (const { id, files } of bugs) {
    for (const file of files) assert.match(patchedPath(file), /^src\/(?!.*\.test\.ts$)/, id)
  }
})

test('a patch without its promise, its tests or its change is refused', () => {
  const change = '--- a/src/x.ts\n+++ b/src/x.ts\n@@ -1,1 +1,1 @@\n-a\n+b\n'
  assert.equal(readPlantedBug('s/1', `Promise: p\nRun: A=1 tests/x.test.ts\nFails: f\n\n${change}`).run.env.A, '1')
  assert.throws(() => readPlantedBug('s/1', `Run: tests/x.test.ts\nFails: f\n${change}`), /no line "Promise/)
  assert.throws(() => readPlantedBug('s/1', `Promise: p\nRun: rm -rf tests\nFails: f\n${change}`), /"Run:" takes/)
  assert.throws(() => readPlantedBug('s/1', 'Promise: p\nRun: tests/x.test.ts\nFails: f\n'), /no patch/)
})

suite('planted bugs are caught', { concurrency: LANES }, () => {
  const free: BuggedTree[] = []
  const sound = new Map<string, Promise<Outcome>>()

  before(async () => {
    free.push(...(await Promise.all(Array.from({ length: LANES }, () => BuggedTree.copyOf(HOME)))))
  })
  after(() => Promise.all(free.map((tree) => tree.remove())))

  for (const bug of bugs) {
    test(`${bug.id}: ${bug.promise}`, async () => {
      const tree = free.pop()
      assert.ok(tree !== undefined, 'more tests at once than trees')
      try {
        const clean = await withoutBug(tree, bug)
        assert.deepEqual(clean.failed, [], `without the bug these tests fail already:\n${clean.output}`)
        const { failed, timedOut, output } = await tree.withBug(bug)
        assert.equal(timedOut, false, `the tests hang with the bug instead of saying what is wrong:\n${output}`)
        assert.notDeepEqual(failed, [], `nothing failed: the suite does not hold this promise`)
        assert.ok(
          failed.some((name) => name.includes(bug.fails)),
          `another test failed than "${bug.fails}": ${failed.join(' | ')}\n${output}`,
        )
      } finally {
        free.push(tree)
      }
    })
  }

  /** A red suite catches everything, so each is seen green once. */
  function withoutBug(tree: BuggedTree, { run, fails }: PlantedBug): Promise<Outcome> {
    const name = JSON.stringify([run, fails])
    const outcome = sound.get(name) ?? tree.run({ run, fails })
    sound.set(name, outcome)
    return outcome
  }
})
