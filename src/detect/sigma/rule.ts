import type { Json, JsonObject } from '#base'
import { DetectError } from '../error.ts'
import { isObject, type Logsource } from '../event.ts'
import { type Condition, parseCondition } from './condition.ts'
import { parseDetection } from './detection.ts'
import type { Test } from './test.ts'
import { parseRuleYaml } from './yaml.ts'

/** A Sigma rule, read: its detections as one test over an event of its log source. */
export interface SigmaRule {
  id: string | undefined
  title: string
  level: string | undefined
  tags: readonly string[]
  logsource: Logsource
  test: Test
}

const DETECTIONS_MAX = 256

/**
 * Reads a Sigma rule from YAML. A rule that uses something unsupported is refused as a whole, never read in part.
 * @throws DetectError SIGMA_YAML, SIGMA_STRUCTURE, SIGMA_CONDITION, SIGMA_MODIFIER, SIGMA_VALUE, SIGMA_REGEX, SIGMA_EXPAND, SIGMA_CORRELATION, SIGMA_LIMIT
 * @see https://sigmahq.io/sigma-specification/specification/sigma-rules-specification.html
 */
export function parseSigma(yaml: string): SigmaRule {
  const root = parseRuleYaml(yaml)
  if (!isObject(root)) throw new DetectError('SIGMA_STRUCTURE', 'The rule is not a YAML map.')
  if (root.correlation !== undefined || root.action !== undefined)
    throw new DetectError('SIGMA_CORRELATION', 'Correlation rules and rule collections are not supported.')
  const { detection } = root
  if (!isObject(detection)) throw new DetectError('SIGMA_STRUCTURE', 'The rule has no "detection" map.')
  return {
    id: text(root.id),
    title: text(root.title) ?? text(root.id) ?? 'untitled',
    level: text(root.level),
    tags: Array.isArray(root.tags) ? root.tags.filter((tag) => typeof tag === 'string') : [],
    logsource: parseLogsource(root.logsource),
    test: parseDetections(detection),
  }
}

function parseLogsource(value: Json | undefined): Logsource {
  if (!isObject(value)) throw new DetectError('SIGMA_STRUCTURE', 'The rule has no "logsource" map.')
  const source: Logsource = {}
  for (const name of ['product', 'category', 'service'] as const) {
    const part = value[name]
    if (part === undefined || part === null) continue
    if (typeof part !== 'string') throw new DetectError('SIGMA_STRUCTURE', `logsource.${name} is not a text.`)
    source[name] = part.toLowerCase()
  }
  if (Object.keys(source).length === 0)
    throw new DetectError('SIGMA_STRUCTURE', 'logsource names no product, category or service.')
  return source
}

function parseDetections(detection: JsonObject): Test {
  const { condition, timeframe, ...named } = detection
  if (timeframe !== undefined)
    throw new DetectError('SIGMA_CORRELATION', 'detection.timeframe needs correlation, which is not supported.')
  const names = Object.keys(named)
  if (names.length === 0 || names.length > DETECTIONS_MAX)
    throw new DetectError(
      'SIGMA_STRUCTURE',
      `A rule has 1 to ${DETECTIONS_MAX} detections; this one has ${names.length}.`,
    )
  const conditions = Array.isArray(condition) ? condition : [condition]
  const texts = conditions.filter((item) => typeof item === 'string')
  if (texts.length === 0 || texts.length !== conditions.length)
    throw new DetectError('SIGMA_STRUCTURE', 'detection.condition is neither a text nor a list of texts.')
  const tests = new Map(names.map((name) => [name, parseDetection(name, named[name] ?? null)]))
  const parts = texts.map((item) => resolve(parseCondition(item, names), tests))
  return parts.length === 1 ? parts[0]! : { op: 'or', parts }
}

function resolve(condition: Condition, tests: ReadonlyMap<string, Test>): Test {
  switch (condition.op) {
    case 'name':
      return tests.get(condition.name)!
    case 'not':
      return { op: 'not', part: resolve(condition.part, tests) }
    case 'and':
    case 'or':
      return { op: condition.op, parts: condition.parts.map((part) => resolve(part, tests)) }
    case 'of': {
      const parts = condition.names.map((name) => tests.get(name)!)
      if (condition.least === 'all') return { op: 'and', parts }
      return condition.least === 1 ? { op: 'or', parts } : { op: 'least', count: condition.least, parts }
    }
  }
}

const text = (value: Json | undefined): string | undefined => (typeof value === 'string' ? value : undefined)
