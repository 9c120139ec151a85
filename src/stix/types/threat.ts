import { HYPHENATED } from '../engine/check.ts'
import type { Property, Rule, RuleCheck } from '../engine/data-type.ts'
import {
  BOOLEAN,
  listOf,
  optional,
  reference,
  references,
  required,
  STRING,
  TIMESTAMP,
  vocabulary,
} from '../engine/data-type.ts'
import type { ObjectDefinition } from '../engine/object.ts'
import { identifierForm } from './identifier-form.ts'
import { KILL_CHAIN_PHASES } from './structures.ts'

const description = optional(STRING)
const aliases = optional(listOf(STRING))
const kill_chain_phases = optional(KILL_CHAIN_PHASES)
const named = { name: required(STRING), description }
const seen: Record<string, Property> = { first_seen: optional(TIMESTAMP), last_seen: optional(TIMESTAMP) }
const SEEN_ORDER: Rule = { rule: 'order', earlier: 'first_seen', later: 'last_seen' }
const words = (name: Parameters<typeof vocabulary>[0]) => optional(listOf(vocabulary(name)))

const familyHasName: RuleCheck = (object, sink, section) => {
  if (object['is_family'] === true && object['name'] === undefined)
    sink.fail('MISSING_PROPERTY', 'is required where is_family is true', section, 'name')
}

const adviseProductName: RuleCheck = (object, sink, section) => {
  const product = object['product']
  if (sink.strict && typeof product === 'string' && !HYPHENATED.test(product))
    sink.advise('NAMING', 'should be in lower case, with hyphens between words', section, 'product')
}

/** What attackers are, have and do. @see STIX 4 */
export const THREAT_TYPES: readonly ObjectDefinition[] = [
  {
    type: 'attack-pattern',
    kind: 'sdo',
    section: '4.1',
    properties: { ...named, aliases, kill_chain_phases },
    rules: [{ rule: 'code', check: identifierForm('capec', /^CAPEC-\d{1,9}$/, 'CAPEC-[id]') }],
  },
  {
    type: 'campaign',
    kind: 'sdo',
    section: '4.2',
    properties: { ...named, aliases, ...seen, objective: optional(STRING) },
    rules: [SEEN_ORDER],
  },
  {
    type: 'infrastructure',
    kind: 'sdo',
    section: '4.8',
    properties: {
      ...named,
      infrastructure_types: words('infrastructure-type-ov'),
      aliases,
      kill_chain_phases,
      ...seen,
    },
    rules: [SEEN_ORDER],
  },
  {
    type: 'intrusion-set',
    kind: 'sdo',
    section: '4.9',
    properties: {
      ...named,
      aliases,
      ...seen,
      goals: optional(listOf(STRING)),
      resource_level: optional(vocabulary('attack-resource-level-ov')),
      primary_motivation: optional(vocabulary('attack-motivation-ov')),
      secondary_motivations: words('attack-motivation-ov'),
    },
    rules: [SEEN_ORDER],
  },
  {
    type: 'malware',
    kind: 'sdo',
    section: '4.11',
    properties: {
      name: optional(STRING),
      description,
      malware_types: words('malware-type-ov'),
      is_family: required(BOOLEAN),
      aliases,
      kill_chain_phases,
      ...seen,
      operating_system_refs: optional(references(['software'])),
      architecture_execution_envs: words('processor-architecture-ov'),
      implementation_languages: words('implementation-language-ov'),
      capabilities: words('malware-capabilities-ov'),
      sample_refs: optional(references(['artifact', 'file'])),
    },
    rules: [SEEN_ORDER, { rule: 'code', check: familyHasName }],
  },
  {
    type: 'malware-analysis',
    kind: 'sdo',
    section: '4.12',
    properties: {
      product: required(STRING),
      version: optional(STRING),
      host_vm_ref: optional(reference(['software'])),
      operating_system_ref: optional(reference(['software'])),
      installed_software_refs: optional(references(['software'])),
      configuration_version: optional(STRING),
      modules: optional(listOf(STRING)),
      analysis_engine_version: optional(STRING),
      analysis_definition_version: optional(STRING),
      submitted: optional(TIMESTAMP),
      analysis_started: optional(TIMESTAMP),
      analysis_ended: optional(TIMESTAMP),
      result_name: optional(STRING),
      result: optional(vocabulary('malware-result-ov')),
      analysis_sco_refs: optional(references('sco')),
      sample_ref: optional(reference(['artifact', 'file', 'network-traffic'])),
    },
    rules: [
      { rule: 'at-least-one', of: ['result', 'analysis_sco_refs'] },
      { rule: 'code', check: adviseProductName },
    ],
  },
  {
    type: 'threat-actor',
    kind: 'sdo',
    section: '4.17',
    properties: {
      ...named,
      threat_actor_types: words('threat-actor-type-ov'),
      aliases,
      ...seen,
      roles: words('threat-actor-role-ov'),
      goals: optional(listOf(STRING)),
      sophistication: optional(vocabulary('threat-actor-sophistication-ov')),
      resource_level: optional(vocabulary('attack-resource-level-ov')),
      primary_motivation: optional(vocabulary('attack-motivation-ov')),
      secondary_motivations: words('attack-motivation-ov'),
      personal_motivations: words('attack-motivation-ov'),
    },
    rules: [SEEN_ORDER],
  },
  {
    type: 'tool',
    kind: 'sdo',
    section: '4.18',
    properties: {
      ...named,
      tool_types: words('tool-type-ov'),
      aliases,
      kill_chain_phases,
      tool_version: optional(STRING),
    },
  },
  {
    type: 'vulnerability',
    kind: 'sdo',
    section: '4.19',
    properties: { ...named },
    rules: [
      { rule: 'code', check: identifierForm('cve', /^CVE-\d{4}-(?:0\d{3}|[1-9]\d{3,11})$/, 'CVE-[year]-[number]') },
    ],
  },
]
