import type { JsonObject } from '#base'
import { textOf } from './fields.ts'
import { TLP_LEVEL_BY_ID, TLP_LEVELS } from '#stix'
import { comparisonsOf } from './comparisons.ts'
import { tlpMarkingId, tlpOf } from './markings.ts'

/** A value that an object tells of, such as an address of an indicator's pattern, or the number of a vulnerability. */
export interface Told {
  kind: string
  value: string
}

const OBSERVABLES = new Set(['ipv4-addr', 'ipv6-addr', 'domain-name', 'url', 'email-addr', 'mac-addr'])
/** Kinds by the key of their comparison, as lists name them. */
const KINDS: ReadonlyMap<string, string> = new Map([
  ['ipv4-addr:value', 'ipv4'],
  ['ipv6-addr:value', 'ipv6'],
  ['domain-name:value', 'domain'],
  ['url:value', 'url'],
  ['email-addr:value', 'email'],
  ['mac-addr:value', 'mac'],
  ['file:hashes.MD5', 'md5'],
  ['file:hashes.SHA-1', 'sha1'],
  ['file:hashes.SHA-256', 'sha256'],
  ['file:hashes.SHA-512', 'sha512'],
  ['file:name', 'filename'],
  ['mutex:name', 'mutex'],
  ['windows-registry-key:key', 'regkey'],
  ['autonomous-system:number', 'asn'],
])

/**
 * The values of an object that a list can hold; undefined where there is none. A pattern of several conditions that all
 * have to hold is not the sum of its values, so it has none, unless it says no more than the kind and value of one host.
 */
export function valuesTold(object: JsonObject): Told[] | undefined {
  const type = textOf(object, 'type')
  if (type === 'indicator' && object['pattern_type'] === 'stix') return patternValues(textOf(object, 'pattern'))
  if (type === 'vulnerability' && typeof object['name'] === 'string') return [{ kind: 'cve', value: object['name'] }]
  if (!OBSERVABLES.has(type) || typeof object['value'] !== 'string') return undefined
  return [{ kind: KINDS.get(`${type}:value`) ?? type, value: object['value'] }]
}

function patternValues(pattern: string): Told[] | undefined {
  const comparisons = comparisonsOf(pattern)
  if (!comparisons) return undefined
  const all = comparisons.all.filter(({ key }) => !/:(?:src|dst)_ref\.type$/.test(key))
  if (all.length > 1 && comparisons.joined === 'and') return undefined
  return all.map(({ key, value }) => ({
    kind: key.endsWith('_ref.value') ? hostKind(value) : (KINDS.get(key) ?? key),
    value,
  }))
}

const hostKind = (value: string) => (value.includes(':') ? 'ipv6' : /^[\d./]+$/.test(value) ? 'ipv4' : 'domain')

/**
 * The object with a marking of a level, where it carries no marking of its own: outside the network, the log that it came
 * from no longer says how far it may go.
 */
export function withMarking(object: JsonObject, label: string): JsonObject {
  const level = tlpOf(label)
  if (object['object_marking_refs'] !== undefined || level === undefined || object['type'] === 'marking-definition')
    return object
  return { ...object, object_marking_refs: [tlpMarkingId(level === 'unknown' ? 'red' : level)] }
}

/** Strictest TLP level that an object's markings name, as a label; empty where they name none. */
export function tlpLabelOf(object: JsonObject): string {
  const refs = Array.isArray(object['object_marking_refs']) ? object['object_marking_refs'] : []
  const levels = refs.flatMap((ref) => (typeof ref === 'string' ? (TLP_LEVEL_BY_ID.get(ref) ?? []) : []))
  const strictest = [...TLP_LEVELS].reverse().find((level) => levels.includes(level))
  return strictest === undefined ? '' : `TLP:${strictest.toUpperCase()}`
}
