// SHARING-RULES section 1: what a marking-definition says, and what closes an object.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '#base'
import { TLP_1_MARKINGS, TLP_2_EXTENSION, TLP_2_MARKINGS } from '#stix'
import { NOROSHI_EXTENSION, toMarking } from './marking.ts'
import { caveat } from './small-world.ts'

test('the nine definitions of TLP are read as levels of TLP 2.0', () => {
  const levels = [...TLP_2_MARKINGS, ...TLP_1_MARKINGS].map((definition) => toMarking(definition)?.level)
  assert.deepEqual(levels, ['clear', 'green', 'amber', 'amber+strict', 'red', 'clear', 'green', 'amber', 'red'])
})

const [CLEAR, GREEN] = TLP_2_MARKINGS as [JsonObject, JsonObject]
const WHITE = TLP_1_MARKINGS[0] as JsonObject
const statement = { ...caveat('s', {}), extensions: {}, definition_type: 'statement', definition: { statement: '©' } }

test('a statement carries no level', () => {
  assert.deepEqual(toMarking(statement), { caveats: {} })
})

const CLOSED: [sentence: string, definition: JsonObject][] = [
  ['an id of another level', { ...GREEN, id: CLEAR['id'] ?? '' }],
  ['an id of another level, TLP 1.0', { ...WHITE, id: GREEN['id'] ?? '' }],
  ['a TLP value under another id', { ...GREEN, id: 'marking-definition--x' }],
  ['a TLP 1.0 value under another id', { ...WHITE, id: 'marking-definition--x' }],
  ['a TLP id without a value', { ...GREEN, extensions: {} }],
  ['a TLP id on a statement', { ...statement, id: GREEN['id'] ?? '' }],
  ['a value in capitals', { ...GREEN, extensions: { [TLP_2_EXTENSION]: { tlp_2_0: 'GREEN' } } }],
  ['two values that differ', { ...GREEN, definition_type: 'tlp', definition: { tlp: 'amber' } }],
  ['another type of definition', { ...statement, definition_type: 'iep' }],
  ['a statement without text', { ...statement, definition: {} }],
  ['a statement that hides a level', { ...statement, definition: { statement: '', tlp: 'red' } }],
  ['another extension', { ...caveat('x', {}), extensions: { 'extension-definition--x': {} } }],
  ['another extension beside a known one', { ...GREEN, extensions: { ...(GREEN['extensions'] as JsonObject), x: {} } }],
  ['nothing at all', { type: 'marking-definition', id: 'marking-definition--x' }],
  ['another object', { ...GREEN, type: 'indicator' }],
  ['another type of extension', caveat('x', { extension_type: 'toplevel-property-extension' })],
  ['an extension that is no object', { ...caveat('x', {}), extensions: { [NOROSHI_EXTENSION]: [] } }],
  ['an unknown property', caveat('x', { embargo: '2026-01-01T00:00:00Z' })],
  ['an unknown dimension', caveat('x', { releasable_to: { countries: [] } })],
  ['releasable_to that is no object', caveat('x', { releasable_to: [] })],
  ['a dimension that is no list', caveat('x', { releasable_to: { nations: 'JP' } })],
  ['a list of other things', caveat('x', { distribution: [1] })],
  ['null', caveat('x', { participants: null })],
  ['a list of communities', caveat('x', { community: ['a'] })],
  ['an embargo with an offset', caveat('x', { embargo_until: '2026-01-01T00:00:00+09:00' })],
  ['an unknown consent', caveat('x', { consent: 'some' })],
]

for (const [sentence, definition] of CLOSED) {
  test(`not understood: ${sentence}`, () => assert.equal(toMarking(definition), undefined))
}
