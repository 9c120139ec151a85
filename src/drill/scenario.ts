/**
 * A scenario: members, alliances, waves of an attack, what is shared when, faults, and what must come true.
 *
 * It is data: other addresses, members or delays need no other code. @see scenarios/router-botnet/scenario.yaml
 */
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { parse as parseYaml } from 'yaml'
import { DrillError } from './error.ts'

/** Size limit of a scenario file, bytes: a page of text, not a data set. */
export const SCENARIO_LIMIT_BYTES = 262_144
const YAML_ALIASES_LIMIT = 20

const Duration = Type.String({ pattern: '^[0-9]{1,6}(ms|s|m)$' })
const Key = Type.String({ pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' })
const Text = Type.Record(Type.String({ pattern: '^[a-z]{2}$' }), Type.String({ maxLength: 4000 }))
const Strings = Type.Array(Type.String({ maxLength: 2000 }), { maxItems: 10_000 })
const closed = { additionalProperties: false }

const ScenarioSchema = Type.Object(
  {
    scenario: Key,
    version: Type.Integer({ minimum: 1 }),
    title: Text,
    summary: Text,
    members: Type.Record(
      Key,
      Type.Object(
        { slug: Key, name: Type.String(), nation: Type.String({ pattern: '^[A-Z]{2}$' }), kind: Key },
        closed,
      ),
    ),
    alliances: Type.Record(Key, Type.Array(Key, { minItems: 1 })),
    replay: Type.Object({ every: Duration }, closed),
    waves: Type.Array(
      Type.Object(
        { id: Key, title: Text, at: Duration, for: Duration, values: Type.Record(Type.String(), Type.String()) },
        closed,
      ),
      { minItems: 1, maxItems: 50 },
    ),
    telemetry: Type.Array(
      Type.Object(
        {
          file: Type.String({ pattern: '^[a-z0-9][a-z0-9.-]*$' }),
          format: Key,
          kind: Type.Union([Type.Literal('attack'), Type.Literal('benign')]),
        },
        closed,
      ),
      { maxItems: 100 },
    ),
    signals: Type.Array(
      Type.Object(
        {
          id: Key,
          by: Key,
          when: Type.Union([
            Type.Literal('before'),
            Type.Object({ detected: Key, after: Type.Optional(Duration) }, closed),
            Type.Object({ at: Duration }, closed),
          ]),
          tlp: Type.Union((['clear', 'green', 'amber', 'amber+strict', 'red'] as const).map((v) => Type.Literal(v))),
          to: Strings,
          name: Type.Optional(Type.String()),
          sigma: Type.Optional(Strings),
          addresses: Type.Optional(Strings),
          domains: Type.Optional(Strings),
          /** ATT&CK techniques that its addresses and domains are about; a rule names its own. */
          techniques: Type.Optional(Strings),
        },
        closed,
      ),
      { maxItems: 1000 },
    ),
    faults: Type.Optional(
      Type.Array(
        Type.Union([
          Type.Object({ cut: Type.Array(Key, { minItems: 2, maxItems: 2 }), at: Duration, for: Duration }, closed),
          Type.Object({ delay: Type.Array(Key, { minItems: 2, maxItems: 2 }), by: Duration }, closed),
        ]),
        { maxItems: 100 },
      ),
    ),
    expectations: Type.Array(
      Type.Union([
        Type.Object(
          {
            member: Key,
            wave: Key,
            by: Type.Union([Type.Literal('rule'), Type.Literal('address')]),
            within: Duration,
            'under-cut': Type.Optional(Type.Boolean()),
          },
          closed,
        ),
        Type.Object({ holds: Key, members: Type.Array(Key) }, closed),
      ]),
      { maxItems: 1000 },
    ),
    techniques: Type.Optional(Strings),
  },
  closed,
)

const checker = Compile(ScenarioSchema)

/** One scenario, checked: every name that it uses is defined in it. */
export type Scenario = Static<typeof ScenarioSchema>
export type ScenarioSignal = Scenario['signals'][number]
export type ScenarioWave = Scenario['waves'][number]
export type Expectation = Scenario['expectations'][number]

/**
 * Parses and checks a scenario file.
 * @throws SCENARIO_SYNTAX, SCENARIO_INVALID
 */
export function parseScenario(text: string): Scenario {
  if (text.length > SCENARIO_LIMIT_BYTES)
    throw new DrillError('SCENARIO_INVALID', `The scenario has more than ${SCENARIO_LIMIT_BYTES} bytes; split it.`)
  const scenario = toScenario(text)
  const unknown = unknownNames(scenario)
  if (unknown.length > 0)
    throw new DrillError('SCENARIO_INVALID', `The scenario uses names that it does not define: ${unknown.join('; ')}.`)
  return scenario
}

function toScenario(text: string): Scenario {
  let value: unknown
  try {
    value = parseYaml(text, { maxAliasCount: YAML_ALIASES_LIMIT, logLevel: 'error' })
  } catch (cause) {
    throw new DrillError('SCENARIO_SYNTAX', `The scenario is not YAML: ${(cause as Error).message}`, { cause })
  }
  if (checker.Check(value)) return value
  const places = checker.Errors(value).slice(0, 5)
  throw new DrillError(
    'SCENARIO_INVALID',
    `The scenario is not as it must be: ${places.map((e) => `${e.instancePath || '/'} ${e.message}`).join('; ')}.`,
  )
}

function unknownNames(scenario: Scenario): string[] {
  const members = new Set(Object.keys(scenario.members))
  const waves = new Set(scenario.waves.map((wave) => wave.id))
  const signals = new Set(scenario.signals.map((signal) => signal.id))
  const missing: string[] = []
  const need = (known: Set<string>, name: string, where: string) => {
    if (!known.has(name)) missing.push(`${name} in ${where}`)
  }
  for (const [alliance, list] of Object.entries(scenario.alliances))
    for (const member of list) need(members, member, `alliances.${alliance}`)
  for (const signal of scenario.signals) {
    need(members, signal.by, `signals.${signal.id}.by`)
    if (typeof signal.when === 'object' && 'detected' in signal.when)
      need(waves, signal.when.detected, `signals.${signal.id}.when`)
    for (const target of signal.to) {
      const [kind, name] = splitTarget(target)
      if (kind === 'member') need(members, name, `signals.${signal.id}.to`)
      if (kind === 'alliance') need(new Set(Object.keys(scenario.alliances)), name, `signals.${signal.id}.to`)
    }
  }
  for (const fault of scenario.faults ?? [])
    for (const member of 'cut' in fault ? fault.cut : fault.delay) need(members, member, 'faults')
  for (const expectation of scenario.expectations) {
    if ('holds' in expectation) {
      need(signals, expectation.holds, 'expectations')
      for (const member of expectation.members) need(members, member, 'expectations')
    } else {
      need(members, expectation.member, 'expectations')
      need(waves, expectation.wave, 'expectations')
    }
  }
  return missing
}

/** `member:jp` → ['member', 'jp']. */
export function splitTarget(target: string): [kind: string, name: string] {
  const colon = target.indexOf(':')
  return [target.slice(0, colon), target.slice(colon + 1)]
}

const UNIT_MS = { ms: 1, s: 1000, m: 60_000 } as const

/** Milliseconds of a duration such as `100ms`, `5s`, `2m`. */
export function durationMs(text: string): number {
  const match = /^(\d+)(ms|s|m)$/.exec(text)
  if (!match) throw new DrillError('SCENARIO_INVALID', `${text} is not a duration such as 100ms, 5s or 2m.`)
  return Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS]
}

/** When the last wave ends, milliseconds from the start of the drill. */
export function scenarioEndMs(scenario: Scenario): number {
  return Math.max(...scenario.waves.map((wave) => durationMs(wave.at) + durationMs(wave.for)))
}
