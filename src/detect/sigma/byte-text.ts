const BEYOND = 0x80
const KEEP_MAX = 1_048_576
const SHORT = 48

/** Texts as bytes for needle searches, one for each UTF-16 unit, in a buffer that is used again. */
export class ByteText {
  readonly #encoder = new TextEncoder()
  #buffer = new Uint8Array(4_096)

  /**
   * The bytes of a text until the next call. Characters beyond ASCII all become 128, but for the three that lower-casing
   * or case-blind expressions take for an ASCII letter (İ, the Kelvin sign, long s): a needle of ASCII that stands in the
   * lower-cased text is found in the bytes of the text itself.
   */
  of(text: string): Uint8Array {
    const { length } = text
    const buffer = this.#room(length)
    if (length > SHORT) {
      const { read, written } = this.#encoder.encodeInto(text, buffer)
      if (read === length && written === length) return buffer.subarray(0, length)
    }
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      buffer[i] = code < BEYOND ? code : standIn(code)
    }
    return buffer.subarray(0, length)
  }

  #room(length: number): Uint8Array {
    if (length <= this.#buffer.length) return this.#buffer
    if (length > KEEP_MAX) return new Uint8Array(length)
    this.#buffer = new Uint8Array(Math.min(length * 2, KEEP_MAX))
    return this.#buffer
  }
}

function standIn(code: number): number {
  if (code === 0x130) return 0x69
  if (code === 0x212a) return 0x6b
  return code === 0x17f ? 0x73 : BEYOND
}
