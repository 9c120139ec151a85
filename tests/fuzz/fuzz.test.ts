// Every parser of foreign bytes: the kept inputs, and a short run from a fixed seed. `npm run fuzz` is the long one.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { keptInputs, keptTargets } from './corpus.ts'
import type { Finding } from './finding.ts'
import { TARGETS } from './registry.ts'
import { Supervisor } from './supervisor.ts'
import { bytesOf } from './target.ts'

const SEED = Number(process.env['NOROSHI_SEED'] ?? 20_260_115)
/** Inputs of a target of the usual weight: a few seconds for all targets together. */
const INPUTS = Number(process.env['NOROSHI_RUNS'] ?? 150)
const supervisor = new Supervisor(new URL('./registry.ts', import.meta.url))
after(() => supervisor.close())

const told = (findings: readonly Finding[]) => findings.map(({ kind, message }) => `${kind}: ${message}`)

for (const { name, seeds, hostile = [], weight = 1 } of TARGETS)
  test(`${name}: seeds, hostile and kept inputs and a short run hold all properties`, async () => {
    const kept = keptInputs(name).map(({ bytes }) => bytes)
    const given = [...[...seeds, ...hostile].map(bytesOf), ...kept]
    const replayed = await supervisor.run({ target: name, seed: SEED, count: 0, corpus: [], given })
    assert.deepEqual(told(replayed.findings), [])
    assert.equal(replayed.inputs, given.length)
    const count = Math.ceil(INPUTS * weight)
    const result = await supervisor.run({ target: name, seed: SEED, count, corpus: kept })
    assert.deepEqual(told(result.findings), [])
    assert.equal(result.inputs, count)
    assert.ok(result.answers > 1, 'all inputs came to one answer')
  })

test('every folder of kept inputs belongs to a target', () => {
  const names = TARGETS.map(({ name }) => name)
  assert.deepEqual(
    keptTargets().filter((name) => !names.includes(name)),
    [],
  )
})
