// MISP and STIX pairs of the field: how much of each is the same after conversion, per feature.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import type { JsonObject } from '#base'
import { attributeToStix, galaxyToStix, LossReport, type MispContext, readInput, stixToMisp } from '#exchange'

const SHARED = resolve(process.env['NOROSHI_SHARED'] ?? '../shared')
const PAIRS = join(SHARED, 'fixtures/misp/mapping')
const skip = existsSync(PAIRS) ? false : `no fixtures at ${PAIRS}`
const EVENT = 'c5b7a1de-6a1f-4f0e-9a55-0d4ab8a0f3a1'
const CREATOR = 'identity--a0c22599-9e58-4da4-96ac-7051603fa951'

type Pair = { MISP: JsonObject | JsonObject[]; STIX: JsonObject | JsonObject[] }

/** Properties that count apart; every other one counts as `properties`. */
const FEATURES: Record<string, string> = {
  pattern: 'patterns',
  name: 'names',
  labels: 'labels',
  object_refs: 'references',
  kill_chain_phases: 'kill chains',
}

class Score {
  readonly #counts = new Map<string, { same: number; of: number }>()
  readonly differences: string[] = []

  count(feature: string, same: boolean, difference: () => string): void {
    const counts = this.#counts.get(feature) ?? { same: 0, of: 0 }
    counts.of++
    if (same) counts.same++
    else this.differences.push(`${feature}: ${difference()}`)
    this.#counts.set(feature, counts)
  }

  percent(feature: string): number {
    const { same, of } = this.#counts.get(feature) ?? { same: 0, of: 1 }
    return (100 * same) / of
  }

  get table(): string {
    return [...this.#counts]
      .map(([feature, { same, of }]) => `${feature} ${same}/${of} (${((100 * same) / of).toFixed(1)} %)`)
      .join(', ')
  }
}

const pairsOf = (name: string) =>
  Object.entries(JSON.parse(readFileSync(join(PAIRS, `${name}.json`), 'utf8')) as Record<string, Pair>)
const listOf = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value])
const context = (): MispContext => ({
  creator: CREATOR,
  at: '2020-10-25T16:22:00.000Z',
  markings: [],
  losses: new LossReport(),
})

/** A value in the one form in which two of the same meaning are equal: AND has no order, a number is no text of it. */
function plain(key: string, value: unknown): string {
  if (key === 'pattern' && typeof value === 'string' && /^\[[a-z0-9-]+:|^\[\(/.test(value)) {
    const terms = value.slice(1, -1).replace(/[()]/g, '').split(' AND ')
    return terms
      .map((term) => term.replace(/ = '(\d+)'$/, ' = $1'))
      .sort()
      .join(' AND ')
  }
  if (key === 'pattern' && typeof value === 'string') return value.replace(/^\[([^]*)\]$/, '$1')
  if (key === 'object_refs' && Array.isArray(value)) return JSON.stringify([...(value as string[])].sort())
  return sorted(value)
}

function sorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return `{${Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, one]) => `${key}:${sorted(one)}`)
    .join(',')}}`
}

function compareStix(
  title: string,
  expected: readonly JsonObject[],
  actual: readonly JsonObject[],
  score: Score,
): boolean {
  const byId = new Map(actual.map((one) => [one['id'], one]))
  const before = score.differences.length
  for (const object of expected) {
    const same = byId.get(object['id'] as string)
    score.count(
      'types and ids',
      same !== undefined,
      () => `${title}: ${String(object['id'])}; made ${actual.map(({ id }) => id).join(' ')}`,
    )
    if (!same) continue
    for (const key of new Set([...Object.keys(object), ...Object.keys(same)])) {
      if (key === 'id' || key === 'type') continue
      score.count(
        FEATURES[key] ?? 'properties',
        plain(key, object[key]) === plain(key, same[key]),
        () =>
          `${title} ${String(object['type'])}.${key}:\n    expected ${plain(key, object[key])}\n    made     ${plain(key, same[key])}`,
      )
    }
  }
  return score.differences.length === before
}

function report(title: string, score: Score, floors: Record<string, number>): void {
  console.log(`${title}: ${score.table}`)
  if (process.env['NOROSHI_DIFFERENCES']) console.log(score.differences.map((one) => `  ${one}`).join('\n'))
  for (const [feature, floor] of Object.entries(floors))
    assert.ok(
      score.percent(feature) >= floor,
      `${title}, ${feature}: ${score.percent(feature).toFixed(1)} %, at least ${floor} % expected`,
    )
}

test('MISP attributes become the STIX objects of the pairs', { skip }, () => {
  const score = new Score()
  for (const [name, { MISP, STIX }] of pairsOf('misp_attributes_to_stix21')) {
    const made = attributeToStix(listOf(MISP)[0] as JsonObject, context())
    score.count('cases', compareStix(name, listOf(STIX), made, score), () => name)
  }
  report('attributes to STIX', score, {
    'types and ids': 100,
    properties: 100,
    labels: 100,
    patterns: 98,
    names: 100,
    cases: 98,
  })
})

test('MISP objects become the STIX objects of the pairs', { skip }, () => {
  const score = new Score()
  for (const [name, { MISP, STIX }] of pairsOf('misp_objects_to_stix21')) {
    const event = {
      Event: { uuid: EVENT, info: name, Orgc: { name: 'MISP', uuid: CREATOR.slice(10) }, Object: listOf(MISP) },
    }
    const bytes = new TextEncoder().encode(JSON.stringify(event))
    const made = readInput(bytes, {
      format: 'misp',
      source: 'pair',
      now: '2020-10-25T16:22:00.000Z',
      asTranslated: true,
    }).objects
    score.count('cases', compareStix(name, listOf(STIX), made, score), () => name)
  }
  report('objects to STIX', score, {
    'types and ids': 99,
    properties: 100,
    labels: 97,
    patterns: 95,
    names: 100,
    cases: 96,
  })
})

test('MISP galaxies become the STIX objects of the pairs', { skip }, () => {
  const score = new Score()
  for (const [name, { MISP, STIX }] of pairsOf('misp_galaxies_to_stix21')) {
    const made = galaxyToStix(listOf(MISP)[0] as JsonObject, context())
    score.count('cases', compareStix(name, listOf(STIX), made, score), () => name)
  }
  report('galaxies to STIX', score, { 'types and ids': 100, properties: 100, labels: 100, names: 100, cases: 100 })
})

/** What of a MISP element counts: what it is and what it holds, not the words and versions of MISP's own templates. */
function contentOf(element: JsonObject): JsonObject[] {
  if (element['GalaxyCluster'] !== undefined) return element['GalaxyCluster'] as JsonObject[]
  if (element['Attribute'] !== undefined) return element['Attribute'] as JsonObject[]
  return [element]
}

/** Parts of objects have uuids of their own in each conversion: they are the same where they hold the same. */
function sharesValues(one: JsonObject, other: JsonObject): boolean {
  if (!['pe', 'pe-section', 'registry-key-value'].includes(String(one['name']))) return false
  const values = contentOf(one).map((attribute) => attribute['value'])
  return contentOf(other).some((attribute) => values.includes(attribute['value'] ?? null))
}

function compareMisp(
  title: string,
  expected: readonly JsonObject[],
  actual: readonly JsonObject[],
  score: Score,
): boolean {
  const before = score.differences.length
  expected.forEach((element) => {
    const isObject = element['Attribute'] !== undefined
    const isGalaxy = element['GalaxyCluster'] !== undefined
    const like = actual.find((one) =>
      isGalaxy
        ? one['type'] === element['type']
        : one['name'] === element['name'] && (one['uuid'] === element['uuid'] || sharesValues(one, element)),
    )
    score.count(
      isGalaxy ? 'galaxies' : isObject ? 'objects' : 'attributes',
      like !== undefined,
      () => `${title}: ${String(element['name'] ?? element['type'])}; made ${JSON.stringify(actual).slice(0, 300)}`,
    )
    if (!like) return
    const made = contentOf(like)
    for (const one of contentOf(element)) {
      const relation = one['object_relation']
      const same = made.find(
        (other) => other['value'] === one['value'] && (!isObject || other['object_relation'] === relation),
      )
      const told = () =>
        `${title}: ${String(relation ?? '')} ${sorted(one['value'])}\n    made ${made.map((other) => `${String(other['object_relation'] ?? '')}=${sorted(other['value'])}`).join(' ')}`.slice(
          0,
          600,
        )
      score.count('values', same !== undefined, told)
      if (!same) continue
      score.count(
        'types',
        same['type'] === one['type'],
        () => `${title}: ${String(relation)} ${String(one['type'])}, made ${String(same['type'])}`,
      )
      if (one['data'] !== undefined)
        score.count('data', same['data'] === one['data'], () => `${title} ${String(relation)}`)
      if (isGalaxy) {
        for (const key of Object.keys((one['meta'] ?? {}) as JsonObject))
          score.count(
            'meta',
            sorted((one['meta'] as JsonObject)[key]) === sorted((same['meta'] as JsonObject)[key]),
            () =>
              `${title} ${key}: ${sorted((one['meta'] as JsonObject)[key])} made ${sorted((same['meta'] as JsonObject)[key])}`,
          )
      } else
        score.count(
          'uuids',
          same['uuid'] === one['uuid'],
          () =>
            `${title}: ${String(relation)} ${sorted(one['value'])} ${String(one['uuid'])}, made ${String(same['uuid'])}`,
        )
    }
  })
  return score.differences.length === before
}

for (const [file, floors] of Object.entries<Record<string, number>>({
  stix21_to_misp_attributes: { attributes: 100, values: 96, types: 100, uuids: 100 },
  stix21_to_misp_objects: { objects: 100, values: 97, types: 99, uuids: 67 },
  stix21_to_misp_galaxies: { galaxies: 100, values: 100, meta: 100 },
  external_stix21_to_misp_attributes: { attributes: 100, values: 100, types: 100, uuids: 100 },
  external_stix21_to_misp_objects: { objects: 100, values: 96, types: 100, uuids: 90 },
  external_stix21_to_misp_galaxies: { galaxies: 100, values: 100, meta: 100 },
})) {
  test(`STIX becomes the MISP of ${file}`, { skip }, () => {
    const score = new Score()
    for (const [name, value] of pairsOf(file)) {
      const cases: [string, Pair][] =
        'STIX' in value ? [[name, value]] : Object.entries(value as unknown as Record<string, Pair>)
      for (const [kind, { MISP, STIX }] of cases) {
        const { attributes, objects, galaxies } = stixToMisp(listOf(STIX), new LossReport())
        score.count(
          'cases',
          compareMisp(`${name}, ${kind}`, listOf(MISP), [...attributes, ...objects, ...galaxies], score),
          () => name,
        )
      }
    }
    report(file, score, floors)
  })
}
