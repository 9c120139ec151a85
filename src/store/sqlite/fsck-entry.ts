import { type JsonObject, parseJson } from '#base'
import { ENTRY_HEADER_BYTES, ENTRY_KIND, peekEntry } from '#log'
import { objectColumns } from '#stix'
import type { EntryRow } from '../sql/tables.ts'

const STATUSES = new Set(['accepted', 'quarantined', 'rejected', 'recalled'])

/** What is wrong with an entry's row, given bytes that are those of its leaf; empty when nothing is. */
export function rowFaults(row: EntryRow): string[] {
  const faults = [...shapeFaults(row)]
  if (row.bytes) faults.push(...contentFaults(row, row.bytes))
  return faults
}

function* shapeFaults(row: EntryRow): Generator<string> {
  const { kind, time, withheld, purged, status, type, id, modified, bytes } = row
  if (kind === null && bytes) yield 'it has bytes but no kind'
  if ((kind === null) !== (time === null)) yield 'it has only one of kind and time'
  if (purged !== null && bytes) yield 'it is purged but has bytes'
  if (purged !== null && withheld === null) yield 'it is purged but not withheld'
  if (purged === null && kind !== null && !bytes) yield 'its bytes are gone'
  if (purged !== null && status !== null) yield 'it is purged but its columns are left'
  if (status === null ? type !== null || id !== null : type === null || id === null || modified === null)
    yield 'it has only a part of the object columns'
  if (status !== null && !STATUSES.has(status)) yield `it has the unknown status ${JSON.stringify(status)}`
  if (status !== null && (status === 'recalled') !== (withheld !== null))
    yield `it has the status ${status}, withheld or not`
}

function* contentFaults(row: EntryRow, bytes: Uint8Array): Generator<string> {
  const { kind, time } = peekEntry(bytes)
  if (kind !== row.kind) yield `its kind is ${kind}, its column says ${row.kind}`
  if (time !== row.time) yield `its time is ${time}, its column says ${row.time}`
  if (row.status !== null && kind === ENTRY_KIND.object) yield* columnFaults(row, bytes)
}

/** The index columns against what is read out of the object; a rejected object may be unreadable. */
function* columnFaults(row: EntryRow, bytes: Uint8Array): Generator<string> {
  if (row.status === 'rejected') return
  let derived: ReturnType<typeof objectColumns>
  try {
    derived = objectColumns(parseJson(bytes.subarray(ENTRY_HEADER_BYTES)) as JsonObject)
  } catch (error) {
    if (row.status === 'accepted') yield `its object cannot be read: ${(error as Error).message}`
    return
  }
  const pairs: (readonly [name: string, stored: unknown, derived: unknown])[] = [
    ['id', row.id, derived.id],
    ['type', row.type, derived.type],
    ['modified', row.modified, derived.modified],
    ['creator', row.creator, derived.creator ?? null],
    ['pattern type', row.pattern_type, derived.patternType ?? null],
    ['revoked', row.revoked ?? 0, Number(derived.revoked ?? false)],
  ]
  for (const [name, stored, expected] of pairs)
    if (stored !== expected)
      yield `its column ${name} is ${JSON.stringify(stored)}, the object says ${JSON.stringify(expected)}`
}
