// STIX of others as MISP events: what is said of an element stands on it, and what has no place is told.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '#base'
import { writeOutput } from '#exchange'

const AT = '2026-01-15T03:00:00.000Z'
const id = (type: string, n: number) => `${type}--5e6a1f0e-8c1a-4b77-9d55-${String(n).padStart(12, '0')}`
const object = (type: string, n: number, more: JsonObject): JsonObject => ({
  type,
  spec_version: '2.1',
  id: id(type, n),
  created: AT,
  modified: AT,
  ...more,
})
const INDICATOR = object('indicator', 1, {
  pattern: "[domain-name:value = 'evil.example.com']",
  pattern_type: 'stix',
  valid_from: AT,
  confidence: 70,
  labels: ['c2'],
  kill_chain_phases: [
    { kill_chain_name: 'lockheed-martin-cyber-kill-chain', phase_name: 'delivery' },
    { kill_chain_name: 'mitre-attack', phase_name: 'initial-access' },
  ],
  object_marking_refs: ['marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421', id('marking-definition', 9)],
})
const MALWARE = object('malware', 2, { name: 'Gate', is_family: true })

function eventOf(objects: JsonObject[]): { event: JsonObject; lost: string[] } {
  const { text, losses } = writeOutput(objects, 'misp', { now: AT })
  const { Event } = JSON.parse(text) as { Event: JsonObject }
  return { event: Event, lost: losses.listed.map(({ path, why }) => `${path}: ${why}`) }
}

const list = (of: JsonObject | undefined, name: string) => (of?.[name] ?? []) as JsonObject[]

test('labels, confidence, kill chains and level become tags; a marking that MISP has no place for is told', () => {
  const { event, lost } = eventOf([INDICATOR])
  const [attribute] = list(event, 'Attribute')
  assert.deepEqual(
    list(attribute, 'Tag').map(({ name }) => name),
    [
      'tlp:amber',
      'c2',
      'misp:confidence-level="usually-confident"',
      'kill-chain:lockheed-martin-cyber-kill-chain="delivery"',
    ],
  )
  assert.deepEqual(lost, [
    `${id('marking-definition', 9)}: MISP has no place for this marking, which ${id('indicator', 1)} and maybe others carry`,
  ])
})

test('what an indicator indicates is a galaxy on its attribute; a grouping is an event with what is said within it', () => {
  const indicates = object('relationship', 3, {
    relationship_type: 'indicates',
    source_ref: INDICATOR['id'] ?? '',
    target_ref: MALWARE['id'] ?? '',
  })
  const grouping = object('grouping', 4, {
    name: 'Gates',
    context: 'suspicious-activity',
    object_refs: [INDICATOR['id'] ?? '', MALWARE['id'] ?? ''],
  })
  const note = object('note', 5, { abstract: 'Seen', content: 'at the gate', object_refs: [grouping['id'] ?? ''] })
  const opinion = object('opinion', 6, { opinion: 'agree', object_refs: [INDICATOR['id'] ?? ''] })
  const doubt = object('opinion', 7, { opinion: 'strongly-disagree', object_refs: [INDICATOR['id'] ?? ''] })
  const sighting = object('sighting', 8, { sighting_of_ref: INDICATOR['id'] ?? '', count: 3, last_seen: AT })
  const { event, lost } = eventOf([INDICATOR, MALWARE, indicates, grouping, note, opinion, doubt, sighting])
  assert.deepEqual([event['uuid'], event['info']], [String(grouping['id']).slice(10), 'Gates'])
  const [attribute] = list(event, 'Attribute')
  assert.deepEqual(
    list(attribute, 'Galaxy').map(({ type }) => type),
    ['stix-2.1-malware'],
  )
  assert.ok(list(attribute, 'Tag').some(({ name }) => name === 'misp-galaxy:stix-2.1-malware="Gate"'))
  assert.deepEqual(
    list(event, 'EventReport').map((one) => [one['name'], one['content']]),
    [['Seen', 'at the gate']],
  )
  assert.deepEqual(
    list(attribute, 'Opinion').map((one) => one['opinion']),
    [70],
  )
  assert.deepEqual(
    list(attribute, 'Sighting').map((one) => [one['type'], one['date_sighting']]),
    [
      ['1', '1768446000'],
      ['0', '1768446000'],
    ],
  )
  assert.ok(lost.some((line) => line.includes('3 became one')))
})

test('the same objects give the same event, with the same uuids', () => {
  const objects = [INDICATOR, MALWARE]
  assert.deepEqual(eventOf(objects).event, eventOf([...objects]).event)
})
