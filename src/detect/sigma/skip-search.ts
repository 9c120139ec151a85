import { classOf, classesOf } from './classes.ts'

/**
 * Search for many needles at once that skips over text: Wu–Manber with blocks of two characters.
 *
 * The window is as long as the shortest needle and every needle is entered with its last characters. Where the two
 * characters under the window's end stand in no needle, the window moves by up to `length − 1`.
 */
export class SkipSearch {
  readonly #classes: Uint8Array
  readonly #width: number
  readonly #length: number
  readonly #shift: Uint8Array
  readonly #buckets: ({ kinds: Uint8Array; owners: Int32Array }[] | undefined)[]

  /** `needles` report their owners; none is shorter than two characters. */
  constructor(needles: ReadonlyMap<string, readonly number[]>) {
    const { classes, width } = classesOf(needles.keys())
    this.#classes = classes
    this.#width = width
    this.#length = Math.min(...[...needles.keys()].map((needle) => needle.length))
    this.#shift = new Uint8Array(width * width).fill(this.#length - 1)
    this.#buckets = Array.from({ length: width * width })
    for (const [needle, owners] of needles) this.#enter(needle, Int32Array.from(new Set(owners)))
  }

  /** Calls `found` for each needle that stands in the text, maybe more than once. */
  search(text: string, found: (owners: Int32Array) => void): void {
    const classes = this.#classes
    const shift = this.#shift
    const width = this.#width
    const { length } = text
    let at = this.#length - 1
    while (at < length) {
      const before = text.charCodeAt(at - 1)
      const code = text.charCodeAt(at)
      const first = before < 128 ? classes[before]! : classOf(classes, before)
      const second = code < 128 ? classes[code]! : classOf(classes, code)
      const block = first * width + second
      const move = shift[block]!
      if (move > 0) at += move
      else {
        this.#verify(text, at, block, found)
        at++
      }
    }
  }

  #enter(needle: string, owners: Int32Array): void {
    const whole = Uint8Array.from(needle, (c) => this.#classes[c.charCodeAt(0)]!)
    const kinds = whole.subarray(-this.#length)
    const last = kinds.length - 1
    for (let i = 1; i <= last; i++) {
      const block = kinds[i - 1]! * this.#width + kinds[i]!
      this.#shift[block] = Math.min(this.#shift[block]!, last - i)
    }
    // A block may also begin outside of a needle: its second character can be a needle's first.
    for (let first = 0; first < this.#width; first++) {
      const block = first * this.#width + kinds[0]!
      this.#shift[block] = Math.min(this.#shift[block]!, last)
    }
    const block = kinds[last - 1]! * this.#width + kinds[last]!
    const bucket = (this.#buckets[block] ??= [])
    bucket.push({ kinds: whole, owners })
  }

  #verify(text: string, at: number, block: number, found: (owners: Int32Array) => void): void {
    for (const { kinds, owners } of this.#buckets[block]!) {
      // The last two characters are those of the block.
      let i = kinds.length - 3
      let place = at - 2
      while (i >= 0 && place >= 0 && classOf(this.#classes, text.charCodeAt(place)) === kinds[i]) {
        i--
        place--
      }
      if (i < 0) found(owners)
    }
  }
}
