/** An address or network: 32-bit words (one for IPv4, four for IPv6) and the length of the prefix. */
export interface Network {
  family: 4 | 6
  words: readonly number[]
  prefix: number
}

const V4 = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/
const V6_LENGTH = 45

/** The 32 bits of a dotted IPv4 address, or `undefined`; leading zeros are refused, since readers differ on them. */
export function ipv4Bits(text: string): number | undefined {
  const match = V4.exec(text)
  if (!match) return undefined
  let bits = 0
  for (let i = 1; i <= 4; i++) {
    const part = Number(match[i])
    if (part > 255) return undefined
    bits = bits * 256 + part
  }
  return bits
}

/** The four words of an IPv6 address (RFC 4291, without zone), or `undefined`. */
export function ipv6Words(text: string): readonly [number, number, number, number] | undefined {
  if (text.length < 2 || text.length > V6_LENGTH || !text.includes(':')) return undefined
  let source = text
  if (source.includes('.')) {
    const cut = source.lastIndexOf(':') + 1
    const bits = ipv4Bits(source.slice(cut))
    if (bits === undefined) return undefined
    source = `${source.slice(0, cut)}${(bits >>> 16).toString(16)}:${(bits & 0xffff).toString(16)}`
  }
  const halves = source.split('::')
  if (halves.length > 2) return undefined
  const head = groups(halves[0] ?? '')
  const tail = halves.length === 2 ? groups(halves[1] ?? '') : []
  if (!head || !tail) return undefined
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const all = [...head, ...Array.from({ length: missing }, () => 0), ...tail]
  const word = (i: number) => (((all[i] ?? 0) << 16) | (all[i + 1] ?? 0)) >>> 0
  return [word(0), word(2), word(4), word(6)]
}

function groups(text: string): number[] | undefined {
  if (text === '') return []
  const parts = text.split(':')
  return parts.every((part) => /^[0-9a-fA-F]{1,4}$/.test(part)) ? parts.map((part) => parseInt(part, 16)) : undefined
}

/** Address or CIDR range from text, its host bits cleared; an IPv4 address inside IPv6 (`::ffff:a.b.c.d`) is IPv4. */
export function toNetwork(text: string): Network | undefined {
  const slash = text.indexOf('/')
  const address = slash < 0 ? text : text.slice(0, slash)
  const prefixText = slash < 0 ? undefined : text.slice(slash + 1)
  if (prefixText !== undefined && !/^(0|[1-9]\d{0,2})$/.test(prefixText)) return undefined
  const bits = ipv4Bits(address)
  if (bits !== undefined) return masked(4, [bits], prefixText === undefined ? 32 : Number(prefixText))
  const words = ipv6Words(address)
  if (!words) return undefined
  const prefix = prefixText === undefined ? 128 : Number(prefixText)
  const mapped = words[0] === 0 && words[1] === 0 && words[2] === 0xffff
  return mapped && prefix >= 96 ? masked(4, [words[3]], prefix - 96) : masked(6, words, prefix)
}

function masked(family: 4 | 6, words: readonly number[], prefix: number): Network | undefined {
  return prefix > (family === 4 ? 32 : 128) ? undefined : { family, words: maskWords(words, prefix), prefix }
}

/** The first `prefix` bits of an address, the others zero. */
export function maskWords(words: readonly number[], prefix: number): number[] {
  return words.map((word, i) => {
    const bits = Math.min(32, Math.max(0, prefix - i * 32))
    return bits === 0 ? 0 : (word & (-1 << (32 - bits))) >>> 0
  })
}

/** Whether `outer` contains all of `inner`. */
export function contains(outer: Network, inner: Network): boolean {
  if (outer.family !== inner.family || outer.prefix > inner.prefix) return false
  return maskWords(inner.words, outer.prefix).every((word, i) => word === outer.words[i])
}

/** Whether two networks share an address. */
export const overlaps = (one: Network, other: Network): boolean => contains(one, other) || contains(other, one)
