import type { Hash } from '#base'
import { toHex } from '#base'
import { Frontier, type HashAt, nodeHash } from '#log'
import type { DiskLog } from './memory-disk.ts'

/** Perfect subtrees of a simulated log, computed once from its leaves. */
export function hashesOf(log: DiskLog): HashAt {
  const at: HashAt = (level, index) => {
    if (level > 0) {
      const place = `${level}/${index}`
      const known = log.tree.get(place)
      if (known) return known
      const hash = nodeHash(at(level - 1, index * 2), at(level - 1, index * 2 + 1))
      log.tree.set(place, hash)
      return hash
    }
    const entry = log.entries[index]
    if (!entry) throw new Error(`The simulated log ${log.log} has no entry ${index}`)
    return entry.leaf
  }
  return at
}

/** Root over the first `size` leaves. */
export function rootAt(log: DiskLog, size: number): Hash {
  return toHex(Frontier.at(hashesOf(log), size).root())
}

/** Takes entries off again that a refused commit had added. */
export function cutTo(log: DiskLog, size: number, frontier: Frontier): void {
  log.entries.splice(size)
  log.frontier = frontier
  // Whatever subtree reached beyond is of entries that are gone.
  log.tree.clear()
}
