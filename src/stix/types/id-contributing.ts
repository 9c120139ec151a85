/** Properties that make up the deterministic id of each SCO type. @see STIX 6, "ID Contributing Properties" */
export const ID_CONTRIBUTING: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    artifact: ['hashes', 'payload_bin'],
    'autonomous-system': ['number'],
    directory: ['path'],
    'domain-name': ['value'],
    'email-addr': ['value'],
    'email-message': ['from_ref', 'subject', 'body'],
    file: ['hashes', 'name', 'parent_directory_ref', 'extensions'],
    'ipv4-addr': ['value'],
    'ipv6-addr': ['value'],
    'mac-addr': ['value'],
    mutex: ['name'],
    'network-traffic': ['start', 'end', 'src_ref', 'dst_ref', 'src_port', 'dst_port', 'protocols', 'extensions'],
    software: ['name', 'cpe', 'swid', 'vendor', 'version'],
    url: ['value'],
    'user-account': ['account_type', 'user_id', 'account_login'],
    'windows-registry-key': ['key', 'values'],
    'x509-certificate': ['hashes', 'serial_number'],
  }),
)
