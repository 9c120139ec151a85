/**
 * Markings of objects that were released before, for what annotates them or refers to them now.
 * @see SHARING-RULES section 4: notes, opinions, sightings and language content inherit the strictest marking; dangling
 * ids are leaks
 */
import { type Millis, toTimestamp } from '#base'
import type { Audience } from '#log'
import { resolvedOf } from './audience.ts'
import { contains, type Moment } from './containment.ts'
import { combine, type Resolved } from './resolve.ts'
import { rank } from './tlp.ts'

/** An audience that has an object, whole or in a cut form, or will have it when its embargo ends. */
export interface ReleasedTo {
  readonly audience: Audience
  /** Id of the cut form that it has. */
  readonly form?: string
  readonly notBefore?: Millis
}

/** By object id, for each of its publishers: where its newest version stands. */
export type ReleasedBefore = ReadonlyMap<string, readonly (readonly ReleasedTo[])[]>

/**
 * The marking, tightened by every publisher of the annotated object. Where one publisher gave it to several audiences,
 * whoever is in any of them has it: the marking stays if one of them holds all its readers; else the strictest that
 * leaves a reader counts. An object in several forms is marked as its widest form: the others lie inside of that.
 */
export function tightened(own: Resolved, publishers: readonly (readonly ReleasedTo[])[], moment: Moment): Resolved {
  return publishers.reduce((resolved, standing) => {
    const wide = standing.some(({ form }) => form !== undefined)
      ? widest(standing.map(markingOf), moment)
      : standing.map(markingOf)
    if (wide.some((audience) => contains(audience, resolved, moment))) return resolved
    const choices = wide.sort((a, b) => rank(b.level) - rank(a.level)).map((audience) => combine(resolved, audience))
    return choices.find(leavesReaders) ?? choices[0] ?? resolved
  }, own)
}

/** Those that lie inside no other; of equals the first. */
function widest(markings: readonly ReturnType<typeof markingOf>[], moment: Moment) {
  return markings.filter(
    (one, at) =>
      !markings.some(
        (other, k) => k !== at && contains(other, one, moment) && (k < at || !contains(one, other, moment)),
      ),
  )
}

/** What an audience, and an embargo that is not over, say as a marking. */
export function markingOf({ audience, notBefore }: Omit<ReleasedTo, 'form'>) {
  const marking = resolvedOf(audience)
  if (notBefore === undefined) return marking
  return {
    ...marking,
    caveats: { ...marking.caveats, embargoUntil: toTimestamp(notBefore), coauthors: new Set<string>() },
  }
}

const leavesReaders = ({ isConflict, caveats }: Resolved) =>
  !isConflict && !Object.entries(caveats).some(([name, list]) => name !== 'coauthors' && isEmpty(list))

const isEmpty = (list: unknown) => list instanceof Set && list.size === 0
