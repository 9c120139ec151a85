import type { RuleCheck } from '../engine/data-type.ts'
import {
  BOOLEAN,
  form,
  integer,
  optional,
  reference,
  references,
  required,
  STRING,
  TIMESTAMP,
} from '../engine/data-type.ts'
import { typeOfId } from '../engine/forms.ts'
import type { ObjectDefinition } from '../engine/object.ts'
import { isDefinedRelationship } from './relationship-table.ts'

const RELATIONSHIP_TYPE = /^[a-z0-9-]+$/
const MOST_SIGHTINGS = 999_999_999

const adviseRelationship: RuleCheck = (object, sink, section) => {
  if (!sink.strict) return
  const { source_ref: source, target_ref: target, relationship_type: type } = object
  if (typeof source !== 'string' || typeof target !== 'string' || typeof type !== 'string') return
  const from = typeOfId(source)
  const to = typeOfId(target)
  if (from === undefined || to === undefined || isDefinedRelationship(from, type, to)) return
  const message = `'${type}' from ${from} to ${to} is not a relationship that the specification defines`
  sink.advise('INVALID_RELATIONSHIP', message, section, 'relationship_type')
}

/** Links between objects. @see STIX 5 */
export const RELATIONSHIP_TYPES: readonly ObjectDefinition[] = [
  {
    type: 'relationship',
    kind: 'sro',
    section: '5.1',
    properties: {
      relationship_type: required(form('of a-z, 0-9 and hyphens', '5.1', (text) => RELATIONSHIP_TYPE.test(text))),
      description: optional(STRING),
      source_ref: required(reference('sdo-or-sco')),
      target_ref: required(reference('sdo-or-sco')),
      start_time: optional(TIMESTAMP),
      stop_time: optional(TIMESTAMP),
    },
    rules: [
      { rule: 'order', earlier: 'start_time', later: 'stop_time', strictly: true },
      { rule: 'code', check: adviseRelationship },
    ],
  },
  {
    type: 'sighting',
    kind: 'sro',
    section: '5.2',
    properties: {
      description: optional(STRING),
      first_seen: optional(TIMESTAMP),
      last_seen: optional(TIMESTAMP),
      count: optional(integer(0, MOST_SIGHTINGS)),
      sighting_of_ref: required(reference('sdo')),
      observed_data_refs: optional(references(['observed-data'])),
      where_sighted_refs: optional(references(['identity', 'location'])),
      summary: optional(BOOLEAN),
    },
    rules: [{ rule: 'order', earlier: 'first_seen', later: 'last_seen' }],
  },
]
