import type { Hash, LogId } from '#base'
import { TLP_LEVELS } from '#log'
import type { LogHead } from '#store'
import type { Place, Planned } from './publish-plan.ts'

/** What becomes of own entries of older versions: those to recall, and logs that a revocation follows them into. */
export interface Outdated {
  recalled: readonly Place[]
  revoked: ReadonlyMap<LogId, readonly Planned[]>
}

/**
 * Entries of older versions, in whatever form, in logs that the newest one does not stand in: a revocation follows them
 * there, so that nobody who got the object misses it; anything else is recalled there. No revocation is told to those
 * for whom its own level is too strict; a form that the newest version has no more is recalled.
 * @see WIRE, Order, versions, conflict
 */
export function outdatedBy(
  planned: readonly Planned[],
  places: ReadonlyMap<Planned, Place>,
  own: ReadonlyMap<LogId, LogHead>,
): Outdated {
  const recalled = new Map<string, Place>()
  const revoked = new Map<LogId, Map<string, Planned>>()
  for (const versions of Map.groupBy(planned, ({ release }) => release.objectId).values()) {
    const newest = versions.reduce((latest, { columns }) => (columns.modified > latest ? columns.modified : latest), '')
    if (newest === '') continue
    const current = versions.filter(({ columns }) => columns.modified === newest)
    // By audience, not by log: a later incarnation stands for the ones before it.
    const standing = new Set(current.map((plan) => `${plan.release.id} ${audienceOf(places.get(plan)?.log)}`))
    const earlier = versions.flatMap((plan) => {
      const place = places.get(plan)
      return plan.columns.modified < newest && place ? [{ id: plan.release.id, ...place }] : []
    })
    for (const { id, log, index } of [...current.flatMap(({ older }) => older), ...earlier]) {
      if (standing.has(`${id} ${audienceOf(log)}`)) continue
      const head = own.get(log)
      const plan = current.find(({ release, columns }) => release.id === id && columns.revoked === true)
      if (!plan || !head || isStricter(plan, head)) recalled.set(`${log} ${index}`, { log, index })
      else if (!head.closed || head.superseded)
        revoked.set(log, (revoked.get(log) ?? new Map<string, Planned>()).set(id, plan))
    }
  }
  const followed = [...revoked].map(([log, plans]): [LogId, Planned[]] => [log, [...plans.values()]])
  return { recalled: [...recalled.values()], revoked: new Map(followed) }

  function audienceOf(log: LogId = ''): Hash | undefined {
    return own.get(log)?.audienceId
  }
}

const isStricter = ({ release }: Planned, { audience }: LogHead) =>
  TLP_LEVELS.indexOf(release.audience.tlp) > TLP_LEVELS.indexOf(audience.tlp)
