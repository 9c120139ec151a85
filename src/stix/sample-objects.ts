import type { JsonObject } from '#base'

const SHA_256 = 'fe90a7e910cb3a4739bed9180e807e93fa70c90f25a8915476f5e4bfbac681db'

/**
 * One valid object of every type, with the properties that the specification gives it: what the tests of this part
 * start from, and change in one place to see that place reported.
 */
export const SAMPLES: Readonly<Record<string, JsonObject>> = Object.fromEntries(
  [...domainObjects(), ...relationshipObjects(), ...observables(), ...metaObjects()].map((object) => [
    typeof object['type'] === 'string' ? object['type'] : '',
    object,
  ]),
)

function id(type: string, last = 1): string {
  return `${type}--0c7b5b88-8ff7-4a4d-aa9d-${last.toString(16).padStart(12, '0')}`
}

function versioned(type: string, properties: JsonObject): JsonObject {
  return {
    type,
    spec_version: '2.1',
    id: id(type),
    created_by_ref: id('identity', 2),
    created: '2016-01-01T08:17:27.000Z',
    modified: '2026-01-02T08:17:27.123456Z',
    ...properties,
  }
}

function domain(type: string, properties: JsonObject): JsonObject {
  return versioned(type, {
    revoked: false,
    labels: ['seen'],
    confidence: 85,
    lang: 'en-GB',
    external_references: [
      { source_name: 'report', url: 'https://example.com/r', description: 'A report', external_id: '1' },
    ],
    object_marking_refs: ['marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb'],
    granular_markings: [{ lang: 'de', selectors: ['object_marking_refs.[0]'] }],
    extensions: {
      'extension-definition--d83fce45-ef58-4c6c-a3f4-1fbc32e98c6e': { extension_type: 'property-extension', rank: 5 },
    },
    ...properties,
  })
}

function domainObjects(): JsonObject[] {
  const named = { name: 'Name', description: 'Description' }
  const seen = { first_seen: '2026-01-01T00:00:00Z', last_seen: '2026-01-02T00:00:00Z' }
  const kill_chain_phases = [{ kill_chain_name: 'mitre-attack', phase_name: 'impact' }]
  const aliases = ['Alias']
  const motives = { resource_level: 'team', primary_motivation: 'revenge', secondary_motivations: ['dominance'] }
  return [
    domain('attack-pattern', { ...named, aliases, kill_chain_phases }),
    domain('campaign', { ...named, aliases, ...seen, objective: 'Gain' }),
    domain('course-of-action', named),
    domain('grouping', { ...named, context: 'suspicious-activity', object_refs: [id('file')] }),
    domain('identity', {
      ...named,
      roles: ['CEO'],
      identity_class: 'organization',
      sectors: ['energy'],
      contact_information: 'noc@example.com',
    }),
    domain('incident', named),
    domain('indicator', {
      ...named,
      indicator_types: ['malicious-activity'],
      pattern: "[ipv4-addr:value = '198.51.100.1' OR url:value LIKE 'http://%.example/']",
      pattern_type: 'stix',
      pattern_version: '2.1',
      valid_from: '2026-01-01T00:00:00Z',
      valid_until: '2026-02-01T00:00:00Z',
      kill_chain_phases,
    }),
    domain('infrastructure', { ...named, infrastructure_types: ['botnet'], aliases, kill_chain_phases, ...seen }),
    domain('intrusion-set', { ...named, aliases, ...seen, goals: ['Gain'], ...motives }),
    domain('location', {
      ...named,
      latitude: 48.8566,
      longitude: -2.3522,
      precision: 10,
      region: 'western-europe',
      country: 'fr',
      administrative_area: 'FR-75',
      city: 'Paris',
      street_address: 'Rue',
      postal_code: '75001',
    }),
    domain('malware', {
      ...named,
      malware_types: ['wiper'],
      is_family: true,
      aliases,
      kill_chain_phases,
      ...seen,
      operating_system_refs: [id('software')],
      architecture_execution_envs: ['x86'],
      implementation_languages: ['rust'],
      capabilities: ['evades-av'],
      sample_refs: [id('file'), id('artifact')],
    }),
    domain('malware-analysis', {
      product: 'sandbox',
      version: '1',
      host_vm_ref: id('software'),
      operating_system_ref: id('software'),
      installed_software_refs: [id('software')],
      configuration_version: '1',
      modules: ['a'],
      analysis_engine_version: '1',
      analysis_definition_version: '1',
      submitted: '2026-01-01T00:00:00Z',
      analysis_started: '2026-01-01T00:00:00Z',
      analysis_ended: '2026-01-01T00:00:00Z',
      result_name: 'x',
      result: 'malicious',
      analysis_sco_refs: [id('ipv4-addr')],
      sample_ref: id('file'),
    }),
    domain('note', { abstract: 'A', content: 'C', authors: ['Analyst'], object_refs: [id('campaign')] }),
    domain('observed-data', {
      first_observed: '2026-01-01T00:00:00Z',
      last_observed: '2026-01-01T00:00:00Z',
      number_observed: 50,
      object_refs: [id('ipv4-addr'), id('relationship')],
    }),
    domain('opinion', { explanation: 'E', authors: ['A'], opinion: 'disagree', object_refs: [id('relationship')] }),
    domain('report', {
      ...named,
      report_types: ['campaign'],
      published: '2026-01-01T00:00:00Z',
      object_refs: [id('tool')],
    }),
    domain('threat-actor', {
      ...named,
      threat_actor_types: ['spy'],
      aliases,
      ...seen,
      roles: ['agent'],
      goals: ['Gain'],
      sophistication: 'expert',
      ...motives,
      personal_motivations: ['revenge'],
    }),
    domain('tool', { ...named, tool_types: ['remote-access'], aliases, kill_chain_phases, tool_version: '1' }),
    domain('vulnerability', {
      ...named,
      external_references: [{ source_name: 'cve', external_id: 'CVE-2026-12345' }],
    }),
  ]
}

function relationshipObjects(): JsonObject[] {
  return [
    domain('relationship', {
      relationship_type: 'indicates',
      description: 'D',
      source_ref: id('indicator'),
      target_ref: id('malware'),
      start_time: '2026-01-01T00:00:00Z',
      stop_time: '2026-01-02T00:00:00Z',
    }),
    domain('sighting', {
      description: 'D',
      first_seen: '2026-01-01T00:00:00Z',
      last_seen: '2026-01-01T00:00:00Z',
      count: 0,
      sighting_of_ref: id('indicator'),
      observed_data_refs: [id('observed-data')],
      where_sighted_refs: [id('identity'), id('location')],
      summary: false,
    }),
  ]
}

function observable(type: string, properties: JsonObject, uuid = '0c7b5b88-8ff7-4a4d-aa9d-000000000001'): JsonObject {
  return {
    type,
    spec_version: '2.1',
    id: `${type}--${uuid}`,
    object_marking_refs: ['marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb'],
    defanged: false,
    ...properties,
  }
}

function observables(): JsonObject[] {
  const times = { ctime: '2026-01-01T00:00:00Z', mtime: '2026-01-01T00:00:00Z', atime: '2026-01-01T00:00:00Z' }
  return [
    observable('artifact', {
      mime_type: 'application/zip',
      payload_bin: 'ZX7HIBWPQA99NSUhEUgAAADI',
      hashes: { 'SHA-256': SHA_256 },
      encryption_algorithm: 'mime-type-indicated',
      decryption_key: 'infected',
    }),
    observable('autonomous-system', { number: 15_139, name: 'Slime Industries', rir: 'ARIN' }),
    observable('directory', { path: '/tmp', path_enc: 'US-ASCII', ...times, contains_refs: [id('file')] }),
    observable('domain-name', { value: 'example.com', resolves_to_refs: [id('ipv4-addr'), id('domain-name')] }),
    observable('email-addr', { value: 'john@example.com', display_name: 'John', belongs_to_ref: id('user-account') }),
    observable('email-message', {
      is_multipart: true,
      date: '2026-01-01T00:00:00Z',
      content_type: 'multipart/mixed',
      from_ref: id('email-addr'),
      sender_ref: id('email-addr'),
      to_refs: [id('email-addr')],
      cc_refs: [id('email-addr')],
      bcc_refs: [id('email-addr')],
      message_id: '<1@example.com>',
      subject: 'S',
      received_lines: ['from a'],
      additional_header_fields: { 'Reply-To': ['a@example.com'], 'X-Mailer': 'Mutt' },
      body_multipart: [
        { content_type: 'text/plain', content_disposition: 'inline', body: 'B' },
        { body_raw_ref: id('artifact') },
      ],
      raw_email_ref: id('artifact'),
    }),
    observable('file', {
      hashes: { 'SHA-256': SHA_256, SSDEEP: '3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C' },
      size: 25_536,
      name: 'foo.dll',
      name_enc: 'windows-1252',
      magic_number_hex: '4d5a',
      mime_type: 'application/x-msdownload',
      ...times,
      parent_directory_ref: id('directory'),
      contains_refs: [id('ipv4-addr')],
      content_ref: id('artifact'),
      extensions: fileExtensions(),
    }),
    observable('ipv4-addr', { value: '198.51.100.3' }, '28bb3599-77cd-5a82-a950-b5bc3caf07c4'),
    observable('ipv6-addr', {
      value: '2001:db8::/96',
      resolves_to_refs: [id('mac-addr')],
      belongs_to_refs: [id('autonomous-system')],
    }),
    observable('mac-addr', { value: 'd2:fb:49:24:37:18' }),
    observable('mutex', { name: '__CLEANSWEEP__' }),
    networkTraffic(),
    processObject(),
    observable('software', {
      name: 'Word',
      cpe: 'cpe:2.3:a:microsoft:word:2000:*:*:*:*:*:*:*',
      swid: 'com.acme',
      languages: ['en', 'zh-Hant'],
      vendor: 'Microsoft',
      version: '2002',
    }),
    observable('url', { value: 'https://example.com/research/index.html' }),
    observable('user-account', {
      user_id: '1001',
      account_login: 'jdoe',
      account_type: 'unix',
      is_privileged: false,
      account_created: '2026-01-01T00:00:00Z',
      extensions: { 'unix-account-ext': { gid: 1_001, groups: ['wheel'], home_dir: '/home/jdoe', shell: '/bin/sh' } },
    }),
    observable('windows-registry-key', {
      key: 'HKEY_LOCAL_MACHINE\\System\\Foo',
      values: [{ name: 'Foo', data: 'qwerty', data_type: 'REG_SZ' }],
      modified_time: '2026-01-01T00:00:00Z',
      creator_user_ref: id('user-account'),
      number_of_subkeys: 0,
    }),
    observable('x509-certificate', {
      is_self_signed: false,
      hashes: { 'SHA-256': SHA_256 },
      serial_number: '36:f7',
      validity_not_before: '2026-01-01T00:00:00Z',
      subject_public_key_exponent: 65_537,
      x509_v3_extensions: { key_usage: 'critical', private_key_usage_period_not_after: '2026-01-01T00:00:00Z' },
    }),
  ]
}

function fileExtensions(): JsonObject {
  return {
    'archive-ext': { contains_refs: [id('file'), id('directory')], comment: 'C' },
    'ntfs-ext': { sid: '1', alternate_data_streams: [{ name: 'second.stream', size: 1, hashes: { x_hash: '1' } }] },
    'pdf-ext': { version: '1.7', is_optimized: true, document_info_dict: { Title: 'T' }, pdfid0: 'D' },
    'raster-image-ext': { image_height: 1, exif_tags: { Make: 'Nikon', XResolution: 4_928 } },
    'windows-pebinary-ext': {
      pe_type: 'dll',
      machine_hex: '014c',
      time_date_stamp: '2016-01-22T12:31:12Z',
      optional_header: { magic_hex: '010b', size_of_code: 512, image_base: 14_548_992 },
      sections: [{ name: 'CODE', entropy: 0.061_089, size: 1, hashes: { 'SHA-256': SHA_256 } }],
    },
  }
}

function networkTraffic(): JsonObject {
  return observable('network-traffic', {
    start: '2026-01-01T00:00:00Z',
    end: '2026-01-01T00:00:01Z',
    is_active: false,
    src_ref: id('ipv4-addr'),
    dst_ref: id('domain-name'),
    src_port: 2_487,
    dst_port: 65_535,
    protocols: ['ipv4', 'tcp'],
    src_byte_count: 35_779,
    dst_packets: 0,
    ipfix: { minimumIpTotalLength: 32, name: 'x' },
    src_payload_ref: id('artifact'),
    encapsulates_refs: [id('network-traffic')],
    encapsulated_by_ref: id('network-traffic'),
    extensions: {
      'http-request-ext': {
        request_method: 'get',
        request_value: '/',
        request_header: { Host: ['example.com'], Accept: '*/*' },
        message_body_length: 0,
        message_body_data_ref: id('artifact'),
      },
      'icmp-ext': { icmp_type_hex: '08', icmp_code_hex: '00' },
      'socket-ext': { address_family: 'AF_INET', socket_type: 'SOCK_STREAM', options: { SO_LINGER: 1 } },
      'tcp-ext': { src_flags_hex: '00000002' },
    },
  })
}

function processObject(): JsonObject {
  return observable('process', {
    is_hidden: false,
    pid: 314,
    created_time: '2016-01-20T14:11:25.55Z',
    cwd: '/',
    command_line: './a',
    environment_variables: { PATH: '/bin' },
    opened_connection_refs: [id('network-traffic')],
    creator_user_ref: id('user-account'),
    image_ref: id('file'),
    parent_ref: id('process'),
    child_refs: [id('process')],
    extensions: {
      'windows-process-ext': { aslr_enabled: true, priority: 'HIGH_PRIORITY_CLASS', integrity_level: 'low' },
      'windows-service-ext': {
        service_name: 's',
        start_type: 'SERVICE_AUTO_START',
        service_type: 'SERVICE_WIN32_OWN_PROCESS',
        service_status: 'SERVICE_RUNNING',
        service_dll_refs: [id('file')],
      },
    },
  })
}

function metaObjects(): JsonObject[] {
  const marking = versioned('marking-definition', {
    definition_type: 'statement',
    definition: { statement: 'Copyright 2026, Example Corp' },
    granular_markings: [{ lang: 'en', selectors: ['spec_version'] }],
  })
  delete marking['modified']
  return [
    marking,
    versioned('language-content', {
      object_ref: id('campaign'),
      object_modified: '2026-01-01T00:00:00Z',
      contents: { de: { name: 'Bank Angriff', goals: ['', 'x'] }, 'zh-Hant-TW': { name: 'x' } },
    }),
    versioned('extension-definition', {
      name: 'Extension',
      description: 'Adds',
      schema: 'https://example.com/schema/v1/',
      version: '1.2.1',
      extension_types: ['property-extension', 'toplevel-property-extension'],
      extension_properties: ['toxicity'],
    }),
  ]
}
