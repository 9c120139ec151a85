/**
 * What a recipient may not see of an object that it may have: parts under a granular marking, the source, the victim,
 * references to what it may not have.
 * @see SHARING-RULES section 4
 */
import { isJsonObject, type Json, type JsonObject } from '#base'
import type { Passage } from './level-audience.ts'
import type { Consent } from './marking.ts'
import type { Organisation, Register } from './register.ts'
import { combine, type Definitions, isRestriction, narrower, NOT_UNDERSTOOD, type Resolved } from './resolve.ts'
import { decideCaveats, decideMarking } from './rows.ts'
import { closeSelectors, covers, select } from './selector.ts'

/** What is known about an object beside its bytes. */
export interface Protection {
  /** A private submission: without recorded consent its source is hidden. */
  readonly submission?: boolean
  /** Properties that identify the source. */
  readonly identifying?: readonly string[]
  /** Properties that identify the victim. */
  readonly victimFields?: readonly string[]
  readonly victimNation?: string
  /** The victim, where it is an organisation of the register. */
  readonly victim?: string
}

/** A granular marking: what its selectors carry beside the object's own markings. */
export interface GranularMarking {
  readonly selectors: readonly string[]
  readonly resolved: Resolved
}

/** The granular markings that restrict; selectors that match nothing are left out. A malformed list gives undefined. */
export function granularMarkings(object: JsonObject, definitions: Definitions): GranularMarking[] | undefined {
  const entries = object['granular_markings'] ?? []
  if (!Array.isArray(entries) || !entries.every(isReadable)) return undefined
  return entries.filter(isRestriction).map((entry) => {
    const { marking_ref: ref, selectors } = entry
    const resolved = typeof ref === 'string' ? definitions.resolve([ref]) : NOT_UNDERSTOOD
    return { selectors: (selectors as string[]).filter((selector) => select(object, selector) !== undefined), resolved }
  })
}

/** Everything to cut for this recipient, in the order granular, source, victim, references. */
export function redactionsFor(
  object: JsonObject,
  resolved: Resolved,
  granular: readonly GranularMarking[],
  passage: Passage,
  protection: Protection,
  unreleasable: ReadonlySet<string>,
): string[] {
  const present = (names: readonly string[] = []) => names.filter((name) => select(object, name) !== undefined)
  const { recipient, register, source } = passage
  const consent = consentOf(resolved, granular, protection)
  const redacted = deniedSelectors(resolved, granular, passage)
  if (consent !== undefined && !maySeeSource(consent, recipient, register.org(source)))
    redacted.push(...present(['created_by_ref', ...(protection.identifying ?? [])]))
  if (protection.victimFields !== undefined && !maySeeVictim(protection, recipient, register))
    redacted.push(...present(protection.victimFields))
  if (unreleasable.size > 0)
    for (const { selector, id } of references(object)) if (unreleasable.has(id)) redacted.push(selector)
  return closeSelectors(object, redacted)
}

/** Selectors whose effective marking denies the recipient. A grant never covers them. */
function deniedSelectors(resolved: Resolved, granular: readonly GranularMarking[], passage: Passage): string[] {
  const denied: string[] = []
  const decided = new Map<string, boolean>()
  for (const { selectors } of granular) {
    for (const selector of selectors) {
      let isDenied = decided.get(selector)
      if (isDenied === undefined) {
        const effective = effectiveMarking(resolved, granular, selector)
        isDenied = effective !== resolved && !isAdmitted(effective, resolved, passage)
        decided.set(selector, isDenied)
      }
      if (isDenied) denied.push(selector)
    }
  }
  return denied
}

/** The object's markings and all granular ones at the selector or above it, by row 4. */
export function effectiveMarking(resolved: Resolved, granular: readonly GranularMarking[], selector: string): Resolved {
  const above = granular.filter((marking) => restricts(marking) && marking.selectors.some((at) => covers(at, selector)))
  return above.reduce((effective, marking) => combine(effective, marking.resolved), resolved)
}

/** A statement or a recorded consent says nothing about who may see the selector. */
const restricts = ({ resolved: { isUnknown, level, caveats } }: GranularMarking) =>
  isUnknown || level !== undefined || Object.keys(caveats).length > 0

/** A caveat that binds the whole object already is no reason to cut a part: row 14 withholds all of it. */
function isAdmitted(effective: Resolved, resolved: Resolved, passage: Passage): boolean {
  if (!decideMarking(effective, passage, false).send) return false
  return decideCaveats(effective, passage) === undefined || decideCaveats(resolved, passage) !== undefined
}

/** The narrowest consent that any marking records; a submission without one counts as `none`. */
export function consentOf(
  resolved: Resolved,
  granular: readonly GranularMarking[],
  { submission = false }: Protection,
): Consent | undefined {
  const recorded = granular.reduce((consent, marking) => narrower(consent, marking.resolved.consent), resolved.consent)
  return recorded ?? (submission ? 'none' : undefined)
}

const AUTHORITIES = new Set(['national-csirt', 'agency'])

/** Kinds of organisation to which consent `gov` and `own-gov` show the source. */
export const GOVERNMENT_KINDS: readonly string[] = [...AUTHORITIES]

function maySeeSource(consent: Consent, recipient: Organisation, source: Organisation | undefined): boolean {
  if (consent === 'everyone') return true
  if (consent === 'none' || !AUTHORITIES.has(recipient.kind)) return false
  return consent === 'gov' || (recipient.nation !== null && recipient.nation === source?.nation)
}

function maySeeVictim({ victim, victimNation }: Protection, recipient: Organisation, register: Register): boolean {
  if (victim !== undefined && register.org(victim)?.id === recipient.id) return true
  return victimNation !== undefined && leadCsirt(victimNation, register)?.id === recipient.id
}

/** The national CSIRT of a nation; where there are several, the one that the charter names as lead. */
export function leadCsirt(nation: string, register: Register): Organisation | undefined {
  const csirts = [...register.organisations()].filter(
    (org) => org.kind === 'national-csirt' && org.nation === nation && org.standing === 'active',
  )
  return csirts.length === 1 ? csirts[0] : csirts.find((org) => org.isLead)
}

/** Properties ending in `_ref` or `_refs` that name markings, which travel with the object. */
const MARKING_REFS = new Set(['object_marking_refs', 'marking_ref'])

/** Every reference to another object, at any depth, by its selector. */
export function references(object: JsonObject): { selector: string; id: string }[] {
  const found: { selector: string; id: string }[] = []
  visit(object, '', false)
  return found

  function visit(value: Json, at: string, isReference: boolean): void {
    if (typeof value === 'string') {
      if (isReference) found.push({ selector: at, id: value })
    } else if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) visit(item, `${at}.[${index}]`, isReference)
    } else if (isJsonObject(value)) {
      for (const [name, item] of Object.entries(value)) {
        if (!MARKING_REFS.has(name))
          visit(item, at === '' ? name : `${at}.${name}`, isReference || /_refs?$/.test(name))
      }
    }
  }
}

const isReadable = (entry: Json): entry is JsonObject =>
  isJsonObject(entry) &&
  Array.isArray(entry['selectors']) &&
  entry['selectors'].every((selector) => typeof selector === 'string')
