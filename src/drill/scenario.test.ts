import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { DrillError } from './error.ts'
import { durationMs, parseScenario } from './scenario.ts'
import { listScenarios, openScenario } from './scenario-files.ts'
import { fillIn, stimulusAt } from './stimulus.ts'

const HOME = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'scenarios')
const open = () => openScenario(join(HOME, 'router-botnet', 'scenario.yaml'))

const refused = (text: string, code: string, words: RegExp) =>
  assert.throws(
    () => parseScenario(text),
    (error) => error instanceof DrillError && error.code === code && words.test(error.message),
  )

test('every scenario that is shipped parses, with its rules and telemetry', () => {
  assert.ok(listScenarios(HOME).some(({ id }) => id === 'router-botnet'))
})

test('a scenario that uses a name it does not define is refused with the name and the place', () => {
  const { text } = shipped()
  refused(
    text.replace('trilateral: [jp, us, ph]', 'trilateral: [jp, us, xx]'),
    'SCENARIO_INVALID',
    /xx in alliances\.trilateral/,
  )
  refused(text.replace('holds: original', 'holds: originel'), 'SCENARIO_INVALID', /originel/)
})

test('a scenario with a wrong value names the place', () => {
  const { text } = shipped()
  refused(text.replace('every: 100ms', 'every: 100'), 'SCENARIO_INVALID', /replay/)
  refused('a: [', 'SCENARIO_SYNTAX', /YAML/)
  refused('x'.repeat(300_000), 'SCENARIO_INVALID', /262144/)
})

test('stimuli carry the values of their wave and the moment of the replay, and are JSON lines', () => {
  const { scenario, files } = open()
  const wave = scenario.waves[1]
  assert.ok(wave)
  const stimuli = stimulusAt(scenario, wave, Date.UTC(2026, 0, 2), files.telemetry)
  const lines = stimuli
    .flatMap(({ body }) => body.trim().split('\n'))
    .map((line) => JSON.parse(line) as { ts?: number })
  assert.ok(JSON.stringify(lines).includes(wave.values['router'] ?? '?'))
  assert.ok(!JSON.stringify(lines).includes('{{'))
  assert.equal(lines.find((line) => line.ts)?.ts, Date.UTC(2026, 0, 2) / 1000)
})

test('durations have units; an unknown value stays visible', () => {
  assert.deepEqual(['100ms', '5s', '2m'].map(durationMs), [100, 5000, 120_000])
  assert.equal(fillIn('{{a}} {{b}}', { a: '1' }), '1 {{b}}')
})

function shipped(): { text: string } {
  return { text: readFileSync(join(HOME, 'router-botnet', 'scenario.yaml'), 'utf8') }
}
