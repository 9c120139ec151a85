import { Frontier, TILE_WIDTH, tileSlot } from '#log'
import { toHex } from '#base'
import type { LogRow } from '../sql/tables.ts'

const HASH_BYTES = 32

/** A tile at the right edge of a log's tree, filled from the left. */
interface EdgeTile {
  level: number
  tile: number
  hashes: Uint8Array
  count: number
}

/** Reads the stored hashes of a tile. */
export type ReadTile = (log: number, level: number, tile: number) => Uint8Array | undefined

/**
 * What the writer keeps in memory of one log while it grows: its row, the right frontier of its tree, and the tiles at
 * the right edge. Growing costs the same at any size.
 */
export class LogState {
  readonly row: LogRow
  readonly #frontier: Frontier
  readonly #readTile: ReadTile
  /** By tile level. */
  readonly #edge: (EdgeTile | undefined)[] = []
  /** Tiles that were filled since the last `takeTiles`. */
  #full: EdgeTile[] = []
  readonly #touched = new Set<number>()
  /** Entries in the database when the batch began. */
  #storedSize: number
  charters: readonly (readonly [alliance: string, hash: string])[] = []
  /** What it grew by stands under a checkpoint that was signed before, and came back from a peer. */
  isRecovered = false

  constructor(row: LogRow, readTile: ReadTile) {
    this.row = row
    this.#readTile = readTile
    this.#frontier = Frontier.fromBytes(row.frontier)
    this.#storedSize = row.size
  }

  get size(): number {
    return this.#frontier.size
  }

  get grown(): boolean {
    return this.#frontier.size !== this.#storedSize
  }

  append(leaf: Uint8Array): void {
    this.#frontier.append(leaf, (level, index, hash) => this.#put(level, index, hash))
  }

  root(): Uint8Array {
    return this.#frontier.root()
  }

  /** Brings size and root of the row up to the tree. */
  settleRoot(): void {
    this.row.size = this.size
    this.row.root = toHex(this.root())
  }

  /** Brings the whole row up to the tree, and hands out the tiles that changed. */
  settle(): EdgeTile[] {
    this.settleRoot()
    this.row.frontier = this.#frontier.toBytes()
    this.#storedSize = this.size
    this.isRecovered = false
    const edges = [...this.#touched].flatMap((level) => this.#edge[level] ?? [])
    const changed = [...this.#full, ...edges.filter((tile) => tile.count > 0)]
    this.#full = []
    this.#touched.clear()
    return changed
  }

  #put(level: number, index: number, hash: Uint8Array): void {
    const at = tileSlot(level, index)
    if (!at) return
    const edge = this.#edgeAt(at.level, at.tile)
    edge.hashes.set(hash, at.slot * HASH_BYTES)
    edge.count = at.slot + 1
    this.#touched.add(at.level)
    if (edge.count < TILE_WIDTH) return
    this.#full.push(edge)
    this.#edge[at.level] = undefined
  }

  #edgeAt(level: number, tile: number): EdgeTile {
    const known = this.#edge[level]
    if (known?.tile === tile) return known
    const hashes = new Uint8Array(TILE_WIDTH * HASH_BYTES)
    const stored = this.#readTile(this.row.id, level, tile)
    if (stored) hashes.set(stored)
    const edge = { level, tile, hashes, count: (stored?.length ?? 0) / HASH_BYTES }
    this.#edge[level] = edge
    return edge
  }
}

/** The hashes of a tile as they are stored: only the filled part. */
export const storedHashes = (tile: EdgeTile): Uint8Array => tile.hashes.subarray(0, tile.count * HASH_BYTES)
