import { fromUtf8, type JsonObject } from '#base'
import type { CasePlan, Publication } from '#casework'
import type { NodeContext } from './node-context.ts'

/** Sightings that are looked at for one receipt. */
const SIGHTINGS_READ = 20_000
const LOOKUP_ROWS = 1_000

/** Members that proved that they have what came of a case. */
export async function acknowledgedBy({ federation }: NodeContext, bases: readonly Publication[]): Promise<number> {
  const members = new Set<string>()
  for (const log of new Set(bases.flatMap(({ places }) => places.map((place) => place.log)))) {
    const indices = bases.flatMap(({ places }) => places.filter((place) => place.log === log)).map(({ index }) => index)
    for (const { kind, verified, member, size } of await federation.receipts(log))
      if (kind === 'received' && verified && indices.some((index) => index < size)) members.add(member)
  }
  return members.size
}

/** Other members that saw an indicator of the case at work. */
export async function sightedBy(
  { store, config }: NodeContext,
  { time }: CasePlan,
  bases: readonly Publication[],
): Promise<number> {
  const ids = new Set(bases.flatMap(({ places }) => places.map(({ id }) => id)))
  const logs = (await store.logs()).filter(({ author }) => author !== config.member).map(({ log }) => log)
  const publishers = new Set<string>()
  let cursor: string | undefined
  for (let read = 0; logs.length > 0 && read < SIGHTINGS_READ; read += LOOKUP_ROWS) {
    const query = { logs, types: ['sighting'], statuses: ['accepted' as const], since: time, limit: LOOKUP_ROWS }
    const page = await store.objects({ ...query, ...(cursor === undefined ? {} : { cursor }) })
    for (const { json, publisher } of page.rows)
      if (ids.has(String((JSON.parse(fromUtf8(json)) as JsonObject)['sighting_of_ref']))) publishers.add(publisher)
    cursor = page.next
    if (cursor === undefined) break
  }
  return publishers.size
}
