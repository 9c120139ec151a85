import { parseTimestamp } from '#base'
import { PatternError } from './error.ts'
import { OBSERVED_OBJECTS_LIMIT } from './limits.ts'
import { isRecord, type Resolve } from './path.ts'

/** One observed-data, ready to be matched: its SCOs by type, and when (µs since 1970) and how often it was seen. */
export interface Observation {
  readonly first: number
  readonly last: number
  readonly count: number
  readonly byType: ReadonlyMap<string, readonly object[]>
  readonly resolve: Resolve
}

/**
 * Reads the observations out of bundles: one for each observed-data, with the SCOs that its `object_refs` name and those
 * in the dictionary `objects` of STIX 2.0. Objects that no observed-data names are not observed; nothing is validated.
 *
 * @throws PatternError PATTERN_OBSERVED where there is no bundle or no time to go by
 */
export function observationsOf(bundles: readonly unknown[]): Observation[] {
  const observations: Observation[] = []
  let total = 0
  for (const bundle of bundles) {
    if (isBare(bundle)) continue
    const objects = field(bundle, 'objects')
    if (!Array.isArray(objects)) throw refusal('Each observed item is a bundle with a list of objects.')
    total += objects.length
    if (total > OBSERVED_OBJECTS_LIMIT) throw refusal(`At most ${OBSERVED_OBJECTS_LIMIT} objects are matched at once.`)
    for (const observation of observationsOfBundle(objects)) observations.push(observation)
  }
  return observations
}

/**
 * Reads what a request calls observed: bundles or, as STIX 2.0 had it, a series of observed-data without a bundle.
 *
 * The last item says which of the two it is. In a list of bundles, items without a bundle are left out. A series is
 * read for patterns that combine or repeat observations (`combines`); everything else about it is refused, and so is a
 * series that begins with bundles.
 *
 * @throws PatternError PATTERN_OBSERVED
 */
export function observationsOfRequest(observed: readonly unknown[], combines: boolean): Observation[] {
  if (!isBare(observed.at(-1))) return observationsOf(observed)
  if (!combines || !observed.every(isBare))
    throw refusal('An observed-data stands outside of a bundle: put it into a bundle, with its SCOs beside it.')
  if (observed.length > OBSERVED_OBJECTS_LIMIT)
    throw refusal(`At most ${OBSERVED_OBJECTS_LIMIT} objects are matched at once.`)
  return observed.map((item) => toObservation(item))
}

const isBare = (item: unknown) => field(item, 'type') === 'observed-data'

/** One observation from one observed-data; `find` gives the objects beside it by id. @throws PatternError PATTERN_OBSERVED */
export function toObservation(observedData: unknown, find: Resolve = () => undefined): Observation {
  const dictionary = field(observedData, 'objects')
  const inner = isRecord(dictionary) ? dictionary : undefined
  const byType = new Map<string, object[]>()
  const seen = new Set<unknown>()
  const add = (item: unknown) => {
    const type = field(item, 'type')
    if (typeof type !== 'string' || !isRecord(item) || seen.has(item)) return
    seen.add(item)
    const list = byType.get(type)
    if (list) list.push(item)
    else byType.set(type, [item])
  }
  if (inner) for (const item of Object.values(inner)) add(item)
  const references = field(observedData, 'object_refs')
  if (Array.isArray(references)) for (const reference of references) add(find(String(reference)))
  const resolve: Resolve = inner ? (reference) => field(inner, reference) ?? find(reference) : find
  return { ...intervalOf(observedData), count: countOf(field(observedData, 'number_observed')), byType, resolve }
}

function observationsOfBundle(objects: readonly unknown[]): Observation[] {
  const byId = new Map<string, unknown>()
  for (const item of objects) {
    const id = field(item, 'id')
    if (typeof id === 'string') byId.set(id, item)
  }
  const find: Resolve = (id) => byId.get(id)
  return objects.filter((item) => field(item, 'type') === 'observed-data').map((item) => toObservation(item, find))
}

function intervalOf(observedData: unknown): { first: number; last: number } {
  const first = microsOf(field(observedData, 'first_observed'))
  const last = microsOf(field(observedData, 'last_observed'))
  if (first === undefined || last === undefined)
    throw refusal('An observed-data has no first_observed and last_observed timestamp to match by.')
  return { first: Math.min(first, last), last: Math.max(first, last) }
}

/** Microseconds since 1970, exact up to the year 2255; later decimals are cut. */
export function microsOf(text: unknown): number | undefined {
  const instant = typeof text === 'string' ? parseTimestamp(text) : undefined
  return instant && instant.seconds * 1_000_000 + Number(instant.fraction.slice(0, 6).padEnd(6, '0'))
}

const countOf = (value: unknown) => (typeof value === 'number' && value >= 1 ? Math.floor(value) : 1)

function field(value: unknown, name: string): unknown {
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined
}

const refusal = (message: string) => new PatternError('PATTERN_OBSERVED', message)
