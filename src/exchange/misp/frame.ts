import type { JsonObject } from '#base'
import type { LossReport } from '../loss.ts'
import { flagOf, textOf, timeAt } from '../fields.ts'
import { toStixTime } from './graph.ts'
import { mispUuid } from './ids.ts'

/** What an attribute or object has from its event. */
export interface MispContext {
  /** STIX id of the organisation that made the event. */
  creator?: string
  /** RFC 3339 time for what carries none. */
  at: string
  /** Ids of marking-definitions for all that the event holds. */
  markings: readonly string[]
  losses: LossReport
}

/** Properties that every object of the frame begins with. */
export function common(type: string, uuid: string, at: string, { creator, markings }: MispContext): JsonObject {
  return {
    type,
    spec_version: '2.1',
    id: `${type}--${uuid}`,
    ...(creator === undefined ? {} : { created_by_ref: creator }),
    created: at,
    modified: at,
    ...(markings.length === 0 ? {} : { object_marking_refs: [...markings] }),
  }
}

/** Time of a MISP element: its own, or its event's. */
export const timeIn = (element: JsonObject, { at }: MispContext): string => timeAt(element, 'timestamp') ?? at

/** First and last time that an element was seen: its own words, or its time. */
export function seenIn(element: JsonObject, at: string): { first: string; last: string } {
  const plain = at.replace('.000Z', 'Z')
  const first = toStixTime(textOf(element, 'first_seen')) ?? plain
  const last = toStixTime(textOf(element, 'last_seen')) ?? (first > plain ? first : plain)
  return first <= last ? { first, last } : { first, last: first }
}

/** Observed-data of some observables, with the labels that say what they were in MISP. */
export function observedData(
  element: JsonObject,
  uuid: string,
  observables: readonly JsonObject[],
  labels: readonly string[],
  context: MispContext,
): JsonObject {
  const at = timeIn(element, context)
  const { first, last } = seenIn(element, at)
  return {
    ...common('observed-data', uuid, at, context),
    first_observed: first,
    last_observed: last,
    number_observed: 1,
    object_refs: observables.map(({ id }) => String(id)),
    labels: [...labels],
    ...uncorrelated(element),
  }
}

/** Indicator with a pattern of any language; the category is its kill chain phase, as MISP's converters write it. */
export function indicator(
  element: JsonObject,
  uuid: string,
  { pattern, language = 'stix', version = '2.1', category, labels }: IndicatorParts,
  context: MispContext,
): JsonObject {
  const at = timeIn(element, context)
  const { first, last } = seenIn(element, at)
  const comment = textOf(element, 'comment')
  return {
    ...common('indicator', uuid, at, context),
    ...(comment === '' ? {} : { description: comment }),
    pattern,
    pattern_type: language,
    pattern_version: version,
    valid_from: first,
    ...(textOf(element, 'last_seen') !== '' && last > first ? { valid_until: last } : {}),
    ...(category === '' ? {} : { kill_chain_phases: [{ kill_chain_name: 'misp-category', phase_name: category }] }),
    labels: [...labels],
    ...uncorrelated(element),
  }
}

/** MISP's wish not to correlate a value, kept for the way back. */
const uncorrelated = (element: JsonObject): JsonObject =>
  flagOf(element, 'disable_correlation') === true ? { x_misp_disable_correlation: true } : {}

/** Parts of an indicator that come from the mapping. */
export interface IndicatorParts {
  pattern: string
  language?: string
  version?: string
  category: string
  labels: readonly string[]
}

/** A relationship; its id follows from its ends and its kind. */
export function relationship(
  source: string,
  kind: string,
  target: string,
  at: string,
  { markings }: MispContext,
): JsonObject {
  return {
    type: 'relationship',
    spec_version: '2.1',
    id: `relationship--${mispUuid(source, kind, target)}`,
    created: at,
    modified: at,
    ...(markings.length === 0 ? {} : { object_marking_refs: [...markings] }),
    relationship_type: kind,
    source_ref: source,
    target_ref: target,
  }
}

/** What an element became: observed, to be detected, or both with the relationship between them. */
export function withBasis(
  element: JsonObject,
  observed: readonly JsonObject[],
  detecting: JsonObject | undefined,
  context: MispContext,
): JsonObject[] {
  const basis = observed[0]
  const comment = textOf(element, 'comment')
  if (basis && comment !== '' && detecting?.['description'] === undefined)
    observed = [{ ...basis, x_misp_comment: comment }, ...observed.slice(1)]
  if (!detecting) return [...observed]
  if (!basis) return [detecting]
  const at = timeIn(element, context)
  return [...observed, detecting, relationship(String(detecting['id']), 'based-on', String(basis['id']), at, context)]
}
