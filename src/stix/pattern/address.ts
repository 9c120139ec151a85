/** An address, or a block of them: `words` are its 32-bit parts, `prefix` how many leading bits count. */
export interface Network {
  readonly words: readonly number[]
  readonly prefix: number
}

/** An IPv4 or IPv6 address with or without a CIDR prefix, or undefined for any other text. */
export function parseNetwork(text: string): Network | undefined {
  if (text.length > LONGEST_NETWORK) return undefined
  const slash = text.indexOf('/')
  const address = slash === -1 ? text : text.slice(0, slash)
  const words = address.includes(':') ? wordsOfV6(address) : wordsOfV4(address)
  if (!words) return undefined
  const bits = words.length * 32
  if (slash === -1) return { words, prefix: bits }
  const prefix = text.slice(slash + 1)
  if (!/^(?:0|[1-9][0-9]{0,2})$/.test(prefix) || Number(prefix) > bits) return undefined
  return { words, prefix: Number(prefix) }
}

/** Whether every address of `inner` is one of `outer`; never across the two families. */
export function contains(outer: Network, inner: Network): boolean {
  if (outer.words.length !== inner.words.length || outer.prefix > inner.prefix) return false
  let left = outer.prefix
  for (let at = 0; left > 0; at++, left -= 32) {
    const mask = left >= 32 ? 0xffffffff : ~(0xffffffff >>> left)
    if ((((outer.words[at] ?? 0) ^ (inner.words[at] ?? 0)) & mask) !== 0) return false
  }
  return true
}

/** The longest form: eight groups with an embedded IPv4 address and a prefix, with room to spare. */
const LONGEST_NETWORK = 64

function wordsOfV4(text: string): number[] | undefined {
  let word = 0
  let octet = -1
  let count = 0
  for (let at = 0; at <= text.length; at++) {
    const code = at === text.length ? 46 : text.charCodeAt(at)
    if (code === 46) {
      if (octet < 0 || ++count > 4) return undefined
      word = word * 256 + octet
      octet = -1
    } else if (code < 48 || code > 57 || octet === 0) return undefined
    else {
      octet = Math.max(octet, 0) * 10 + (code - 48)
      if (octet > 255) return undefined
    }
  }
  return count === 4 ? [word] : undefined
}

function wordsOfV6(text: string): number[] | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = groupsOf(halves[0] ?? '', halves.length === 1)
  const tail = halves.length === 2 ? groupsOf(halves[1] ?? '', true) : []
  if (!head || !tail) return undefined
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const groups = [...head, ...Array.from({ length: missing }, () => 0), ...tail]
  return [0, 2, 4, 6].map((at) => (groups[at] ?? 0) * 65_536 + (groups[at + 1] ?? 0))
}

function groupsOf(text: string, last: boolean): number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [at, part] of parts.entries()) {
    if (last && at === parts.length - 1 && part.includes('.')) {
      const word = wordsOfV4(part)?.[0]
      if (word === undefined) return undefined
      groups.push(Math.floor(word / 65_536), word % 65_536)
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16))
    else return undefined
  }
  return groups
}
