/**
 * Logs as a reader sees them that was admitted late: entries with numbers up to `upTo` are shown at `base` + index, in
 * the order of the log; later ones at their own numbers. Such a log is read as three streams, each one range of one index:
 * what stands where it arrived, what was moved (accepted only later), and what is shown at its own number.
 * @see docs/decisions/0021-late-visibility.md
 */
import { lateQuery, read } from '../sql/statements.ts'
import type { StreamRow, Width } from '../sql/stream-shape.ts'
import { entryKey, indexOfKey, LOG_KEY_SPAN } from '../sql/tables.ts'
import type { LateAdmission } from '../store.ts'
import type { Connection } from './connection.ts'

/** Which of the three a stream is. */
export type LatePart = 'own' | 'late' | 'moved'

/** Bounds of numbers as the reader sees them, both exclusive. */
export interface LateBounds {
  after: number
  before: number
}

/** Where an entry is shown to the reader. */
export const shownAt = (seq: number, key: number, late: LateAdmission | undefined): number =>
  late && seq <= late.upTo ? late.base + indexOfKey(key) : seq

/** The parts of a log that may have rows within the bounds. */
export const partsWithin = ({ base, size }: LateAdmission, { after, before }: LateBounds): LatePart[] =>
  after >= base + size - 1 || before <= base ? ['own'] : ['own', 'late', 'moved']

/** Reads rows of the late or the moved part; their first column is where they are shown. */
export function readLate<Row extends StreamRow>(
  connection: Connection,
  part: 'late' | 'moved',
  stream: { type?: string; log: number; status: string },
  late: LateAdmission,
  { after, before }: LateBounds,
  width: Exclude<Width, 'wide'>,
  limit: number,
): Row[] {
  const { type, log, status } = stream
  const from = Math.max(-1, after - late.base)
  const to = Math.min(late.size, before - late.base)
  if (to - from < 2) return []
  const text = lateQuery(type === undefined ? part : `${part} type`, width)
  const fixed = type === undefined ? [log, status] : [type, log, status]
  const keys = [entryKey(log, 0) + from, entryKey(log, 0) + to] as const
  const rows =
    part === 'moved'
      ? connection.arrays<Row>(text, ...fixed, ...keys, late.upTo, limit)
      : connection.arrays<Row>(text, ...fixed, ...sequencesOf(connection, log, from, to, late), limit)
  for (const row of rows) row[0] = late.base + (row[1] % LOG_KEY_SPAN)
  return rows
}

/** Numbers under which the entries between two indexes arrived: both ascend together. */
function sequencesOf(
  connection: Connection,
  log: number,
  from: number,
  to: number,
  { upTo }: LateAdmission,
): [after: number, before: number] {
  const at = (index: number) => connection.get(read.firstSequenceAt, entryKey(log, index))?.seq
  return [from < 0 ? 0 : (at(from) ?? upTo), Math.min(upTo + 1, at(to) ?? Infinity)]
}
