import type { Observable, ObservableKind } from '../event.ts'
import type { Rule } from '../rule.ts'
import { type Entry, EntryStore } from './entries.ts'
import { finishA, finishB, HASH_START_A, HASH_START_B, hashText, mix } from './hash.ts'
import { type Atom, atomKey, KEY_KIND, networkKey, toAtom, widen } from './key.ts'
import { ipv4Bits, type Network } from './address.ts'
import { HashTable } from './table.ts'

const GATE_BITS = 16
/** Records of removed entries are compacted by the caller beyond this share. */
const NETWORK_PREFIXES = 129

/** One value of an event that an armed atom covers. */
export interface AtomMatch {
  entry: Entry
  value: string
}

/** Bytes held, split into what lookups touch and what only candidates touch. */
export interface IndexMemory {
  atoms: number
  hotBytes: number
  coldBytes: number
}

/**
 * Index of atomic indicators: addresses and ranges, domains with their subdomains, URLs, e-mail addresses, hashes.
 *
 * A range is filed under its own bits and length; an address is looked up once for each prefix length in use, behind a
 * gate of one bit for each /16 (IPv4) or hashed /32 (IPv6) that any range touches.
 */
export class AtomIndex {
  readonly #table = new HashTable()
  readonly #entries = new EntryStore()
  readonly #prefixes4 = new Uint32Array(NETWORK_PREFIXES)
  readonly #prefixes6 = new Uint32Array(NETWORK_PREFIXES)
  #lengths4: number[] = []
  #lengths6: number[] = []
  readonly #gate4 = new Uint8Array(1 << (GATE_BITS - 3))
  readonly #gate6 = new Uint8Array(1 << (GATE_BITS - 3))
  #shortRanges6 = 0
  #urls = 0
  #addressUrls = 0

  get memory(): IndexMemory {
    const gates = this.#gate4.byteLength + this.#gate6.byteLength
    return {
      atoms: this.#table.size,
      hotBytes: this.#table.bytes + this.#entries.hotBytes + gates,
      coldBytes: this.#entries.coldBytes,
    }
  }

  /** Whether a rule has entries here. */
  holds(id: string): boolean {
    return this.#entries.ofRule(id).length > 0
  }

  /** Whether any URL is armed: hosts matter to the scan then. */
  get hasUrls(): boolean {
    return this.#urls > 0
  }

  /** Whether any armed URL has an IPv4 address for its host. */
  get hasAddressUrls(): boolean {
    return this.#addressUrls > 0
  }

  add(rule: Rule, atoms: readonly Atom[]): void {
    for (const atom of atoms) {
      const number = this.#entries.add({ rule, kind: keyKind(atom), value: atom.value })
      const { a, b } = atomKey(atom)
      this.#table.add(a, b, number)
      if (atom.kind === 'network') this.#addNetwork(atom.network)
      else if (atom.kind === 'url') this.#addUrlHost(atom.value, number)
    }
  }

  /** Removes all entries of a rule; false where there is none. */
  remove(id: string): boolean {
    const numbers = this.#entries.ofRule(id)
    for (const number of numbers) {
      const { kind, value } = this.#entries.read(number)
      const atom = storedAtom(kind, value)
      const { a, b } = atomKey(atom)
      this.#table.remove(a, b, number)
      if (atom.kind === 'network') this.#removeNetwork(atom.network)
      else if (atom.kind === 'url') this.#removeUrlHost(atom.value, number)
      this.#entries.remove(number)
    }
    return numbers.length > 0
  }

  /** Armed atoms that cover an observed value and are valid at the event's time. */
  match(observable: Observable, time: number): AtomMatch[] {
    const atom = toAtom(observable.kind, observable.value)
    if (!atom) return []
    const found: AtomMatch[] = []
    const collect = (kind: number, a: number, b: number, same: (entry: Entry) => boolean) => {
      for (const number of this.#table.get(a, b)) {
        if (!this.#entries.mayBeValid(number, time)) continue
        const entry = this.#entries.read(number)
        if (entry.kind === kind && same(entry) && isValid(entry, time)) found.push({ entry, value: observable.value })
      }
    }
    if (atom.kind === 'network') {
      for (const covering of this.#coveringNetworks(atom.network)) {
        const { a, b } = networkKey(covering)
        collect(keyKind({ kind: 'network', network: covering, value: '' }), a, b, (entry) =>
          sameNetwork(entry.value, covering),
        )
      }
    } else if (atom.kind === 'domain') {
      for (let domain = atom.value; ; domain = domain.slice(domain.indexOf('.') + 1)) {
        const { a, b } = hashText(domain, KEY_KIND.domain)
        collect(KEY_KIND.domain, a, b, (entry) => entry.value === domain)
        if (!domain.includes('.')) break
      }
    } else {
      const { a, b } = atomKey(atom)
      collect(KEY_KIND[atom.kind], a, b, (entry) => entry.value === atom.value)
    }
    return found
  }

  /** Whether an IPv4 address, given by its bits, may be covered. */
  mayHaveIpv4(bits: number): boolean {
    for (const prefix of this.#lengths4) {
      if (prefix !== 32 && !this.#gated4(bits)) continue
      const word = prefix === 0 ? 0 : (bits & (-1 << (32 - prefix))) >>> 0
      const kind = KEY_KIND.network4 + prefix
      const a = mix(HASH_START_A ^ word)
      const b = mix(hashStartTimesFactor + word)
      if (this.#table.has(finishA(a, kind), finishB(b, kind))) return true
    }
    return false
  }

  /** Whether an address or network may be covered. */
  mayHaveNetwork(network: Network): boolean {
    return this.#coveringNetworks(network).some((covering) => {
      const { a, b } = networkKey(covering)
      return this.#table.has(a, b)
    })
  }

  /** Whether a finished text hash may be armed under a kind. */
  mayHave(runningA: number, runningB: number, kind: number): boolean {
    return this.#table.has(finishA(runningA, kind), finishB(runningB, kind))
  }

  #coveringNetworks(address: Network): Network[] {
    const lengths = address.family === 4 ? this.#lengths4 : this.#lengths6
    const full = address.family === 4 ? 32 : 128
    const gated = address.family === 4 ? this.#gated4(address.words[0]!) : this.#gated6(address.words[0]!)
    return lengths
      .filter((prefix) => prefix <= address.prefix && (prefix === full || gated))
      .map((prefix) => widen(address, prefix))
  }

  #gated4 = (bits: number): boolean => ((this.#gate4[bits >>> 19]! >>> ((bits >>> 16) & 7)) & 1) === 1

  #gated6(word: number): boolean {
    if (this.#shortRanges6 > 0) return true
    const hash = mix(word) >>> 16
    return ((this.#gate6[hash >>> 3]! >>> (hash & 7)) & 1) === 1
  }

  #addNetwork({ family, words, prefix }: Network): void {
    const counts = family === 4 ? this.#prefixes4 : this.#prefixes6
    counts[prefix]!++
    if (counts[prefix] === 1) this.#countLengths()
    if (family === 4 && prefix < 32) {
      const first = words[0]! >>> 16
      const last = prefix >= 16 ? first : first + (1 << (16 - prefix)) - 1
      for (let i = first; i <= last; i++) this.#gate4[i >>> 3]! |= 1 << (i & 7)
    } else if (family === 6 && prefix < 128) {
      const hash = mix(words[0]!) >>> 16
      if (prefix < 32) this.#shortRanges6++
      else this.#gate6[hash >>> 3]! |= 1 << (hash & 7)
    }
  }

  #removeNetwork({ family, prefix }: Network): void {
    const counts = family === 4 ? this.#prefixes4 : this.#prefixes6
    counts[prefix]!--
    if (counts[prefix] === 0) this.#countLengths()
    if (family === 6 && prefix < 32) this.#shortRanges6--
  }

  #countLengths(): void {
    const used = (counts: Uint32Array) => [...counts.keys()].filter((prefix) => counts[prefix]! > 0)
    this.#lengths4 = used(this.#prefixes4)
    this.#lengths6 = used(this.#prefixes6)
  }

  #addUrlHost(url: string, number: number): void {
    const host = urlHost(url)
    const { a, b } = hashText(host, KEY_KIND.urlHost)
    this.#table.add(a, b, number)
    this.#urls++
    if (ipv4Bits(host) !== undefined) this.#addressUrls++
  }

  #removeUrlHost(url: string, number: number): void {
    const host = urlHost(url)
    const { a, b } = hashText(host, KEY_KIND.urlHost)
    this.#table.remove(a, b, number)
    this.#urls--
    if (ipv4Bits(host) !== undefined) this.#addressUrls--
  }
}

const hashStartTimesFactor = Math.imul(HASH_START_B, 0x5bd1e995)

const isValid = ({ rule }: Entry, time: number): boolean =>
  rule.validFrom <= time && (rule.validUntil === undefined || time < rule.validUntil)

const keyKind = (atom: Atom): number =>
  atom.kind === 'network'
    ? (atom.network.family === 4 ? KEY_KIND.network4 : KEY_KIND.network6) + (atom.network.prefix & 0x7f)
    : KEY_KIND[atom.kind]

/** Host of a URL in its compared form, brackets of IPv6 removed. */
const urlHost = (url: string): string => new URL(url).hostname.replace(/^\[|\]$/g, '')

const TEXT_KINDS = new Map<number, string>(Object.entries(KEY_KIND).map(([name, number]) => [number, name]))

function storedAtom(kind: number, value: string): Atom {
  const name = kind >= KEY_KIND.network4 ? 'ipv4' : (TEXT_KINDS.get(kind) as ObservableKind)
  const atom = toAtom(name, value)
  if (!atom) throw new RangeError(`stored value ${value} is not of kind ${kind}`)
  return atom
}

function sameNetwork(stored: string, network: Network): boolean {
  const atom = toAtom('ipv4', stored)
  return (
    atom?.kind === 'network' &&
    atom.network.family === network.family &&
    atom.network.prefix === network.prefix &&
    atom.network.words.every((word, i) => word === network.words[i])
  )
}
