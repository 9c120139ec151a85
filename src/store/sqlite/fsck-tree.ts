import { read } from '../sql/statements.ts'
import { equalBytes } from '#base'
import { Frontier, rootOf, TILE_WIDTH, tileSlot } from '#log'
import type { LogRow } from '../sql/tables.ts'
import type { Connection } from './connection.ts'
import type { FaultList } from './fault-list.ts'

const HASH_BYTES = 32

/** One leaf as it is stored in its tile, and as it follows from the entry's bytes where those are held. */
interface Leaf {
  index: number
  stored: Uint8Array | undefined
  computed: Uint8Array | undefined
}

/**
 * Rebuilds a log's tree leaf by leaf and holds the stored tiles against it. Where an entry and its stored leaf hash
 * differ, the level above says which of the two is damaged.
 */
export class TreeCheck {
  readonly frontier = new Frontier()
  readonly #connection: Connection
  readonly #row: LogRow
  readonly #faults: FaultList
  readonly #tiles = new Map<number, { tile: number; hashes: Uint8Array }>()
  #leaves: Leaf[] = []

  constructor(connection: Connection, row: LogRow, faults: FaultList) {
    this.#connection = connection
    this.#row = row
    this.#faults = faults
  }

  /** Takes the leaf of the next index; undefined where only the stored hash is left. */
  add(index: number, computed: Uint8Array | undefined): void {
    this.#leaves.push({ index, stored: this.#stored(0, index), computed })
  }

  /** Whether a tile's worth of leaves waits for `settle`. */
  get isTileFull(): boolean {
    return this.#leaves.length === TILE_WIDTH
  }

  /** Judges the leaves taken since the last time and adds them to the tree; `each` is called after every one. */
  settle(each: (size: number) => void): void {
    const leaves = this.#leaves
    this.#leaves = []
    const [first] = leaves
    if (!first) return
    for (const leaf of this.#judged(leaves)) {
      this.frontier.append(leaf, (level, index, hash) => this.#compare(level, index, hash))
      each(this.frontier.size)
    }
  }

  #judged(leaves: Leaf[]): Uint8Array[] {
    const stored = leaves.map((leaf) => leaf.stored ?? leaf.computed ?? new Uint8Array(HASH_BYTES))
    const computed = leaves.map((leaf, i) => leaf.computed ?? (stored[i] as Uint8Array))
    const differing = leaves.filter((leaf, i) => !leaf.stored || !equalBytes(leaf.stored, computed[i] as Uint8Array))
    const isStoredRight = this.#matchesAbove(leaves, stored)
    if (differing.length === 0) {
      if (!isStoredRight) this.#nameUnheld(leaves)
      return stored
    }
    const isTileWrong = !isStoredRight && this.#matchesAbove(leaves, computed)
    for (const { index } of differing) {
      const place = { log: this.#row.log, index }
      if (isTileWrong)
        this.#faults.add('tile', `The stored leaf hash of entry ${index} is not that of its bytes`, place)
      else this.#faults.add('entry', `The bytes of entry ${index} do not give its leaf hash`, place)
    }
    return isStoredRight ? stored : computed
  }

  /** Nothing contradicts the leaves but the level above: a hash without content is damaged, or the one above. */
  #nameUnheld(leaves: Leaf[]): void {
    const unheld = leaves.filter((leaf) => !leaf.computed)
    const index = (unheld[0] ?? leaves[0])?.index ?? 0
    const what = unheld.length > 0 ? `a leaf hash without content (of entry ${index} or after)` : 'the hash above them'
    this.#faults.add(
      'tile',
      `The leaf hashes from entry ${leaves[0]?.index} on do not give the level above: ${what} is damaged`,
      {
        log: this.#row.log,
        index,
      },
    )
  }

  /** Whether leaf hashes of one tile agree with what is stored over them: the next level, or the right frontier. */
  #matchesAbove(leaves: Leaf[], hashes: Uint8Array[]): boolean {
    const tile = Math.floor((leaves[0]?.index ?? 0) / TILE_WIDTH)
    if (hashes.length === TILE_WIDTH) {
      const above = this.#stored(1, tile)
      return above !== undefined && equalBytes(above, rootOf(hashes))
    }
    const part = new Frontier()
    for (const hash of hashes) part.append(hash)
    const tail = part.toBytes().subarray(8)
    const { frontier } = this.#row
    return equalBytes(frontier.subarray(frontier.length - tail.length), tail)
  }

  /** Holds a perfect subtree's hash against the stored tile; leaves have been judged before. */
  #compare(level: number, index: number, hash: Uint8Array): void {
    const slot = level > 0 ? tileSlot(level, index) : undefined
    if (!slot) return
    const stored = this.#stored(slot.level, index)
    if (stored && equalBytes(stored, hash)) return
    const entry = (index + 1) * 2 ** level - 1
    const name = `${slot.level}/${slot.tile}`
    this.#faults.add('tile', `Tile ${name} does not hold the hash over the entries up to ${entry}`, {
      log: this.#row.log,
      index: entry,
    })
  }

  #stored(level: number, index: number): Uint8Array | undefined {
    const tile = Math.floor(index / TILE_WIDTH)
    let known = this.#tiles.get(level)
    if (known?.tile !== tile) {
      const hashes = this.#faults.guard({ log: this.#row.log, index: index * TILE_WIDTH ** level }, () =>
        this.#connection.get(read.tileAt, this.#row.id, level, tile),
      )?.hashes
      known = { tile, hashes: hashes instanceof Uint8Array ? hashes : new Uint8Array() }
      this.#tiles.set(level, known)
    }
    const at = (index % TILE_WIDTH) * HASH_BYTES
    const hash = known.hashes.subarray(at, at + HASH_BYTES)
    return hash.length === HASH_BYTES ? hash : undefined
  }
}
