import type { JsonObject } from '#base'
import { found, textOf, textsOf } from '../fields.ts'
import type { Writer } from '../format.ts'
import { LossReport } from '../loss.ts'
import { toEvent } from '../misp/to-event.ts'

/**
 * MISP events: one per report or grouping with what it refers to, and one for the rest. Every attribute and object keeps
 * its TLP level as a tag; distribution is your organisation only, so that MISP passes nothing on until somebody decides.
 */
export const writeMisp: Writer = {
  name: 'misp',
  write(objects, { now }) {
    const losses = new LossReport()
    const events = eventsOf(objects, losses, now)
    const only = events.length === 1 ? events[0] : undefined
    return { text: `${JSON.stringify(only ?? { response: events }, null, 2)}\n`, losses }
  },
}

/** Types that say something of others: they go where these go. */
const SAYING = new Set(['relationship', 'sighting', 'opinion', 'note'])

/** The events of some objects, each as `{Event: …}`. */
export function eventsOf(objects: readonly JsonObject[], losses: LossReport, now: string): JsonObject[] {
  const reports = objects.filter(({ type }) => type === 'report' || type === 'grouping')
  const byId = new Map(objects.map((one) => [textOf(one, 'id'), one]))
  const authors = objects.map((one) => textOf(one, 'created_by_ref'))
  const taken = new Set([...reports.map(({ id }) => String(id)), ...authors])
  const saying = Map.groupBy(
    objects.filter((one) => SAYING.has(textOf(one, 'type')) && endsOf(one).length > 0),
    (one) => endsOf(one)[0] ?? '',
  )
  const events = reports.map((report) => {
    const members = membersOf(report, byId, saying)
    for (const { id } of members) taken.add(String(id))
    return toEvent(members, byId, report, losses, now)
  })
  const rest = objects.filter(({ id, type }) => !taken.has(String(id)) && type !== 'marking-definition')
  if (rest.length > 0) events.push(toEvent(rest, byId, undefined, losses, now))
  return events
}

/** What a report refers to, what its observations saw, and what is said of nothing but these. */
function membersOf(
  report: JsonObject,
  byId: ReadonlyMap<string, JsonObject>,
  /** What is said of others, by the first that it is said of. */
  saying: ReadonlyMap<string, readonly JsonObject[]>,
): JsonObject[] {
  const members = found(textsOf(report, 'object_refs'), byId)
  const seen = members.filter(({ type }) => type === 'observed-data').flatMap((one) => textsOf(one, 'object_refs'))
  const ids = new Set([...members.map(({ id }) => String(id)), ...seen])
  const known = new Set([...ids, textOf(report, 'id')])
  for (const id of known)
    for (const one of saying.get(id) ?? [])
      if (endsOf(one).every((end) => known.has(end))) {
        ids.add(textOf(one, 'id'))
        known.add(textOf(one, 'id'))
      }
  return found([...ids], byId)
}

const endsOf = (one: JsonObject): string[] =>
  ['source_ref', 'target_ref', 'sighting_of_ref', 'object_refs'].flatMap((name) => textsOf(one, name))
