import type { JsonObject } from '#base'
import { objectOf, objectsOf, textOf } from '../fields.ts'
import type { SharedWith } from '../format.ts'

/** Organisations of one sharing group that are read. */
const ORGANISATIONS_MAX = 1_000

const LEVELS: ReadonlyMap<string, string> = new Map([
  ['0', 'your organisation only'],
  ['1', 'this community only'],
  ['2', 'connected communities'],
  ['3', 'all communities'],
  ['4', 'a sharing group'],
])

/** What an event's distribution says, in words for the operator, who chooses with --to who receives it here. */
export function distributionNotes(event: JsonObject): string[] {
  const level = textOf(event, 'distribution')
  const words = LEVELS.get(level)
  if (words === undefined) return []
  if (level !== '4') return [`Distribution in MISP: ${words}. MISP's distribution is not translated; choose with --to.`]
  const group = objectOf(event, 'SharingGroup')
  const named = group ? textOf(objectOf(group, 'SharingGroup') ?? group, 'name') : ''
  const listed = sharedWith(event)
    .map(({ name: member }) => member)
    .slice(0, 50)
    .join(', ')
  return [
    `Distribution in MISP: sharing group ${named || textOf(event, 'sharing_group_id')}${listed === '' ? '' : ` of ${listed}`}. It is not translated; choose with --to.`,
  ]
}

/** The organisations of the sharing group that an event goes to. */
export function sharedWith(event: JsonObject): SharedWith[] {
  if (textOf(event, 'distribution') !== '4') return []
  return objectsOf(objectOf(event, 'SharingGroup') ?? {}, 'SharingGroupOrg')
    .slice(0, ORGANISATIONS_MAX)
    .map((one) => objectOf(one, 'Organisation') ?? {})
    .map((one) => ({ name: textOf(one, 'name'), uuid: textOf(one, 'uuid').toLowerCase() }))
    .filter(({ name }) => name !== '')
}

/** Why an element is kept closer than its event, so is left out; undefined where it goes as far as the event. */
export function keptCloser(element: JsonObject, event: JsonObject): string | undefined {
  const own = textOf(element, 'distribution')
  if ((own !== '0' && own !== '4') || own === textOf(event, 'distribution')) return undefined
  return `its own distribution is ${LEVELS.get(own)}, closer than the event's, so it is left out`
}
