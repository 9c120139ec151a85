import type { Json, JsonObject } from '#base'
import { type AddObservable, type Format, isObject, type Logsource } from '../event.ts'
import { addDigest, addEmail, addEmails, addHost, addRequest } from './observe.ts'
import { toEventTime } from './time.ts'
import { addFingerprint } from './zeek.ts'

/**
 * Suricata EVE: alert, dns (versions 1 to 3), http, tls, fileinfo, flow, smtp.
 * @see https://docs.suricata.io/en/latest/output/eve/eve-json-format.html
 */
export const eve: Format = {
  name: 'eve',
  detects: (raw) => typeof raw.event_type === 'string' && raw.timestamp !== undefined,
  time: (raw) => toEventTime(raw.timestamp),
  observables,
  sources: (raw) => (typeof raw.event_type === 'string' ? SOURCES.get(raw.event_type) : undefined) ?? UNKNOWN,
  fields: (raw) => raw,
  observers: ['host', 'sensor_name', 'sensor'],
  verbatim: true,
  aliases: new Map(
    Object.entries({
      dst_ip: ['dest_ip'],
      'dst-ip': ['dest_ip'],
      dst_port: ['dest_port'],
      'c-uri': ['http.url'],
      'cs-uri': ['http.url'],
      'cs-uri-stem': ['http.url'],
      'cs-uri-query': ['http.url'],
      'c-uri-query': ['http.url'],
      'cs-method': ['http.http_method'],
      'cs-host': ['http.hostname'],
      'r-dns': ['http.hostname'],
      'cs-user-agent': ['http.http_user_agent'],
      'c-useragent': ['http.http_user_agent'],
      'cs-referer': ['http.http_refer'],
      'cs-referrer': ['http.http_refer'],
      'sc-status': ['http.status'],
      query: ['dns.rrname', 'dns.queries.rrname', 'dns.query.rrname'],
      answer: ['dns.answers.rdata', 'dns.rdata'],
      record_type: ['dns.rrtype', 'dns.queries.rrtype'],
    }),
  ),
}

const UNKNOWN: readonly Logsource[] = [{ product: 'suricata' }]

const SOURCES = new Map<string, readonly Logsource[]>(
  ['alert', 'dns', 'http', 'tls', 'fileinfo', 'flow', 'netflow', 'smtp', 'ssh', 'smb', 'krb5', 'rdp', 'anomaly'].map(
    (service) => [
      service,
      [
        { product: 'suricata', service },
        ...(service === 'http'
          ? [
              { product: 'suricata', category: 'proxy' },
              { product: 'suricata', category: 'webserver' },
            ]
          : []),
        ...(service === 'dns' ? [{ product: 'suricata', category: 'dns' }] : []),
        ...(service === 'flow' ? [{ product: 'suricata', category: 'firewall' }] : []),
      ],
    ],
  ),
)

const LIST_MAX = 1_000

function observables(raw: JsonObject, add: AddObservable): void {
  addHost(raw.src_ip, add)
  addHost(raw.dest_ip, add)
  if (isObject(raw.http)) addRequest('http', raw.http.hostname, raw.http.url, add)
  if (isObject(raw.dns)) addDns(raw.dns, add)
  if (isObject(raw.tls)) addTls(raw.tls, add)
  if (isObject(raw.fileinfo)) addFile(raw.fileinfo, add)
  for (const file of objects(raw.files)) addFile(file, add)
  if (isObject(raw.smtp)) {
    addEmail(raw.smtp.mail_from, add)
    addEmails(raw.smtp.rcpt_to, add)
  }
  if (isObject(raw.email)) {
    addEmail(raw.email.from, add)
    for (const name of ['to', 'cc']) addEmails(raw.email[name], add)
  }
}

function addDns(dns: JsonObject, add: AddObservable): void {
  addHost(dns.rrname, add)
  addHost(dns.rdata, add)
  for (const list of [dns.queries, dns.query]) for (const query of objects(list)) addHost(query.rrname, add)
  for (const answer of objects(dns.answers)) {
    addHost(answer.rrname, add)
    addHost(answer.rdata, add)
  }
  if (isObject(dns.grouped))
    for (const list of Object.values(dns.grouped))
      if (Array.isArray(list)) for (const item of list.slice(0, LIST_MAX)) addHost(item, add)
}

function addTls(tls: JsonObject, add: AddObservable): void {
  addHost(tls.sni, add)
  addFingerprint(tls.fingerprint, add)
  for (const name of ['ja3', 'ja3s']) {
    const value = tls[name]
    addDigest('ja3', isObject(value) ? value.hash : value, add)
  }
  const names = tls.subjectaltname
  if (Array.isArray(names)) for (const name of names.slice(0, LIST_MAX)) addHost(name, add)
}

function addFile(file: JsonObject, add: AddObservable): void {
  for (const name of ['md5', 'sha1', 'sha256'] as const) addDigest(`file-${name}`, file[name], add)
}

const objects = (list: Json | undefined): JsonObject[] =>
  Array.isArray(list) ? list.slice(0, LIST_MAX).filter(isObject) : []
