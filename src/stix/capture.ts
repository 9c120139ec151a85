import { concat } from '#base'

const FIRST_ROOM_BYTES = 4_096

/** Bytes of one value gathered over several chunks, up to a limit; beyond it only their number is kept. */
export class Capture {
  readonly limit: number
  /** Bytes gathered from earlier chunks, also those beyond the limit that were let go. */
  size = 0
  #buffer = new Uint8Array()
  /** Where in the present chunk the part being gathered starts; undefined while nothing is gathered. */
  #from: number | undefined

  constructor(limit: number) {
    this.limit = limit
  }

  /** Starts a value at this place of the present chunk. */
  start(at: number): void {
    this.size = 0
    this.#from = at
  }

  /** Interrupts the value before this place. */
  pause(chunk: Uint8Array, end: number): void {
    this.#append(chunk, end)
    this.#from = undefined
  }

  /** Goes on with an interrupted value. */
  resume(at: number): void {
    this.#from = at
  }

  /** Takes over what the present chunk holds, before the next one comes. */
  keep(chunk: Uint8Array): void {
    if (this.#from === undefined) return
    this.#append(chunk, chunk.length)
    this.#from = 0
  }

  /** Ends the value before this place; undefined where it was larger than the limit. */
  take(chunk: Uint8Array, end: number): Uint8Array | undefined {
    const from = this.#from ?? end
    this.#from = undefined
    // Most values stand whole in one chunk, and are copied once.
    if (this.size === 0) {
      this.size = end - from
      return this.size > this.limit ? undefined : copied(chunk, from, end)
    }
    this.#from = from
    this.#append(chunk, end)
    this.#from = undefined
    return this.size > this.limit ? undefined : this.#buffer.slice(0, this.size)
  }

  /** Offset in the value of a place in the present chunk. */
  offset(at: number): number {
    return this.size + at - (this.#from ?? at)
  }

  /**
   * The JSON string that stands from `offset` to `end` of the present chunk; '' where it is too long to be a name.
   * The names looked for are ASCII, so bytes are read as characters.
   */
  textFrom(offset: number, chunk: Uint8Array, end: number): string {
    const length = this.offset(end) - offset
    // By the place in the value, which does not depend on how it was cut into chunks.
    if (length > NAME_LIMIT_BYTES || this.offset(end) > this.limit) return ''
    const here = chunk.subarray(Math.max(this.#from ?? end, end - length), end)
    const before = this.#buffer.subarray(offset, offset + length - here.length)
    return nameOf(Buffer.from(concat(before, here)).toString('latin1'))
  }

  #append(chunk: Uint8Array, end: number): void {
    const from = this.#from ?? end
    if (end <= from) return
    const size = this.size + end - from
    if (size <= this.limit) {
      this.#reserve(size)
      this.#buffer.set(chunk.subarray(from, end), this.size)
    }
    this.size = size
  }

  #reserve(size: number): void {
    if (size <= this.#buffer.length) return
    const larger = new Uint8Array(Math.min(this.limit, Math.max(size, 2 * this.#buffer.length, FIRST_ROOM_BYTES)))
    larger.set(this.#buffer.subarray(0, this.size))
    this.#buffer = larger
  }
}

/** A copy also of a Buffer's bytes, whose own `slice` would keep the chunk and change with it. */
const copied = (chunk: Uint8Array, from: number, end: number): Uint8Array =>
  Uint8Array.prototype.slice.call(chunk, from, end)

/** Longest string that can be the name or type that is looked for, escapes included. */
const NAME_LIMIT_BYTES = 64

function nameOf(json: string): string {
  if (!json.includes('\\')) return json.slice(1, -1)
  try {
    return String(JSON.parse(json))
  } catch {
    return ''
  }
}
