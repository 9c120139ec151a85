import type { RuleCheck } from '../engine/data-type.ts'
import {
  enumeration,
  float,
  integer,
  listOf,
  optional,
  recommended,
  references,
  required,
  STRING,
  TIMESTAMP,
  vocabulary,
} from '../engine/data-type.ts'
import type { ObjectDefinition } from '../engine/object.ts'
import { isCountryCode } from './countries.ts'
import { checkIndicatorPattern } from './indicator-pattern.ts'
import { KILL_CHAIN_PHASES } from './structures.ts'

const description = optional(STRING)
const named = { name: required(STRING), description }
const MOST_OBSERVATIONS = 999_999_999
/** Form of a subdivision's code: the country, a hyphen, one to three letters or digits. @see ISO 3166-2 */
const SUBDIVISION = /^[A-Z]{2}-[A-Z0-9]{1,3}$/

const advisePlace: RuleCheck = (object, sink, section) => {
  if (!sink.strict) return
  const { country, administrative_area: area } = object
  if (typeof country === 'string' && !isCountryCode(country))
    sink.advise('INVALID_VALUE', 'should be an ISO 3166-1 alpha-2 code', section, 'country')
  if (typeof area === 'string' && !SUBDIVISION.test(area))
    sink.advise('INVALID_VALUE', 'should be an ISO 3166-2 code', section, 'administrative_area')
  if (object['latitude'] !== undefined && object['precision'] === undefined)
    sink.advise('RECOMMENDED', 'should be given with a latitude and longitude', section, 'precision')
}

const observesSomething: RuleCheck = (object, sink, section) => {
  const refs = object['object_refs']
  if (!Array.isArray(refs) || refs.length === 0) return
  for (const ref of refs)
    if (typeof ref !== 'string' || !(ref.startsWith('relationship--') || ref.startsWith('sighting--'))) return
  sink.fail('INVALID_REFERENCE', 'needs at least one cyber-observable object', section, 'object_refs')
}

const somewhere: RuleCheck = (object, sink, section) => {
  if (object['region'] !== undefined || object['country'] !== undefined) return
  // One of the pair alone is reported by the rules that require the other.
  if (object['latitude'] !== undefined || object['longitude'] !== undefined) return
  sink.fail('MISSING_PROPERTY', 'needs a region, a country, or a latitude and longitude', section)
}

/** What gives context to threats: who, where, what was observed, and what people think of it. @see STIX 4 */
export const CONTEXT_TYPES: readonly ObjectDefinition[] = [
  { type: 'course-of-action', kind: 'sdo', section: '4.3', properties: named },
  {
    type: 'grouping',
    kind: 'sdo',
    section: '4.4',
    properties: {
      name: optional(STRING),
      description,
      context: required(vocabulary('grouping-context-ov')),
      object_refs: required(references('any')),
    },
  },
  {
    type: 'identity',
    kind: 'sdo',
    section: '4.5',
    properties: {
      ...named,
      roles: optional(listOf(STRING)),
      identity_class: optional(vocabulary('identity-class-ov')),
      sectors: optional(listOf(vocabulary('industry-sector-ov'))),
      contact_information: optional(STRING),
    },
  },
  { type: 'incident', kind: 'sdo', section: '4.6', properties: named },
  {
    type: 'indicator',
    kind: 'sdo',
    section: '4.7',
    properties: {
      name: recommended(STRING),
      description: recommended(STRING),
      indicator_types: optional(listOf(vocabulary('indicator-type-ov'))),
      pattern: required(STRING),
      pattern_type: required(vocabulary('pattern-type-ov')),
      pattern_version: optional(STRING),
      valid_from: required(TIMESTAMP),
      valid_until: optional(TIMESTAMP),
      kill_chain_phases: optional(KILL_CHAIN_PHASES),
    },
    rules: [
      { rule: 'order', earlier: 'valid_from', later: 'valid_until', strictly: true },
      { rule: 'code', check: checkIndicatorPattern },
    ],
  },
  {
    type: 'location',
    kind: 'sdo',
    section: '4.10',
    properties: {
      name: optional(STRING),
      description,
      latitude: optional(float(-90, 90)),
      longitude: optional(float(-180, 180)),
      precision: optional(float(0, Number.MAX_VALUE)),
      region: optional(vocabulary('region-ov')),
      country: optional(STRING),
      administrative_area: optional(STRING),
      city: optional(STRING),
      street_address: optional(STRING),
      postal_code: optional(STRING),
    },
    rules: [
      { rule: 'requires', property: 'latitude', needs: ['longitude'] },
      { rule: 'requires', property: 'longitude', needs: ['latitude'] },
      { rule: 'requires', property: 'precision', needs: ['latitude', 'longitude'] },
      { rule: 'code', check: somewhere },
      { rule: 'code', check: advisePlace },
    ],
  },
  {
    type: 'note',
    kind: 'sdo',
    section: '4.13',
    properties: {
      abstract: optional(STRING),
      content: required(STRING),
      authors: optional(listOf(STRING)),
      object_refs: required(references('any')),
    },
  },
  {
    type: 'observed-data',
    kind: 'sdo',
    section: '4.14',
    properties: {
      first_observed: required(TIMESTAMP),
      last_observed: required(TIMESTAMP),
      number_observed: required(integer(1, MOST_OBSERVATIONS)),
      objects: optional({ kind: 'observables' }),
      object_refs: optional(references('sco-or-sro')),
    },
    rules: [
      { rule: 'order', earlier: 'first_observed', later: 'last_observed' },
      { rule: 'at-least-one', of: ['objects', 'object_refs'] },
      { rule: 'not-both', of: ['object_refs', 'objects'] },
      { rule: 'code', check: observesSomething },
    ],
  },
  {
    type: 'opinion',
    kind: 'sdo',
    section: '4.15',
    properties: {
      explanation: optional(STRING),
      authors: optional(listOf(STRING)),
      opinion: required(enumeration('opinion-enum')),
      object_refs: required(references('any')),
    },
  },
  {
    type: 'report',
    kind: 'sdo',
    section: '4.16',
    properties: {
      ...named,
      report_types: optional(listOf(vocabulary('report-type-ov'))),
      published: required(TIMESTAMP),
      object_refs: required(references('any')),
    },
  },
]
