import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { concat, equalBytes, toHex, utf8 } from '#base'
import {
  consistencyProof,
  EMPTY_ROOT,
  Frontier,
  type HashAt,
  hashFromTiles,
  inclusionProof,
  leafHash,
  nodeHash,
  rootOf,
  TILE_WIDTH,
  tileSlot,
  verifyConsistency,
  verifyInclusion,
} from '#log'

const leaves = (size: number) => Array.from({ length: size }, (_, i) => leafHash(utf8(`leaf ${i}`)))

/** The definition of RFC 6962, word for word. */
function definedRoot(hashes: readonly Uint8Array[]): Uint8Array {
  if (hashes.length <= 1) return hashes[0] ?? EMPTY_ROOT
  let split = 1
  while (split * 2 < hashes.length) split *= 2
  return nodeHash(definedRoot(hashes.slice(0, split)), definedRoot(hashes.slice(split)))
}

function stored(hashes: readonly Uint8Array[]): HashAt {
  const nodes = new Map<string, Uint8Array>()
  const frontier = new Frontier()
  for (const leaf of hashes) frontier.append(leaf, (level, index, hash) => nodes.set(`${level}/${index}`, hash))
  return (level, index) => nodes.get(`${level}/${index}`) ?? assert.fail(`no subtree ${level}/${index}`)
}

const flipped = (bytes: Uint8Array, bit: number) => {
  const copy = bytes.slice()
  copy[(bit >> 3) % copy.length] = (copy[(bit >> 3) % copy.length] ?? 0) ^ (1 << (bit & 7))
  return copy
}

test('the frontier has the root that RFC 6962 defines, at every size', () => {
  const all = leaves(130)
  const frontier = new Frontier()
  for (const [i, leaf] of all.entries()) {
    assert.deepEqual(frontier.root(), definedRoot(all.slice(0, i)))
    frontier.append(leaf)
    assert.equal(frontier.size, i + 1)
  }
  assert.deepEqual(rootOf(all), definedRoot(all))
})

test('a frontier survives the way through bytes, through a stored tree and through a clone', () => {
  const all = leaves(70)
  const hashAt = stored(all)
  fc.assert(
    fc.property(fc.nat(70), (size) => {
      const frontier = new Frontier()
      for (const leaf of all.slice(0, size)) frontier.append(leaf)
      for (const copy of [Frontier.fromBytes(frontier.toBytes()), Frontier.at(hashAt, size), frontier.clone()]) {
        for (const leaf of all.slice(size)) copy.append(leaf)
        assert.deepEqual(copy.root(), rootOf(all))
      }
      assert.equal(frontier.size, size)
    }),
  )
  for (const bytes of [
    new Uint8Array(),
    new Uint8Array(9),
    concat(new Uint8Array(7), Uint8Array.of(3), new Uint8Array(32)),
  ])
    assert.throws(() => Frontier.fromBytes(bytes), { code: 'TREE_RANGE' })
})

const sizes = fc.integer({ min: 1, max: 90 }).chain((size) => fc.tuple(fc.constant(size), fc.nat(size - 1)))

test('every inclusion proof verifies, and no proof with a flipped bit, another index, size or length does', () => {
  fc.assert(
    fc.property(sizes, fc.nat(), fc.nat(), ([size, index], bit, pick) => {
      const all = leaves(size)
      const [leaf, root] = [all[index] as Uint8Array, rootOf(all)]
      const proof = inclusionProof(stored(all), index, size)
      assert.ok(verifyInclusion(leaf, index, size, proof, root))
      assert.ok(!verifyInclusion(flipped(leaf, bit), index, size, proof, root))
      assert.ok(!verifyInclusion(leaf, index, size, proof, flipped(root, bit)))
      assert.ok(!verifyInclusion(leaf, index, size, [...proof, root], root))
      assert.ok(!verifyInclusion(leaf, index + 1, size, proof, root))
      assert.ok(!verifyInclusion(leaf, size, size, proof, root))
      if (proof.length === 0) return
      const at = pick % proof.length
      assert.ok(!verifyInclusion(leaf, index, size, proof.with(at, flipped(proof[at] as Uint8Array, bit)), root))
      assert.ok(!verifyInclusion(leaf, index, size, proof.slice(1), root))
      assert.ok(!verifyInclusion(leaf, index, size, proof.slice(0, -1), root))
    }),
  )
})

test('every consistency proof verifies, and none with a flipped bit, exchanged sizes or another length does', () => {
  fc.assert(
    fc.property(sizes, fc.nat(), fc.nat(), ([second, less], bit, pick) => {
      const first = less + 1
      const all = leaves(second)
      const [older, newer] = [rootOf(all.slice(0, first)), rootOf(all)]
      const proof = consistencyProof(stored(all), first, second)
      assert.ok(verifyConsistency(first, second, older, newer, proof))
      assert.ok(!verifyConsistency(first, second, flipped(older, bit), newer, proof))
      assert.ok(!verifyConsistency(first, second, older, flipped(newer, bit), proof))
      assert.ok(!verifyConsistency(first, second, older, newer, [...proof, newer]))
      assert.ok(!verifyConsistency(0, second, older, newer, proof))
      if (first === second) return
      assert.ok(!verifyConsistency(second, first, older, newer, proof))
      assert.ok(!verifyConsistency(first, second, older, newer, []))
      const at = pick % proof.length
      const bent = proof.with(at, flipped(proof[at] as Uint8Array, bit))
      assert.ok(!verifyConsistency(first, second, older, newer, bent))
    }),
  )
})

test('a log that was rewritten has no consistency proof from its old root', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 60 }), fc.nat(), (second, pick) => {
      const first = 1 + (pick % (second - 1))
      const all = leaves(second)
      const rewritten = all.with(pick % first, leafHash(utf8('another')))
      const proof = consistencyProof(stored(rewritten), first, second)
      assert.ok(!verifyConsistency(first, second, rootOf(all.slice(0, first)), rootOf(rewritten), proof))
    }),
  )
})

test('a proof that is too long for its size does not verify, though it leads to the root', () => {
  const [a, b] = leaves(2) as [Uint8Array, Uint8Array]
  const root = nodeHash(a, b)
  assert.ok(!verifyInclusion(b, 0, 1, [a], root))
  assert.ok(!verifyConsistency(2, 3, nodeHash(a, b), nodeHash(a, nodeHash(root, b)), [b, a]))
})

test('sizes beyond 2^31 are verified as numbers, not as 32-bit integers', () => {
  // A tree of 2^40 equal leaves: every perfect subtree of a level has one hash.
  const levels = [leafHash(utf8('x'))]
  for (let level = 1; level <= 41; level++)
    levels.push(nodeHash(levels[level - 1] as Uint8Array, levels[level - 1] as Uint8Array))
  const hashAt: HashAt = (level) => levels[level] as Uint8Array
  const size = 2 ** 40 + 3
  const root = Frontier.at(hashAt, size).root()
  assert.ok(
    verifyInclusion(levels[0] as Uint8Array, 2 ** 39 + 5, size, inclusionProof(hashAt, 2 ** 39 + 5, size), root),
  )
  const older = Frontier.at(hashAt, 2 ** 35 + 1).root()
  assert.ok(verifyConsistency(2 ** 35 + 1, size, older, root, consistencyProof(hashAt, 2 ** 35 + 1, size)))
})

test('proofs of what does not exist are refused', () => {
  const hashAt = stored(leaves(4))
  for (const [index, size] of [
    [4, 4],
    [0, 0],
    [-1, 4],
    [0.5, 4],
    [NaN, 4],
  ] as const)
    assert.throws(() => inclusionProof(hashAt, index, size), { code: 'TREE_RANGE' })
  for (const [first, second] of [
    [0, 4],
    [5, 4],
    [1, 2 ** 53],
  ] as const)
    assert.throws(() => consistencyProof(hashAt, first, second), { code: 'TREE_RANGE' })
  assert.deepEqual(consistencyProof(hashAt, 4, 4), [])
})

test('tiles give every perfect subtree of a tree that spans several of them', () => {
  const size = TILE_WIDTH * 2 + 77
  const tiles = new Map<string, Uint8Array[]>()
  const frontier = new Frontier()
  const nodes: [number, number, Uint8Array][] = []
  for (const leaf of leaves(size))
    frontier.append(leaf, (level, index, hash) => {
      nodes.push([level, index, hash])
      const slot = tileSlot(level, index)
      if (!slot) return
      const tile = tiles.get(`${slot.level}/${slot.tile}`) ?? []
      assert.equal(tile.length, slot.slot)
      tiles.set(`${slot.level}/${slot.tile}`, [...tile, hash])
    })
  const hashAt = hashFromTiles((level, tile) => concat(...(tiles.get(`${level}/${tile}`) ?? [])))
  for (const [level, index, hash] of nodes) assert.ok(equalBytes(hashAt(level, index), hash), `${level}/${index}`)
  assert.throws(() => hashAt(0, size), { code: 'TREE_RANGE' })
  assert.throws(() => hashAt(9, 1), { code: 'TREE_RANGE' })
})

test('a leaf hash covers its entry alone, whatever was hashed before', () => {
  for (const length of [10_000, 5_000, 100, 1, 0, 20_000, 3]) {
    const entry = new Uint8Array(length).fill(length % 251)
    const expected = createHash('sha256').update(Uint8Array.of(0)).update(entry).digest('hex')
    assert.equal(toHex(leafHash(entry)), expected)
  }
})
