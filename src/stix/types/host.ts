import type { RuleCheck, StructDefinition } from '../engine/data-type.ts'
import {
  ANY,
  BOOLEAN,
  COUNT,
  dictionaryOf,
  enumeration,
  form,
  HASHES,
  INTEGER,
  listOf,
  optional,
  reference,
  references,
  required,
  STRING,
  struct,
  TIMESTAMP,
  vocabulary,
} from '../engine/data-type.ts'
import type { ObjectDefinition } from '../engine/object.ts'
import { isCpe } from './cpe.ts'

const SHORT_HIVE = /^(?:HKLM|HKCU|HKCR|HKU|HKCC|HKPD|HKDD)(?:\\|$)/i

const advisePriority: RuleCheck = (object, sink, section) => {
  const priority = object['priority']
  if (sink.strict && typeof priority === 'string' && !priority.endsWith('_CLASS'))
    sink.advise('NAMING', 'should end in _CLASS', section, 'priority')
}

/** Rule that one of a type's own properties is there, where all of them are optional. */
const anyOf = (properties: object, ...more: string[]) =>
  ({ rule: 'at-least-one', of: [...Object.keys(properties), ...more] }) as const

const windowsProcess = {
  aslr_enabled: optional(BOOLEAN),
  dep_enabled: optional(BOOLEAN),
  priority: optional(STRING),
  owner_sid: optional(STRING),
  window_title: optional(STRING),
  startup_info: optional(dictionaryOf(ANY)),
  integrity_level: optional(enumeration('windows-integrity-level-enum')),
}

const windowsService = {
  service_name: optional(STRING),
  descriptions: optional(listOf(STRING)),
  display_name: optional(STRING),
  group_name: optional(STRING),
  start_type: optional(enumeration('windows-service-start-type-enum')),
  service_dll_refs: optional(references(['file'])),
  service_type: optional(enumeration('windows-service-type-enum')),
  service_status: optional(enumeration('windows-service-status-enum')),
}

const unixAccount = {
  gid: optional(INTEGER),
  groups: optional(listOf(STRING)),
  home_dir: optional(STRING),
  shell: optional(STRING),
}

const registryValue = {
  name: optional(STRING),
  data: optional(STRING),
  data_type: optional(enumeration('windows-registry-datatype-enum')),
}

const process = {
  is_hidden: optional(BOOLEAN),
  pid: optional(INTEGER),
  created_time: optional(TIMESTAMP),
  cwd: optional(STRING),
  command_line: optional(STRING),
  environment_variables: optional(dictionaryOf(STRING)),
  opened_connection_refs: optional(references(['network-traffic'])),
  creator_user_ref: optional(reference(['user-account'])),
  image_ref: optional(reference(['file'])),
  parent_ref: optional(reference(['process'])),
  child_refs: optional(references(['process'])),
}

const userAccount = {
  user_id: optional(STRING),
  credential: optional(STRING),
  account_login: optional(STRING),
  account_type: optional(vocabulary('account-type-ov')),
  display_name: optional(STRING),
  is_service_account: optional(BOOLEAN),
  is_privileged: optional(BOOLEAN),
  can_escalate_privs: optional(BOOLEAN),
  is_disabled: optional(BOOLEAN),
  account_created: optional(TIMESTAMP),
  account_expires: optional(TIMESTAMP),
  credential_last_changed: optional(TIMESTAMP),
  account_first_login: optional(TIMESTAMP),
  account_last_login: optional(TIMESTAMP),
}

const registryKey = {
  key: optional(form('the full key, its hive not abbreviated', '6.17', (text) => !SHORT_HIVE.test(text))),
  values: optional(listOf(extension('windows-registry-value-type', '6.17.2', registryValue))),
  modified_time: optional(TIMESTAMP),
  creator_user_ref: optional(reference(['user-account'])),
  number_of_subkeys: optional(COUNT),
}

const x509Extensions = {
  ...Object.fromEntries(
    `basic_constraints name_constraints policy_constraints key_usage extended_key_usage subject_key_identifier
     authority_key_identifier subject_alternative_name issuer_alternative_name subject_directory_attributes
     crl_distribution_points inhibit_any_policy certificate_policies policy_mappings`
      .split(/\s+/)
      .map((name) => [name, optional(STRING)]),
  ),
  private_key_usage_period_not_before: optional(TIMESTAMP),
  private_key_usage_period_not_after: optional(TIMESTAMP),
}

const certificate = {
  is_self_signed: optional(BOOLEAN),
  hashes: optional(HASHES),
  version: optional(STRING),
  serial_number: optional(STRING),
  signature_algorithm: optional(STRING),
  issuer: optional(STRING),
  validity_not_before: optional(TIMESTAMP),
  validity_not_after: optional(TIMESTAMP),
  subject: optional(STRING),
  subject_public_key_algorithm: optional(STRING),
  subject_public_key_modulus: optional(STRING),
  subject_public_key_exponent: optional(INTEGER),
  x509_v3_extensions: optional(extension('x509-v3-extensions-type', '6.18.2', x509Extensions)),
}

/** What is found on computers, apart from files. @see STIX 6 */
export const HOST_TYPES: readonly ObjectDefinition[] = [
  { type: 'mutex', kind: 'sco', section: '6.11', properties: { name: required(STRING) } },
  {
    type: 'process',
    kind: 'sco',
    section: '6.13',
    properties: process,
    rules: [anyOf(process, 'extensions')],
    extensions: {
      'windows-process-ext': {
        name: 'windows-process-ext',
        section: '6.13.2',
        properties: windowsProcess,
        rules: [anyOf(windowsProcess), { rule: 'code', check: advisePriority }],
      },
      'windows-service-ext': {
        name: 'windows-service-ext',
        section: '6.13.3',
        properties: windowsService,
        rules: [anyOf(windowsService)],
      },
    },
  },
  {
    type: 'software',
    kind: 'sco',
    section: '6.14',
    properties: {
      name: required(STRING),
      cpe: optional(form('a CPE 2.3 name', '6.14', isCpe)),
      swid: optional(STRING),
      languages: optional(listOf({ kind: 'language' })),
      vendor: optional(STRING),
      version: optional(STRING),
    },
  },
  {
    type: 'user-account',
    kind: 'sco',
    section: '6.16',
    properties: userAccount,
    rules: [anyOf(userAccount, 'extensions')],
    extensions: {
      'unix-account-ext': {
        name: 'unix-account-ext',
        section: '6.16.2',
        properties: unixAccount,
        rules: [anyOf(unixAccount)],
      },
    },
  },
  {
    type: 'windows-registry-key',
    kind: 'sco',
    section: '6.17',
    properties: registryKey,
    rules: [anyOf(registryKey)],
  },
  {
    type: 'x509-certificate',
    kind: 'sco',
    section: '6.18',
    properties: certificate,
    rules: [anyOf(certificate)],
  },
]

/** A structure all of whose properties are optional, but one of which there must be. */
function extension(name: string, section: string, properties: StructDefinition['properties']) {
  return struct({ name, section, properties, rules: [anyOf(properties)] })
}
