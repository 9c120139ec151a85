/** Mutation of text by its tokens, and of bytes as they are. */
import type { Random } from '../random.ts'
import { ODD_NUMBERS, ODD_TEXTS, ODD_TIMES } from './odd-values.ts'

const MOST_EDITS = 5
const TOKEN = /[\p{L}\p{N}_]+|\s+|[^\p{L}\p{N}_\s]/gu
/** Longest text that is cut into tokens; a longer one is cut by lines. */
const TOKENS_MAX_CHARS = 20_000

/** A text with tokens taken out, put in, exchanged or repeated. */
export function mutateText(text: string, others: readonly string[], words: readonly string[], random: Random): string {
  const tokens = tokensOf(text)
  for (let edits = random.between(1, MOST_EDITS); edits > 0; edits--) {
    const at = random.below(tokens.length + 1)
    const run = random.between(1, random.pick([1, 3, 12]))
    switch (random.below(9)) {
      case 0:
        tokens.splice(at, run)
        break
      case 1:
        tokens.splice(at, 0, ...tokens.slice(at, at + run))
        break
      case 2:
        tokens.splice(at, 0, piece(words, random))
        break
      case 3:
        tokens[at] = piece(words, random)
        break
      case 4: {
        const to = random.below(tokens.length)
        const [from, there] = [tokens[at] ?? '', tokens[to] ?? '']
        tokens[at] = there
        tokens[to] = from
        break
      }
      case 5: {
        const donor = tokensOf(random.pick(others) ?? '')
        const start = random.below(donor.length)
        tokens.splice(at, random.below(run), ...donor.slice(start, start + random.between(1, 20)))
        break
      }
      case 6: {
        const token = tokens[at] ?? ''
        const cut = random.below(token.length + 1)
        tokens[at] = token.slice(0, cut) + String.fromCharCode(random.below(128)) + token.slice(cut + random.below(2))
        break
      }
      case 7: {
        const repeated = tokens.slice(at, at + run).join('')
        const times = random.pick([2, 5, 60, 400])
        tokens.splice(at, run, repeated.repeat(repeated.length * times > 20_000 ? 2 : times))
        break
      }
      default:
        tokens[at] = (tokens[at] ?? '').toUpperCase()
    }
  }
  return tokens.join('')
}

function tokensOf(text: string): string[] {
  if (text.length > TOKENS_MAX_CHARS) return text.split(/(?<=\n)/)
  return text.match(TOKEN) ?? []
}

function piece(words: readonly string[], random: Random): string {
  if (words.length > 0 && !random.once(3)) return random.pick(words)
  return random.pick(random.pick([ODD_TEXTS, ODD_TIMES, ODD_NUMBERS]))
}

/** Bytes that open, close or count something in many formats. */
const BYTES = [0, 1, 0x09, 0x0a, 0x0d, 0x20, 0x22, 0x5c, 0x7b, 0x7f, 0x80, 0xbf, 0xc0, 0xe0, 0xed, 0xef, 0xf4, 0xff]

/** Bytes flipped, cut out, put in, repeated, or counts among them changed. */
export function mutateBytes(
  bytes: Uint8Array,
  others: readonly Uint8Array[],
  words: readonly string[],
  random: Random,
): Uint8Array {
  let result = Buffer.from(bytes)
  for (let edits = random.between(1, MOST_EDITS); edits > 0; edits--) result = editBytes(result, others, words, random)
  return result
}

function editBytes(
  bytes: Buffer<ArrayBuffer>,
  others: readonly Uint8Array[],
  words: readonly string[],
  random: Random,
): Buffer<ArrayBuffer> {
  const at = random.below(bytes.length)
  const run = random.between(1, random.pick([1, 4, 64]))
  const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)]
  switch (random.below(8)) {
    case 0:
      if (bytes.length > 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
      return bytes
    case 1:
      if (bytes.length > 0) bytes[at] = random.once(2) ? random.pick(BYTES) : random.below(256)
      return bytes
    case 2:
      return Buffer.concat([head, tail.subarray(run)])
    case 3:
      return Buffer.concat([head, tail.subarray(0, run), tail])
    case 4:
      return Buffer.concat([head, Buffer.alloc(run, random.pick(BYTES)), tail])
    case 5: {
      const word = words.length > 0 ? random.pick(words) : random.pick(ODD_TEXTS)
      return Buffer.concat([head, Buffer.from(word), tail])
    }
    case 6: {
      const donor = random.pick(others) ?? bytes
      const start = random.below(donor.length)
      return Buffer.concat([head, donor.subarray(start, start + random.between(1, 200)), tail.subarray(run)])
    }
    default: {
      const width = random.pick([2, 4])
      if (at + width > bytes.length) return bytes
      const value = random.pick([0, 1, 0x7f, 0xffff, 0xff, bytes.length, bytes.length + 1, random.below(65_536)])
      if (random.once(2)) bytes.writeUIntLE(value % 2 ** (8 * width), at, width)
      else bytes.writeUIntBE(value % 2 ** (8 * width), at, width)
      return bytes
    }
  }
}
