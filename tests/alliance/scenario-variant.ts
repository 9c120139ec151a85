import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse, stringify } from 'yaml'
import type { Scenario } from '#drill'

const SHIPPED = fileURLToPath(new URL('../../scenarios/router-botnet', import.meta.url))

/** A folder of its own for a rehearsal, removed at the end. */
export function temporaryFolder(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'noroshi-drill-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** The shipped scenario, changed, in a folder of its own; returns the path of its scenario.yaml. */
export function scenarioVariant(folder: string, change: (scenario: Scenario) => void): string {
  const home = join(folder, 'scenario')
  cpSync(SHIPPED, home, { recursive: true })
  const path = join(home, 'scenario.yaml')
  const scenario = parse(readFileSync(path, 'utf8')) as Scenario
  change(scenario)
  writeFileSync(path, stringify(scenario))
  return path
}

/** Only the first wave, short, without faults: for tests that run several drills. */
export function firstWaveOnly(scenario: Scenario, lasts = '3s'): void {
  const first = scenario.waves[0]
  if (!first) throw new Error('The shipped scenario has no wave.')
  scenario.waves = [{ ...first, at: '200ms', for: lasts }]
  scenario.faults = []
  scenario.signals = scenario.signals.filter(({ id }) => !id.startsWith('second'))
  for (const signal of scenario.signals) if (signal.id === 'for-one') signal.when = { at: '300ms' }
  scenario.expectations = scenario.expectations.filter((e) => 'holds' in e || e.wave === 'first')
}
