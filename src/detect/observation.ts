import { type Json, type JsonObject, type Millis, toTimestamp } from '#base'
import type { Observation } from '#stix'
import type { NormalEvent, Observable } from './event.ts'

/**
 * One event as a STIX observation, for patterns that the index of atoms can't hold: addresses, domains, URLs, e-mail
 * addresses, files, certificates, processes, registry keys, traffic. Seen once, at the time of the event.
 */
export function toEventObservation(event: NormalEvent, time: Millis): Observation {
  const objects = toObjects(event)
  const byId = new Map(objects.map((object) => [object.id, object]))
  const byType = new Map<string, JsonObject[]>()
  for (const object of objects) {
    const list = byType.get(object.type)
    if (list) list.push(object)
    else byType.set(object.type, [object])
  }
  const at = time * MICROS_PER_MILLI
  return { first: at, last: at, count: 1, byType, resolve: (id) => byId.get(id) }
}

const MICROS_PER_MILLI = 1_000

/** The same as a bundle of one observed-data and its objects. */
export function toObservedBundle(event: NormalEvent, time: Millis): JsonObject {
  const objects = toObjects(event)
  const at = toTimestamp(time)
  const observed: JsonObject = {
    type: 'observed-data',
    id: 'observed-data--00000000-0000-4000-8000-000000000000',
    first_observed: at,
    last_observed: at,
    number_observed: 1,
    object_refs: objects.map(({ id }) => id),
  }
  return { type: 'bundle', objects: [observed, ...objects] }
}

function toObjects(event: NormalEvent): Sco[] {
  const objects = new Objects()
  for (const observable of event.observables) addObservable(objects, observable)
  addHashes(objects, event.observables)
  addProcess(objects, event)
  addRegistry(objects, event)
  addTraffic(objects, event)
  return objects.list
}

/** Both ends of the connection that an event is about, as it writes them. */
export function trafficEnds(event: NormalEvent): string[] {
  const ends = [any(event, SOURCES), any(event, TARGETS)]
  return ends.filter((end) => end !== undefined)
}

type Sco = JsonObject & { type: string; id: string }

/** The objects of one observation; ids only have to be unique inside it. */
class Objects {
  readonly list: Sco[] = []
  readonly #byValue = new Map<string, string>()

  add(object: JsonObject & { type: string }): string {
    const id = `${object.type}--${String(this.list.length).padStart(8, '0')}-0000-4000-8000-000000000000`
    this.list.push({ ...object, id })
    return id
  }

  /** An object that is told by its value alone. */
  value(type: string, value: string): string {
    const key = `${type} ${value}`
    const known = this.#byValue.get(key)
    if (known !== undefined) return known
    const id = this.add({ type, value })
    this.#byValue.set(key, id)
    return id
  }
}

const VALUE_TYPES: Partial<Record<Observable['kind'], string>> = {
  ipv4: 'ipv4-addr',
  ipv6: 'ipv6-addr',
  domain: 'domain-name',
  url: 'url',
  email: 'email-addr',
}

function addObservable(objects: Objects, { kind, value }: Observable): void {
  const type = VALUE_TYPES[kind]
  if (type) objects.value(type, value)
}

const HASH_NAMES: Record<string, string> = { md5: 'MD5', sha1: 'SHA-1', sha256: 'SHA-256', sha512: 'SHA-512' }

function addHashes(objects: Objects, observables: readonly Observable[]): void {
  for (const [owner, type] of [
    ['file', 'file'],
    ['cert', 'x509-certificate'],
  ] as const) {
    const hashes = observables
      .filter(({ kind }) => kind.startsWith(`${owner}-`))
      .map(({ kind, value }) => [
        HASH_NAMES[kind.slice(owner.length + 1)] ?? kind,
        value.replaceAll(':', '').toLowerCase(),
      ])
    if (hashes.length > 0) objects.add({ type, hashes: Object.fromEntries(hashes) as JsonObject })
  }
}

function addProcess(objects: Objects, event: NormalEvent): void {
  const commandLine = text(event, 'CommandLine')
  const image = text(event, 'Image')
  const parent = text(event, 'ParentImage')
  if (commandLine === undefined && image === undefined) return
  const parentRef =
    parent === undefined
      ? undefined
      : process(objects, parent, text(event, 'ParentCommandLine'), event.field('ParentProcessId'), {})
  process(objects, image, commandLine, event.field('ProcessId'), {
    ...(parentRef === undefined ? {} : { parent_ref: parentRef }),
    ...optional('cwd', text(event, 'CurrentDirectory')),
  })
}

function process(
  objects: Objects,
  image: string | undefined,
  commandLine: string | undefined,
  pid: Json | undefined,
  more: JsonObject,
): string {
  const number = pid === undefined || pid === null ? NaN : Number(pid)
  return objects.add({
    type: 'process',
    ...optional('command_line', commandLine),
    ...(image === undefined ? {} : { image_ref: file(objects, image), name: baseName(image) }),
    ...(Number.isSafeInteger(number) ? { pid: number } : {}),
    ...more,
  })
}

function file(objects: Objects, path: string): string {
  const name = baseName(path)
  const folder = path.slice(0, path.length - name.length).replace(/[\\/]$/, '')
  const parent = folder === '' ? undefined : objects.add({ type: 'directory', path: folder })
  return objects.add({ type: 'file', name, ...optional('parent_directory_ref', parent) })
}

function addRegistry(objects: Objects, event: NormalEvent): void {
  const target = text(event, 'TargetObject')
  const written = text(event, 'TargetFilename')
  if (written !== undefined) file(objects, written)
  if (target === undefined) return
  const name = baseName(target)
  const details = text(event, 'Details')
  const values = details === undefined ? [] : [{ name, data: details }]
  objects.add({ type: 'windows-registry-key', key: target })
  if (details !== undefined)
    objects.add({ type: 'windows-registry-key', key: target.slice(0, -name.length - 1), values })
}

const SOURCES = ['id.orig_h', 'src_ip', 'SourceIp']
const TARGETS = ['id.resp_h', 'dest_ip', 'DestinationIp']
const SOURCE_PORTS = ['id.orig_p', 'src_port', 'SourcePort']
const TARGET_PORTS = ['id.resp_p', 'dest_port', 'DestinationPort']
const PROTOCOLS = ['proto', 'Protocol', 'service', 'app_proto']

function addTraffic(objects: Objects, event: NormalEvent): void {
  const source = any(event, SOURCES)
  const target = any(event, TARGETS)
  if (source === undefined || target === undefined) return
  const address = (value: string) => objects.value(value.includes(':') ? 'ipv6-addr' : 'ipv4-addr', value)
  const protocols = PROTOCOLS.flatMap((name) => text(event, name)?.toLowerCase() ?? [])
  objects.add({
    type: 'network-traffic',
    src_ref: address(source),
    dst_ref: address(target),
    ...port('src_port', any(event, SOURCE_PORTS)),
    ...port('dst_port', any(event, TARGET_PORTS)),
    protocols,
  })
}

const text = (event: NormalEvent, name: string): string | undefined => {
  const value = event.field(name)
  return typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined
}

const any = (event: NormalEvent, names: readonly string[]): string | undefined => {
  for (const name of names) {
    const value = text(event, name)
    if (value !== undefined) return value
  }
  return undefined
}

const port = (name: string, value: string | undefined): JsonObject =>
  value === undefined ? {} : { [name]: Number(value) }

const optional = (name: string, value: string | undefined): JsonObject => (value === undefined ? {} : { [name]: value })

const baseName = (path: string): string => path.slice(Math.max(path.lastIndexOf('\\'), path.lastIndexOf('/')) + 1)
