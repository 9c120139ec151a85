/** Inclusion and consistency proofs. @see RFC 6962 section 2.1, RFC 9162 sections 2.1.3 and 2.1.4 (verification) */
import { equalBytes } from '#base'
import { LogError } from './error.ts'
import { type HashAt, nodeHash, requireCount } from './tree.ts'

/**
 * Hashes that lead from leaf `index` to the root of the first `size` leaves, from the bottom.
 * @throws LogError TREE_RANGE
 */
export function inclusionProof(hashAt: HashAt, index: number, size: number): Uint8Array[] {
  requireCount(index, 'index')
  requireCount(size, 'size')
  if (index >= size) throw new LogError('TREE_RANGE', `There is no leaf ${index} in a tree of size ${size}`)
  const proof: Uint8Array[] = []
  for (let from = 0, to = size; to - from > 1;) {
    const middle = from + splitOf(to - from)
    if (index < middle) {
      proof.push(subtreeHash(hashAt, middle, to))
      to = middle
    } else {
      proof.push(subtreeHash(hashAt, from, middle))
      from = middle
    }
  }
  return proof.reverse()
}

/**
 * Hashes that show the tree of `first` leaves to be the beginning of that of `second`.
 * @throws LogError TREE_RANGE; a proof from size 0 does not exist
 */
export function consistencyProof(hashAt: HashAt, first: number, second: number): Uint8Array[] {
  requireCount(first, 'first')
  requireCount(second, 'second')
  if (first < 1 || first > second)
    throw new LogError('TREE_RANGE', `There is no consistency proof from size ${first} to ${second}`)
  const proof: Uint8Array[] = []
  let whole = true
  let from = 0
  let to = second
  while (to !== first) {
    const middle = from + splitOf(to - from)
    if (first <= middle) {
      proof.push(subtreeHash(hashAt, middle, to))
      to = middle
    } else {
      proof.push(subtreeHash(hashAt, from, middle))
      from = middle
      whole = false
    }
  }
  if (!whole) proof.push(subtreeHash(hashAt, from, to))
  return proof.reverse()
}

/** Whether a leaf hash stands at `index` in the tree of that size and root. */
export function verifyInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (!isSize(index) || !isSize(size) || index >= size) return false
  let at = index
  let last = size - 1
  let hash = leaf
  for (const step of proof) {
    if (last === 0) return false
    if (at % 2 === 1 || at === last) {
      hash = nodeHash(step, hash)
      while (at % 2 === 0 && at !== 0) {
        at /= 2
        last = half(last)
      }
    } else {
      hash = nodeHash(hash, step)
    }
    at = half(at)
    last = half(last)
  }
  return last === 0 && equalBytes(hash, root)
}

/** Whether the tree (first, firstRoot) is the beginning of the tree (second, secondRoot). Never true from size 0. */
export function verifyConsistency(
  first: number,
  second: number,
  firstRoot: Uint8Array,
  secondRoot: Uint8Array,
  proof: readonly Uint8Array[],
): boolean {
  if (!isSize(first) || !isSize(second) || first < 1 || first > second) return false
  if (first === second) return proof.length === 0 && equalBytes(firstRoot, secondRoot)
  const roots = rootsOfPath(first, second, isPowerOfTwo(first) ? [firstRoot, ...proof] : proof)
  return roots !== undefined && equalBytes(roots.older, firstRoot) && equalBytes(roots.newer, secondRoot)
}

/**
 * The roots of the first `first` leaves and of all `second` leaves to which a path of hashes leads; undefined where its
 * length is wrong. The path is a proof of consistency, before which the older root stands where `first` is a power of two.
 * Whoever knows the newer root is told by it what the older one must be: no other path of that shape leads there.
 */
export function rootsOfPath(
  first: number,
  second: number,
  path: readonly Uint8Array[],
): { older: Uint8Array; newer: Uint8Array } | undefined {
  const [head, ...rest] = path
  if (!isSize(first) || !isSize(second) || first < 1 || first >= second) return undefined
  if (head === undefined || rest.length === 0) return undefined
  let at = first - 1
  let last = second - 1
  while (at % 2 === 1) {
    at = half(at)
    last = half(last)
  }
  let older = head
  let newer = head
  for (const step of rest) {
    if (last === 0) return undefined
    if (at % 2 === 1 || at === last) {
      older = nodeHash(step, older)
      newer = nodeHash(step, newer)
      while (at % 2 === 0 && at !== 0) {
        at /= 2
        last = half(last)
      }
    } else {
      newer = nodeHash(newer, step)
    }
    at = half(at)
    last = half(last)
  }
  return last === 0 ? { older, newer } : undefined
}

/** Hash over the leaves [from, to), where `from` is a multiple of the widest perfect subtree in the range. */
function subtreeHash(hashAt: HashAt, from: number, to: number): Uint8Array {
  const width = to - from
  if (isPowerOfTwo(width)) return hashAt(Math.round(Math.log2(width)), from / width)
  const middle = from + splitOf(width)
  return nodeHash(subtreeHash(hashAt, from, middle), subtreeHash(hashAt, middle, to))
}

/** Largest power of two below `width`, for widths from 2. */
function splitOf(width: number): number {
  let split = 1
  while (split * 2 < width) split *= 2
  return split
}

/** Whether a size is that of a perfect tree. */
export function isPowerOfTwo(value: number): boolean {
  let power = 1
  while (power < value) power *= 2
  return power === value
}

const half = (value: number) => Math.floor(value / 2)
const isSize = (value: number) => Number.isSafeInteger(value) && value >= 0
