/**
 * The parts of an object that not everybody who may have it may see, each with the marking that opens it.
 * @see SHARING-RULES section 4
 */
import type { JsonObject } from '#base'
import type { Moment } from './containment.ts'
import {
  consentOf,
  effectiveMarking,
  GOVERNMENT_KINDS,
  type GranularMarking,
  leadCsirt,
  type Protection,
} from './redaction.ts'
import { type Resolved, UNMARKED } from './resolve.ts'
import { select } from './selector.ts'
import { textOf } from './json-text.ts'

/** Selectors and what a reader must be admitted by, beside the object's own markings. */
export interface ProtectedPart {
  readonly selectors: readonly string[]
  readonly needs: Resolved
}

/** A marking that admits nobody but the author. */
export const FOR_NOBODY: Resolved = { ...UNMARKED, caveats: { orgs: new Set() } }

/** Parts under granular markings, the source and the victim. */
export function protectedParts(
  object: JsonObject,
  resolved: Resolved,
  granular: readonly GranularMarking[],
  protection: Protection,
  moment: Moment,
): ProtectedPart[] {
  const present = (names: readonly string[] = []) => names.filter((name) => select(object, name) !== undefined)
  const parts = granularParts(resolved, granular)
  const consent = consentOf(resolved, granular, protection)
  const source = moment.register.org(textOf(object['created_by_ref'])) ?? moment.register.org(moment.author)
  const sourceFields = present(['created_by_ref', ...(protection.identifying ?? [])])
  if (consent !== undefined && consent !== 'everyone' && sourceFields.length > 0) {
    const nations = consent === 'own-gov' ? { nations: new Set(source?.nation ? [source.nation] : []) } : {}
    const open = consent === 'none' ? { orgs: orgs(source?.id) } : { kinds: new Set(GOVERNMENT_KINDS), ...nations }
    parts.push({ selectors: sourceFields, needs: { ...UNMARKED, caveats: open } })
  }
  const victimFields = present(protection.victimFields)
  if (victimFields.length > 0) {
    const { victim, victimNation } = protection
    const lead = victimNation === undefined ? undefined : leadCsirt(victimNation, moment.register)
    const open = orgs(lead?.id, victim === undefined ? undefined : moment.register.org(victim)?.id)
    parts.push({ selectors: victimFields, needs: { ...UNMARKED, caveats: { orgs: open } } })
  }
  return parts
}

function granularParts(resolved: Resolved, granular: readonly GranularMarking[]): ProtectedPart[] {
  const selectors = new Set(granular.flatMap((marking) => marking.selectors))
  return [...selectors].flatMap((selector) => {
    const effective = effectiveMarking(resolved, granular, selector)
    if (effective === resolved) return []
    const isClosed = effective.isUnknown || effective.isConflict
    return [{ selectors: [selector], needs: isClosed ? FOR_NOBODY : effective }]
  })
}

const orgs = (...ids: (string | undefined)[]) => new Set(ids.filter((id) => id !== undefined))
