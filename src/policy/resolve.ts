/**
 * Row 4: several markings become one. The strictest level, lists intersected element by element, the later embargo, the
 * narrower consent. `AMBER` and `releasable_to nations JP US` and `releasable_to nations US PH` are AMBER for US.
 * @see SHARING-RULES section 2
 */
import { compareTimestamps, isJsonObject, type Json, type JsonObject } from '#base'
import {
  CAVEAT_LISTS,
  type CaveatList,
  type Caveats,
  type Consent,
  CONSENTS,
  type Marking,
  toMarking,
} from './marking.ts'
import type { Register } from './register.ts'
import { type Level, stricter } from './tlp.ts'

/** The combined meaning of all markings of an object, or of a part of one. */
export interface Resolved {
  readonly level?: Level
  readonly caveats: Caveats
  readonly consent?: Consent
  /** A marking could not be resolved or understood. */
  readonly isUnknown: boolean
  /** Two markings name different communities. */
  readonly isConflict: boolean
}

/** No marking at all. */
export const UNMARKED: Resolved = { caveats: {}, isUnknown: false, isConflict: false }

/** A marking that is not understood. */
export const NOT_UNDERSTOOD: Resolved = { ...UNMARKED, isUnknown: true }

/** The marking-definitions that are known, read once. */
export class Definitions {
  readonly #markings = new Map<string, Marking | undefined>()
  readonly #resolved = new Map<string, Resolved>()
  readonly #register: Register | undefined

  /** With a register, lists that name one organisation by id and by slug intersect in it; without, names are texts. */
  constructor(definitions: Iterable<JsonObject>, register?: Register) {
    this.#register = register
    for (const definition of definitions) this.#add(definition)
  }

  /** What the markings of these ids say together; the same object for the same ids. */
  resolve(ids: readonly string[]): Resolved {
    const key = JSON.stringify(ids)
    let resolved = this.#resolved.get(key)
    if (resolved === undefined) {
      resolved = ids.map((id) => toResolved(this.#markings.get(id))).reduce(combine, UNMARKED)
      this.#resolved.set(key, resolved)
    }
    return resolved
  }

  /** Two definitions of one id that mean different things are not understood: nobody can tell which one was meant. */
  #add(definition: JsonObject): void {
    const { id } = definition
    if (typeof id !== 'string') return
    const marking = byIds(toMarking(definition), this.#register)
    const isSame = !this.#markings.has(id) || meaningOf(this.#markings.get(id)) === meaningOf(marking)
    this.#markings.set(id, isSame ? marking : undefined)
  }
}

/** Lists of caveats that name organisations. */
const NAMES_ORGANISATIONS = ['orgs', 'distribution', 'participants', 'coauthors'] as const satisfies CaveatList[]

function byIds(marking: Marking | undefined, register: Register | undefined): Marking | undefined {
  if (marking === undefined || register === undefined) return marking
  const lists: { [List in CaveatList]?: ReadonlySet<string> } = {}
  for (const name of NAMES_ORGANISATIONS) {
    const list = marking.caveats[name]
    if (list !== undefined) lists[name] = new Set([...list].map((org) => register.org(org)?.id ?? org))
  }
  return { ...marking, caveats: { ...marking.caveats, ...lists } }
}

/** A text that is equal for markings that mean the same. */
export function meaningOf(marking: Marking | undefined): string {
  if (marking === undefined) return ''
  const lists = CAVEAT_LISTS.map((list) => marking.caveats[list] && [...marking.caveats[list]].sort())
  return JSON.stringify([marking.level, marking.consent, marking.caveats.embargoUntil, lists])
}

/** Combines the object's own markings, not the granular ones. */
export function resolveMarkings(object: JsonObject, definitions: Definitions): Resolved {
  const refs = object['object_marking_refs'] ?? []
  if (!Array.isArray(refs) || !refs.every((ref) => typeof ref === 'string')) return NOT_UNDERSTOOD
  return definitions.resolve(refs)
}

/** Row 4 for two: what both together say. */
export function combine(a: Resolved, b: Resolved): Resolved {
  if (a === UNMARKED) return b
  if (b === UNMARKED) return a
  const { caveats, isConflict } = combineCaveats(a.caveats, b.caveats)
  const level = stricter(a.level, b.level)
  const consent = narrower(a.consent, b.consent)
  return {
    ...(level && { level }),
    caveats,
    ...(consent && { consent }),
    isUnknown: a.isUnknown || b.isUnknown,
    isConflict: isConflict || a.isConflict || b.isConflict,
  }
}

/** The narrower of two consents; absent counts as not recorded. */
export function narrower(a: Consent | undefined, b: Consent | undefined): Consent | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return CONSENTS.indexOf(a) <= CONSENTS.indexOf(b) ? a : b
}

/** A marking with an embargo but no co-authors exempts nobody, which the empty list says. */
function toResolved(marking: Marking | undefined): Resolved {
  if (marking === undefined) return NOT_UNDERSTOOD
  const { caveats } = marking
  const exemptsNobody = caveats.embargoUntil !== undefined && caveats.coauthors === undefined
  const closed = exemptsNobody ? { ...caveats, coauthors: new Set<string>() } : caveats
  return { ...marking, caveats: closed, isUnknown: false, isConflict: false }
}

function combineCaveats(a: Caveats, b: Caveats): { caveats: Caveats; isConflict: boolean } {
  const lists: { [List in CaveatList]?: ReadonlySet<string> } = {}
  for (const list of CAVEAT_LISTS) {
    const [left, right] = [a[list], b[list]]
    const both = left && right ? left.intersection(right) : (left ?? right)
    if (both) lists[list] = both
  }
  const embargoUntil = later(a.embargoUntil, b.embargoUntil)
  const isConflict = a.community !== undefined && b.community !== undefined && lists.community?.size === 0
  return { caveats: { ...lists, ...(embargoUntil !== undefined && { embargoUntil }) }, isConflict }
}

function later(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return compareTimestamps(a, b) >= 0 ? a : b
}

/** Whether a value is an entry of `granular_markings` that restricts by a marking. */
export const isRestriction = (entry: Json): boolean => isJsonObject(entry) && !isLanguageOnly(entry)

const isLanguageOnly = (entry: JsonObject) => typeof entry['lang'] === 'string' && entry['marking_ref'] === undefined
