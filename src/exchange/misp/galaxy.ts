import type { Json, JsonObject } from '#base'
import { isObject, objectOf, objectsOf, textOf, textsOf } from '../fields.ts'
import { common, type MispContext } from './frame.ts'
import { mispUuid, uuidOf } from './ids.ts'

/** STIX type of a galaxy, by the words its type holds; the first that fits. */
const GALAXY_TYPES: readonly (readonly [RegExp, string])[] = [
  [/attack-pattern$|^(?:mitre-)?(?:ics|mobile|enterprise)?-?techniques$|^mitre-ics-techniques$/, 'attack-pattern'],
  [/course-of-action$|^mitre-.*mitigations?$|^preventive-measure$/, 'course-of-action'],
  [/intrusion-set$|^mitre-ics-groups$/, 'intrusion-set'],
  [/campaigns?$/, 'campaign'],
  [/threat-actor$|^microsoft-activity-group$/, 'threat-actor'],
  [/(?:^|-)tool$|^rat$|^exploit-kit$|^tds$/, 'tool'],
  [
    /malware$|^ransomware$|^banker$|^backdoor$|^botnet$|^stealer$|^cryptominers$|^malpedia$|^android$|^mitre-ics-software$/,
    'malware',
  ],
  [/vulnerability$/, 'vulnerability'],
  [/^(?:country|region)$|location$/, 'location'],
  [/^sector$|^target-information$|identity$/, 'identity'],
]
/** Meta fields that are properties of STIX under the same name, as a list or not. */
const LIST_META = new Set(
  'goals malware_types capabilities implementation_languages architecture_execution_envs roles threat_actor_types tool_types infrastructure_types sectors secondary_motivations personal_motivations'.split(
    ' ',
  ),
)
const PLAIN_META = new Set(
  'primary_motivation resource_level sophistication objective first_seen last_seen tool_version identity_class contact_information administrative_area country region city is_family latitude longitude precision street_address postal_code'.split(
    ' ',
  ),
)
/** Types that have aliases. */
const WITH_ALIASES = new Set([
  'attack-pattern',
  'campaign',
  'intrusion-set',
  'malware',
  'threat-actor',
  'tool',
  'infrastructure',
])
/** Types whose STIX 2.0 labels are types in STIX 2.1. */
const TYPES_NAMED = new Set(['malware', 'threat-actor', 'tool'])
const WITH_PHASES = new Set(['attack-pattern', 'malware', 'tool', 'infrastructure'])

/** STIX type that the clusters of a galaxy become. */
export const galaxyStixType = (type: string): string | undefined =>
  GALAXY_TYPES.find(([words]) => words.test(type))?.[1]

/**
 * STIX objects of the clusters of a galaxy: ATT&CK techniques, groups, malware and tools keep their numbers as external
 * references. Galaxies that STIX has nothing for are told to the loss report.
 */
export function galaxyToStix(galaxy: JsonObject, context: MispContext, path = 'Galaxy'): JsonObject[] {
  return objectsOf(galaxy, 'GalaxyCluster').flatMap((cluster, index) => {
    const type = galaxyStixType(textOf(cluster, 'type') || textOf(galaxy, 'type'))
    if (type === undefined) {
      context.losses.add(
        `${path}.GalaxyCluster[${index}]`,
        `STIX has no object for the galaxy ${textOf(galaxy, 'type')}; its tag is kept as a label`,
      )
      return []
    }
    return [clusterToStix(galaxy, cluster, type, context)]
  })
}

function clusterToStix(galaxy: JsonObject, cluster: JsonObject, type: string, context: MispContext): JsonObject {
  const value = textOf(cluster, 'value')
  const galaxyType = textOf(galaxy, 'type') || textOf(cluster, 'type')
  const uuid = uuidOf(cluster['uuid'], galaxyType, value)
  const meta = metaOf(cluster)
  const { creator: _, ...shared } = context
  const description = textOf(cluster, 'description')
  const named: JsonObject = {
    ...common(type, uuid, context.at, shared),
    name: nameOf(value, textsOf(meta, 'external_id')),
    ...(description === '' ? {} : { description }),
    labels: [`misp:galaxy-name="${textOf(galaxy, 'name')}"`, `misp:galaxy-type="${galaxyType}"`],
  }
  if (type === 'malware') named['is_family'] = false
  if (type === 'location' || type === 'identity') describe(named, galaxy, galaxyType, value, description, meta)
  addMeta(named, type, galaxyType, meta)
  return named
}

/** Name without the number that MISP puts behind it: `cmd - S0106`, `154 - Northern Europe`. */
function nameOf(value: string, ids: readonly string[]): string {
  const dash = value.lastIndexOf(' - ')
  return dash > 0 && ids.includes(value.slice(dash + 3)) ? value.slice(0, dash) : value
}

function metaOf(cluster: JsonObject): JsonObject {
  const meta = objectOf(cluster, 'meta') ?? {}
  if (Object.keys(meta).length > 0) return meta
  const elements: JsonObject = {}
  for (const element of objectsOf(cluster, 'GalaxyElement')) {
    const key = textOf(element, 'key')
    if (key === '__proto__') continue
    elements[key] = [...textsOf(elements, key), textOf(element, 'value')]
  }
  return elements
}

function describe(
  made: JsonObject,
  galaxy: JsonObject,
  galaxyType: string,
  value: string,
  description: string,
  meta: JsonObject,
): void {
  const about = textOf(galaxy, 'description')
  if (galaxyType === 'country') {
    made['name'] = description || value
    made['description'] = `${about} | ${value}`
    const iso = textsOf(meta, 'ISO')[0]
    if (iso !== undefined) made['country'] = iso
  } else if (galaxyType === 'region') {
    const name = value.replace(/^\d+ - /, '')
    made['name'] = name
    made['region'] = name.toLowerCase().replace(/\s+/g, '-')
    made['description'] = `${about} | ${description || value}`
  } else if (galaxyType === 'sector') {
    made['identity_class'] = 'class'
    if (description === '' && about !== '') made['description'] = about
  } else if (made['type'] === 'identity') made['identity_class'] = textsOf(meta, 'identity_class')[0] ?? 'class'
}

function addMeta(made: JsonObject, type: string, galaxyType: string, meta: JsonObject): void {
  const references: JsonObject[] = []
  for (const [key, value] of Object.entries(meta)) {
    const texts = textsOf(meta, key)
    if (key === 'external_id') for (const id of texts) references.push(numbered(id, galaxyType))
    else if (key === 'labels' && TYPES_NAMED.has(type)) made[`${type.replace('-', '_')}_types`] = texts
    else if (key === 'refs') for (const url of texts) references.push({ source_name: 'url', url })
    else if (key === 'synonyms' && WITH_ALIASES.has(type)) addAliases(made, texts)
    else if (key === 'aliases' && type === 'vulnerability')
      for (const id of texts) references.push({ source_name: 'cve', external_id: id })
    else if (key === 'kill_chain' && WITH_PHASES.has(type)) made['kill_chain_phases'] = texts.map(phaseOf)
    else if (LIST_META.has(key)) made[key] = texts
    else if (PLAIN_META.has(key) && !isObject(value)) made[key] = Array.isArray(value) ? (value[0] ?? '') : value
    else if (key !== 'created' && key !== 'modified' && !(key === 'kill_chain' || key === 'synonyms'))
      made[`x_misp_${key.slice(0, 240)}`] = value
  }
  if (references.length > 0) made['external_references'] = references
  if (type === 'identity' || galaxyType.startsWith('stix-') || !('latitude' in made)) return
  for (const name of ['latitude', 'longitude', 'precision']) if (name in made) made[name] = Number(made[name])
}

/** Other names; the object's own name is none. */
function addAliases(made: JsonObject, texts: readonly string[]): void {
  const aliases = texts.filter((alias) => alias !== made['name'])
  if (aliases.length > 0) made['aliases'] = [...aliases]
}

function numbered(id: string, galaxyType: string): JsonObject {
  if (/^CVE-/i.test(id)) return { source_name: 'cve', external_id: id }
  if (/^CAPEC-/i.test(id)) return { source_name: 'capec', external_id: id }
  const isIcs = galaxyType.startsWith('mitre-ics')
  return {
    source_name: isIcs
      ? 'mitre-ics-attack'
      : galaxyType.startsWith('mitre-mobile')
        ? 'mitre-mobile-attack'
        : 'mitre-attack',
    external_id: id,
  }
}

/** `mitre-attack:defense-evasion` as a phase; names with a platform between have it dropped. */
function phaseOf(text: string): Json {
  const parts = text.split(':')
  return { kill_chain_name: parts[0] ?? '', phase_name: parts.at(-1) ?? '' }
}

/** Cluster that a tag such as `misp-galaxy:mitre-attack-pattern="Phishing - T1566"` names, where no galaxy came with it. */
export function galaxyOfTag(tag: string): JsonObject | undefined {
  const parts = /^misp-galaxy:([a-z0-9.-]{1,100})="(.{1,500})"$/.exec(tag)
  const type = parts?.[1]
  const value = parts?.[2]
  if (type === undefined || value === undefined || galaxyStixType(type) === undefined) return undefined
  const id = / - ((?:T|S|G|M|C)\d{4}(?:\.\d{3})?)$/.exec(value)?.[1]
  return {
    type,
    name: type,
    GalaxyCluster: [
      { type, value, uuid: mispUuid('galaxy', type, value), meta: id === undefined ? {} : { external_id: [id] } },
    ],
  }
}
