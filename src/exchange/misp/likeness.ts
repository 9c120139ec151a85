import { asNumber } from './to-attribute.ts'

/** Attribute types by the key of the one comparison or property that they are. */
const ATTRIBUTES: ReadonlyMap<string, readonly [string, string]> = new Map(
  Object.entries({
    'autonomous-system:number': ['AS', 'Network activity'],
    'domain-name:value': ['domain', 'Network activity'],
    'email-addr:value': ['email', 'Payload delivery'],
    'email-message:subject': ['email-subject', 'Payload delivery'],
    'email-message:from_ref.value': ['email-src', 'Payload delivery'],
    'email-message:to_refs.value': ['email-dst', 'Payload delivery'],
    'file:name': ['filename', 'Payload delivery'],
    'file:hashes.MD5': ['md5', 'Payload delivery'],
    'file:hashes.SHA-1': ['sha1', 'Payload delivery'],
    'file:hashes.SHA-224': ['sha224', 'Payload delivery'],
    'file:hashes.SHA-256': ['sha256', 'Payload delivery'],
    'file:hashes.SHA-384': ['sha384', 'Payload delivery'],
    'file:hashes.SHA-512': ['sha512', 'Payload delivery'],
    'file:hashes.SHA3-256': ['sha3-256', 'Payload delivery'],
    'file:hashes.SHA3-512': ['sha3-512', 'Payload delivery'],
    'file:hashes.SSDEEP': ['ssdeep', 'Payload delivery'],
    'file:hashes.TLSH': ['tlsh', 'Payload delivery'],
    'ipv4-addr:value': ['ip-dst', 'Network activity'],
    'ipv6-addr:value': ['ip-dst', 'Network activity'],
    'network-traffic:dst_ref.value': ['ip-dst', 'Network activity'],
    'network-traffic:src_ref.value': ['ip-src', 'Network activity'],
    'mac-addr:value': ['mac-address', 'Payload delivery'],
    'mutex:name': ['mutex', 'Artifacts dropped'],
    'url:value': ['url', 'Network activity'],
    'windows-registry-key:key': ['regkey', 'Persistence mechanism'],
    'x509-certificate:hashes.MD5': ['x509-fingerprint-md5', 'Payload delivery'],
    'x509-certificate:hashes.SHA-1': ['x509-fingerprint-sha1', 'Payload delivery'],
    'x509-certificate:hashes.SHA-256': ['x509-fingerprint-sha256', 'Payload delivery'],
  }),
)

/** Types that a comparison is where the property alone is another: MISP watches for mail to an address. */
const IN_PATTERNS: ReadonlyMap<string, readonly [string, string]> = new Map([
  ['email-addr:value', ['email-dst', 'Network activity']],
])

/** Templates by the observable they are about. */
const TEMPLATES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    artifact: 'artifact',
    'autonomous-system': 'asn',
    directory: 'directory',
    'domain-name': 'domain-ip',
    'email-message': 'email',
    file: 'file',
    'network-traffic': 'network-traffic',
    process: 'process',
    software: 'software',
    url: 'url',
    'user-account': 'user-account',
    'windows-registry-key': 'registry-key',
    'x509-certificate': 'x509',
  }),
)

/** The attribute that one comparison or property is; undefined where no type is just this. */
export function likelyAttribute(
  key: string,
  value: string,
  of: 'pattern' | 'observable' = 'observable',
): { type: string; value: string; category: string } | undefined {
  const found = ATTRIBUTES.get(key)
  if (!found || value === '') return undefined
  const [type, category] = of === 'pattern' ? (IN_PATTERNS.get(key) ?? found) : found
  return { type, value: type === 'AS' ? asNumber(value) : value, category }
}

/** The template that several comparisons or properties are most like. */
export function likelyTemplate(keys: readonly string[]): string | undefined {
  const roots = new Set(keys.map((key) => key.slice(0, key.indexOf(':'))))
  const root = [...roots].find((one) => TEMPLATES.has(one))
  if (root === 'network-traffic' && keys.some((key) => key.includes('socket-ext'))) return 'network-socket'
  return root === undefined ? undefined : TEMPLATES.get(root)
}
