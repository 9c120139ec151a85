import type { JsonObject } from '#base'
import type { Writer } from '../format.ts'
import { LossReport } from '../loss.ts'
import { mispUuid, uuidIn } from '../misp/ids.ts'
import { found, isObject, textOf, textsOf } from '../fields.ts'
import { stixToMisp } from '../misp/stix-to-misp.ts'
import { tlpLabelOf } from '../told.ts'

/**
 * MISP events: one per report or grouping with what it refers to, and one for the rest. Every attribute and object keeps
 * its TLP level as a tag; distribution is your organisation only, so that MISP passes nothing on until somebody decides.
 */
export const writeMisp: Writer = {
  name: 'misp',
  write(objects, { now }) {
    const losses = new LossReport()
    const reports = objects.filter(({ type }) => type === 'report' || type === 'grouping')
    const byId = new Map(objects.map((one) => [textOf(one, 'id'), one]))
    const authors = objects.map((one) => textOf(one, 'created_by_ref'))
    const taken = new Set([...reports.map(({ id }) => String(id)), ...authors])
    const events = reports.map((report) => {
      const members = withObserved(found(textsOf(report, 'object_refs'), byId), byId)
      for (const { id } of members) taken.add(String(id))
      return eventOf(members, byId, report, losses, now)
    })
    const rest = objects.filter(({ id }) => !taken.has(String(id)))
    if (rest.length > 0) events.push(eventOf(rest, byId, undefined, losses, now))
    const only = events.length === 1 ? events[0] : undefined
    return { text: `${JSON.stringify(only ?? { response: events }, null, 2)}\n`, losses }
  },
}

/** Members, and the observables that their observed-data refers to. */
function withObserved(members: readonly JsonObject[], byId: ReadonlyMap<string, JsonObject>): JsonObject[] {
  const seen = members.filter(({ type }) => type === 'observed-data').flatMap((one) => textsOf(one, 'object_refs'))
  const ids = new Set([...members.map(({ id }) => String(id)), ...seen])
  return found([...ids], byId)
}

function eventOf(
  members: readonly JsonObject[],
  byId: ReadonlyMap<string, JsonObject>,
  report: JsonObject | undefined,
  losses: LossReport,
  now: string,
): JsonObject {
  const { attributes, objects, galaxies } = stixToMisp(members, losses)
  for (const member of members)
    if (['relationship', 'sighting', 'opinion'].includes(textOf(member, 'type')) && !isBasis(member))
      losses.add(textOf(member, 'id'), `an event has no place for this ${textOf(member, 'type')}`)
  const tlps = new Map(members.map((one) => [uuidIn(textOf(one, 'id')), tlpLabelOf(one)]))
  for (const one of attributes) tag(one, tlps.get(textOf(one, 'uuid')))
  for (const object of objects)
    for (const one of (object['Attribute'] ?? []) as JsonObject[])
      if (isObject(one)) tag(one, tlps.get(textOf(object, 'uuid')))
  const at = report ? textOf(report, 'modified') : newest(members, now)
  const seconds = String(Math.trunc(Date.parse(at) / 1_000))
  const author = byId.get(textOf(report ?? members[0] ?? {}, 'created_by_ref'))
  const labels = report ? textsOf(report, 'labels') : []
  const level = report ? tlpLabelOf(report) : ''
  return {
    Event: {
      uuid: report ? uuidIn(textOf(report, 'id')) : mispUuid(...members.map(({ id }) => String(id)).sort()),
      info: report ? textOf(report, 'name') : `${members.length} STIX objects`,
      date: at.slice(0, 10),
      timestamp: seconds,
      published: false,
      analysis: '0',
      threat_level_id: '4',
      distribution: '0',
      ...(author ? { Orgc: { uuid: uuidIn(textOf(author, 'id')), name: textOf(author, 'name') } } : {}),
      Tag: [...(level === '' ? [] : [level.toLowerCase()]), ...labels].map((name) => ({ name })),
      Attribute: attributes,
      Object: objects,
      Galaxy: galaxies,
    },
  }
}

const isBasis = (object: JsonObject) => object['relationship_type'] === 'based-on'

function tag(attribute: JsonObject, level: string | undefined): void {
  if (level) attribute['Tag'] = [{ name: level.toLowerCase() }]
}

function newest(members: readonly JsonObject[], now: string): string {
  const times = members.map((one) => textOf(one, 'modified')).filter((time) => Number.isFinite(Date.parse(time)))
  return times.sort().at(-1) ?? now
}
