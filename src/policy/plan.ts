/**
 * Which renditions the objects of a set have, and which of them refer to which.
 *
 * The *whole* object goes to those who may have every part and every object that it refers to. The *base*, with all of
 * that cut, goes to everybody whom the object's own markings admit. Between them stands one rendition per set of parts
 * that some organisation of the register may see. A rendition that would lack what its type requires does not exist, and
 * what referred to it is cut again, until nothing changes.
 * @see SHARING-RULES section 4
 */
import type { MarkedObject } from './marked-set.ts'
import { FOR_NOBODY } from './protected-parts.ts'
import type { ReasonCode } from './reason.ts'
import { renditionId } from './rendition.ts'
import { firstRequired } from './required-properties.ts'
import type { Resolved } from './resolve.ts'
import type { Scope, Scopes, Way } from './opening.ts'
import { closeSelectors } from './selector.ts'

/** One form of an object, for one scope. */
export interface Rendition {
  readonly scope: Scope
  /** The author's own bytes. */
  readonly isOriginal: boolean
  readonly id: string
  readonly redact: readonly string[]
  /** New ids of references, by selector. */
  readonly rewrite: ReadonlyMap<string, string>
}

/** The renditions of one object; `withheld` tells why its wide audience gets none. */
export interface PlannedObject {
  readonly renditions: readonly Rendition[]
  readonly withheld?: ReasonCode
}

/** Most renditions of one object beside the whole one and the base. */
const PARTIAL_RENDITIONS = 30
/** How often the wishes for one object are worked out anew while those for what it refers to change. */
const TURNS = 30

/** Plans the renditions of all objects. */
export function planRenditions(
  objects: readonly MarkedObject[],
  scopes: Scopes,
  secret: Uint8Array,
): ReadonlyMap<MarkedObject, PlannedObject> {
  const byId = Map.groupBy(objects, ({ id }) => id)
  const whole = wholeScopes(objects, byId, scopes)
  const referrers = referrersOf(objects, byId)
  const candidates = candidatesOf(objects, byId, whole, referrers, scopes)
  const planned = new Map<MarkedObject, PlannedObject>()
  const queue = new Set(objects)
  for (const object of queue) {
    queue.delete(object)
    const before = renditionsOf(object)
    const now = planObject(object, candidates.get(object) ?? [])
    planned.set(object, now)
    if (idsOf(before) !== idsOf(now.renditions)) for (const referrer of referrers.get(object) ?? []) queue.add(referrer)
  }
  return planned

  function planObject(object: MarkedObject, wanted: readonly Scope[]): PlannedObject {
    const renditions: Rendition[] = []
    let withheld: ReasonCode | undefined
    for (const scope of wanted) {
      const rendition = scope === whole.get(object) ? original(object, scope) : cutFor(object, scope)
      if (typeof rendition === 'string') withheld ??= rendition
      else if (!renditions.some((other) => isSame(other, rendition, scopes))) renditions.push(rendition)
    }
    return { renditions, ...(withheld && { withheld }) }
  }

  /** What the scope may have of the object, or why it gets nothing. */
  function cutFor(object: MarkedObject, scope: Scope): Rendition | ReasonCode {
    const own = scopes.of(object.resolved)
    const closed = object.parts.filter((part) => !scopes.contains(scopes.join(own, part.needs), scope))
    const redact = closed.flatMap((part) => part.selectors)
    const rewrite = new Map<string, string>()
    for (const { selector, id } of object.references) {
      const target = targetFor(id, scope)
      if (target === undefined) redact.push(selector)
      else if (target !== id) rewrite.set(selector, target)
    }
    const cut = closeSelectors(object.value, redact)
    const required = firstRequired(object.value, cut)
    if (required !== undefined) return `REDACT_REQUIRED:${required}`
    if (cut.length === 0 && rewrite.size === 0) return original(object, scope)
    const id = renditionId(secret, object.id, scope.audienceId)
    return { scope, isOriginal: false, id, redact: cut, rewrite }
  }

  /** Id under which the scope has the target; before the target was planned, every candidate counts. */
  function targetFor(id: string, scope: Scope): string | undefined {
    let found: string | undefined
    for (const target of byId.get(id) ?? []) {
      for (const held of renditionsOf(target)) {
        if (held.id === id && scopes.contains(held.scope, scope)) return id
        if (found === undefined && scopes.contains(held.scope, scope)) found = held.id
      }
    }
    return found
  }

  /** The renditions of an object; before it was planned, every candidate counts. */
  function renditionsOf(target: MarkedObject): readonly Rendition[] {
    const known = planned.get(target)
    return known?.renditions ?? (candidates.get(target) ?? []).map((scope) => guess(target, scope))
  }

  function guess(target: MarkedObject, scope: Scope): Rendition {
    const isOriginal = scope === whole.get(target)
    const id = isOriginal ? (target.form ?? target.id) : renditionId(secret, target.id, scope.audienceId)
    return { scope, isOriginal, id, redact: [], rewrite: new Map() }
  }
}

const original = ({ id, form = id }: MarkedObject, scope: Scope): Rendition => ({
  scope,
  isOriginal: true,
  id: form,
  redact: [],
  rewrite: new Map(),
})

const idsOf = (renditions: readonly Rendition[]) =>
  renditions.map(({ id, scope, isOriginal }) => `${id} ${scope.audienceId} ${isOriginal}`).join('\n')

/** A rendition that stands already for an audience which contains this one, or of which all readers have it whole. */
const isSame = (standing: Rendition, other: Rendition, scopes: Scopes) =>
  (standing.isOriginal && scopes.containsNow(standing.scope, other.scope)) ||
  (standing.scope.audienceId === other.scope.audienceId && standing.scope === other.scope)

/** Who may have each object whole: by all its parts, and by every object that it refers to, and so on. */
function wholeScopes(
  objects: readonly MarkedObject[],
  byId: ReadonlyMap<string, readonly MarkedObject[]>,
  scopes: Scopes,
): Map<MarkedObject, Scope> {
  const whole = new Map<MarkedObject, Scope>()
  for (const object of objects)
    whole.set(
      object,
      object.parts.reduce((scope, part) => scopes.join(scope, part.needs), scopes.of(object.resolved)),
    )
  const referrers = referrersOf(objects, byId)
  const queue = new Set(objects)
  for (const object of queue) {
    queue.delete(object)
    const before = whole.get(object) ?? scopes.of(object.resolved)
    const after = object.references.reduce((scope, { id }) => withTarget(scope, byId.get(id), whole, scopes), before)
    if (after === before) continue
    whole.set(object, after)
    for (const referrer of referrers.get(object) ?? []) queue.add(referrer)
  }
  return whole
}

/** An object that was refused, or stands in cut forms alone, is for nobody; of several versions the widest counts. */
function withTarget(
  scope: Scope,
  targets: readonly MarkedObject[] = [],
  whole: ReadonlyMap<MarkedObject, Scope>,
  scopes: Scopes,
): Scope {
  const held = targets.flatMap((target) => (target.form === undefined ? (whole.get(target) ?? []) : []))
  if (held.some((target) => scopes.contains(target, scope))) return scope
  return scopes.join(scope, held[0]?.resolved ?? FOR_NOBODY)
}

function referrersOf(
  objects: readonly MarkedObject[],
  byId: ReadonlyMap<string, readonly MarkedObject[]>,
): Map<MarkedObject, MarkedObject[]> {
  const referrers = new Map<MarkedObject, MarkedObject[]>()
  for (const object of objects) {
    for (const { id } of object.references) {
      for (const target of byId.get(id) ?? []) {
        const list = referrers.get(target)
        if (list) list.push(object)
        else referrers.set(target, [object])
      }
    }
  }
  return referrers
}

/**
 * The scopes for which a rendition of each object is wanted, the whole one first, the base last. What an object wants
 * depends on what is wanted of those that it refers to, so this goes on until nothing changes.
 */
function candidatesOf(
  objects: readonly MarkedObject[],
  byId: ReadonlyMap<string, readonly MarkedObject[]>,
  whole: ReadonlyMap<MarkedObject, Scope>,
  referrers: ReadonlyMap<MarkedObject, readonly MarkedObject[]>,
  scopes: Scopes,
): ReadonlyMap<MarkedObject, readonly Scope[]> {
  const held = new Map<MarkedObject, readonly Scope[]>()
  for (const object of objects) {
    const base = scopes.of(object.resolved)
    held.set(object, [...new Set([whole.get(object) ?? base, base])])
  }
  const turns = new Map<MarkedObject, number>()
  const queue = new Set(objects)
  for (const object of queue) {
    queue.delete(object)
    const known = held.get(object) ?? []
    const turn = (turns.get(object) ?? 0) + 1
    if (known.length < 2 || turn > TURNS) continue
    turns.set(object, turn)
    const wanted = between(object, scopes.of(object.resolved), known)
    held.set(object, wanted)
    if (!isEqualList(known, wanted)) for (const referrer of referrers.get(object) ?? []) queue.add(referrer)
  }
  return held

  function between(object: MarkedObject, base: Scope, known: readonly Scope[]): readonly Scope[] {
    const partial = new Set<Scope>()
    const needs = needsOf(object, base)
    for (const way of WAYS) {
      for (const group of readersByNeeds(base, needs, scopes, way)) {
        for (const scope of joinable(base, group, scopes)) if (partial.size < PARTIAL_RENDITIONS) partial.add(scope)
      }
    }
    return [...new Set([...known.slice(0, 1), ...partial, base])]
  }

  /** What opens the parts of the object, and the objects that it refers to, in any of their forms. */
  function needsOf(object: MarkedObject, base: Scope): Resolved[] {
    const needs = new Set<Resolved>(object.parts.map((part) => part.needs))
    for (const { id } of object.references) {
      const targets = (byId.get(id) ?? []).flatMap((target) => held.get(target) ?? [])
      for (const target of targets) if (!scopes.contains(target, base)) needs.add(target.resolved)
    }
    return [...needs]
  }
}

const isEqualList = (a: readonly Scope[], b: readonly Scope[]) =>
  a.length === b.length && a.every((scope, index) => scope === b[index])

/** From the author alone and through relays, now and when embargoes are over. */
const WAYS: readonly Way[] = [
  { isRelayed: false, isAfterEmbargo: false },
  { isRelayed: false, isAfterEmbargo: true },
  { isRelayed: true, isAfterEmbargo: false },
  { isRelayed: true, isAfterEmbargo: true },
]

/** The sets of needs that some reader of the base meets, each once. */
function readersByNeeds(base: Scope, needs: readonly Resolved[], scopes: Scopes, way: Way): Resolved[][] {
  const met = new Map<string, Resolved[]>()
  for (const reader of scopes.reach(base)) {
    const mine = needs.filter((need) => scopes.reach(scopes.join(base, need), way).has(reader))
    if (mine.length > 0) met.set(mine.map((need) => needs.indexOf(need)).join(), mine)
  }
  return [...met.values()]
}

/** One scope for all needs together; where they contradict each other, one for each. */
function joinable(base: Scope, needs: readonly Resolved[], scopes: Scopes): Scope[] {
  const together = needs.reduce((scope, need) => scopes.join(scope, need), base)
  return scopes.reach(together).size > 0 ? [together] : needs.map((need) => scopes.join(base, need))
}
