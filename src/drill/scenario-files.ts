import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DrillError } from './error.ts'
import { parseScenario, type Scenario } from './scenario.ts'

/** Texts that lie beside a scenario. */
export interface ScenarioFiles {
  rule: (file: string) => string
  telemetry: (file: string) => string
  /** Names of all Sigma rule files that the scenario uses. */
  ruleFiles: readonly string[]
  /** ATT&CK techniques that a rule file is tagged with, such as T1003.003. */
  techniques: (file: string) => string[]
}

/** Reads a scenario and what lies beside it; file names in it are names only, never paths. @throws SCENARIO_FILE */
export function openScenario(path: string): { scenario: Scenario; files: ScenarioFiles } {
  const scenario = parseScenario(read(path))
  const folder = dirname(path)
  const cache = new Map<string, string>()
  const text = (sub: string, file: string) => {
    const key = join(folder, sub, basename(file))
    const known = cache.get(key) ?? read(key)
    cache.set(key, known)
    return known
  }
  const files: ScenarioFiles = {
    rule: (file) => text('rules', file),
    telemetry: (file) => text('telemetry', file),
    ruleFiles: [...new Set(scenario.signals.flatMap((signal) => signal.sigma ?? []))],
    techniques: (file) =>
      [...text('rules', file).matchAll(/attack\.(t\d{4}(?:\.\d{3})?)/g)].map((match) => (match[1] ?? '').toUpperCase()),
  }
  for (const { file } of scenario.telemetry) files.telemetry(file)
  for (const file of files.ruleFiles) files.rule(file)
  return { scenario, files }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new DrillError(
      'SCENARIO_FILE',
      `The scenario needs the file ${path}, which could not be read: ${(cause as Error).message}. ` +
        'A scenario is a folder with scenario.yaml, rules/ and telemetry/.',
      { cause },
    )
  }
}

/** Scenarios in a folder: their paths and titles. */
export function listScenarios(folder: string): { id: string; path: string; title: string }[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(folder, entry.name, 'scenario.yaml'))
    .map((path) => {
      const { scenario } = openScenario(path)
      return { id: scenario.scenario, path, title: scenario.title['en'] ?? scenario.scenario }
    })
}
