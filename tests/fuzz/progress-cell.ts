/** Memory that worker and supervisor share: which input is being read, since when, and its bytes, should it never end. */
import { LONGEST_INPUT_BYTES } from './limits.ts'

const [NUMBER, SINCE, LENGTH] = [0, 1, 2]
const HEADER_BYTES = 16

/** Milliseconds in 32 bits, the same in both threads; the difference of two is right also where they wrap around. */
const clock = () => Date.now() | 0

/** The input that a worker is at. */
export class ProgressCell {
  readonly shared: SharedArrayBuffer
  readonly #numbers: Int32Array
  readonly #bytes: Uint8Array

  constructor(shared = new SharedArrayBuffer(HEADER_BYTES + LONGEST_INPUT_BYTES)) {
    this.shared = shared
    this.#numbers = new Int32Array(shared, 0, HEADER_BYTES / 4)
    this.#bytes = new Uint8Array(shared, HEADER_BYTES)
  }

  /** Says that reading of an input begins; -1 is the time between two jobs. */
  begin(number: number, input: Uint8Array): void {
    const kept = input.subarray(0, LONGEST_INPUT_BYTES)
    this.#bytes.set(kept)
    this.#numbers[LENGTH] = kept.length
    this.#numbers[SINCE] = clock()
    Atomics.store(this.#numbers, NUMBER, number)
  }

  /** Number of the input, and how many milliseconds it has taken so far. */
  get now(): { number: number; ms: number } {
    const number = Atomics.load(this.#numbers, NUMBER)
    return { number, ms: (clock() - (this.#numbers[SINCE] ?? 0)) | 0 }
  }

  /** A copy of the input's bytes. */
  input(): Uint8Array {
    return Uint8Array.from(this.#bytes.subarray(0, this.#numbers[LENGTH]))
  }
}
