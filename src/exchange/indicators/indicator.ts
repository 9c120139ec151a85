import type { JsonObject } from '#base'
import { contentId } from '../ids.ts'
import type { IndicatorKind, Recognised } from './recognise.ts'

/** Kinds that are objects of their own, or compared at two places. */
type NoIndicator = 'cve' | 'technique' | 'btc' | 'path'

/** Object path that a kind is compared at. */
const PATHS: Record<Exclude<IndicatorKind, NoIndicator>, string> = {
  ipv4: 'ipv4-addr:value',
  ipv6: 'ipv6-addr:value',
  domain: 'domain-name:value',
  url: 'url:value',
  email: 'email-addr:value',
  md5: 'file:hashes.MD5',
  sha1: "file:hashes.'SHA-1'",
  sha256: "file:hashes.'SHA-256'",
  sha512: "file:hashes.'SHA-512'",
  sha224: "file:hashes.'SHA-224'",
  sha384: "file:hashes.'SHA-384'",
  ssdeep: 'file:hashes.SSDEEP',
  asn: 'autonomous-system:number',
  mac: 'mac-addr:value',
  filename: 'file:name',
  mutex: 'mutex:name',
  regkey: 'windows-registry-key:key',
}

/** What is known about a value besides the value. */
export interface IndicatorFacts {
  source: string
  /** RFC 3339 time it is valid from. */
  at: string
  name?: string
  description?: string
  labels?: readonly string[]
  types?: readonly string[]
  validUntil?: string
}

/** Text as a literal of the pattern grammar. */
export const patternText = (value: string): string => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

/** Pattern that is true where the value is seen. */
export function patternOf({ kind, value }: Recognised): string {
  if (kind === 'cve' || kind === 'technique' || kind === 'btc') throw new TypeError(`A ${kind} has no pattern.`)
  if (kind === 'path') {
    const cut = value.lastIndexOf('\\')
    const [folder, name] = [value.slice(0, cut), value.slice(cut + 1)].map(patternText)
    return `[file:name = ${name} AND file:parent_directory_ref.path = ${folder}]`
  }
  const isRange = (kind === 'ipv4' || kind === 'ipv6') && value.includes('/')
  const literal = kind === 'asn' ? value : patternText(value)
  return `[${PATHS[kind]} ${isRange ? 'ISSUBSET' : '='} ${literal}]`
}

/** Types of the kinds that are objects of their own; a wallet is the custom object that MISP's attribute becomes. */
const TYPES: Partial<Record<IndicatorKind, string>> = {
  cve: 'vulnerability',
  technique: 'attack-pattern',
  btc: 'x-misp-object-btc',
}

/** The indicator of a value, or the object that it names; its id follows from source and value. */
export function toStixObject(found: Recognised, facts: IndicatorFacts): JsonObject {
  const type = TYPES[found.kind] ?? 'indicator'
  const common = {
    type,
    spec_version: '2.1',
    id: contentId(type, facts.source, found.kind, found.value),
    created: facts.at,
    modified: facts.at,
    name: facts.name ?? found.value,
    ...(facts.description === undefined || facts.description === '' ? {} : { description: facts.description }),
    ...(facts.labels === undefined || facts.labels.length === 0 ? {} : { labels: [...facts.labels] }),
  }
  if (found.kind === 'cve')
    return { ...common, external_references: [{ source_name: 'cve', external_id: found.value }] }
  if (found.kind === 'technique') return { ...common, external_references: [techniqueReference(found.value)] }
  if (found.kind === 'btc') {
    const { name: _, description, ...frame } = common
    return {
      ...frame,
      labels: ['misp:type="btc"', 'misp:category="Financial fraud"', ...(facts.labels ?? [])],
      x_misp_category: 'Financial fraud',
      ...(description === undefined ? {} : { x_misp_comment: description }),
      x_misp_value: found.value,
    }
  }
  return {
    ...common,
    indicator_types: facts.types ? [...facts.types] : ['malicious-activity'],
    pattern: patternOf(found),
    pattern_type: 'stix',
    valid_from: facts.at,
    ...(facts.validUntil !== undefined && facts.validUntil > facts.at ? { valid_until: facts.validUntil } : {}),
  }
}

const techniqueReference = (id: string): JsonObject => ({
  source_name: 'mitre-attack',
  external_id: id,
  url: `https://attack.mitre.org/techniques/${id.replace('.', '/')}/`,
})
