import type { Json } from '#base'
import { isObject } from '../engine/check.ts'
import {
  BOOLEAN,
  COUNT,
  dictionaryOf,
  either,
  enumeration,
  HEX,
  INTEGER,
  integer,
  liveForm,
  listOf,
  optional,
  reference,
  references,
  required,
  STRING,
  type StructDefinition,
  TIMESTAMP,
} from '../engine/data-type.ts'
import type { RuleCheck } from '../engine/data-type.ts'
import type { ObjectDefinition } from '../engine/object.ts'
import { isDomainName, isEmailAddress, isIpv4, isIpv6, isMac } from './address-forms.ts'
import { URL_FORM } from './structures.ts'

const LAST_PORT = 65_535
const ENDPOINTS = ['ipv4-addr', 'ipv6-addr', 'mac-addr', 'domain-name'] as const
/** The text says lists, the specification's own examples show single strings; both are read, these with a warning. */
const HEADER_FIELDS = dictionaryOf(either('a string or a list of strings', STRING, listOf(STRING)))
/** A word in the encoding that mail headers need on the way, and STIX must not carry. @see RFC 2047 section 2 */
const ENCODED_WORD = /=\?[A-Za-z0-9_.:+-]{1,60}(?:\*[A-Za-z0-9-]{1,60})?\?[bq]\?[^?\s]{0,500}\?=/i
/** Form of the names in the IANA service name registry, and of names beside it. @see RFC 6335 section 5.1 */
const PROTOCOL = /^[a-z0-9][a-z0-9._+/-]{0,63}$/
/** Protocol that each extension is about. @see STIX 6.12.2, 6.12.3, 6.12.5 */
const PROTOCOL_OF_EXTENSION = { 'http-request-ext': 'http', 'icmp-ext': 'icmp', 'tcp-ext': 'tcp' } as const

const advisePorts: RuleCheck = (object, sink, section) => {
  if (!sink.strict) return
  for (const name of ['src_port', 'dst_port'])
    if (object[name] === undefined) sink.advise('RECOMMENDED', 'should be given', section, name)
}

const adviseProtocols: RuleCheck = (object, sink, section) => {
  const { protocols, extensions } = object
  if (!sink.strict || !Array.isArray(protocols)) return
  for (const [index, protocol] of protocols.entries())
    if (typeof protocol === 'string' && !PROTOCOL.test(protocol))
      sink.advise('NAMING', 'should be a service name as IANA writes it', section, `protocols.[${index}]`)
  if (!isObject(extensions)) return
  for (const [extension, protocol] of Object.entries(PROTOCOL_OF_EXTENSION))
    if (extensions[extension] !== undefined && !protocols.includes(protocol))
      sink.advise('RECOMMENDED', `should contain ${protocol}, for there is ${extension}`, section, 'protocols')
}

/** Warns of header fields that are a string where the text wants a list of strings. */
const adviseHeaderLists =
  (property: string): RuleCheck =>
  (object, sink, section) => {
    const fields = object[property]
    if (!sink.strict || !isObject(fields)) return
    for (const [name, value] of Object.entries(fields))
      if (typeof value === 'string')
        sink.advise('WRONG_TYPE', 'should be a list of strings', section, `${property}.${name}`)
  }

const headersAreDecoded: RuleCheck = (object, sink, section) => {
  const refuse = (value: Json | undefined, path: string) => {
    if (typeof value === 'string' && ENCODED_WORD.test(value))
      sink.fail('INVALID_VALUE', 'must be decoded: it contains an encoded word (RFC 2047)', section, path)
  }
  refuse(object['subject'], 'subject')
  const fields = object['additional_header_fields']
  if (!isObject(fields)) return
  for (const [name, value] of Object.entries(fields)) {
    const path = `additional_header_fields.${name}`
    if (Array.isArray(value)) for (const [index, item] of value.entries()) refuse(item, `${path}.[${index}]`)
    else refuse(value, path)
  }
}

const HTTP_REQUEST: StructDefinition = {
  name: 'http-request-ext',
  section: '6.12.2',
  properties: {
    request_method: required(STRING),
    request_value: required(STRING),
    request_version: optional(STRING),
    request_header: optional(HEADER_FIELDS),
    message_body_length: optional(COUNT),
    message_body_data_ref: optional(reference(['artifact'])),
  },
  rules: [{ rule: 'code', check: adviseHeaderLists('request_header') }],
}

const ICMP: StructDefinition = {
  name: 'icmp-ext',
  section: '6.12.3',
  properties: { icmp_type_hex: required(HEX), icmp_code_hex: required(HEX) },
}

/** Names of socket options as systems write them: `SO_LINGER`, `TCP_NODELAY`. */
const OPTION = /^[A-Z][A-Z0-9]{0,30}(?:_[A-Z0-9]{1,60}){1,8}$/

const adviseOptions: RuleCheck = (object, sink, section) => {
  const { options } = object
  if (!sink.strict || !isObject(options)) return
  for (const name of Object.keys(options))
    if (!OPTION.test(name)) sink.advise('NAMING', 'should be named as the socket option', section, `options.${name}`)
}

const SOCKET: StructDefinition = {
  name: 'socket-ext',
  section: '6.12.4',
  properties: {
    address_family: required(enumeration('network-socket-address-family-enum')),
    is_blocking: optional(BOOLEAN),
    is_listening: optional(BOOLEAN),
    options: optional(dictionaryOf(INTEGER)),
    socket_type: optional(enumeration('network-socket-type-enum')),
    socket_descriptor: optional(COUNT),
    socket_handle: optional(INTEGER),
  },
  rules: [{ rule: 'code', check: adviseOptions }],
}

const TCP: StructDefinition = {
  name: 'tcp-ext',
  section: '6.12.5',
  properties: { src_flags_hex: optional(HEX), dst_flags_hex: optional(HEX) },
  rules: [{ rule: 'at-least-one', of: ['src_flags_hex', 'dst_flags_hex'] }],
}

const onNetworks = {
  resolves_to_refs: optional(references(['mac-addr'])),
  belongs_to_refs: optional(references(['autonomous-system'])),
}

/** Addresses, names and traffic. @see STIX 6 */
export const NETWORK_TYPES: readonly ObjectDefinition[] = [
  {
    type: 'autonomous-system',
    kind: 'sco',
    section: '6.2',
    properties: { number: required(INTEGER), name: optional(STRING), rir: optional(STRING) },
  },
  {
    type: 'domain-name',
    kind: 'sco',
    section: '6.4',
    properties: {
      value: required(liveForm('a domain name (RFC 1034, RFC 5890)', '6.4', isDomainName)),
      resolves_to_refs: optional(references(['ipv4-addr', 'ipv6-addr', 'domain-name'])),
    },
  },
  {
    type: 'email-addr',
    kind: 'sco',
    section: '6.5',
    properties: {
      value: required(liveForm('an e-mail address without a display name (RFC 5322)', '6.5', isEmailAddress)),
      display_name: optional(STRING),
      belongs_to_ref: optional(reference(['user-account'])),
    },
  },
  {
    type: 'ipv4-addr',
    kind: 'sco',
    section: '6.8',
    properties: { value: required(liveForm('an IPv4 address or CIDR range', '6.8', isIpv4)), ...onNetworks },
  },
  {
    type: 'ipv6-addr',
    kind: 'sco',
    section: '6.9',
    properties: { value: required(liveForm('an IPv6 address or CIDR range', '6.9', isIpv6)), ...onNetworks },
  },
  {
    type: 'mac-addr',
    kind: 'sco',
    section: '6.10',
    properties: {
      value: required(liveForm('a lower-case MAC address with colons and leading zeros', '6.10', isMac)),
    },
  },
  {
    type: 'network-traffic',
    kind: 'sco',
    section: '6.12',
    properties: {
      start: optional(TIMESTAMP),
      end: optional(TIMESTAMP),
      is_active: optional(BOOLEAN),
      src_ref: optional(reference(ENDPOINTS)),
      dst_ref: optional(reference(ENDPOINTS)),
      src_port: optional(integer(0, LAST_PORT)),
      dst_port: optional(integer(0, LAST_PORT)),
      protocols: required(listOf(STRING)),
      src_byte_count: optional(COUNT),
      dst_byte_count: optional(COUNT),
      src_packets: optional(COUNT),
      dst_packets: optional(COUNT),
      ipfix: optional(dictionaryOf(either('an integer or a string', INTEGER, STRING))),
      src_payload_ref: optional(reference(['artifact'])),
      dst_payload_ref: optional(reference(['artifact'])),
      encapsulates_refs: optional(references(['network-traffic'])),
      encapsulated_by_ref: optional(reference(['network-traffic'])),
    },
    rules: [
      { rule: 'at-least-one', of: ['src_ref', 'dst_ref'] },
      { rule: 'order', earlier: 'start', later: 'end' },
      { rule: 'when', property: 'is_active', is: true, forbids: 'end' },
      { rule: 'code', check: advisePorts },
      { rule: 'code', check: adviseProtocols },
    ],
    extensions: { 'http-request-ext': HTTP_REQUEST, 'icmp-ext': ICMP, 'socket-ext': SOCKET, 'tcp-ext': TCP },
  },
  {
    type: 'url',
    kind: 'sco',
    section: '6.15',
    properties: {
      value: required(
        URL_FORM.kind === 'form'
          ? { kind: 'form', form: { ...URL_FORM.form, section: '6.15', defangable: true } }
          : URL_FORM,
      ),
    },
  },
  {
    type: 'email-message',
    kind: 'sco',
    section: '6.6',
    properties: {
      is_multipart: required(BOOLEAN),
      date: optional(TIMESTAMP),
      content_type: optional(STRING),
      from_ref: optional(reference(['email-addr'])),
      sender_ref: optional(reference(['email-addr'])),
      to_refs: optional(references(['email-addr'])),
      cc_refs: optional(references(['email-addr'])),
      bcc_refs: optional(references(['email-addr'])),
      message_id: optional(STRING),
      subject: optional(STRING),
      received_lines: optional(listOf(STRING)),
      additional_header_fields: optional(HEADER_FIELDS),
      body: optional(STRING),
      body_multipart: optional(listOf({ kind: 'struct', definition: mimePart() })),
      raw_email_ref: optional(reference(['artifact'])),
    },
    rules: [
      { rule: 'when', property: 'is_multipart', is: true, forbids: 'body' },
      { rule: 'when', property: 'is_multipart', is: false, forbids: 'body_multipart' },
      { rule: 'code', check: headersAreDecoded },
      { rule: 'code', check: adviseHeaderLists('additional_header_fields') },
    ],
  },
]

function mimePart(): StructDefinition {
  return {
    name: 'email-mime-part-type',
    section: '6.6.2',
    properties: {
      body: optional(STRING),
      body_raw_ref: optional(reference(['artifact', 'file'])),
      content_type: optional(STRING),
      content_disposition: optional(STRING),
    },
    rules: [{ rule: 'at-least-one', of: ['body', 'body_raw_ref'] }],
  }
}
