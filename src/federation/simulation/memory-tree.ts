import type { Hash } from '#base'
import { toHex } from '#base'
import { type HashAt, nodeHash, rootOf } from '#log'
import type { DiskLog } from './memory-disk.ts'

/** Perfect subtrees of a simulated log, computed from its leaves. */
export function hashesOf(log: DiskLog): HashAt {
  const at: HashAt = (level, index) => {
    if (level > 0) return nodeHash(at(level - 1, index * 2), at(level - 1, index * 2 + 1))
    const entry = log.entries[index]
    if (!entry) throw new Error(`The simulated log ${log.log} has no entry ${index}`)
    return entry.leaf
  }
  return at
}

/** Root over the first `size` leaves. */
export function rootAt(log: DiskLog, size: number): Hash {
  return toHex(rootOf(log.entries.slice(0, size).map((entry) => entry.leaf)))
}
