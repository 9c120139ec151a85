/**
 * What an object of a type cannot be without: cutting one of these would leave something else than the object.
 * @see STIX 2.1, sections 4 to 7
 */
import type { JsonObject } from '#base'

/** Withheld whole rather than cut, whatever the type. */
const ALWAYS = new Set(['id', 'type', 'spec_version', 'created', 'modified', 'pattern', 'source_ref', 'target_ref'])

/** `a|b` stands for at least one of the two. */
const BY_TYPE: Readonly<Record<string, readonly string[]>> = {
  'attack-pattern': ['name'],
  campaign: ['name'],
  'course-of-action': ['name'],
  grouping: ['context', 'object_refs'],
  identity: ['name'],
  incident: ['name'],
  indicator: ['pattern', 'pattern_type', 'valid_from'],
  infrastructure: ['name'],
  'intrusion-set': ['name'],
  location: ['region|country|latitude', 'region|country|longitude'],
  malware: ['is_family'],
  'malware-analysis': ['product', 'result|analysis_sco_refs'],
  note: ['content', 'object_refs'],
  'observed-data': ['first_observed', 'last_observed', 'number_observed', 'objects|object_refs'],
  opinion: ['opinion', 'object_refs'],
  report: ['name', 'published', 'object_refs'],
  'threat-actor': ['name'],
  tool: ['name'],
  vulnerability: ['name'],
  relationship: ['relationship_type', 'source_ref', 'target_ref'],
  sighting: ['sighting_of_ref'],
  'language-content': ['object_ref', 'contents'],
  'marking-definition': ['definition_type|extensions', 'definition|extensions'],
  'extension-definition': ['created_by_ref', 'name', 'schema', 'version', 'extension_types'],
  artifact: ['payload_bin|url'],
  'autonomous-system': ['number'],
  directory: ['path'],
  'domain-name': ['value'],
  'email-addr': ['value'],
  'email-message': ['is_multipart'],
  file: ['hashes|name'],
  'ipv4-addr': ['value'],
  'ipv6-addr': ['value'],
  'mac-addr': ['value'],
  mutex: ['name'],
  'network-traffic': ['protocols', 'src_ref|dst_ref'],
  software: ['name'],
  url: ['value'],
}

/** The first of the redacted selectors without which the object is not of its type any more. */
export function firstRequired(object: JsonObject, redacted: readonly string[]): string | undefined {
  const { type } = object
  const rules = typeof type === 'string' && Object.hasOwn(BY_TYPE, type) ? (BY_TYPE[type] ?? []) : []
  const gone = new Set(redacted)
  const broken = new Set<string>()
  for (const rule of rules) {
    const names = rule.split('|')
    const stays = names.some((name) => Object.hasOwn(object, name) && !gone.has(name))
    if (!stays) for (const name of names) broken.add(name)
  }
  return redacted.find((selector) => ALWAYS.has(selector) || broken.has(selector))
}
