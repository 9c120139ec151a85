import type { Json, JsonObject } from '#base'
import { type AddObservable, type Format, isObject, type Logsource } from '../event.ts'
import { addDigest, addEmail, addEmails, addHost, addHosts, addRequest, first } from './observe.ts'
import { toEventTime } from './time.ts'

/**
 * Zeek logs as JSON lines, one by one or as a stream with the log's name in `_path` or `@stream`; without a name, the log
 * is told by its fields. Dots in field names may have become underscores (`id_orig_h`).
 * @see https://docs.zeek.org/en/current/script-reference/log-files.html
 */
export const zeek: Format = {
  name: 'zeek',
  detects: (raw) =>
    typeof raw.ts !== 'undefined' &&
    (raw['id.orig_h'] !== undefined ||
      raw.id_orig_h !== undefined ||
      typeof raw._path === 'string' ||
      typeof raw['@stream'] === 'string' ||
      raw.fuid !== undefined ||
      raw.uid !== undefined ||
      raw['certificate.serial'] !== undefined),
  time: (raw) => toEventTime(raw.ts) ?? toEventTime(raw['@timestamp']),
  observables,
  sources: (raw) => SOURCES.get(pathOf(raw)) ?? UNKNOWN,
  fields: (raw) => raw,
  observers: ['_system_name', '_sensor', 'sensor', '_node_name'],
  verbatim: true,
  aliases: new Map(
    Object.entries({
      'id.orig_h': ['id_orig_h'],
      'id.resp_h': ['id_resp_h'],
      'id.orig_p': ['id_orig_p'],
      'id.resp_p': ['id_resp_p'],
      src_ip: ['id.orig_h', 'id_orig_h'],
      dst_ip: ['id.resp_h', 'id_resp_h'],
      src_port: ['id.orig_p', 'id_orig_p'],
      dst_port: ['id.resp_p', 'id_resp_p'],
      'c-uri': ['uri'],
      'cs-uri': ['uri'],
      'cs-uri-stem': ['uri'],
      'cs-uri-query': ['uri'],
      'c-uri-query': ['uri'],
      'cs-method': ['method'],
      'cs-host': ['host'],
      'r-dns': ['host'],
      'cs-user-agent': ['user_agent'],
      'c-useragent': ['user_agent'],
      'cs-referer': ['referrer'],
      'cs-referrer': ['referrer'],
      'sc-status': ['status_code'],
      'dst-ip': ['id.resp_h', 'id_resp_h'],
      answer: ['answers'],
      record_type: ['qtype_name'],
      'certificate.serial': ['certificate_serial'],
    }),
  ),
}

/** Fields that tell a log without a name. */
const TELLING: readonly (readonly [string, string])[] = [
  ['conn_state', 'conn'],
  ['query', 'dns'],
  ['qtype_name', 'dns'],
  ['status_code', 'http'],
  ['method', 'http'],
  ['server_name', 'ssl'],
  ['cipher', 'ssl'],
  ['fuid', 'files'],
  ['certificate.serial', 'x509'],
  ['mailfrom', 'smtp'],
  ['history', 'conn'],
]

function pathOf(raw: JsonObject): string {
  const named = raw._path ?? raw['@stream']
  if (typeof named === 'string') return named
  return TELLING.find(([field]) => raw[field] !== undefined)?.[1] ?? ''
}

const UNKNOWN: readonly Logsource[] = [{ product: 'zeek' }]

const SOURCES = new Map<string, readonly Logsource[]>(
  [
    'conn',
    'dns',
    'http',
    'ssl',
    'files',
    'x509',
    'smb_files',
    'smb_mapping',
    'dce_rpc',
    'kerberos',
    'rdp',
    'ntlm',
    'smtp',
    'ssh',
    'ftp',
    'dhcp',
    'notice',
    'weird',
    'software',
    'pe',
    'snmp',
    'sip',
    'tunnel',
    'ldap',
    'quic',
    'mysql',
  ].map((service) => [
    service,
    [
      { product: 'zeek', service },
      ...(service === 'http'
        ? [
            { product: 'zeek', category: 'proxy' },
            { product: 'zeek', category: 'webserver' },
          ]
        : []),
      ...(service === 'dns' ? [{ product: 'zeek', category: 'dns' }] : []),
      ...(service === 'conn' ? [{ product: 'zeek', category: 'firewall' }] : []),
    ],
  ]),
)

const CERT_LISTS = ['cert_chain_fps', 'client_cert_chain_fps']

function observables(raw: JsonObject, add: AddObservable): void {
  addHost(first(raw, 'id.orig_h', 'id_orig_h'), add)
  addHost(first(raw, 'id.resp_h', 'id_resp_h'), add)
  addHosts(raw.tx_hosts, add)
  addHosts(raw.rx_hosts, add)
  addHost(raw.query, add)
  addHosts(raw.answers, add)
  addHost(raw.server_name, add)
  if (raw.uri !== undefined || raw.host !== undefined) addRequest('http', raw.host, raw.uri, add)
  addDigest('ja3', raw.ja3, add)
  addDigest('ja3', raw.ja3s, add)
  addCertificates(raw, add)
  for (const name of ['mailfrom', 'from', 'reply_to']) addEmail(raw[name], add)
  for (const name of ['rcptto', 'to', 'cc']) addEmails(raw[name], add)
  addHost(raw.src, add)
  addHost(raw.dst, add)
}

function addCertificates(raw: JsonObject, add: AddObservable): void {
  // The log of files also holds the certificates that crossed the wire, told by their type.
  const isCertificate =
    raw.source === 'SSL' || (typeof raw.mime_type === 'string' && /x509|pkix-cert/.test(raw.mime_type))
  for (const name of ['md5', 'sha1', 'sha256'] as const) {
    addDigest(`file-${name}`, raw[name], add)
    if (isCertificate) addDigest(`cert-${name}`, raw[name], add)
  }
  addDigest('cert-sha1', raw.resp_certificate_sha1, add)
  addFingerprint(raw.fingerprint, add)
  for (const name of CERT_LISTS) {
    const list = raw[name]
    if (Array.isArray(list)) for (const item of list.slice(0, 100)) addFingerprint(item, add)
  }
  if (isObject(raw.san)) addHosts(raw.san.dns, add)
  addHosts(raw['san.dns'], add)
  addHosts(raw.san_dns, add)
}

/** A certificate's fingerprint; its length tells the hash. */
export function addFingerprint(value: Json | undefined, add: AddObservable): void {
  if (typeof value !== 'string') return
  const digits = value.replaceAll(':', '')
  const kind =
    digits.length === 64
      ? 'cert-sha256'
      : digits.length === 40
        ? 'cert-sha1'
        : digits.length === 32
          ? 'cert-md5'
          : undefined
  if (kind) add(kind, value)
}
