import { concat } from '#base'

/** Bytes of one value gathered over several chunks, up to a limit; beyond it only their number is kept. */
export class Capture {
  readonly limit: number
  /** Bytes gathered, also those beyond the limit that were let go. */
  size = 0
  #parts: Uint8Array[] = []
  /** Where in the present chunk the part being gathered starts; undefined while nothing is gathered. */
  #from: number | undefined

  constructor(limit: number) {
    this.limit = limit
  }

  /** Starts a value at this place of the present chunk. */
  start(at: number): void {
    this.#parts = []
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
    if (this.#from !== undefined) this.#append(chunk, end)
    this.#from = undefined
    const parts = this.#parts
    this.#parts = []
    if (this.size > this.limit) return undefined
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : concat(...parts)
  }

  /** Offset in the value of a place in the present chunk. */
  offset(at: number): number {
    return this.size + at - (this.#from ?? at)
  }

  /** The JSON string that stands from `offset` to `end` of the present chunk; '' where it is too long to be a name. */
  textFrom(offset: number, chunk: Uint8Array, end: number): string {
    const length = this.offset(end) - offset
    if (length > NAME_LIMIT_BYTES || this.size + length > this.limit) return ''
    const from = this.#from ?? end
    const here = chunk.subarray(Math.max(from, end - length), end)
    const missing = length - here.length
    const before = missing > 0 ? concat(...this.#parts).subarray(-missing) : new Uint8Array()
    return nameOf(Buffer.from(concat(before, here)).toString('utf8'))
  }

  #append(chunk: Uint8Array, end: number): void {
    const from = this.#from ?? end
    if (end <= from) return
    this.size += end - from
    if (this.size > this.limit) this.#parts = []
    else this.#parts.push(chunk.slice(from, end))
  }
}

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
