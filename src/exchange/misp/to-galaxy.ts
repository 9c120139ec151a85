import type { Json, JsonObject } from '#base'
import { objectsOf, textOf, textsOf } from '../fields.ts'
import { mispUuid, uuidIn } from './ids.ts'
import { labelOf } from './labels.ts'

const META_PROPERTIES =
  'goals malware_types capabilities implementation_languages architecture_execution_envs roles threat_actor_types tool_types primary_motivation secondary_motivations personal_motivations resource_level sophistication objective first_seen last_seen tool_version is_family administrative_area country region city'.split(
    ' ',
  )

/** The galaxy of one cluster that a domain object is. */
export function galaxyOf(object: JsonObject): JsonObject[] {
  const stixType = textOf(object, 'type')
  const type = labelOf(object, 'galaxy-type') ?? (stixType === 'identity' ? 'sector' : `stix-2.1-${stixType}`)
  const name = labelOf(object, 'galaxy-name') ?? (stixType === 'identity' ? 'Sector' : `STIX 2.1 ${titled(stixType)}`)
  const isOwn = labelOf(object, 'galaxy-type') !== undefined
  const own = textOf(object, 'name') || uuidIn(textOf(object, 'id'))
  const references = objectsOf(object, 'external_references')
  const ids = references.flatMap((one) => textOf(one, 'external_id') || [])
  const meta = metaOf(
    object,
    ids,
    references.flatMap((one) => textOf(one, 'url') || []),
  )
  const attack = references.find((one) => textOf(one, 'source_name').startsWith('mitre-'))
  const value = isOwn && attack ? `${own} - ${textOf(attack, 'external_id')}` : own
  const description = textOf(object, 'description')
  const cluster: JsonObject = {
    uuid: isOwn ? uuidIn(textOf(object, 'id')) : mispUuid(textOf(object, 'id')),
    type,
    value,
    ...(description === '' ? {} : { description }),
    meta,
    GalaxyElement: Object.entries(meta).flatMap(([key, one]) =>
      [one].flat().map((each): JsonObject => ({ key, value: each })),
    ),
  }
  return [
    {
      uuid: mispUuid('galaxy', type),
      name,
      type,
      namespace: isOwn ? 'mitre-attack' : 'stix',
      GalaxyCluster: [cluster],
    },
  ]
}

const titled = (type: string) =>
  type
    .split('-')
    .map((word) => (word === 'of' ? word : word.charAt(0).toUpperCase() + word.slice(1)))
    .join(' ')

function metaOf(object: JsonObject, ids: readonly string[], refs: readonly string[]): JsonObject {
  const meta: JsonObject = {}
  const isOwn = labelOf(object, 'galaxy-type') !== undefined
  const isNamed = object['type'] === 'vulnerability' && labelOf(object, 'galaxy-type') === 'branded-vulnerability'
  if (ids.length > 0) meta[isNamed ? 'aliases' : 'external_id'] = isNamed || ids.length > 1 ? [...ids] : (ids[0] ?? '')
  if (refs.length > 0) meta['refs'] = [...refs]
  const aliases = aliasesOf(object, isOwn, ids)
  if (aliases.length > 0) meta['synonyms'] = aliases
  const phases = objectsOf(object, 'kill_chain_phases').map(
    (one) => `${textOf(one, 'kill_chain_name')}:${textOf(one, 'phase_name')}`,
  )
  if (phases.length > 0) meta['kill_chain'] = phases
  for (const name of META_PROPERTIES) if (object[name] !== undefined) meta[name] = object[name] as Json
  for (const [name, value] of Object.entries(object))
    if (name.startsWith('x_misp_')) meta[metaName(name.slice('x_misp_'.length))] = value
  if (!isOwn)
    for (const name of ['created', 'modified'])
      if (object[name] !== undefined) meta[name] = wholeSeconds(textOf(object, name))
  return meta
}

/** Other names; a group or malware of ATT&CK that has none is listed there under its own. */
function aliasesOf(object: JsonObject, isOwn: boolean, ids: readonly string[]): string[] {
  const aliases = textsOf(object, 'aliases')
  const isListed = isOwn && ['intrusion-set', 'malware'].includes(textOf(object, 'type')) && ids.length > 0
  return aliases.length === 0 && isListed ? textsOf(object, 'name') : aliases
}

/** Fields of MISP's galaxies have hyphens where names of properties can't. */
const metaName = (name: string) => (name.startsWith('cfr_') ? name.replaceAll('_', '-') : name)

/** Time as MISP's galaxies hold it: without a fraction of nothing, else with six digits. */
const wholeSeconds = (time: string) => time.replace(/\.000Z$/, 'Z').replace(/\.(\d{3})Z$/, '.$1000Z')
