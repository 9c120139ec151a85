import { toTimestamp } from '#base'
import type { Scenario, ScenarioWave } from './scenario.ts'

/** One batch of telemetry lines, as a sensor would deliver them. */
export interface Stimulus {
  format: string
  kind: 'attack' | 'benign'
  /** NDJSON. */
  body: string
  lines: number
}

/** Replaces `{{name}}` by its value; an unknown name stays, so that a typing error shows in the telemetry. */
export function fillIn(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{\{([a-z0-9._-]+)\}\}/g, (whole, name: string) => values[name] ?? whole)
}

/** Values of all waves as `wave.name`, and those of one wave by their bare name too. */
export function valuesOf(scenario: Scenario, wave?: ScenarioWave): Record<string, string> {
  const values: Record<string, string> = {}
  for (const { id, values: own } of scenario.waves)
    for (const [name, value] of Object.entries(own)) values[`${id}.${name}`] = value
  return { ...values, ...wave?.values }
}

/** The telemetry of one replay of a wave at one moment. */
export function stimulusAt(
  scenario: Scenario,
  wave: ScenarioWave,
  now: number,
  textOf: (file: string) => string,
): Stimulus[] {
  const values = { ...valuesOf(scenario, wave), time: toTimestamp(now), seconds: (now / 1000).toFixed(3) }
  return scenario.telemetry.map(({ file, format, kind }) => {
    const body = fillIn(textOf(file), values)
    return { format, kind, body, lines: body.split('\n').filter((line) => line.trim() !== '').length }
  })
}
