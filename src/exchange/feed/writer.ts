import { createHash } from 'node:crypto'
import type { JsonObject } from '#base'
import { TLP_LEVELS } from '#stix'
import { objectOf, objectsOf, textOf } from '../fields.ts'
import { eventsOf } from '../formats/misp-writer.ts'
import { LossReport } from '../loss.ts'
import { tlpLabelOf } from '../told.ts'

/** A MISP feed as files: `manifest.json`, `hashes.csv`, and one file per event. */
export interface Feed {
  /** Content of each event's file, by the event's uuid. */
  events: ReadonlyMap<string, string>
  /** Lines of the manifest, by the event's uuid. */
  manifest: Readonly<Record<string, JsonObject>>
  /** Lines of `hashes.csv`: the MD5 of a value, by which MISP looks it up without fetching events, and its event's uuid. */
  hashes: readonly string[]
  losses: LossReport
  /** The strictest TLP label in it, so that nobody serves it wider; empty where nothing carries one. */
  strictest: string
}

/**
 * The feed of some objects: an event per report or grouping, and one for the rest.
 * @see https://www.misp-standard.org/rfc/misp-standard-core.html#name-manifest
 */
export function writeFeed(objects: readonly JsonObject[], { now }: { now: string }): Feed {
  const losses = new LossReport()
  const events = new Map<string, string>()
  const manifest: Record<string, JsonObject> = {}
  const hashes: string[] = []
  for (const whole of eventsOf(objects, losses, now)) {
    const event: JsonObject = { ...objectOf(whole, 'Event'), published: true }
    const uuid = textOf(event, 'uuid')
    events.set(uuid, `${JSON.stringify({ Event: event })}\n`)
    manifest[uuid] = entryOf(event)
    hashes.push(...new Set(valuesOf(event).map((value) => `${md5(value)},${uuid}`)))
  }
  const labels = objects.map(tlpLabelOf)
  const strictest = LABELS.findLast((label) => labels.includes(label)) ?? ''
  return { events, manifest, hashes, losses, strictest }
}

const LABELS = TLP_LEVELS.map((level) => `TLP:${level.toUpperCase()}`)
const ENTRY_FIELDS = ['Orgc', 'Tag', 'info', 'date', 'analysis', 'threat_level_id', 'timestamp'] as const

function entryOf(event: JsonObject): JsonObject {
  const fields = ENTRY_FIELDS.flatMap((name): [string, JsonObject[string]][] => {
    const value = event[name]
    return value === undefined ? [] : [[name, value]]
  })
  return Object.fromEntries(fields)
}

/** Values of all attributes; of a composite one, each part. */
function valuesOf(event: JsonObject): string[] {
  const attributes = [
    ...objectsOf(event, 'Attribute'),
    ...objectsOf(event, 'Object').flatMap((one) => objectsOf(one, 'Attribute')),
  ]
  return attributes.flatMap((one) => {
    const value = textOf(one, 'value')
    return textOf(one, 'type').includes('|') ? value.split('|') : [value]
  })
}

const md5 = (text: string): string => createHash('md5').update(text).digest('hex')
