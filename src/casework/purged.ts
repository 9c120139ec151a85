import type { Json, JsonObject, LogId } from '#base'
import type { Change, Store } from '#store'
import type { CasePlan } from './case.ts'
import { PLANS } from './cases.ts'

/** Takes what was purged out of what cases keep of their publications; that it was published, and where, stays. */
export async function erasePurgedPlans(store: Store, places: readonly { log: LogId; index: number }[]): Promise<void> {
  const purged = new Set(places.map(({ log, index }) => `${log} ${index}`))
  const changes: Change[] = []
  for await (const { key, value } of store.records<Json>(PLANS)) {
    const plan = value as unknown as CasePlan
    const gone = new Set(
      plan.publications.flatMap(({ places: at }) =>
        at.filter(({ log, index }) => purged.has(`${log} ${index}`)).map(({ id }) => id),
      ),
    )
    const isHeld = ({ id }: JsonObject) => !gone.has(String(id))
    if (!plan.publications.some(({ objects }) => !objects.every(isHeld))) continue
    const publications = plan.publications.map((one) => ({ ...one, objects: one.objects.filter(isHeld) }))
    changes.push({ op: 'put', collection: PLANS, key, value: { ...plan, publications } as unknown as Json })
  }
  if (changes.length > 0) await store.commit(changes)
}
