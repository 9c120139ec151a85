import type { Json, JsonObject } from '#base'
import { type AddObservable, type Format, isObject, type Logsource } from '../event.ts'
import {
  CHANNEL_CATEGORIES,
  CHANNEL_SERVICES,
  PROCESS_AUDIT_FIELDS,
  PROVIDER_CHANNELS,
  SYSMON_CATEGORIES,
} from '../sigma/windows-sources.ts'
import { addHashList, addHost, addUrl } from './observe.ts'
import { toEventTime } from './time.ts'

/**
 * Windows event log as JSON, Sysmon included, in the shapes that shippers write:
 * - nested: `{"Event": {"System": {…}, "EventData": {…}}}` (evtx dumps), also without the outer `Event`;
 * - flat: `{"EventID": 1, "Channel": "…", "Image": "…"}` (NXLog, Azure; `EventData` may be JSON text there);
 * - `{"winlog": {"channel", "event_id", "event_data"}}` (Winlogbeat).
 */
export const windows: Format = {
  name: 'windows',
  detects: (raw) => nestedSystem(raw) !== undefined || isObject(raw.winlog) || isFlat(raw),
  time: (raw) => {
    const fields = readFields(raw)
    for (const name of TIME_FIELDS) {
      const time = toEventTime(fields[name])
      if (time !== undefined) return time
    }
    return undefined
  },
  observables: (raw, add) => addObservables(readFields(raw), add),
  sources: (raw) => sourcesOf(readFields(raw)),
  fields: (raw) => readFields(raw),
  observers: ['Computer', 'ComputerName', 'Hostname', 'computer_name'],
  verbatim: true,
  aliases: new Map(
    Object.entries({
      Provider_Name: ['SourceName', 'EventSourceName', 'ProviderName', 'Provider', 'Source'],
      EventID: ['EventId', 'event_id'],
      Channel: ['channel'],
      Computer: ['ComputerName', 'Hostname'],
      ProcessGuid: ['ProcessGUID'],
      SourceProcessGuid: ['SourceProcessGUID'],
      TargetProcessGuid: ['TargetProcessGUID'],
      ...PROCESS_AUDIT_FIELDS,
      Hashes: ['Hash'],
    }),
  ),
}

const TIME_FIELDS = ['SystemTime', 'UtcTime', 'TimeCreated', '@timestamp', 'TimeGenerated', 'EventTime', 'timestamp']
const NESTED = new WeakMap<JsonObject, JsonObject>()
const EMBEDDED_MAX = 262_144

const isFlat = (raw: JsonObject): boolean =>
  (raw.EventID !== undefined || raw.EventId !== undefined) &&
  (raw.Channel !== undefined ||
    raw.SourceName !== undefined ||
    raw.EventSourceName !== undefined ||
    raw.ProviderName !== undefined)

function nestedSystem(
  raw: JsonObject,
): { system: JsonObject; data: Json | undefined; user: Json | undefined } | undefined {
  const event = isObject(raw.Event) ? raw.Event : raw
  return isObject(event.System) ? { system: event.System, data: event.EventData, user: event.UserData } : undefined
}

/** All fields of an event side by side: the event itself where it is flat, else a flat copy made once. */
function readFields(raw: JsonObject): JsonObject {
  if (raw.Event === undefined && raw.System === undefined && raw.winlog === undefined && raw.EventData === undefined)
    return raw
  let flat = NESTED.get(raw)
  if (!flat) {
    flat = flatten(raw)
    NESTED.set(raw, flat)
  }
  return flat
}

function flatten(raw: JsonObject): JsonObject {
  const nested = nestedSystem(raw)
  if (nested) {
    const { system } = nested
    return {
      ...systemFields(system),
      ...eventData(nested.user),
      ...eventData(nested.data),
    }
  }
  if (isObject(raw.winlog)) {
    const { winlog } = raw
    return {
      '@timestamp': raw['@timestamp'] ?? null,
      EventID: textOf(winlog.event_id) ?? null,
      Channel: winlog.channel ?? null,
      Provider_Name: winlog.provider_name ?? null,
      Computer: winlog.computer_name ?? null,
      ...eventData(winlog.user_data),
      ...eventData(winlog.event_data),
    }
  }
  return { ...raw, ...eventData(raw.EventData) }
}

function systemFields(system: JsonObject): JsonObject {
  const fields: JsonObject = {}
  for (const [name, value] of Object.entries(system)) {
    const attributes = isObject(value) ? (value['#attributes'] ?? value['@attributes'] ?? value) : undefined
    if (name === 'EventID') fields.EventID = textOf(value) ?? null
    else if (name === 'Provider') fields.Provider_Name = named(attributes, value, ['Name', '@Name']) ?? null
    else if (name === 'TimeCreated') fields.SystemTime = named(attributes, value, ['SystemTime', '@SystemTime']) ?? null
    else if (!isObject(value)) fields[name] = value
    else if (isObject(attributes))
      for (const [inner, item] of Object.entries(attributes))
        if (!isObject(item)) fields[inner.replace(/^@/, '')] = item
  }
  return fields
}

const named = (attributes: Json | undefined, value: Json, names: readonly string[]): Json | undefined => {
  if (!isObject(attributes)) return typeof value === 'string' ? value : undefined
  const name = names.find((candidate) => attributes[candidate] !== undefined)
  return name === undefined ? undefined : attributes[name]
}

/** Text content of an XML element turned JSON: the value itself or its `#text`. */
function textOf(value: Json | undefined): Json | undefined {
  if (!isObject(value)) return value
  return value['#text'] ?? value.Value ?? value.value ?? value.$t
}

/** Named values of EventData or UserData, whatever way they were turned into JSON. */
function eventData(data: Json | undefined): JsonObject {
  if (typeof data === 'string') return embedded(data)
  if (Array.isArray(data)) return dataList(data)
  if (!isObject(data)) return {}
  const fields: JsonObject = {}
  for (const [name, value] of Object.entries(data)) {
    if (name.startsWith('#') || name.startsWith('@')) continue
    if (name === 'Data' && (Array.isArray(value) || isObject(value))) {
      const list =
        isObject(value) && Array.isArray(value['#text']) ? value['#text'] : Array.isArray(value) ? value : [value]
      Object.assign(fields, dataList(list))
    } else if (isObject(value) && textOf(value) === undefined) Object.assign(fields, eventData(value))
    else fields[name] = textOf(value) ?? null
  }
  return fields
}

/** A list of `Data` elements: named ones become fields, the others the list `Data`. */
function dataList(items: readonly Json[]): JsonObject {
  const fields: JsonObject = {}
  const unnamed: Json[] = []
  for (const item of items) {
    const attributes = isObject(item) ? (isObject(item['#attributes']) ? item['#attributes'] : item) : undefined
    const name = attributes && (attributes.Name ?? attributes['@Name'] ?? attributes.name)
    if (typeof name === 'string') fields[name] = textOf(item) ?? null
    else unnamed.push(textOf(item) ?? null)
  }
  if (unnamed.length > 0) fields.Data = unnamed.length === 1 ? unnamed[0]! : unnamed
  return fields
}

function embedded(text: string): JsonObject {
  if (text.length > EMBEDDED_MAX || !text.startsWith('{')) return { Data: text }
  try {
    const value = JSON.parse(text) as Json
    return isObject(value) ? value : {}
  } catch {
    // Not JSON after all: keywords can still find it.
    return { Data: text }
  }
}

const ROUTES = new Map<string, Map<number | string, readonly Logsource[]>>()
const ROUTES_MAX = 10_000
const NO_SOURCES: readonly Logsource[] = []
const SYSMON = 'microsoft-windows-sysmon/operational'
const LINUX_SYSMON = 'linux-sysmon/operational'
const REGISTRY_CREATE_DELETE = 12

function sourcesOf(fields: JsonObject): readonly Logsource[] {
  const channel = fields.Channel ?? fields.channel
  const provider =
    fields.Provider_Name ?? fields.SourceName ?? fields.EventSourceName ?? fields.ProviderName ?? fields.Provider
  const key = typeof channel === 'string' ? channel : typeof provider === 'string' ? `provider:${provider}` : undefined
  if (key === undefined) return NO_SOURCES
  let routes = ROUTES.get(key)
  if (!routes) {
    if (ROUTES.size >= ROUTES_MAX) ROUTES.clear()
    routes = new Map()
    ROUTES.set(key, routes)
  }
  const id = fields.EventID ?? fields.EventId
  const number = typeof id === 'number' ? id : Number(id)
  // Sysmon writes one id for adding and for deleting registry keys: the event type tells them apart.
  const routeKey = number === REGISTRY_CREATE_DELETE ? `12 ${registryKind(fields.EventType)}` : number
  let sources = routes.get(routeKey)
  if (!sources) {
    sources = route(key, number, registryKind(fields.EventType))
    if (routes.size < ROUTES_MAX) routes.set(routeKey, sources)
  }
  return sources
}

function route(key: string, id: number, registry: string): readonly Logsource[] {
  const name = key.toLowerCase()
  const channel = name.startsWith('provider:') ? (PROVIDER_CHANNELS[name.slice(9)] ?? name) : name
  const product = channel === LINUX_SYSMON || name === 'provider:linux-sysmon' ? 'linux' : 'windows'
  const isSysmon = channel === SYSMON || product === 'linux'
  const categories = (isSysmon ? SYSMON_CATEGORIES[id] : CHANNEL_CATEGORIES[channel]?.[id])?.filter(
    (category) =>
      id !== REGISTRY_CREATE_DELETE ||
      category === 'registry_event' ||
      registry === '' ||
      category === `registry_${registry}`,
  )
  const services: readonly (string | undefined)[] =
    product === 'linux' ? ['sysmon'] : (CHANNEL_SERVICES[channel] ?? [undefined])
  return services.flatMap((service) =>
    (categories ?? [undefined]).map((category) => ({
      product,
      ...(category === undefined ? {} : { category }),
      ...(service === undefined ? {} : { service }),
    })),
  )
}

function registryKind(eventType: Json | undefined): string {
  if (typeof eventType !== 'string') return ''
  if (/^delete/i.test(eventType)) return 'delete'
  return /^create/i.test(eventType) ? 'add' : ''
}

const ADDRESS_FIELDS = [
  'SourceIp',
  'DestinationIp',
  'IpAddress',
  'SourceAddress',
  'DestAddress',
  'ClientAddress',
  'RemoteIP',
]
const HOST_FIELDS = ['DestinationHostname', 'SourceHostname', 'QueryName', 'RemoteName']
const URL_FIELDS = ['RemoteUrl', 'url', 'Url']
const HASH_FIELDS = ['Hashes', 'Hash', 'MD5', 'SHA1', 'SHA256', 'FileHash']

function addObservables(fields: JsonObject, add: AddObservable): void {
  for (const name of ADDRESS_FIELDS) addHost(fields[name], add)
  for (const name of HOST_FIELDS) addHost(fields[name], add)
  for (const name of URL_FIELDS) addUrl(fields[name], add)
  for (const name of HASH_FIELDS) addHashList(fields[name], add)
  const results = fields.QueryResults
  if (typeof results === 'string')
    for (const part of results.split(';')) addHost(part.replace(/^type:\s*\d+\s*/, '').trim(), add)
}
