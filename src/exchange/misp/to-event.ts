import type { JsonObject } from '#base'
import { TLP_LEVEL_BY_ID } from '#stix'
import { objectsOf, textOf, textsOf } from '../fields.ts'
import type { LossReport } from '../loss.ts'
import { tlpLabelOf } from '../told.ts'
import { EventElements } from './event-elements.ts'
import { mispUuid, uuidIn } from './ids.ts'
import { say } from './said-to-misp.ts'
import { stixToMisp } from './stix-to-misp.ts'
import { tagsOfObject } from './to-tags.ts'

/** Facts of an event that its report kept as custom properties, with what they are where it kept none. */
const FACTS: readonly (readonly [name: string, otherwise: string])[] = [
  ['analysis', '0'],
  ['threat_level_id', '4'],
  ['extends_uuid', ''],
]

/** One MISP event, as `{Event: …}`, of a report and its members, or of objects that no report refers to. */
export function toEvent(
  members: readonly JsonObject[],
  byId: ReadonlyMap<string, JsonObject>,
  report: JsonObject | undefined,
  losses: LossReport,
  now: string,
): JsonObject {
  const { attributes, objects, galaxies } = stixToMisp(members, losses)
  const at = report ? textOf(report, 'modified') : newest(members, now)
  const author = byId.get(textOf(report ?? members[0] ?? {}, 'created_by_ref'))
  const day = textOf(report ?? {}, 'x_misp_date')
  const event: JsonObject = {
    uuid: report ? uuidIn(textOf(report, 'id')) : mispUuid(...members.map(({ id }) => String(id)).sort()),
    info: report ? textOf(report, 'name') : `${members.length} STIX objects`,
    date: /^\d{4}-\d\d-\d\d$/.test(day) ? day : at.slice(0, 10),
    timestamp: String(Math.trunc(Date.parse(at) / 1_000)),
    published: false,
    distribution: '0',
    ...Object.fromEntries(
      FACTS.map(([name, otherwise]) => [name, textOf(report ?? {}, `x_misp_${name}`) || otherwise]).filter(
        ([, value]) => value !== '',
      ),
    ),
    ...(author ? { Orgc: { uuid: uuidIn(textOf(author, 'id')), name: textOf(author, 'name') } } : {}),
    Tag: report ? [...tlpTags(report), ...tagsOfObject(report)].map((name) => ({ name })) : [],
    Attribute: attributes,
    Object: objects,
    Galaxy: galaxies,
  }
  const elements = new EventElements(event, report)
  for (const member of members) tagElements(member, elements)
  for (const member of members) say(member, elements, byId, losses)
  tellCaveats(report ? [report, ...members] : members, losses)
  return { Event: event }
}

const tlpTags = (object: JsonObject): string[] => {
  const level = tlpLabelOf(object)
  return level === '' ? [] : [level.toLowerCase()]
}

/** Gives what became of an object its level and its tags. */
function tagElements(member: JsonObject, elements: EventElements): void {
  const names = [...tlpTags(member), ...tagsOfObject(member)]
  for (const one of elements.tagged(textOf(member, 'id'))) {
    const known = objectsOf(one, 'Tag').map((tag) => textOf(tag, 'name'))
    const fresh = names.filter((name) => !known.includes(name))
    if (fresh.length > 0) one['Tag'] = [...objectsOf(one, 'Tag'), ...fresh.map((name) => ({ name }))]
  }
}

/** Markings beside TLP have no place in MISP: whoever has the event must know of them another way. */
function tellCaveats(objects: readonly JsonObject[], losses: LossReport): void {
  const told = new Set<string>()
  for (const object of objects)
    for (const ref of textsOf(object, 'object_marking_refs')) {
      if (TLP_LEVEL_BY_ID.has(ref) || told.has(ref)) continue
      told.add(ref)
      losses.add(ref, `MISP has no place for this marking, which ${textOf(object, 'id')} and maybe others carry`)
    }
}

function newest(members: readonly JsonObject[], now: string): string {
  const times = members.map((one) => textOf(one, 'modified')).filter((time) => Number.isFinite(Date.parse(time)))
  return times.sort().at(-1) ?? now
}
