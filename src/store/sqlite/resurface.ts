import type { Side } from '../store.ts'

/** What of an entry's row tells how its object's versions follow each other. */
export interface VersionedEntry {
  key: number
  log: number
  seq: number
  /** '' for an unversioned object, whose versions follow the order in which they were added. */
  modified: string | null
}

/** The row of an entry that goes away. */
export interface ObjectEntry extends VersionedEntry {
  id: string | null
  others: number | null
}

/**
 * The rows that may come to stand at an end of the versions when `gone` goes away: in each log the newest older one
 * (it may be the last now) and the oldest newer one (it may be the first). Which of them is depends on the reader.
 */
export function neighboursOf<Row extends VersionedEntry>(
  gone: VersionedEntry,
  standing: readonly Row[],
): { side: Side; row: Row }[] {
  const found: { side: Side; row: Row }[] = []
  for (const inLog of Map.groupBy(standing, ({ log }) => log).values()) {
    const older = inLog.filter((row) => order(row, gone) < 0)
    const newer = inLog.filter((row) => order(row, gone) > 0)
    const [last] = older.sort((a, b) => order(b, a) || a.seq - b.seq)
    const [first] = newer.sort((a, b) => order(a, b) || a.seq - b.seq)
    if (last) found.push({ side: 'last', row: last })
    if (first) found.push({ side: 'first', row: first })
  }
  return found
}

function order(a: VersionedEntry, b: VersionedEntry): number {
  if (!a.modified || !b.modified) return a.seq - b.seq
  return a.modified === b.modified ? 0 : a.modified < b.modified ? -1 : 1
}
