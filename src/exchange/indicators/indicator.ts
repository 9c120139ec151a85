import type { JsonObject } from '#base'
import { contentId } from '../ids.ts'
import type { IndicatorKind, Recognised } from './recognise.ts'

/** Object path that a kind is compared at. */
const PATHS: Record<Exclude<IndicatorKind, 'cve'>, string> = {
  ipv4: 'ipv4-addr:value',
  ipv6: 'ipv6-addr:value',
  domain: 'domain-name:value',
  url: 'url:value',
  email: 'email-addr:value',
  md5: 'file:hashes.MD5',
  sha1: "file:hashes.'SHA-1'",
  sha256: "file:hashes.'SHA-256'",
  sha512: "file:hashes.'SHA-512'",
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
  if (kind === 'cve') throw new TypeError('A vulnerability has no pattern.')
  const isRange = (kind === 'ipv4' || kind === 'ipv6') && value.includes('/')
  const literal = kind === 'asn' ? value : patternText(value)
  return `[${PATHS[kind]} ${isRange ? 'ISSUBSET' : '='} ${literal}]`
}

/** The indicator of a value, or the vulnerability for a CVE number; its id follows from source and value. */
export function toStixObject(found: Recognised, facts: IndicatorFacts): JsonObject {
  const type = found.kind === 'cve' ? 'vulnerability' : 'indicator'
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
  return {
    ...common,
    indicator_types: facts.types ? [...facts.types] : ['malicious-activity'],
    pattern: patternOf(found),
    pattern_type: 'stix',
    valid_from: facts.at,
    ...(facts.validUntil !== undefined && facts.validUntil > facts.at ? { valid_until: facts.validUntil } : {}),
  }
}
