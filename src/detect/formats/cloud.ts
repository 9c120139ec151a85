import type { Json, JsonObject } from '#base'
import { atPath, type Format, isObject, type Logsource } from '../event.ts'
import { addEmail, addHashList, addHost, addUrl } from './observe.ts'
import { toEventTime } from './time.ts'

/**
 * Every other JSON event: cloud and application audit trails told by the fields of the table below, and anything with
 * fields of common names. Comes last in the registry.
 */
export const json: Format = {
  name: 'json',
  detects: () => true,
  time: (raw) => {
    for (const name of TIME_FIELDS) {
      const time = toEventTime(name.includes('.') ? atPath(raw, name) : raw[name])
      if (time !== undefined) return time
    }
    return undefined
  },
  observables: (raw, add) => {
    for (const name of HOST_FIELDS) addHost(valueAt(raw, name), add)
    for (const name of URL_FIELDS) addUrl(valueAt(raw, name), add)
    for (const name of HASH_FIELDS) addHashList(valueAt(raw, name), add)
    for (const name of EMAIL_FIELDS) addEmail(valueAt(raw, name), add)
  },
  sources: (raw) => TRAILS.find((trail) => recognises(trail, raw))?.sources ?? declared(raw),
  fields: (raw) => raw,
  observers: ['Computer', 'DeviceName', 'sensor', 'sensor_name', 'node_id'],
  verbatim: true,
  aliases: new Map(
    Object.entries({
      eventSource: ['EventSource'],
      eventName: ['EventName'],
      'properties.message': ['OperationName', 'operationName'],
      operationName: ['OperationName'],
      eventtype: ['eventType'],
      type: ['record_type'],
    }),
  ),
}

const TIME_FIELDS = [
  '@timestamp',
  'timestamp',
  'eventTime',
  'EventTime',
  'time',
  'TimeGenerated',
  'Timestamp',
  'CreationTime',
  'published',
  'ts',
  'date',
  'event.created',
  'requestReceivedTimestamp',
  'utc_time',
  'createdDateTime',
  'activityDateTime',
]
const HOST_FIELDS = [
  'src_ip',
  'dst_ip',
  'dest_ip',
  'source_ip',
  'destination_ip',
  'sourceIPAddress',
  'SourceIp',
  'DestinationIp',
  'RemoteIp',
  'RemoteIP',
  'LocalIP',
  'ClientIP',
  'ClientIp',
  'IPAddress',
  'ipAddress',
  'callerIpAddress',
  'client.ipAddress',
  'HostIP',
  'source.ip',
  'destination.ip',
  'client.ip',
  'server.ip',
  'domain',
  'hostname',
  'query',
  'dns.question.name',
  'url.domain',
]
const URL_FIELDS = ['url', 'RemoteUrl', 'url.full', 'url.original', 'FileOriginUrl']
const HASH_FIELDS = [
  'md5',
  'sha1',
  'sha256',
  'sha512',
  'MD5',
  'SHA1',
  'SHA256',
  'InitiatingProcessMD5',
  'InitiatingProcessSHA1',
  'InitiatingProcessSHA256',
  'file.hash.md5',
  'file.hash.sha1',
  'file.hash.sha256',
  'process.hash.sha256',
  'Hashes',
]
const EMAIL_FIELDS = ['email', 'SenderFromAddress', 'RecipientEmailAddress', 'email.from.address', 'sender']

/** A trail is recognised where all `has` fields are present and all `is` fields have the value (small letters). */
interface Trail {
  has?: readonly string[]
  is?: Readonly<Record<string, string>>
  sources: readonly Logsource[]
}

const service = (product: string, name: string): readonly Logsource[] => [{ product, service: name }]

const TRAILS: readonly Trail[] = [
  { has: ['eventSource', 'eventName', 'awsRegion'], sources: service('aws', 'cloudtrail') },
  { is: { Type: 'auditlogs' }, sources: service('azure', 'auditlogs') },
  { is: { Type: 'signinlogs' }, sources: service('azure', 'signinlogs') },
  { is: { Type: 'azureactivity' }, sources: service('azure', 'activitylogs') },
  { is: { category: 'auditlogs' }, sources: service('azure', 'auditlogs') },
  { is: { category: 'signinlogs' }, sources: service('azure', 'signinlogs') },
  { is: { category: 'administrative' }, has: ['operationName'], sources: service('azure', 'activitylogs') },
  { has: ['riskEventType'], sources: service('azure', 'riskdetection') },
  {
    has: ['Workload', 'Operation', 'CreationTime'],
    sources: [
      { product: 'm365', service: 'audit' },
      { product: 'm365', service: 'threat_management' },
      { product: 'm365', service: 'exchange' },
      { product: 'm365', service: 'threat_detection' },
    ],
  },
  { has: ['protoPayload', 'logName'], sources: service('gcp', 'gcp.audit') },
  {
    has: ['eventService', 'eventName', 'actor'],
    sources: [
      { product: 'gcp', service: 'google_workspace.admin' },
      { product: 'gcp', service: 'google_workspace.login' },
    ],
  },
  { has: ['eventType', 'legacyEventType', 'actor'], sources: service('okta', 'okta') },
  { has: ['action', 'actor', 'org'], sources: service('github', 'audit') },
  { has: ['auditType', 'affectedObjects'], sources: service('bitbucket', 'audit') },
  { has: ['auditType.category', 'auditType.action'], sources: service('bitbucket', 'audit') },
  {
    has: ['auditID', 'verb', 'objectRef'],
    sources: [
      { product: 'kubernetes', service: 'audit' },
      { product: 'kubernetes', category: 'application', service: 'audit' },
    ],
  },
  { has: ['logtype', 'node_id', 'dst_port'], sources: [{ product: 'opencanary', category: 'application' }] },
  { has: ['event_type_id', 'account_id'], sources: service('onelogin', 'onelogin.events') },
  { has: ['type', 'auid'], sources: service('linux', 'auditd') },
  { has: ['type', 'syscall'], sources: service('linux', 'auditd') },
  { is: { type: 'execve' }, has: ['a0'], sources: service('linux', 'auditd') },
  { is: { type: 'path' }, has: ['nametype'], sources: service('linux', 'auditd') },
]

const recognises = ({ has = [], is = {} }: Trail, raw: JsonObject): boolean =>
  has.every((name) => present(valueAt(raw, name))) &&
  Object.entries(is).every(([name, value]) => textOf(valueAt(raw, name)) === value)

const textOf = (value: Json | undefined): string | undefined =>
  typeof value === 'string' ? value.toLowerCase() : undefined

const present = (value: Json | undefined): boolean => value !== undefined && value !== null

const valueAt = (raw: JsonObject, name: string): Json | undefined =>
  Object.hasOwn(raw, name) ? raw[name] : name.includes('.') ? atPath(raw, name) : undefined

const DECLARED = new Map<string, readonly Logsource[]>()
const DECLARED_MAX = 1_000
const NONE: readonly Logsource[] = []

/** An event may name its own log source: `{"logsource": {"product": …, "category": …, "service": …}}`. */
function declared(raw: JsonObject): readonly Logsource[] {
  if (!isObject(raw.logsource)) return NONE
  const source: Logsource = {}
  for (const name of ['product', 'category', 'service'] as const) {
    const value = raw.logsource[name]
    if (typeof value === 'string' && value.length <= 100) source[name] = value.toLowerCase()
  }
  const key = JSON.stringify(source)
  let sources = DECLARED.get(key)
  if (!sources) {
    if (DECLARED.size >= DECLARED_MAX) DECLARED.clear()
    sources = Object.keys(source).length === 0 ? NONE : [source]
    DECLARED.set(key, sources)
  }
  return sources
}
