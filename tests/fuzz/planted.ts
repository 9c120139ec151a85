/** Broken targets, each with one fault that the fuzzer must find: the fuzzer's own test. */
import { NoroshiError } from '#base'
import { attempt, chunksOf, jsonOf, must, mustEqual, randomOf, type Target, textOf } from './target.ts'

const SAMPLE = { type: 'report', objects: [{ name: 'a', refs: ['x', 'y'], size: 4 }], lang: 'en' }
const held: Uint8Array[] = []
const LEAKED_BYTES = 200_000
/** Half as long again as an input may take. */
const SLOW_MICROS = 150_000
/** A piece of memory outside the heap. */
const PIECE_BYTES = 16_777_216
/** Eight megabytes each. */
const LIST = Array.from({ length: 1_000_000 }).fill(0)

class KnownError extends NoroshiError {}

function usedMicros(): number {
  const { user, system } = process.threadCpuUsage()
  return user + system
}

/** Whether somewhere in the value a list holds an empty list: only a change of structure makes one. */
function hasEmptyInList(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value) && value.some((item) => Array.isArray(item) && item.length === 0)) return true
  return Object.values(value).some(hasEmptyInList)
}

const target = (name: string, run: Target['run'], more: Partial<Target> = {}): Target => ({
  name,
  shape: 'json',
  words: ['name', 'refs', 'size'],
  seeds: [SAMPLE],
  run,
  ...more,
})

/** All of them. `sound` has no fault: what is found there is the fuzzer's own. */
export const TARGETS: readonly Target[] = [
  target('sound', (input) => (jsonOf(input) === undefined ? 'no JSON' : 'read')),
  target('throws', (input) => {
    if (hasEmptyInList(jsonOf(input))) throw new TypeError('A rare structure is not read')
    return 'read'
  }),
  target('undocumented', (input) => {
    const read = attempt(() => {
      if (textOf(input).includes('"size":-')) throw new NoroshiError('OTHER', 'Not one of the documented errors')
      if (jsonOf(input) === undefined) throw new KnownError('KNOWN', 'One of the documented errors')
      return true
    }, KnownError)
    return read.word
  }),
  target('rejects', async (input) => {
    await Promise.resolve()
    must(!textOf(input).includes('null'), 'an asynchronous property')
    return 'read'
  }),
  // Loses what stands before a chunk that begins with a quote.
  target('chunks', (input) => {
    const whole = textOf(input).replaceAll('"', '')
    const pieces = chunksOf(input, randomOf(input)).map(textOf)
    const joined = pieces.map((piece) => (piece.startsWith('"') ? piece.slice(1) : piece.replaceAll('"', ''))).join('')
    mustEqual(joined, whole, 'the result does not depend on the chunks')
    return 'read'
  }),
  target('hangs', (input) => {
    if (/\[\s*\[/.test(textOf(input))) for (;;) if (input.length > 1e9) break
    return 'read'
  }),
  // Takes far longer than allowed for a long run of one letter.
  target(
    'slow',
    (input) => {
      const isSlow = /a{100}/.test(textOf(input))
      const from = usedMicros()
      while (isSlow && usedMicros() - from < SLOW_MICROS);
      return 'read'
    },
    { shape: 'text', seeds: ['aaab'] },
  ),
  // Buffers outside the heap, which no limit of a worker counts.
  target('allocates', (input) => {
    if (!/\[true|\[null/.test(textOf(input))) return 'read'
    const kept: Buffer[] = []
    for (;;) kept.push(Buffer.alloc(PIECE_BYTES, 1))
  }),
  target('heap', (input) => {
    if (!/\[true|\[null/.test(textOf(input))) return 'read'
    const kept: unknown[] = []
    for (;;) kept.push(LIST.slice())
  }),
  target('leaks', (input) => {
    held.push(new Uint8Array(LEAKED_BYTES).fill(input.length))
    return 'read'
  }),
]
