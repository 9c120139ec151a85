import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { JsonObject } from '#base'
import { Definitions, type Level, resolveMarkings } from '#policy'
import { PREDEFINED_MARKINGS, TLP_2_MARKINGS, TLP_LEVEL_BY_ID, TLP_LEVELS } from '#stix'
import { OPENCTI_AMBER_STRICT } from '../oddities/tlp-as-statement.ts'
import { SourceMarkings } from './markings.ts'

const id = (n: number) => `marking-definition--00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
const definition = (n: number, more: object): JsonObject => ({
  type: 'marking-definition',
  spec_version: '2.1',
  id: id(n),
  created: '2026-01-01T00:00:00.000Z',
  ...more,
})
const statement = (n: number, text: string, more: object = {}) =>
  definition(n, { definition_type: 'statement', definition: { statement: text }, ...more })
const COPYRIGHT = statement(1, 'Copyright FeedCo')
const PAP = definition(2, { definition_type: 'pap', definition: { pap: 'PAP:RED' } })
const SPOKEN = statement(3, 'TLP amber, please')
const OPENCTI = statement(4, 'custom', { x_opencti_definition_type: 'TLP', x_opencti_definition: 'TLP:RED' })
const STRICT = { ...statement(0, 'custom'), id: OPENCTI_AMBER_STRICT }
const ALL = [COPYRIGHT, PAP, SPOKEN, OPENCTI, STRICT]

const marked = (...refs: string[]) => {
  const value: JsonObject = { type: 'x', id: 'x--1', ...(refs.length > 0 ? { object_marking_refs: refs } : {}) }
  return { value, bytes: Buffer.from(JSON.stringify(value)) }
}
const levelOf = (value: JsonObject): Level | undefined =>
  resolveMarkings(value, new Definitions([...PREDEFINED_MARKINGS.values(), ...ALL])).level
const tlp = (level: Level) => String(TLP_2_MARKINGS[TLP_LEVELS.indexOf(level)]?.['id'])

describe('markings of a source', () => {
  test('statements and TLP stay, byte for byte; what is not understood is named', () => {
    const markings = new SourceMarkings([], ALL)
    const object = marked(tlp('green'), id(1))
    const read = markings.translate(object)
    assert.ok(!('unknown' in read))
    assert.deepEqual([read.bytes, read.isChanged, read.definitions], [object.bytes, false, [COPYRIGHT]])
    for (const ref of [id(2), id(3), id(99)])
      assert.deepEqual(markings.translate(marked(tlp('green'), ref)), { unknown: ref })
  })

  test('rules by id and by type and text; a statement is kept beside its level; granular markings too', () => {
    const markings = new SourceMarkings(
      [
        { marking: 'statement:Copyright FeedCo', tlp: 'green' },
        { marking: id(2), tlp: 'amber' },
      ],
      ALL,
    )
    const object = marked(id(1), id(2))
    object.value['granular_markings'] = [
      { selectors: ['name'], marking_ref: id(4) },
      { selectors: ['name'], lang: 'de' },
    ]
    const read = markings.translate(object)
    assert.ok(!('unknown' in read))
    assert.deepEqual(read.value['object_marking_refs'], [id(1), tlp('green'), tlp('amber')])
    assert.deepEqual(read.value['granular_markings'], [
      { selectors: ['name'], marking_ref: tlp('red') },
      { selectors: ['name'], lang: 'de' },
    ])
    assert.deepEqual(JSON.parse(Buffer.from(read.bytes).toString()), read.value)
  })

  test('a definition that comes with two meanings is not understood, whatever came first', () => {
    const markings = new SourceMarkings([], [COPYRIGHT])
    assert.ok(markings.knows(COPYRIGHT))
    assert.equal(markings.learn({ ...COPYRIGHT, definition: { statement: 'Something else' } }), false)
    assert.deepEqual(markings.translate(marked(id(1))), { unknown: id(1) })
    assert.equal(markings.knows(COPYRIGHT), false)
  })

  test('whatever the rules, an object is never looser than any of its markings was', () => {
    const refs = fc.subarray([...TLP_LEVEL_BY_ID.keys(), ...ALL.map((one) => String(one['id']))])
    const level = fc.constantFrom(...TLP_LEVELS)
    const rules = fc.array(
      fc.record({
        marking: fc.constantFrom(id(1), id(2), id(3), id(4), 'statement:custom', 'pap:PAP:RED'),
        tlp: level,
      }),
      { maxLength: 4 },
    )
    fc.assert(
      fc.property(refs, rules, fc.option(level, { nil: undefined }), (named, given, otherwise) => {
        const read = new SourceMarkings(given, ALL).translate(marked(...named), otherwise)
        if ('unknown' in read) return assert.equal(otherwise, undefined)
        const least = [
          ...named.flatMap((ref) => TLP_LEVEL_BY_ID.get(ref) ?? []),
          ...(named.includes(id(4)) ? (['red'] as const) : []),
          ...(named.includes(OPENCTI_AMBER_STRICT) ? (['amber+strict'] as const) : []),
        ]
        const rank = (one: Level | undefined) => (one === undefined ? -1 : TLP_LEVELS.indexOf(one))
        const got = rank(levelOf(read.value))
        for (const one of least) assert.ok(got >= rank(one), `${named.join()} became ${TLP_LEVELS[got]}`)
      }),
    )
  })
})
