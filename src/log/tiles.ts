/**
 * Storage of the tree's hashes in tiles of 256: tile (L, n) holds the hashes of tree level 8·L with the indexes
 * [256·n, 256·(n + 1)), 32 bytes each; the last tile of a level may be partial. Levels between are computed.
 */
import { LogError } from './error.ts'
import { type HashAt, nodeHash } from './tree.ts'

/** Hashes in a full tile. */
export const TILE_WIDTH = 256
const LEVELS_PER_TILE = 8

/** Where the tile hash for a perfect subtree stands; undefined for levels that are not stored. */
export function tileSlot(level: number, index: number): { level: number; tile: number; slot: number } | undefined {
  if (level % LEVELS_PER_TILE !== 0) return undefined
  return { level: level / LEVELS_PER_TILE, tile: Math.floor(index / TILE_WIDTH), slot: index % TILE_WIDTH }
}

/**
 * Reads perfect subtrees from tiles.
 * @throws LogError TREE_RANGE when a tile is too short
 */
export function hashFromTiles(tileAt: (level: number, tile: number) => Uint8Array): HashAt {
  return (level, index) => {
    const row = Math.floor(level / LEVELS_PER_TILE)
    const width = 2 ** (level % LEVELS_PER_TILE)
    const first = index * width
    const tile = tileAt(row, Math.floor(first / TILE_WIDTH))
    const slot = first % TILE_WIDTH
    if (tile.length < (slot + width) * 32)
      throw new LogError('TREE_RANGE', `Tile ${row}/${Math.floor(first / TILE_WIDTH)} has no hash ${slot + width - 1}`)
    return perfectRoot(tile, slot, width)
  }
}

function perfectRoot(tile: Uint8Array, slot: number, width: number): Uint8Array {
  if (width === 1) return tile.slice(slot * 32, slot * 32 + 32)
  const half = width / 2
  return nodeHash(perfectRoot(tile, slot, half), perfectRoot(tile, slot + half, half))
}
