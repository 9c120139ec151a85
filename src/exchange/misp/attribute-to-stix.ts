import type { Json, JsonObject } from '#base'
import { ATTRIBUTE_SHAPES, type AttributeShape, RULE_TYPES } from './attribute-table.ts'
import { flagOf, textOf } from '../fields.ts'
import { common, indicator, type MispContext, observedData, timeIn, withBasis } from './frame.ts'
import { ObservableGraph, toStixTime } from './graph.ts'
import { uuidOf } from './ids.ts'
import { hostTerms, isHostPath, term } from './terms.ts'

/** Properties that the zip file of a sample has: MISP packs samples with a password that all know. */
export const SAMPLE_PACKING: Readonly<Record<string, string>> = {
  mime_type: 'application/zip',
  encryption_algorithm: 'mime-type-indicated',
  decryption_key: 'infected',
}

/**
 * The STIX objects of one MISP attribute: observed-data with its observables and, where it is meant for detection, an
 * indicator that is based on it. A type that STIX has nothing for becomes a custom object.
 */
export function attributeToStix(attribute: JsonObject, context: MispContext): JsonObject[] {
  const type = textOf(attribute, 'type')
  const value = textOf(attribute, 'value')
  const category = textOf(attribute, 'category')
  const uuid = uuidOf(attribute['uuid'], type, value)
  const labels = [`misp:type="${type}"`, ...(category === '' ? [] : [`misp:category="${category}"`])]
  const at = timeIn(attribute, context)
  if (type === 'campaign-name')
    return [{ ...common('campaign', uuid, at, context), name: value, labels, ...besides(attribute) }]
  if (type === 'vulnerability')
    return [vulnerability(value, { ...common('vulnerability', uuid, at, context), labels, ...besides(attribute) })]
  const detects = flagOf(attribute, 'to_ids') ?? true
  const language = RULE_TYPES.get(type)
  if (language !== undefined && detects)
    return [indicator(attribute, uuid, { pattern: value, language, category, labels }, context)]
  const shape = ATTRIBUTE_SHAPES.get(type)
  if (!shape || (shape.patternOnly && !detects) || value === '') return [custom(attribute, uuid, labels, context)]
  const values = partsOf(attribute, shape)
  if (!values) return [custom(attribute, uuid, labels, context)]
  const observables = shape.patternOnly ? [] : observablesOf(attribute, type, shape, values, uuid)
  const observed =
    observables.length === 0 ? [] : [observedData(attribute, uuid, observables, labels, context), ...observables]
  const pattern = `[${termsOf(attribute, type, shape, values).join(' AND ')}]`
  return withBasis(
    attribute,
    observed,
    detects ? indicator(attribute, uuid, { pattern, category, labels }, context) : undefined,
    context,
  )
}

/** What an attribute that becomes a domain object says beside its value, as far as it says it. */
function besides(attribute: JsonObject): JsonObject {
  return {
    ...(flagOf(attribute, 'to_ids') === true ? { x_misp_to_ids: true } : {}),
    ...(flagOf(attribute, 'disable_correlation') === true ? { x_misp_disable_correlation: true } : {}),
    ...Object.fromEntries(
      ['first_seen', 'last_seen'].flatMap((name) => {
        const time = toStixTime(textOf(attribute, name))
        return time === undefined ? [] : [[`x_misp_${name}`, time]]
      }),
    ),
  }
}

function vulnerability(name: string, frame: JsonObject): JsonObject {
  return { ...frame, name, external_references: [{ source_name: 'cve', external_id: name }] }
}

/** The values of a type's parts: `a|b` is cut at the first bar, and an attachment's data are its second part. */
function partsOf(attribute: JsonObject, { parts }: AttributeShape): string[] | undefined {
  const value = textOf(attribute, 'value')
  if (textOf(attribute, 'type') === 'attachment') {
    const data = textOf(attribute, 'data')
    return data === '' ? [value] : [value, data]
  }
  if (parts.length === 1) return [value]
  const bar = value.indexOf('|')
  return bar === -1 ? undefined : [value.slice(0, bar), value.slice(bar + 1)]
}

function observablesOf(
  attribute: JsonObject,
  type: string,
  { root, parts }: AttributeShape,
  values: readonly string[],
  uuid: string,
): JsonObject[] {
  const graph = new ObservableGraph(root, uuid)
  const fits = values.every((value, index) => graph.set(parts[index]?.path ?? '', value, uuid))
  if (!fits) return []
  if (root === 'user-account' && type.endsWith('-username')) graph.root['account_type'] = type.replace(/-username$/, '')
  if (type === 'hostname|port') graph.rootOf('network-traffic', uuid)['dst_ref'] = String(graph.root['id'])
  if (type === 'malware-sample') addSample(graph, attribute, uuid)
  finish(graph.objects)
  return graph.objects
}

/** Adds the packed file of a sample to the file it is. */
function addSample(graph: ObservableGraph, attribute: JsonObject, uuid: string): void {
  const data = textOf(attribute, 'data')
  if (data === '') return
  for (const [name, value] of [['payload_bin', data], ...Object.entries(SAMPLE_PACKING)])
    graph.set(`file:content_ref.${name}`, value as Json, uuid)
}

/** Gives observables the properties that STIX requires of them. */
export function finish(objects: readonly JsonObject[], protocol = 'tcp'): void {
  for (const object of objects) {
    if (object['type'] === 'network-traffic') object['protocols'] ??= [protocol]
    if (object['type'] === 'email-message') finishMessage(object, objects)
  }
}

function finishMessage(message: JsonObject, objects: readonly JsonObject[]): void {
  const parts = message['body_multipart']
  message['is_multipart'] = Array.isArray(parts)
  if (!Array.isArray(parts)) return
  if (message['body'] !== undefined) {
    parts.push({ body: message['body'], content_type: 'text/plain; charset=utf-8', content_disposition: 'inline' })
    delete message['body']
  }
  for (const part of parts as JsonObject[]) {
    if (part['body_raw_ref'] === undefined) continue
    const file = objects.find(({ id }) => id === part['body_raw_ref'])
    part['content_disposition'] = `attachment; filename='${file ? textOf(file, 'name') : ''}'`
  }
}

function termsOf(
  attribute: JsonObject,
  type: string,
  { root, parts }: AttributeShape,
  values: readonly string[],
): string[] {
  const terms = values.flatMap((value, index) => {
    const path = parts[index]?.patternPath ?? ''
    return isHostPath(path) ? hostTerms(path, value) : [term(path, value)]
  })
  if (root === 'user-account' && type.endsWith('-username'))
    return [term('user-account:account_type', type.replace(/-username$/, '')), ...terms]
  const data = textOf(attribute, 'data')
  return type === 'malware-sample' && data !== ''
    ? [term('file:content_ref.payload_bin', data), ...terms, ...packingTerms()]
    : terms
}

/** Comparisons for the packing of a sample. */
export const packingTerms = (): string[] =>
  Object.entries(SAMPLE_PACKING).map(([name, value]) => term(`file:content_ref.${name}`, value))

function custom(attribute: JsonObject, uuid: string, labels: readonly string[], context: MispContext): JsonObject {
  const type = textOf(attribute, 'type')
  const comment = textOf(attribute, 'comment')
  const category = textOf(attribute, 'category')
  const name = `x-misp-object-${type
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')}`
    .slice(0, 200)
    .replace(/-$/, '')
  return {
    ...common(name, uuid, timeIn(attribute, context), context),
    labels: [...labels, ...(flagOf(attribute, 'to_ids') === true ? ['misp:to_ids="True"'] : [])],
    ...(category === '' ? {} : { x_misp_category: category }),
    ...(comment === '' ? {} : { x_misp_comment: comment }),
    x_misp_value: textOf(attribute, 'value'),
  }
}
