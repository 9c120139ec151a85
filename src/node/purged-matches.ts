import type { JsonObject, LogId } from '#base'
import type { Change, Store } from '#store'

/** Rows of the journal that are looked through at once. */
const ROWS = 1_000

/**
 * Takes the matched value and the name out of the journal of matches with purged entries: a value that matched is the
 * content that was to go. That there was a match, and when, stays.
 */
export async function erasePurgedMatches(
  store: Store,
  places: readonly { log: LogId; index: number }[],
): Promise<void> {
  const purged = new Set(places.map(({ log, index }) => `${log} ${index}`))
  for (let after = 0; ;) {
    const rows = await store.journal<JsonObject>('hits', { after, limit: ROWS })
    const changes = rows.flatMap(({ sequence, time, value }): Change[] => {
      if (!purged.has(`${String(value['log'])} ${String(value['index'])}`) || value['value'] === '') return []
      const { name: _, ...rest } = value
      return [{ op: 'amend', stream: 'hits', sequence, time, value: { ...rest, value: '' } }]
    })
    if (changes.length > 0) await store.commit(changes)
    const last = rows.at(-1)
    if (!last) return
    after = last.sequence
  }
}
