import { mutateJson } from './mutate/json-tree.ts'
import { mutateBytes, mutateText } from './mutate/pieces.ts'
import { Random } from './random.ts'
import { bytesOf, type Target, textOf } from './target.ts'

/** Longest input of a target that names no other, in bytes. */
const USUAL_MAX_BYTES = 16_384
/** Inputs that are kept beside the seeds because something new came of them. */
const KEPT_MAX = 256
/** Longer ones are not kept: mutated further, they would only grow. */
const KEPT_MAX_BYTES = 4_096
/** Once in so many times an input comes from the grammar, where the target has one. */
const MADE_ONCE_IN = 2
/** Once in so many times a structured input is broken as text or bytes as well. */
const BROKEN_ONCE_IN = 8

/** The inputs of one target: a function of seed and number, and of what the inputs before led to. */
export class InputSource {
  readonly #target: Target
  readonly #seed: number
  readonly #pool: Uint8Array[]
  readonly #fixed: number
  readonly #seen = new Set<string>()
  #nextKept = 0

  constructor(target: Target, seed: number, corpus: readonly Uint8Array[]) {
    this.#target = target
    this.#seed = seed
    const seeds = target.seeds.map(bytesOf)
    this.#pool = [...seeds, ...corpus]
    this.#fixed = this.#pool.length
  }

  /** Different answers so far. */
  get answers(): number {
    return this.#seen.size
  }

  /** Input number `at`. */
  input(at: number): Uint8Array {
    const random = new Random(this.#seed, this.#target.name, at)
    const { make, shape, words = [], maxBytes = USUAL_MAX_BYTES } = this.#target
    let bytes: Uint8Array
    if (make && random.once(MADE_ONCE_IN)) bytes = bytesOf(make(random))
    else {
      const base = this.#pool.length === 0 ? new Uint8Array() : random.pick(this.#pool)
      bytes = this.#mutated(base, shape, words, random)
    }
    if (bytes.length > maxBytes) bytes = bytes.subarray(0, random.once(2) ? maxBytes : random.below(maxBytes))
    return bytes
  }

  /** Takes note of what came of an input. */
  learn(input: Uint8Array, answer: string): void {
    if (this.#seen.has(answer)) return
    this.#seen.add(answer)
    if (input.length > KEPT_MAX_BYTES) return
    this.#pool[this.#fixed + this.#nextKept] = Uint8Array.from(input)
    this.#nextKept = (this.#nextKept + 1) % KEPT_MAX
  }

  #mutated(base: Uint8Array, shape: Target['shape'], words: readonly string[], random: Random): Uint8Array {
    if (shape === 'bytes') return mutateBytes(base, this.#pool, words, random)
    const others = [textOf(random.pick(this.#pool)), textOf(random.pick(this.#pool))]
    let text = textOf(base)
    const isJson = shape === 'json' && isParsed(text)
    if (isJson) text = mutateJson(text, others, words, random)
    if (!isJson || random.once(BROKEN_ONCE_IN)) text = mutateText(text, others, words, random)
    const bytes = Buffer.from(text)
    return random.once(BROKEN_ONCE_IN * 2) ? mutateBytes(bytes, this.#pool, words, random) : bytes
  }
}

function isParsed(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
