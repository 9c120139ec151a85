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
 * (it may be the last now) and the oldest newer one (it may be the first). Which of them is depends on the reader. The
 * entries of an unversioned object follow each other in the order in which a reader meets them, which is its own: there
 * a row of each log tells that either end may be another one.
 */
export function neighboursOf<Row extends VersionedEntry>(
  gone: VersionedEntry,
  standing: readonly Row[],
): { side: Side; row: Row }[] {
  const found: { side: Side; row: Row }[] = []
  const { modified } = gone
  for (const inLog of Map.groupBy(standing, ({ log }) => log).values()) {
    const older = modified ? inLog.filter((row) => versionOf(row) < modified) : inLog
    const newer = modified ? inLog.filter((row) => versionOf(row) > modified) : inLog
    const [last] = older.sort((a, b) => inOrder(b, a))
    const [first] = newer.sort(inOrder)
    if (last) found.push({ side: 'last', row: last })
    if (first) found.push({ side: 'first', row: first })
  }
  return found
}

const versionOf = ({ modified }: VersionedEntry): string => modified ?? ''

const inOrder = (a: VersionedEntry, b: VersionedEntry): number =>
  versionOf(a) === versionOf(b) ? a.seq - b.seq : versionOf(a) < versionOf(b) ? -1 : 1
