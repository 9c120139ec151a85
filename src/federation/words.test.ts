import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sha256, utf8 } from '#base'
import { toCommitment, toWords, WORDS } from './words.ts'

const bytes = (text: string) => sha256(utf8(text))
const [a, b] = [
  { root: bytes('a'), nonce: bytes('1') },
  { root: bytes('b'), nonce: bytes('2') },
]

test('there are 256 different words', () => {
  assert.equal(WORDS.length, 256)
  assert.equal(new Set(WORDS).size, 256)
})

test('the words change with each key, each nonce, and with who invited whom', () => {
  const words = toWords(a, b)
  assert.match(words, /^[a-z]+( [a-z]+){3}$/)
  assert.equal(toWords(a, b), words)
  const others = [toWords(b, a), toWords({ ...a, nonce: bytes('3') }, b), toWords(a, { ...b, nonce: bytes('3') })]
  others.push(toWords({ ...a, root: bytes('c') }, b), toWords(a, { ...b, root: bytes('c') }))
  for (const other of others) assert.notEqual(other, words)
})

test('a commitment fixes key and nonce', () => {
  assert.notDeepEqual(toCommitment(a.root, a.nonce), toCommitment(a.root, b.nonce))
  assert.notDeepEqual(toCommitment(a.root, a.nonce), toCommitment(b.root, a.nonce))
})
