import type { Json, JsonObject } from '#base'
import { ExchangeError } from '../error.ts'
import type { Reader, SharedWith } from '../format.ts'
import { parseForeignJson } from '../json-input.ts'
import { OBJECTS_MAX } from '../limits.ts'
import { sharedWith } from '../misp/distribution.ts'
import { eventToStix } from '../misp/event-to-stix.ts'
import { isObject, objectOf, objectsOf, textOf } from '../fields.ts'

/** Bytes looked at to tell MISP from other JSON. */
const SAMPLE_BYTES = 1_048_576

/**
 * MISP events in the core format: one, a list, or the answer of a search.
 * @see https://www.misp-standard.org/rfc/misp-standard-core.html
 */
export const misp: Reader = {
  name: 'misp',
  detects(bytes) {
    const sample = new TextDecoder('latin1').decode(bytes.subarray(0, SAMPLE_BYTES))
    return (
      /^(?:ï»¿)?\s*[[{]/.test(sample) &&
      /"(?:Event|Attribute|Object|response|Orgc|threat_level_id|EventReport)"\s*:/.test(sample)
    )
  },
  read(bytes, context) {
    const events = eventsOf(parseForeignJson(bytes))
    if (events.length === 0) throw new ExchangeError('EXCHANGE_EMPTY', 'The input holds no MISP event.')
    const objects = new Map<string, JsonObject>()
    const notes = new Set<string>([`${events.length} MISP ${events.length === 1 ? 'event' : 'events'}.`])
    const preview: string[] = []
    const groups = new Map<string, SharedWith>()
    events.forEach((event, index) => {
      const path = events.length === 1 ? 'Event' : `Event[${index}]`
      const made = eventToStix(event, context, path)
      if (objects.size + made.objects.length > OBJECTS_MAX)
        return context.losses.add(path, `Only ${OBJECTS_MAX} objects are made; split the file.`)
      for (const object of made.objects)
        if (!objects.has(String(object['id']))) objects.set(String(object['id']), object)
      for (const note of made.notes) notes.add(note)
      preview.push(...previewOf(event, made.objects))
      for (const one of sharedWith(event)) groups.set(one.name, one)
    })
    return { objects: [...objects.values()], preview, notes: [...notes], sharedWith: [...groups.values()] }
  },
}

function eventsOf(json: Json): JsonObject[] {
  if (Array.isArray(json)) return json.flatMap(eventsOf)
  if (!isObject(json)) throw new ExchangeError('EXCHANGE_SYNTAX', 'The input is JSON, but no MISP event.')
  if (json['response'] !== undefined) return eventsOf(json['response'])
  const event = objectOf(json, 'Event')
  if (event) return [event]
  if (objectsOf(json, 'Attribute').length > 0 && textOf(json, 'info') === '') return [json]
  if (['info', 'Attribute', 'Object', 'uuid'].some((name) => json[name] !== undefined)) return [json]
  const entries = Object.values(json)
  if (entries.length > 0 && entries.every((one) => isObject(one) && one['info'] !== undefined))
    throw new ExchangeError(
      'EXCHANGE_SYNTAX',
      'The input is the manifest of a MISP feed; import the folder that holds it, or its address.',
    )
  throw new ExchangeError('EXCHANGE_SYNTAX', 'The input is JSON, but no MISP event.')
}

function previewOf(event: JsonObject, objects: readonly JsonObject[]): string[] {
  return [
    `event ${textOf(event, 'info').slice(0, 100)}`,
    ...objects
      .filter(({ type }) => !['observed-data', 'relationship', 'report'].includes(String(type)))
      .map(
        (one) =>
          `${String(one['type'])} ${String(one['pattern'] ?? one['name'] ?? one['value'] ?? one['x_misp_value'] ?? one['id']).slice(0, 200)}`,
      ),
  ]
}
