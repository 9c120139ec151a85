import { type JsonObject, toTimestamp } from '#base'
import type { ScenarioSignal } from './scenario.ts'
import { fillIn } from './stimulus.ts'

/** What makes a signal's objects unique in this run. */
export interface SignalContext {
  /** identity-- id of the publishing member. */
  creator: string
  now: number
  /** `wave.name` → value. */
  values: Readonly<Record<string, string>>
  /** A word that stands in every object of this signal and nowhere else: found elsewhere, it proves a leak. */
  canary: string
  /** Text of a Sigma rule file of the scenario. */
  ruleText: (file: string) => string
  /** A random UUID, version 4. */
  uuid: () => string
}

/** The STIX objects that a scenario's signal publishes: a report and its indicators. */
export function toObjects(signal: ScenarioSignal, context: SignalContext): JsonObject[] {
  const indicators = [
    ...(signal.sigma ?? []).map((file) => sigmaIndicator(context.ruleText(file), context)),
    ...(signal.addresses ?? []).map((value) => addressIndicator(fillIn(value, context.values), context)),
    ...(signal.domains ?? []).map((value) =>
      indicator(context, value, `[domain-name:value = '${fillIn(value, context.values)}']`, 'stix'),
    ),
  ]
  if (!signal.name) return indicators
  const report: JsonObject = {
    ...common('report', context),
    name: signal.name,
    description: `Exercise material. Reference ${context.canary}.`,
    published: toTimestamp(context.now),
    object_refs: indicators.map((object) => object['id'] as string),
  }
  return [...indicators, report]
}

function sigmaIndicator(rule: string, context: SignalContext): JsonObject {
  const title = /^title:\s*(.+)$/m.exec(rule)?.[1] ?? 'Sigma rule'
  return indicator(context, title, rule, 'sigma')
}

function addressIndicator(address: string, context: SignalContext): JsonObject {
  const type = address.includes(':') ? 'ipv6-addr' : 'ipv4-addr'
  return indicator(context, address, `[${type}:value = '${address}']`, 'stix')
}

function indicator(context: SignalContext, name: string, pattern: string, patternType: string): JsonObject {
  return {
    ...common('indicator', context),
    name,
    description: `Exercise material. Reference ${context.canary}.`,
    indicator_types: ['malicious-activity'],
    pattern,
    pattern_type: patternType,
    // A minute back, so that an event of the same moment on another clock is inside.
    valid_from: toTimestamp(context.now - 60_000),
  }
}

function common(type: string, context: SignalContext): JsonObject {
  return {
    type,
    spec_version: '2.1',
    id: `${type}--${context.uuid()}`,
    created_by_ref: context.creator,
    created: toTimestamp(context.now),
    modified: toTimestamp(context.now),
  }
}
