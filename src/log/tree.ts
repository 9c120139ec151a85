/**
 * The Merkle tree of a log (RFC 6962): a leaf is SHA-256(0x00 ‖ entry), a node SHA-256(0x01 ‖ left ‖ right), and a tree
 * of n leaves splits at the largest power of two below n.
 *
 *           root of 3                 level 0: leaf hashes 0, 1, 2
 *          /         \                level 1: the node over leaves 0 and 1, index 0
 *     node(1, 0)    leaf 2            A perfect subtree is named (level, index): it covers the leaves
 *      /     \                        [index · 2^level, (index + 1) · 2^level) and never changes again.
 *   leaf 0  leaf 1
 */
import { concat, sha256 } from '#base'
import { hash as digest } from 'node:crypto'
import { LogError } from './error.ts'

/** Hash of the perfect subtree at (level, index). */
export type HashAt = (level: number, index: number) => Uint8Array

/** The root of the empty tree, which is never published. */
export const EMPTY_ROOT: Uint8Array = sha256(new Uint8Array())

/** Room for the byte before a leaf and the leaf, grown to the largest hashed so far. */
let leaf = new Uint8Array(4_096)
const node = new Uint8Array(65)
node[0] = 1

/** Hash of a leaf: of an entry's bytes. */
export function leafHash(entry: Uint8Array): Uint8Array {
  const length = entry.length + 1
  if (length > leaf.length) leaf = new Uint8Array(length * 2)
  leaf.set(entry, 1)
  return sha256(leaf.subarray(0, length))
}

/** Hash of an inner node. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  node.set(left, 1)
  node.set(right, 33)
  return new Uint8Array(digest('sha256', node, 'buffer'))
}

/** The right frontier: hashes of the perfect subtrees that make up a tree, from the widest to the narrowest. */
export class Frontier {
  private count = 0
  private readonly hashes: Uint8Array[] = []

  /** Number of leaves. */
  get size(): number {
    return this.count
  }

  /**
   * Adds a leaf hash; `emit` gets each perfect subtree that it completes, the leaf itself (level 0) first.
   */
  append(leaf: Uint8Array, emit?: (level: number, index: number, hash: Uint8Array) => void): void {
    let hash = leaf
    let index = this.count
    emit?.(0, index, hash)
    for (let level = 1; index % 2 === 1; level++) {
      hash = nodeHash(this.hashes.pop() as Uint8Array, hash)
      index = (index - 1) / 2
      emit?.(level, index, hash)
    }
    this.hashes.push(hash)
    this.count++
  }

  /** Root of the tree so far. */
  root(): Uint8Array {
    let root = this.hashes.at(-1)
    if (root === undefined) return EMPTY_ROOT
    for (let i = this.hashes.length - 2; i >= 0; i--) root = nodeHash(this.hashes[i] as Uint8Array, root)
    return root
  }

  /** A copy that grows on its own. */
  clone(): Frontier {
    const copy = new Frontier()
    copy.count = this.count
    copy.hashes.push(...this.hashes)
    return copy
  }

  /** u64 size, then the hashes. */
  toBytes(): Uint8Array {
    const size = Buffer.alloc(8)
    size.writeBigUInt64BE(BigInt(this.count))
    return concat(size, ...this.hashes)
  }

  /** @throws LogError TREE_RANGE */
  static fromBytes(bytes: Uint8Array): Frontier {
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const size = view.length < 8 ? -1n : view.readBigUInt64BE(0)
    const expected = size.toString(2).replaceAll('0', '').length
    if (size < 0n || size > BigInt(Number.MAX_SAFE_INTEGER) || view.length !== 8 + expected * 32)
      throw new LogError('TREE_RANGE', `${view.length} bytes are no frontier`)
    return Frontier.from(
      Number(size),
      Array.from({ length: expected }, (_, i) => new Uint8Array(view.subarray(8 + i * 32, 40 + i * 32))),
    )
  }

  /** The frontier of the first `size` leaves of a stored tree. */
  static at(hashAt: HashAt, size: number): Frontier {
    requireCount(size, 'size')
    const hashes: Uint8Array[] = []
    let from = 0
    for (let level = Math.floor(Math.log2(Math.max(size, 1))) + 1; level >= 0; level--) {
      const width = 2 ** level
      if (size - from < width) continue
      hashes.push(hashAt(level, from / width))
      from += width
    }
    return Frontier.from(size, hashes)
  }

  private static from(size: number, hashes: Uint8Array[]): Frontier {
    const frontier = new Frontier()
    frontier.count = size
    frontier.hashes.push(...hashes)
    return frontier
  }
}

/** Root over leaf hashes. */
export function rootOf(leaves: Iterable<Uint8Array>): Uint8Array {
  const frontier = new Frontier()
  for (const leaf of leaves) frontier.append(leaf)
  return frontier.root()
}

/** @throws LogError TREE_RANGE unless the value is an integer from 0 to 2^53 − 1 */
export function requireCount(value: unknown, name: string): asserts value is number {
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    throw new LogError('TREE_RANGE', `${name} is ${String(value)}; it must be an integer from 0 to 2^53 − 1`)
}
