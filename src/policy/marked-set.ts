/**
 * The objects of one release with what their markings say, defaults and inheritance included.
 * @see SHARING-RULES sections 2 and 4
 */
import type { JsonObject } from '#base'
import type { Moment } from './containment.ts'
import { protectedParts, type ProtectedPart } from './protected-parts.ts'
import { explain, type ReasonCode } from './reason.ts'
import { type GranularMarking, granularMarkings, type Protection, references } from './redaction.ts'
import type { ReleaseObject } from './release.ts'
import type { ApplyDefaults } from './release-defaults.ts'
import { markingOf, type ReleasedBefore, tightened } from './released-before.ts'
import { combine, type Definitions, type Resolved, resolveMarkings } from './resolve.ts'
import { textOf } from './json-text.ts'

/** An object that is not released, and why. */
export interface Refused {
  readonly id: string
  readonly code: ReasonCode
  readonly message: string
}

/** A reference to another object. */
export interface Reference {
  readonly selector: string
  readonly id: string
}

/** An object of the set that has a level. */
export interface MarkedObject {
  readonly id: string
  readonly bytes: Uint8Array
  readonly value: JsonObject
  readonly resolved: Resolved
  readonly parts: readonly ProtectedPart[]
  /** To objects of this set, and to those that were released before. */
  readonly references: readonly Reference[]
  /** Id of the cut form as which it stands, where that is all that its readers have. */
  readonly form?: string
}

/** What the objects are marked with. */
export interface MarkingContext {
  readonly definitions: Definitions
  readonly applyDefaults: ApplyDefaults
  readonly protections: ReadonlyMap<string, Protection>
  readonly releasedBefore: ReleasedBefore
  readonly moment: Moment
}

/** A set of objects, told apart. */
export interface MarkedSet {
  readonly objects: readonly MarkedObject[]
  /** What the objects refer to and was released before: once for each audience in which it stands. */
  readonly standing: readonly MarkedObject[]
  /** Marking-definitions without a level of their own: they travel with what they mark. */
  readonly definitions: readonly (ReleaseObject & { id: string; resolved: Resolved })[]
  readonly refused: readonly Refused[]
}

/** Types that inherit the strictest marking of what they annotate, and the property that names it. */
const ANNOTATES: Readonly<Record<string, string>> = {
  note: 'object_refs',
  opinion: 'object_refs',
  sighting: 'sighting_of_ref',
  'language-content': 'object_ref',
}

const NO_BYTES = new Uint8Array()

/** Ids of what an object annotates: those whose marking it inherits. */
export function annotatedIds(object: JsonObject): string[] {
  const property = ANNOTATES[textOf(object['type'])]
  if (property === undefined) return []
  const named = object[property]
  return (Array.isArray(named) ? named : [named]).map(textOf).filter((id) => id !== '')
}

/** Ids of all that an object annotates or refers to: who may not have one of them is told of none. */
export function namedIds(object: JsonObject): string[] {
  return [...new Set([...annotatedIds(object), ...references(object).map(({ id }) => id)])]
}

/** Resolves the markings of every object of the set. */
export function markSet(objects: readonly ReleaseObject[], context: MarkingContext): MarkedSet {
  const { definitions, applyDefaults, protections, releasedBefore, moment } = context
  const byId = new Map<string, ReleaseObject[]>()
  for (const object of objects) push(byId, textOf(object.value['id']), object)
  const granularOf = new Map<ReleaseObject, readonly GranularMarking[] | undefined>()
  const ownOf = new Map<ReleaseObject, Resolved>()
  for (const object of objects) {
    granularOf.set(object, granularMarkings(object.value, definitions))
    ownOf.set(object, applyDefaults(resolveMarkings(object.value, definitions)))
  }
  const isTravelling = ({ value }: ReleaseObject) =>
    value['type'] === 'marking-definition' && resolveMarkings(value, definitions).level === undefined
  const isInSet = (id: string) => byId.get(id)?.some((object) => !isTravelling(object)) === true
  const marked: MarkedObject[] = []
  const travelling: (ReleaseObject & { id: string; resolved: Resolved })[] = []
  const refused: Refused[] = []
  for (const object of objects) {
    const { value, bytes } = object
    const id = textOf(value['id'])
    const own = ownOf.get(object)
    const granular = granularOf.get(object)
    const resolved = own && inheritedByLevel(object, own)
    if (isTravelling(object) && resolved) travelling.push({ ...object, id, resolved })
    else if (resolved === undefined || granular === undefined || resolved.isUnknown) refuse(id, 'UNKNOWN_MARKING')
    else if (resolved.level === undefined) refuse(id, 'UNMARKED')
    else if (resolved.isConflict) refuse(id, 'COMMUNITY_CONFLICT')
    else {
      const parts = protectedParts(value, resolved, granular, protections.get(id) ?? {}, moment)
      const known = references(value).filter(
        (reference) => (isInSet(reference.id) || releasedBefore.has(reference.id)) && !isOrganisation(reference.id),
      )
      marked.push({ id, bytes, value, resolved, parts, references: known })
    }
  }
  return { objects: marked, standing: standingOf(marked), definitions: travelling, refused }

  function refuse(id: string, code: ReasonCode) {
    refused.push({ id, code, message: explain(code) })
  }

  function standingOf(referring: readonly MarkedObject[]): MarkedObject[] {
    const ids = new Set(referring.flatMap((object) => object.references.map(({ id }) => id)))
    return [...ids]
      .filter((id) => !isInSet(id))
      .flatMap((id) => (releasedBefore.get(id) ?? []).flat().map((released) => ({ id, released })))
      .map(({ id, released: { form, ...to } }) => ({
        id,
        resolved: markingOf(to),
        ...(form === undefined ? {} : { form }),
      }))
      .map((object) => ({ ...object, bytes: NO_BYTES, value: { id: object.id }, parts: [], references: [] }))
  }

  /** Organisations of the charters are known to its members anyway. */
  function isOrganisation(id: string) {
    return moment.register.org(id)?.id === id
  }

  /** What was released before tightens a level; it gives none to what nobody has marked. */
  function inheritedByLevel(object: ReleaseObject, own: Resolved): Resolved {
    const inSet = inherited(object, own, new Map())
    return inSet.level === undefined || releasedBefore.size === 0 ? inSet : inherited(object, own, releasedBefore)
  }

  function inherited(object: ReleaseObject, own: Resolved, before: ReleasedBefore, seen = new Set([object])): Resolved {
    const ids = annotatedIds(object.value)
    const inSet = ids
      .flatMap((id) => byId.get(id) ?? [])
      .reduce((resolved, target) => {
        const marking = ownOf.get(target)
        if (seen.has(target) || marking === undefined) return resolved
        seen.add(target)
        const theirs = inherited(target, marking, before, seen)
        return theirs === resolved ? resolved : combine(resolved, theirs)
      }, own)
    return ids.reduce((resolved, id) => tightened(resolved, before.get(id) ?? [], moment), inSet)
  }
}

function push<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const list = map.get(key)
  if (list) list.push(value)
  else map.set(key, [value])
}
