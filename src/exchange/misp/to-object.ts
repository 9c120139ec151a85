import type { Json, JsonObject } from '#base'
import { type Comparison, comparisonsOf } from '../comparisons.ts'
import { isObject, textOf, textsOf } from '../fields.ts'
import { keyOf, type Lookup, type Placed, placedAt } from './from-observable.ts'
import { mispUuid, uuidIn } from './ids.ts'
import { labelOf } from './labels.ts'
import { likelyAttribute, likelyTemplate } from './likeness.ts'
import { OBJECT_SHAPES, type ObjectShape } from './object-table.ts'
import { asNumber, frameOf } from './to-attribute.ts'
import { type Held, heldBy, heldByPattern, withParts } from './to-parts.ts'

/** The MISP object, or the attributes, that a pattern is about. */
export function objectOfPattern(object: JsonObject): JsonObject[] {
  const comparisons = comparisonsOf(textOf(object, 'pattern'))
  if (!comparisons) return []
  const name = labelOf(object, 'name')
  if (name === undefined) {
    const all = comparisons.all.filter(({ key }) => key !== 'email-addr:display_name')
    const attributes =
      comparisons.joined === 'or' || all.length === 1
        ? all.map(({ key, value }) => likelyAttribute(key, value, 'pattern'))
        : []
    if (attributes.length > 0 && attributes.every((one) => one !== undefined))
      return attributes.map((one, index) => ({
        ...frameOf(object),
        ...one,
        ...(index > 0 ? { uuid: mispUuid(textOf(object, 'id'), one?.type ?? '', one?.value ?? '') } : {}),
      }))
    if (comparisons.joined === 'or') return []
  }
  const template = name ?? likelyTemplate(comparisons.all.map(({ key }) => key))
  const shape = OBJECT_SHAPES.get(template === 'pe' ? 'file' : (template ?? ''))
  if (!shape) return []
  const attributes = [
    ...comparisons.all.flatMap((one) => attributeOfComparison(object, one, shape)),
    ...attachmentsOf(object, comparisons.all, shape),
  ]
  const held = heldByPattern(comparisons.all)
  const own = attributes.filter((one) => !isOfPart(one, held, shape))
  return withParts(object, framed(object, template ?? shape.name, shape.category, own), held, true)
}

/** Whether an attribute belongs to a part that stands beside its object. */
const isOfPart = (attribute: JsonObject, { values }: Held, { root }: ObjectShape): boolean =>
  root === 'windows-registry-key' &&
  values !== undefined &&
  ['name', 'data', 'data-type'].includes(textOf(attribute, 'object_relation'))

function attributeOfComparison(object: JsonObject, { key, value }: Comparison, shape: ObjectShape): JsonObject[] {
  if (key.endsWith('_ref.type') || key.endsWith('.content_disposition') || key === 'user-account:account_type')
    return shape.constants.has('account_type') || key !== 'user-account:account_type'
      ? []
      : [made(object, 'account-type', 'text', value, true)]
  if (key.startsWith('file:extensions.windows-pebinary-ext.')) return []
  if (key === 'artifact:payload_bin')
    return [made(object, 'payload_bin', 'attachment', { value: uuidIn(textOf(object, 'id')), data: value }, true)]
  if (/content_ref\.(?:payload_bin|hashes|mime_type|encryption_algorithm|decryption_key|x_misp_filename)/.test(key))
    return []
  if (/\.x_misp_\w+\.(?:data|value)$/.test(key)) return []
  const exact = [...shape.relations].filter(([relation, { place }]) => {
    const also = ALSO_AT.get(`${shape.name}/${relation}`)
    const paths = [...(place ? [place.patternPath, place.path] : []), ...(also === undefined ? [] : [also])]
    return paths.some((path) => keyOf(path) === key)
  })
  const ofLayer = exact.filter(([relation]) => LAYERS.get(relation)?.(value.toLowerCase()) !== false)
  const fitting = ofLayer.find(([, { type }]) => fits(type, value)) ?? exact[0]
  if (fitting)
    return [
      made(
        object,
        fitting[0],
        fitting[1].type,
        saidInPattern(fitting[0], value, labelOf(object, 'name') !== undefined),
        true,
      ),
    ]
  const custom = /[:.](?:x_misp_)?([A-Za-z0-9_]+)$/.exec(key)?.[1]
  if (custom === undefined) return []
  const relation = relationOfCustom(custom, shape)
  if (!/[:.]x_misp_/.test(key) && !shape.relations.has(relation)) return []
  return [made(object, relation, shape.relations.get(relation)?.type ?? 'text', value, true)]
}

/** A value of a pattern in MISP's words. */
function saidInPattern(relation: string, value: string, isOwn: boolean): string {
  if (relation === 'state') return value.toLowerCase() === 'true' ? 'listening' : value
  return isOwn && relation.endsWith('protocol') ? value.toUpperCase() : value
}

/** Whether a value can be of a type: an address is no host's name. */
function fits(type: string, value: string): boolean {
  const isAddress = /^[\d.]+(?:\/\d+)?$/.test(value) || value.includes(':')
  if (type === 'hostname' || type === 'domain') return !isAddress
  return type.startsWith('ip-') ? isAddress : type === 'url' ? value.includes('://') : true
}

/** Attachments of a pattern: packed files, each begun by its bytes, and custom properties with bytes and a name. */
function attachmentsOf(object: JsonObject, all: readonly Comparison[], shape: ObjectShape): JsonObject[] {
  const packed: Record<string, string>[] = []
  const named = new Map<string, Record<string, string>>()
  for (const { key, value } of all) {
    const field = /:content_ref\.(payload_bin|x_misp_filename|hashes\.MD5)$/.exec(key)?.[1]
    const custom = /:x_misp_(\w+)\.(data|value)$/.exec(key)
    if (field === 'payload_bin') packed.push({ payload_bin: value })
    else if (field !== undefined) Object.assign(packed.at(-1) ?? {}, { [field]: value })
    if (custom) named.set(custom[1] ?? '', { ...named.get(custom[1] ?? ''), [custom[2] ?? '']: value })
  }
  return [
    ...packed.map((one) => {
      const md5 = one['hashes.MD5']
      const relation = md5 === undefined ? 'attachment' : 'malware-sample'
      const name = one['x_misp_filename'] ?? ''
      const value = { value: md5 === undefined ? name : `${name}|${md5}`, data: one['payload_bin'] ?? '' }
      return made(object, relation, relation, value, true)
    }),
    ...[...named].map(([name, value]) => made(object, relationOfCustom(name, shape), 'attachment', value, true)),
  ]
}

/** Relation of a custom property: its own name where the template has it with hyphens. */
function relationOfCustom(name: string, { relations }: { relations: ReadonlyMap<string, unknown> }): string {
  return (
    [...relations.keys()].find(
      (relation) => relation.replace(/[^A-Za-z0-9_]/g, '_').toLowerCase() === name.toLowerCase(),
    ) ?? name.replaceAll('_', '-')
  )
}

/** The MISP object, or the attribute, of observables. */
export function objectOfObservables(
  object: JsonObject,
  observables: readonly JsonObject[],
  lookup: Lookup,
): JsonObject[] {
  const name = labelOf(object, 'name')
  if (name !== undefined) {
    const shape = OBJECT_SHAPES.get(name === 'pe' ? 'file' : name)
    if (!shape) return []
    const held = heldBy(observables.find(({ type }) => type === shape.root) ?? {})
    const all = attributesOfAll(object, observables, shape, lookup)
    const own = all.filter((one) => !isOfPart(one, held, shape))
    return withParts(object, framed(object, name, shape.category, own), held, false)
  }
  const referred = new Set(
    observables.flatMap((one) => Object.keys(one).flatMap((key) => (/_refs?$/.test(key) ? textsOf(one, key) : []))),
  )
  return observables
    .filter(({ id }) => !referred.has(String(id)))
    .flatMap((root) => fromRoot(object, root, observables.length > 0 && object !== root, lookup))
}

function fromRoot(object: JsonObject, root: JsonObject, isObserved: boolean, lookup: Lookup): JsonObject[] {
  const keys = Object.keys(root).filter(
    (key) => !['type', 'id', 'spec_version', 'defanged', 'object_marking_refs'].includes(key),
  )
  const only =
    keys.length === 1 ? likelyAttribute(`${textOf(root, 'type')}:${keys[0]}`, textOf(root, keys[0] ?? '')) : undefined
  const comment: JsonObject = isObserved ? { comment: `Observed Data ID: ${textOf(object, 'id')}` } : {}
  const frame: JsonObject = { ...frameOf(object), uuid: uuidIn(textOf(root, 'id')), to_ids: false, ...comment }
  if (only) return [{ ...frame, ...only }]
  const template = likelyTemplate(keys.map((key) => `${textOf(root, 'type')}:${key}`))
  const shape = OBJECT_SHAPES.get(template ?? '')
  if (!shape) return []
  const attributes = attributesOfAll(root, [root], shape, lookup)
  return [{ ...framed(object, shape.name, shape.category, attributes), uuid: uuidIn(textOf(root, 'id')), ...comment }]
}

function attributesOfAll(
  object: JsonObject,
  observables: readonly JsonObject[],
  shape: ObjectShape,
  lookup: Lookup,
): JsonObject[] {
  const roots = observables.filter(({ type }) => type === shape.root)
  const referred = new Set(roots.flatMap((one) => ['parent_ref', 'child_refs'].flatMap((name) => textsOf(one, name))))
  const own = roots.filter(({ id }) => !referred.has(String(id)))
  const attributes = own.flatMap((root) => attributesOf(object, root, shape, lookup))
  if (shape.name === 'http-request') attributes.push(...hostsOf(object, observables, own))
  const seen = new Set<string>()
  return attributes.filter((one) => {
    const key = JSON.stringify([one['object_relation'], one['value']])
    return seen.has(key) ? false : seen.add(key)
  })
}

/** Names of the host that a request was sent to, which stand behind its address. */
function hostsOf(
  object: JsonObject,
  observables: readonly JsonObject[],
  requests: readonly JsonObject[],
): JsonObject[] {
  const addresses = new Set(requests.flatMap((one) => textsOf(one, 'dst_ref')))
  return observables
    .filter((one) => one['type'] === 'domain-name' && textsOf(one, 'resolves_to_refs').some((id) => addresses.has(id)))
    .map((one) => made(object, 'host', 'hostname', textOf(one, 'value'), false))
}

function attributesOf(object: JsonObject, root: JsonObject, shape: ObjectShape, lookup: Lookup): JsonObject[] {
  const taken = new Set<string>()
  const owner = NAMED_BY_THEMSELVES.has(textOf(root, 'type')) ? root : object
  const placed = [...shape.relations].flatMap(([relation, { type, place }]) => {
    const also = ALSO_AT.get(`${shape.name}/${relation}`)
    const path = place?.path ?? also
    if (path === undefined || taken.has(path)) return []
    const own = path.endsWith(':content_ref') ? contentOf(root, relation, lookup) : withBytes(root, path, lookup)
    const values = own.length > 0 || also === undefined ? own : placedAt(root, also, lookup)
    const fitting = values.flatMap((one) => {
      const value = spoken(relation, one.value, shape)
      return value === undefined || (typeof value === 'string' && !fits(type, value)) ? [] : [{ ...one, value }]
    })
    if (fitting.length > 0 && path !== 'network-traffic:protocols') taken.add(path)
    return fitting.map(({ value, via }) => made(owner, relation, type, value, false, via))
  })
  const custom = Object.entries(root).flatMap(([key, value]) => {
    const relation = relationOfCustom(key.replace(/^x_misp_/, ''), shape)
    const isOwn = shape.relations.has(relation) && shape.relations.get(relation)?.place === undefined
    if (!key.startsWith('x_misp_') && !isOwn) return []
    const isPlaced = (said: Json) => placed.some((one) => one['object_relation'] === relation && one['value'] === said)
    return [value]
      .flat()
      .filter((one) => !isPlaced(one))
      .map((one) => made(owner, relation, shape.relations.get(relation)?.type ?? 'text', one, false))
  })
  return [...placed, ...custom]
}

/** Other places where foreign observables and patterns hold what a relation of a template says. */
const ALSO_AT: ReadonlyMap<string, string> = new Map([
  ['email/email-body', 'email-message:body_multipart[*].body'],
  ['email/received-header-ip', "email-message:additional_header_fields.'X-Originating-IP'"],
])

/** Observables whose attributes have uuids that follow from the observable, not from who observed it. */
const NAMED_BY_THEMSELVES = new Set(['autonomous-system', 'domain-name', 'user-account'])

const LAYERS: ReadonlyMap<string, (protocol: string) => boolean> = new Map([
  ['layer3-protocol', (protocol) => /^(?:ip|ipv4|ipv6|icmp|arp)$/.test(protocol)],
  ['layer4-protocol', (protocol) => /^(?:tcp|udp|sctp)$/.test(protocol)],
  ['layer7-protocol', (protocol) => !/^(?:ip|ipv4|ipv6|icmp|arp|tcp|udp|sctp)$/.test(protocol)],
])

/** A value in MISP's words: protocols by layer and in capitals, the state of a socket. */
function spoken(relation: string, value: Json, { constants }: ObjectShape): Json | undefined {
  if (relation === 'state' && typeof value === 'boolean') return value ? 'listening' : undefined
  if (typeof value !== 'string' || !relation.endsWith('protocol')) return value
  const isOfTemplate = constants.get('protocols')?.split(',').includes(value) === true
  return isOfTemplate || LAYERS.get(relation)?.(value) === false ? undefined : value.toUpperCase()
}

/** The packed bytes of a file, as MISP holds a sample: name and hash as value, bytes as data. */
function contentOf(root: JsonObject, relation: string, lookup: Lookup): Placed[] {
  const artifact = lookup.get(textOf(root, 'content_ref'))
  if (!artifact) return []
  const name = textOf(artifact, 'x_misp_filename') || textOf(root, 'name')
  const hashes = artifact['hashes']
  const md5 = isObject(hashes) ? textOf(hashes, 'MD5') : ''
  const text = relation === 'malware-sample' && md5 !== '' ? `${name}|${md5}` : name
  return [{ value: { value: text, data: textOf(artifact, 'payload_bin') }, via: [textOf(artifact, 'id')] }]
}

/** Values at a path; the bytes of an artifact go by the name of its file, or by its own uuid. */
function withBytes(root: JsonObject, path: string, lookup: Lookup): Placed[] {
  const placed = placedAt(root, path, lookup)
  if (path !== 'artifact:payload_bin') return placed
  const name = textOf(root, 'x_misp_filename') || uuidIn(textOf(root, 'id'))
  return placed.map((one) => ({ ...one, value: { value: name, data: String(one.value) } }))
}

/** One attribute of an object; its uuid follows from the object, its relation and its value. */
export function made(
  object: JsonObject,
  relation: string,
  type: string,
  value: Json,
  detects: boolean,
  via: readonly string[] = [],
): JsonObject {
  const withData = isObject(value)
  const plain = withData ? textOf(value, 'value') : mispValue(type, value)
  return {
    uuid: mispUuid(textOf(object, 'id'), ...via, relation, namingText(withData ? plain : value)),
    object_relation: relation,
    value: plain,
    type,
    disable_correlation: false,
    to_ids: detects,
    ...(withData && value['data'] !== undefined ? { data: textOf(value, 'data') } : {}),
  }
}

function mispValue(type: string, value: Json): Json {
  const text = plainText(value)
  if (type === 'AS') return asNumber(text)
  if (type === 'datetime') return text.replace(/(?:\.0+)?Z$/, '+00:00')
  const isPlain = (typeof value === 'boolean' && type === 'boolean') || (typeof value === 'number' && type === 'float')
  return isPlain ? value : text
}

/** Text of a value in the form that MISP's converters name it by: times with a space, booleans with a capital. */
function namingText(value: Json): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  const parts = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,6})\d*)?Z$/.exec(typeof value === 'string' ? value : '')
  if (!parts) return plainText(value)
  const fraction = (parts[3] ?? '').padEnd(6, '0')
  return `${parts[1]} ${parts[2]}${Number(fraction) === 0 ? '' : `.${fraction}`}+00:00`
}

/** Text of a value; what is no single value stays readable as JSON. */
const plainText = (value: Json): string => (typeof value === 'object' ? JSON.stringify(value) : String(value))

/** A MISP object around its attributes. */
export function framed(
  object: JsonObject,
  name: string,
  category: string,
  attributes: readonly JsonObject[],
): JsonObject {
  const ms = Date.parse(textOf(object, 'modified'))
  const comment = textOf(object, isObservation(object) ? 'x_misp_comment' : 'x_misp_object_comment')
  return {
    name,
    'meta-category': labelOf(object, 'meta-category') ?? category,
    uuid: uuidIn(textOf(object, 'id')),
    distribution: '5',
    sharing_group_id: '0',
    ...(Number.isFinite(ms) ? { timestamp: String(Math.trunc(ms / 1_000)) } : {}),
    ...(comment === '' ? {} : { comment }),
    Attribute: [...attributes],
  }
}

/** Whether a custom comment is that of the object, and no relation of its template. */
const isObservation = ({ type }: JsonObject): boolean => type === 'observed-data' || type === 'indicator'
