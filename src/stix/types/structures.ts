import {
  form,
  HASHES,
  listOf,
  optional,
  reference,
  required,
  STRING,
  type StructDefinition,
  type DataType,
  struct,
} from '../engine/data-type.ts'
import { HYPHENATED } from '../engine/check.ts'
import type { RuleCheck } from '../engine/data-type.ts'

const URI = /^[A-Za-z][A-Za-z0-9+.-]{0,31}:[^\s"<>\\^`{|}]+$/

/** A URL with its scheme, and without the characters that RFC 3986 leaves out of every URL. */
export const URL_FORM: DataType = form('a URL with a scheme (RFC 3986)', '2.5', (text) => URI.test(text))

const adviseUrl: RuleCheck = (object, sink, section) => {
  if (!sink.strict) return
  const url = object['url']
  if (typeof url === 'string' && !URI.test(url))
    sink.advise('INVALID_VALUE', 'should be a URL (RFC 3986)', section, 'url')
  if (url !== undefined && object['hashes'] === undefined)
    sink.advise('RECOMMENDED', 'should be given where url is given', section, 'hashes')
}

const adviseKillChainNames: RuleCheck = (object, sink, section) => {
  if (!sink.strict) return
  for (const name of ['kill_chain_name', 'phase_name']) {
    const value = object[name]
    if (typeof value === 'string' && !HYPHENATED.test(value))
      sink.advise('NAMING', 'should be in lower case, with hyphens between words', section, name)
  }
}

const EXTERNAL_REFERENCE: StructDefinition = {
  name: 'external-reference',
  section: '2.5',
  properties: {
    source_name: required(STRING),
    description: optional(STRING),
    url: optional(STRING),
    hashes: optional(HASHES),
    external_id: optional(STRING),
  },
  rules: [
    { rule: 'at-least-one', of: ['description', 'url', 'external_id'] },
    { rule: 'code', check: adviseUrl },
  ],
}

const KILL_CHAIN_PHASE: StructDefinition = {
  name: 'kill-chain-phase',
  section: '2.11',
  properties: { kill_chain_name: required(STRING), phase_name: required(STRING) },
  rules: [{ rule: 'code', check: adviseKillChainNames }],
}

const GRANULAR_MARKING: StructDefinition = {
  name: 'granular-marking',
  section: '7.2.3',
  properties: {
    lang: optional({ kind: 'language' }),
    marking_ref: optional(reference(['marking-definition'])),
    selectors: required(listOf(STRING)),
  },
  rules: [
    { rule: 'at-least-one', of: ['lang', 'marking_ref'] },
    { rule: 'not-both', of: ['lang', 'marking_ref'] },
  ],
}

/** List of pointers to what is not STIX. @see STIX 2.5 */
export const EXTERNAL_REFERENCES: DataType = listOf(struct(EXTERNAL_REFERENCE))

/** List of phases of attack. @see STIX 2.11 */
export const KILL_CHAIN_PHASES: DataType = listOf(struct(KILL_CHAIN_PHASE))

/** List of markings of parts of an object. @see STIX 7.2.3 */
export const GRANULAR_MARKINGS: DataType = listOf(struct(GRANULAR_MARKING))
