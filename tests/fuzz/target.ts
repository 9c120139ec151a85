import { isDeepStrictEqual } from 'node:util'
import type { NoroshiError } from '#base'
import { fnv, Random } from './random.ts'

/** What a seed may be written as; objects stand for their JSON. */
export type Seed = string | Uint8Array | object

/** One parser under test: what to feed it, and what must hold. */
export interface Target {
  name: string
  /** How inputs are mutated and shrunk, and the ending of their files. */
  shape: 'json' | 'text' | 'bytes'
  /** Whole inputs to begin with. */
  seeds: readonly Seed[]
  /** Inputs made to be slow or large: run as they are, never mutated. */
  hostile?: readonly Seed[]
  /** Pieces that mean something to this parser. */
  words?: readonly string[]
  /** An input from a grammar: it gets further in than a mutated one. */
  make?: (random: Random) => Seed
  /** Longest input, in bytes. */
  maxBytes?: number
  /** How many times the usual number of inputs it gets: more where an input costs little. */
  weight?: number
  /**
   * Feeds one input and throws where a property does not hold. It answers what came of it, in a word: inputs with an
   * answer not seen before are kept and mutated further.
   */
  run: (input: Uint8Array) => string | Promise<string>
}

/** A property that did not hold. */
export class PropertyError extends Error {}

/** Fails the input unless the property holds. */
export function must(holds: boolean, property: string, ...shown: readonly unknown[]): asserts holds {
  if (!holds) throw new PropertyError([property, ...shown.map(show)].join(' | '))
}

/** Fails the input unless both are equal, deeply and in type. */
export function mustEqual(actual: unknown, expected: unknown, property: string, ...shown: readonly unknown[]): void {
  if (Object.is(actual, expected) || isDeepStrictEqual(actual, expected)) return
  throw new PropertyError([property, ...[actual, expected, ...shown].map(show)].join(' | '))
}

const SHOWN_CHARS = 400
function show(value: unknown): string {
  let text: string | undefined
  try {
    text = value instanceof Error ? String(value) : JSON.stringify(value)
  } catch {
    text = String(value)
  }
  return (text ?? String(value)).slice(0, SHOWN_CHARS)
}

/** What a reader answered: a value, or one of the errors that it documents. */
export type Outcome<T> = { ok: true; value: T; word: string } | { ok: false; error: NoroshiError; word: string }

/** A class of errors that a reader documents. */
// oxlint-disable-next-line typescript/no-explicit-any -- the constructors of these classes have different parameters
type ErrorClass = abstract new (...args: any[]) => NoroshiError

/** Runs a reader; any error but those documented goes through, and fails the input. */
export function attempt<T>(read: () => T, ...documented: readonly ErrorClass[]): Outcome<T> {
  try {
    return { ok: true, value: read(), word: 'read' }
  } catch (error) {
    for (const one of documented)
      if (error instanceof one) {
        must(error.code !== '' && error.message !== '', 'an error has a code and a message', error.code)
        return { ok: false, error, word: error.code }
      }
    throw error
  }
}

/** Randomness that belongs to an input, so that a file with the input is all that a replay needs. */
export const randomOf = (input: Uint8Array): Random => new Random(fnv(input), input.length)

/** The input cut into pieces at random places; some are empty. */
export function chunksOf(input: Uint8Array, random: Random): Uint8Array[] {
  const chunks: Uint8Array[] = []
  const size = random.pick(input.length < 500 ? [1, 3, 17, 400] : [40, 200, 1_000])
  for (let at = 0; at < input.length;) {
    const end = Math.min(input.length, at + random.below(size + 1))
    // Copies of either kind: a reader that kept a view of the chunk would read what comes after.
    const piece = input.subarray(at, end)
    chunks.push(random.once(2) ? Uint8Array.from(piece) : Buffer.from(piece))
    if (end === at && !random.once(4)) continue
    at = end
  }
  return chunks
}

const DECODER = new TextDecoder('utf-8', { ignoreBOM: true })
/** The input as text; what is not UTF-8 becomes U+FFFD. */
export const textOf = (input: Uint8Array): string => DECODER.decode(input)

/** The input as JSON, for targets that take values; undefined where it is none. */
export function jsonOf(input: Uint8Array): unknown {
  try {
    return JSON.parse(textOf(input)) as unknown
  } catch {
    return undefined
  }
}

/** A seed's bytes. */
export const bytesOf = (seed: Seed): Uint8Array =>
  typeof seed === 'string' ? Buffer.from(seed) : seed instanceof Uint8Array ? seed : Buffer.from(JSON.stringify(seed))
