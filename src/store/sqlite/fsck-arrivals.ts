import { fsck } from '../sql/statements.ts'
import type { Connection } from './connection.ts'
import type { FaultList } from './fault-list.ts'

/** Arrival times by sequence number, as the batches were recorded. */
export class Arrivals {
  readonly #rows: readonly { arrived: number; first: number; last: number }[]
  #at = 0

  constructor(connection: Connection, faults: FaultList) {
    this.#rows = faults.guard({}, () => connection.all(fsck.allArrivals)) ?? []
    let last = 0
    for (const row of this.#rows) {
      if (row.first <= last || row.last < row.first)
        faults.add(
          'arrivals',
          `The batch that arrived at ${row.arrived} has the sequence numbers ${row.first} to ${row.last} after ${last}`,
        )
      last = row.last
    }
  }

  /** Arrival time of the batch with this sequence number. */
  at(sequence: number): number | undefined {
    const near = this.#rows[this.#at]
    if (!near || sequence < near.first || sequence > near.last) this.#at = this.#find(sequence)
    const row = this.#rows[this.#at]
    return row && row.first <= sequence && sequence <= row.last ? row.arrived : undefined
  }

  #find(sequence: number): number {
    let low = 0
    let high = this.#rows.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#rows[middle]?.first ?? 0) <= sequence) low = middle
      else high = middle - 1
    }
    return low
  }
}
