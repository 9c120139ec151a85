// The fuzzer itself: planted faults are found in a short run, made small, and found again from the file; the same seed
// gives the same inputs.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { InputSource } from './input-source.ts'
import { TARGETS as PLANTED } from './planted.ts'
import { Random } from './random.ts'
import { TARGETS } from './registry.ts'
import { shrink } from './shrink.ts'
import { Supervisor } from './supervisor.ts'
import { bytesOf, textOf } from './target.ts'

/** Many times what an input takes here, also on a machine that is busy; each hang of this test takes so long. */
const HANG_MS = 3_000
const SEED = 20_260_115
const supervisor = new Supervisor(new URL('./planted.ts', import.meta.url), { hangMs: HANG_MS, deadlyTries: 1 })
after(() => supervisor.close())

const run = (target: string, count: number, given?: readonly Uint8Array[]) =>
  supervisor.run({ target, seed: SEED, count, corpus: [], ...(given ? { given } : {}) })

test('a target without a fault has no findings, and all its inputs are run', async () => {
  const result = await run('sound', 2_000)
  assert.deepEqual([result.findings, result.inputs, result.answers], [[], 2_000, 2])
})

for (const [name, count, kind, message, longest] of [
  ['throws', 1_500, 'error', /^TypeError: A rare structure is not read/, 20],
  ['undocumented', 3_000, 'error', /^NoroshiError: Not one of the documented errors/, 30],
  ['rejects', 1_500, 'error', /an asynchronous property/, 20],
  ['chunks', 1_500, 'error', /the result does not depend on the chunks/, 60],
  ['slow', 800, 'slow', /ms of this thread's time/, 16_384],
] as const)
  test(`the fault of "${name}" is found, made small, and found again from its input`, async () => {
    const { findings } = await run(name, count)
    const [finding] = findings
    assert.ok(finding, 'nothing was found')
    assert.deepEqual([findings.length, finding.kind], [1, kind], findings.map((one) => one.message).join())
    assert.match(finding.message, message)
    assert.ok(finding.input.length <= longest, `${finding.input.length}: ${textOf(finding.input)}`)
    const again = await run(name, 0, [finding.input])
    assert.deepEqual(
      again.findings.map((one) => one.signature),
      [finding.signature],
    )
  })

test('an input without an end is found, and the inputs behind it are still run', async () => {
  const result = await run('hangs', 25)
  assert.equal(result.findings[0]?.kind, 'hang')
  assert.match(textOf(result.findings[0]?.input ?? new Uint8Array()), /\[\s*\[/)
  assert.equal(result.findings.length, 1)
})

for (const name of ['heap', 'allocates'])
  test(`an input that takes all memory (${name}) ends a worker, not the run`, async () => {
    const result = await run(name, 0, ['1', '[true]', '2'].map(bytesOf))
    assert.deepEqual(
      result.findings.map(({ kind, input }) => [kind, textOf(input)]),
      [['memory', '[true]']],
    )
    assert.equal(result.inputs, 3)
  })

test('memory that stays is found', async () => {
  const result = await run('leaks', 1_000)
  assert.deepEqual(
    result.findings.map(({ kind }) => kind),
    ['leak'],
  )
})

test('one seed gives the same inputs each time, another seed others', async () => {
  const trace = async (seed: number) => (await supervisor.run({ target: 'sound', seed, count: 300, corpus: [] })).trace
  assert.equal(await trace(1), await trace(1))
  assert.notEqual(await trace(1), await trace(2))
  const numbers = (...seed: (number | string)[]) =>
    Array.from(
      { length: 5 },
      (
        (random) => () =>
          random.next()
      )(new Random(...seed)),
    )
  assert.deepEqual(numbers(1, 'a'), numbers(1, 'a'))
  assert.notDeepEqual(numbers(1, 'a'), numbers(1, 'b'))
})

test('inputs are neither all alike nor all refused: most targets come to several answers', async () => {
  assert.equal(new Set(TARGETS.map(({ name }) => name)).size, TARGETS.length)
  for (const target of TARGETS) {
    const source = new InputSource(target, SEED, [])
    const inputs = new Set(Array.from({ length: 100 }, (_, at) => textOf(source.input(at))))
    assert.ok(inputs.size > 60, `${target.name}: ${inputs.size} different inputs of 100`)
  }
  assert.ok(PLANTED.length > 5)
})

test('shrinking keeps what fails and drops the rest', async () => {
  const tree = JSON.stringify({ a: [1, 2, { b: { c: 'needle', d: [5] } }], e: 'x'.repeat(500) })
  const small = await shrink(Buffer.from(tree), async (input) => textOf(input).includes('needle'))
  assert.equal(textOf(small), 'needle')
  const never = await shrink(Buffer.from(tree), async () => false)
  assert.equal(textOf(never), tree)
})
