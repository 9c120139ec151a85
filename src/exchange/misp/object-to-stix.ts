import type { Json, JsonObject } from '#base'
import { finish, SAMPLE_PACKING } from './attribute-to-stix.ts'
import { addCustom, customName } from './custom.ts'
import { domainEntity } from './entity-to-stix.ts'
import { addExecutable, executableTerms } from './executable.ts'
import { flagOf, found, objectsOf, textOf } from '../fields.ts'
import { common, indicator, type MispContext, observedData, timeIn, withBasis } from './frame.ts'
import { ObservableGraph } from './graph.ts'
import { uuidOf } from './ids.ts'
import { OBJECT_SHAPES, type ObjectShape } from './object-table.ts'
import type { Siblings } from './siblings.ts'
import { hostTerms, isHostPath, term } from './terms.ts'

/**
 * The STIX objects of one MISP object: a domain object (vulnerability, identity, malware…), a rule, or observed-data with
 * an indicator on what is meant for detection. Objects of unknown templates become one custom object.
 */
export function objectToStix(object: JsonObject, context: MispContext, siblings: Siblings = new Map()): JsonObject[] {
  const name = textOf(object, 'name')
  const uuid = uuidOf(
    object['uuid'],
    name,
    JSON.stringify(objectsOf(object, 'Attribute').map((one) => textOf(one, 'value'))),
  )
  const category = textOf(object, 'meta-category')
  const labels = [`misp:name="${name}"`, ...(category === '' ? [] : [`misp:meta-category="${category}"`])]
  const entity = domainEntity(object, uuid, labels, context)
  if (entity) return [entity]
  const shape = OBJECT_SHAPES.get(name === 'pe' ? 'file' : name)
  if (!shape) return [custom(object, uuid, context)]
  const attributes = objectsOf(object, 'Attribute')
  const observables =
    name === 'pe' ? executableAlone(object, uuid, siblings) : observablesOf(object, attributes, shape, uuid, siblings)
  const observed = [observedData(object, uuid, observables, labels, context), ...observables]
  const flagged = attributes.filter((attribute) => flagOf(attribute, 'to_ids') ?? true)
  const terms = name === 'pe' ? executableTerms(object, siblings) : termsOf(object, flagged, shape, siblings)
  const detecting =
    terms.length > 0
      ? indicator(object, uuid, { pattern: `[${terms.join(' AND ')}]`, category, labels }, context)
      : undefined
  return withBasis(object, observed, detecting && withoutComment(detecting), context)
}

const withoutComment = (made: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(made).filter(([name]) => name !== 'description'))

function executableAlone(object: JsonObject, uuid: string, siblings: Siblings): JsonObject[] {
  const graph = new ObservableGraph('file', uuid)
  const name = objectsOf(object, 'Attribute').find((one) =>
    /^(?:original|internal)-filename$/.test(textOf(one, 'object_relation')),
  )
  if (name) graph.root['name'] = textOf(name, 'value')
  addExecutable(graph.root, object, siblings)
  return graph.objects
}

function observablesOf(
  object: JsonObject,
  attributes: readonly JsonObject[],
  shape: ObjectShape,
  uuid: string,
  siblings: Siblings,
): JsonObject[] {
  if (shape.name === 'domain-ip') return resolutions(attributes, uuid)
  const graph = new ObservableGraph(shape.root, uuid)
  for (const [name, value] of shape.constants) graph.root[name] = name === 'protocols' ? value.split(',') : value
  const order = [...shape.relations.keys()]
  const placed = attributes
    .filter((attribute) => shape.relations.get(relationOf(attribute))?.place !== undefined)
    .sort((a, b) => order.indexOf(relationOf(a)) - order.indexOf(relationOf(b)))
  const pairs = namedPairs(attributes)
  const rest: JsonObject[] = attributes.filter((attribute) => !placed.includes(attribute))
  const filled = new Set<string>()
  for (const attribute of placed) {
    const path = relationOf(attribute) === 'host' ? '' : placeAt(attribute, shape)
    if (filled.has(path) || isGiven(attribute, shape) || !place(graph, attribute, shape, pairs)) rest.push(attribute)
    else if (path !== '' && !isList(path)) filled.add(path)
  }
  addCustom(graph.root, rest)
  if (shape.root === 'file') addReferredExecutable(graph.root, object, siblings)
  if (shape.root === 'windows-registry-key') addValues(graph.root, object, siblings)
  const other = graph.objects.find(({ type }) => type === 'ipv4-addr' || type === 'ipv6-addr')
  finish(graph.objects, shape.name === 'ip-port' && other ? String(other['type']).slice(0, 4) : 'tcp')
  return graph.objects
}

const relationOf = (attribute: JsonObject) => textOf(attribute, 'object_relation')

const placeAt = (attribute: JsonObject, { relations }: ObjectShape): string =>
  relations.get(relationOf(attribute))?.place?.path ?? ''

/** Whether a place takes several values. */
const isList = (path: string) =>
  /\[(?:\*|n)\]|:(?:languages|protocols|received_lines|extensions\.'unix-account-ext'\.groups)$/.test(path)

/** Whether the template itself says what an attribute says. */
const isGiven = (attribute: JsonObject, shape: ObjectShape): boolean =>
  placeAt(attribute, shape).endsWith(':protocols') &&
  shape.constants.get('protocols')?.split(',').includes(textOf(attribute, 'value').toLowerCase()) === true

/** Puts one attribute at its place; false where it does not fit there. */
function place(graph: ObservableGraph, attribute: JsonObject, shape: ObjectShape, pairs: Pairs): boolean {
  const relation = relationOf(attribute)
  const path = shape.relations.get(relation)?.place?.path ?? ''
  const value = textOf(attribute, 'value')
  const uuid = uuidOf(attribute['uuid'], String(graph.root['id']), relation, value)
  if (path.endsWith(':content_ref')) return addContent(graph, attribute, uuid)
  if (shape.name === 'http-request' && relation === 'host') return addHost(graph, value, uuid)
  if (relation.endsWith('-display-name')) return addDisplayName(graph, attribute, relation, pairs)
  if (path === 'artifact:url' && graph.root['payload_bin'] !== undefined) return false
  if (/:content_ref\./.test(path) && graph.root['content_ref'] === undefined) return false
  return graph.set(path.replace('[n]', '[*]'), valueFor(attribute), uuid)
}

/** The value, or the bytes of an attachment. */
const valueFor = (attribute: JsonObject): Json => textOf(attribute, 'data') || textOf(attribute, 'value')

/** The host that a request names stands behind the address that it was sent to. */
function addHost(graph: ObservableGraph, value: string, uuid: string): boolean {
  const address = graph.root['dst_ref']
  if (address === undefined) return graph.set('network-traffic:dst_ref.value', value, uuid)
  const domain = graph.rootOf('domain-name', uuid)
  domain['value'] = value
  domain['resolves_to_refs'] = [address]
  return true
}

type Pairs = ReadonlyMap<JsonObject, JsonObject>

/** Display names with the addresses they belong to: each with the first address of its field that looks like it. */
function namedPairs(attributes: readonly JsonObject[]): Pairs {
  const pairs = new Map<JsonObject, JsonObject>()
  for (const field of ['from', 'to', 'cc', 'bcc']) {
    const addresses = attributes.filter((one) => relationOf(one) === field)
    for (const name of attributes.filter((one) => relationOf(one) === `${field}-display-name`)) {
      const index = addresses.findIndex((one) => looksLike(textOf(name, 'value'), textOf(one, 'value')))
      const [address] = index === -1 ? [] : addresses.splice(index, 1)
      if (address) pairs.set(name, address)
    }
  }
  return pairs
}

/** Whether an address holds a word of a name, or begins with its initials. */
function looksLike(name: string, address: string): boolean {
  const words = name
    .toLowerCase()
    .slice(0, 200)
    .split(/[\s.,]+/)
    .filter(Boolean)
  const local = address.toLowerCase().split('@', 1)[0] ?? ''
  const initials = words.map((word) => word[0]).join('')
  return (
    words.some((word) => word.length > 2 && local.includes(word)) || (initials.length > 1 && local.startsWith(initials))
  )
}

function addDisplayName(graph: ObservableGraph, attribute: JsonObject, relation: string, pairs: Pairs): boolean {
  const address = pairs.get(attribute)
  if (!address) return false
  const known = graph.objects.find(({ type, value }) => type === 'email-addr' && value === textOf(address, 'value'))
  if (!known || relation === '') return false
  known['display_name'] = textOf(attribute, 'value')
  return true
}

/** The bytes of a sample or a picture, as the file's content. */
function addContent(graph: ObservableGraph, attribute: JsonObject, uuid: string): boolean {
  const data = textOf(attribute, 'data')
  if (data === '') return false
  for (const [name, value] of contentOf(attribute)) graph.set(`file:content_ref.${name}`, value, uuid)
  return true
}

function contentOf(attribute: JsonObject): [string, string][] {
  const value = textOf(attribute, 'value')
  const [name = '', md5 = ''] = value.split('|')
  const data: [string, string] = ['payload_bin', textOf(attribute, 'data')]
  if (textOf(attribute, 'type') === 'malware-sample')
    return [
      data,
      ['x_misp_filename', name],
      ...(md5 === '' ? [] : [['hashes.MD5', md5] as [string, string]]),
      ...Object.entries(SAMPLE_PACKING),
    ]
  const picture = /\.(png|jpe?g|gif|bmp|webp)$/i.exec(value)?.[1]?.toLowerCase()
  const mime: [string, string][] =
    picture === undefined ? [] : [['mime_type', `image/${picture === 'jpg' ? 'jpeg' : picture}`]]
  return [data, ...mime, ['x_misp_filename', value]]
}

/** Names that resolve to addresses: each to all of them. */
function resolutions(attributes: readonly JsonObject[], uuid: string): JsonObject[] {
  const of = (relation: string) => attributes.filter((one) => relationOf(one) === relation)
  const addresses = of('ip').map((one) => addressOf(one, uuid))
  const rest = attributes.filter((one) => !['ip', 'domain'].includes(relationOf(one)))
  const ids = addresses.map(({ id }) => String(id))
  const domains = of('domain').map((one, index): JsonObject => {
    const own = rest.length > 0 && index === 0 ? uuid : uuidOf(one['uuid'], uuid, 'domain', textOf(one, 'value'))
    const domain: JsonObject = {
      type: 'domain-name',
      spec_version: '2.1',
      id: `domain-name--${own}`,
      value: textOf(one, 'value'),
      ...(ids.length === 0 ? {} : { resolves_to_refs: ids }),
    }
    if (index === 0) addCustom(domain, rest)
    return domain
  })
  if (domains.length > 0) return [...addresses, ...domains]
  const host = of('hostname')[0]
  if (!host) return addresses
  const domain: JsonObject = {
    type: 'domain-name',
    spec_version: '2.1',
    id: `domain-name--${uuid}`,
    value: textOf(host, 'value'),
  }
  if (ids.length > 0) domain['resolves_to_refs'] = ids
  addCustom(
    domain,
    rest.filter((one) => one !== host),
  )
  return [...addresses, domain]
}

function addressOf(attribute: JsonObject, uuid: string): JsonObject {
  const value = textOf(attribute, 'value')
  const type = value.includes(':') ? 'ipv6-addr' : 'ipv4-addr'
  return { type, spec_version: '2.1', id: `${type}--${uuidOf(attribute['uuid'], uuid, 'ip', value)}`, value }
}

const referred = (object: JsonObject, siblings: Siblings): JsonObject[] =>
  found(
    objectsOf(object, 'ObjectReference').map((reference) => textOf(reference, 'referenced_uuid')),
    siblings,
  )

function addReferredExecutable(root: JsonObject, object: JsonObject, siblings: Siblings): void {
  for (const one of referred(object, siblings)) if (textOf(one, 'name') === 'pe') addExecutable(root, one, siblings)
}

function addValues(root: JsonObject, object: JsonObject, siblings: Siblings): void {
  const values = referred(object, siblings).filter((one) => textOf(one, 'name') === 'registry-key-value')
  for (const value of values) {
    const item: JsonObject = {}
    for (const attribute of objectsOf(value, 'Attribute'))
      item[relationOf(attribute).replace('-', '_')] = textOf(attribute, 'value')
    root['values'] = [...((root['values'] as Json[] | undefined) ?? []), item]
  }
}

function termsOf(object: JsonObject, flagged: readonly JsonObject[], shape: ObjectShape, siblings: Siblings): string[] {
  const counts = new Map<string, number>()
  const terms = flagged.flatMap((attribute) => {
    const relation = relationOf(attribute)
    const value = textOf(attribute, 'value')
    const path = shape.relations.get(relation)?.place?.patternPath ?? `${shape.root}:${customName(relation)}`
    const index = counts.get(relation) ?? 0
    counts.set(relation, index + 1)
    if (value === '') return []
    if (relation.endsWith('-display-name')) return []
    if (path.endsWith(':content_ref')) return contentTerms(attribute)
    if (textOf(attribute, 'data') !== '') return []
    if (isHostPath(path)) return [`(${hostTerms(path, value).join(' AND ')})`]
    const whole = term(path.replace('[n]', `[${index}]`), value)
    return path.includes('body_multipart[n]')
      ? [whole, term(`email-message:body_multipart[${index}].content_disposition`, 'attachment')]
      : [whole]
  })
  const account = shape.constants.get('account_type')
  const typed =
    account !== undefined && terms.length > 0 ? [term('user-account:account_type', account), ...terms] : terms
  const pe = shape.root === 'file' ? referred(object, siblings).filter((one) => textOf(one, 'name') === 'pe') : []
  return [...typed, ...pe.flatMap((one) => executableTerms(one, siblings)), ...valueTerms(object, shape, siblings)]
}

function contentTerms(attribute: JsonObject): string[] {
  if (textOf(attribute, 'data') === '') return []
  const terms = contentOf(attribute).map(([name, value]) => term(`file:content_ref.${name}`, value))
  return textOf(attribute, 'type') === 'malware-sample' ? [`(${terms.join(' AND ')})`] : terms
}

function valueTerms(object: JsonObject, { root }: ObjectShape, siblings: Siblings): string[] {
  if (root !== 'windows-registry-key') return []
  const values = referred(object, siblings).filter((one) => textOf(one, 'name') === 'registry-key-value')
  return values.flatMap((value, index) =>
    objectsOf(value, 'Attribute').flatMap((attribute) =>
      (flagOf(attribute, 'to_ids') ?? true)
        ? [term(`${root}:values[${index}].${relationOf(attribute).replace('-', '_')}`, textOf(attribute, 'value'))]
        : [],
    ),
  )
}

function custom(object: JsonObject, uuid: string, context: MispContext): JsonObject {
  const name = textOf(object, 'name')
  const category = textOf(object, 'meta-category')
  const comment = textOf(object, 'comment')
  const kept = ['uuid', 'object_relation', 'type', 'value', 'to_ids', 'data', 'comment', 'category']
  const attributes = objectsOf(object, 'Attribute').map((attribute) => {
    const entries = Object.entries(attribute).filter(
      ([key, value]) => kept.includes(key) && value !== '' && value !== null && !(key === 'to_ids' && value === false),
    )
    return Object.fromEntries(entries) as JsonObject
  })
  return {
    ...common('x-misp-object', uuid, timeIn(object, context), context),
    labels: [`misp:category="${category}"`, `misp:name="${name}"`],
    ...(comment === '' ? {} : { x_misp_comment: comment }),
    x_misp_attributes: attributes,
    x_misp_meta_category: category,
    x_misp_name: name,
  }
}
