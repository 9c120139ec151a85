import type { Json, JsonObject } from '#base'
import { type AddObservable, type Format, isObject, type Logsource } from '../event.ts'
import { addHost, addRequest, addUrl } from './observe.ts'
import { fromClf, toEventTime } from './time.ts'

/**
 * Web server access logs: common and combined format as text, and JSON with the field names that nginx, Apache, Caddy and
 * IIS shippers use. Both become the W3C names that Sigma's web server rules read (`cs-method`, `cs-uri-stem`, …).
 */
export const web: Format = {
  name: 'web',
  parseText,
  detects: (raw) =>
    raw[MADE] !== undefined ||
    (methodOf(raw) !== undefined && targetOf(raw) !== undefined && statusOf(raw) !== undefined),
  time: (raw) => {
    const value =
      raw.time_local ?? raw['@timestamp'] ?? raw.timestamp ?? raw.time ?? raw.time_iso8601 ?? raw.ts ?? raw.date
    return typeof value === 'string'
      ? (fromClf(value.replace(/^\[|\]$/g, '')) ?? toEventTime(value))
      : toEventTime(value)
  },
  observables,
  sources: () => SOURCES,
  fields: (raw) => readFields(raw),
  observers: ['s-computername', 'computername'],
  verbatim: false,
  aliases: new Map(
    Object.entries({
      'c-uri': ['cs-uri'],
      'cs-useragent': ['cs-user-agent'],
      'c-useragent': ['cs-user-agent'],
      'cs-referrer': ['cs-referer'],
      src_ip: ['c-ip'],
      'c-uri-query': ['cs-uri-query'],
      'c-uri-stem': ['cs-uri-stem'],
      'r-dns': ['cs-host'],
    }),
  ),
}

const SOURCES: readonly Logsource[] = [
  { category: 'webserver' },
  ...['apache', 'nginx', 'iis'].map((product) => ({ product, category: 'webserver', service: product })),
]

/** Marks an object made from a text line. */
const MADE = '#clf'
const LINE =
  /^(\S{1,255}) \S{1,255} (?:\S{1,255}|"[^"]{0,255}") \[([^\]]{20,40})\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-)(?: "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)")?/
const LINE_MAX = 65_536

function parseText(line: string): JsonObject | undefined {
  if (line.length > LINE_MAX) return undefined
  const match = LINE.exec(line)
  if (!match) return undefined
  const [, client = '', time = '', request = '', status = '', size = '', referer, agent] = match
  const [method = '', target = '', version = ''] = request.split(' ')
  return {
    [MADE]: true,
    remote_addr: client,
    time_local: time,
    request,
    method,
    uri: target,
    protocol: version,
    status: Number(status),
    body_bytes_sent: size === '-' ? 0 : Number(size),
    ...(referer === undefined ? {} : { http_referer: referer }),
    ...(agent === undefined ? {} : { http_user_agent: agent }),
  }
}

const FIELDS = new WeakMap<JsonObject, JsonObject>()

function readFields(raw: JsonObject): JsonObject {
  const known = FIELDS.get(raw)
  if (known) return known
  const target = textOf(targetOf(raw)) ?? ''
  const at = target.indexOf('?')
  const fields: JsonObject = { ...raw, message: textOf(raw.message) ?? `${textOf(methodOf(raw)) ?? ''} ${target}` }
  const set = (name: string, value: Json | undefined) => {
    if (value !== undefined && value !== null && fields[name] === undefined) fields[name] = value
  }
  set('cs-method', methodOf(raw))
  set('cs-uri', target)
  set('cs-uri-stem', at < 0 ? target : target.slice(0, at))
  set('cs-uri-query', at < 0 ? undefined : target.slice(at + 1))
  set('sc-status', statusOf(raw))
  set('cs-host', hostOf(raw))
  set('c-ip', clientOf(raw))
  set(
    'cs-user-agent',
    pick(raw, ['http_user_agent', 'user_agent', 'userAgent', 'agent', 'User-Agent']) ?? header(raw, 'User-Agent'),
  )
  set('cs-referer', pick(raw, ['http_referer', 'referer', 'referrer', 'Referer']) ?? header(raw, 'Referer'))
  set('sc-bytes', pick(raw, ['body_bytes_sent', 'bytes_sent', 'bytes', 'size']))
  FIELDS.set(raw, fields)
  return fields
}

const pick = (raw: JsonObject, names: readonly string[]): Json | undefined => {
  const name = names.find((candidate) => raw[candidate] !== undefined && raw[candidate] !== null)
  return name === undefined ? undefined : raw[name]
}

/** Caddy keeps the request's parts under `request`. */
const inner = (raw: JsonObject): JsonObject => (isObject(raw.request) ? raw.request : {})

function header(raw: JsonObject, name: string): Json | undefined {
  const { headers } = inner(raw)
  const value = isObject(headers) ? headers[name] : undefined
  return Array.isArray(value) ? value[0] : value
}

const requestLine = (raw: JsonObject): string[] => (typeof raw.request === 'string' ? raw.request.split(' ') : [])

const methodOf = (raw: JsonObject): Json | undefined =>
  pick(raw, ['cs-method', 'request_method', 'method', 'http_method', 'verb']) ??
  inner(raw).method ??
  requestLine(raw)[0]

const targetOf = (raw: JsonObject): Json | undefined => {
  const stem = raw['cs-uri-stem']
  const query = raw['cs-uri-query']
  if (typeof stem === 'string')
    return typeof query === 'string' && query !== '-' && query !== '' ? `${stem}?${query}` : stem
  return pick(raw, ['request_uri', 'uri', 'cs-uri', 'url', 'path', 'uri_path']) ?? inner(raw).uri ?? requestLine(raw)[1]
}

const statusOf = (raw: JsonObject): Json | undefined =>
  pick(raw, ['sc-status', 'status', 'status_code', 'response', 'http_status'])

const hostOf = (raw: JsonObject): Json | undefined =>
  pick(raw, ['cs-host', 'http_host', 'host', 'server_name', 'vhost', 'hostname']) ?? inner(raw).host

const clientOf = (raw: JsonObject): Json | undefined =>
  pick(raw, ['c-ip', 'remote_addr', 'remote_ip', 'client_ip', 'clientip', 'remoteAddr', 'remote_host', 'client']) ??
  inner(raw).remote_ip

const textOf = (value: Json | undefined): string | undefined => (typeof value === 'string' ? value : undefined)

function observables(raw: JsonObject, add: AddObservable): void {
  addHost(clientOf(raw), add)
  for (const part of (textOf(raw.http_x_forwarded_for) ?? '').split(',').slice(0, 20)) addHost(part.trim(), add)
  const host = hostOf(raw)
  addRequest(textOf(raw.scheme) === 'https' ? 'https' : 'http', host, targetOf(raw), add)
  addUrl(readFields(raw)['cs-referer'], add)
}
