import { getPublicSuffix } from 'tldts'
import type { DetectCode } from './error.ts'
import { compilePattern, matchObservations, type Observation, type Pattern } from '#stix'
import { ordinaryObservations } from './ordinary.ts'
import { contains, type Network, overlaps, toNetwork } from './atoms/address.ts'
import type { Atom } from './atoms/key.ts'

/**
 * Poison guards: what must never be armed, whoever shared it, because it would match everybody's ordinary traffic.
 */
export interface GuardOptions {
  /** Addresses, ranges and domains (with their subdomains) that never arm: resolvers, content networks, national services. */
  allow?: readonly string[]
  /** The member's own ranges and domains. */
  own?: readonly string[]
  /** Those of its allies, as they declare them: a range or name wider than any member's own does not count. */
  allies?: readonly string[]
  /** Shortest prefix of an IPv4 range that arms. */
  minPrefix4?: number
  /** Shortest prefix of an IPv6 range that arms. */
  minPrefix6?: number
}

/** A refusal: code and message. */
export interface Refusal {
  code: DetectCode
  message: string
}

/** A /16 holds 65,536 addresses: beyond that a range is a provider, not an attacker. */
export const MIN_PREFIX_4 = 16
/** A /32 is what a provider gets. */
export const MIN_PREFIX_6 = 32

/** Characters of a pattern that a refusal quotes. */
const SHOWN_CHARS = 200
/** Shortest prefix that one organisation may call its own: the largest that were ever given out. */
const ALLY_PREFIX_4 = 8
const ALLY_PREFIX_6 = 19

/** Public resolvers and services whose traffic every network has. */
export const DEFAULT_ALLOW: readonly string[] = [
  '8.8.8.8',
  '8.8.4.4',
  '2001:4860:4860::8888',
  '2001:4860:4860::8844',
  '1.1.1.1',
  '1.0.0.1',
  '2606:4700:4700::1111',
  '2606:4700:4700::1001',
  '9.9.9.9',
  '149.112.112.112',
  '2620:fe::fe',
  '2620:fe::9',
  '208.67.222.222',
  '208.67.220.220',
  '2620:119:35::35',
  '2620:119:53::53',
  '94.140.14.14',
  '94.140.15.15',
  '76.76.2.0',
  '76.76.10.0',
  'google.com',
  'microsoft.com',
  'windowsupdate.com',
  'windows.com',
  'apple.com',
  'cloudflare.com',
  'ntp.org',
]

/** Addresses that name no single host anywhere: they would match every node's own traffic. */
const NEVER = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/128',
  '::1/128',
  'fe80::/10',
  'ff00::/8',
]

/** Digests of nothing and of files that every system has. */
const EMPTY_DIGESTS = new Set([
  'd41d8cd98f00b204e9800998ecf8427e',
  'da39a3ee5e6b4b0d3255bfef95601890afd80709',
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  'cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e',
])

/** Decides whether an atom may arm. */
export class Guard {
  readonly #never = networks(NEVER)
  readonly #allowNetworks: Network[]
  readonly #allowDomains: Set<string>
  readonly #ownNetworks: Network[]
  readonly #ownDomains: Set<string>
  readonly #own: readonly string[]
  #ordinary: readonly Observation[] | undefined
  readonly #min4: number
  readonly #min6: number

  constructor(options: GuardOptions = {}) {
    const allow = options.allow ?? DEFAULT_ALLOW
    const own = [...(options.own ?? []), ...(options.allies ?? []).filter(isSomebodys)]
    this.#allowNetworks = networks(allow)
    this.#allowDomains = domains(allow)
    this.#own = own
    this.#ownNetworks = networks(own)
    this.#ownDomains = domains(own)
    this.#min4 = options.minPrefix4 ?? MIN_PREFIX_4
    this.#min6 = options.minPrefix6 ?? MIN_PREFIX_6
  }

  /** Why an atom may not arm; `undefined` where it may. */
  refuse(atom: Atom): Refusal | undefined {
    if (atom.kind === 'network') return this.#refuseNetwork(atom.network, atom.value)
    if (atom.kind === 'domain') return this.#refuseDomain(atom.value, atom.value)
    if (EMPTY_DIGESTS.has(atom.value))
      return {
        code: 'DETECT_ALLOWED_VALUE',
        message: `${atom.value} is the hash of an empty file; it matches everywhere.`,
      }
    return undefined
  }

  /** Why one observation expression may not arm by itself: it holds for what every network sees. */
  refuseObservation(pattern: Pattern): Refusal | undefined {
    this.#ordinary ??= ordinaryObservations(this.#own)
    const compiled = compilePattern(pattern)
    if (!this.#ordinary.some((observation) => matchObservations(compiled, [observation]))) return undefined
    return {
      code: 'DETECT_ORDINARY',
      message: `${pattern.text.slice(0, SHOWN_CHARS)} holds for everybody's ordinary traffic; name what is particular to the attack.`,
    }
  }

  #refuseNetwork(network: Network, value: string): Refusal | undefined {
    const least = network.family === 4 ? this.#min4 : this.#min6
    if (network.prefix < least)
      return {
        code: 'DETECT_RANGE_TOO_BROAD',
        message: `${value} covers more than a /${least}; share the narrower ranges that are meant.`,
      }
    if (this.#never.some((other) => contains(other, network)))
      return { code: 'DETECT_RESERVED_ADDRESS', message: `${value} is loopback, link-local, multicast or unspecified.` }
    if (this.#ownNetworks.some((other) => overlaps(other, network)))
      return {
        code: 'DETECT_OWN_RANGE',
        message: `${value} lies in a member's own ranges; ask the author to check it.`,
      }
    if (this.#allowNetworks.some((other) => overlaps(other, network)))
      return { code: 'DETECT_ALLOWED_VALUE', message: `${value} is on the allow list; remove it there if it must arm.` }
    return undefined
  }

  #refuseDomain(domain: string, value: string): Refusal | undefined {
    // The PSL's private section (github.io, …) counts too: nobody owns such a name as a whole.
    const suffix = getPublicSuffix(domain, { allowPrivateDomains: true })
    if (domain === '' || !domain.includes('.') || suffix === domain)
      return {
        code: 'DETECT_PUBLIC_SUFFIX',
        message: `${value} is a public suffix; name the registered domain under it.`,
      }
    if (covered(domain, this.#ownDomains) || isParent(domain, this.#ownDomains))
      return {
        code: 'DETECT_OWN_RANGE',
        message: `${value} is one of a member's own domains; ask the author to check it.`,
      }
    if (covered(domain, this.#allowDomains) || isParent(domain, this.#allowDomains))
      return {
        code: 'DETECT_ALLOWED_VALUE',
        message: `${value} belongs to the allow list; remove it there if it must arm.`,
      }
    return undefined
  }
}

/** Whether a range or name can be one organisation's: nobody gets to keep half of all addresses out of detection. */
function isSomebodys(value: string): boolean {
  const network = toNetwork(value)
  if (network) return network.prefix >= (network.family === 4 ? ALLY_PREFIX_4 : ALLY_PREFIX_6)
  return value.includes('.') && getPublicSuffix(value, { allowPrivateDomains: true }) !== value
}

const networks = (values: readonly string[]): Network[] =>
  values.flatMap((value) => {
    const network = toNetwork(value)
    return network ? [network] : []
  })

const domains = (values: readonly string[]): Set<string> =>
  new Set(values.filter((value) => !toNetwork(value)).map((value) => value.toLowerCase()))

/** Whether a domain in the set lies below this one. */
const isParent = (domain: string, set: ReadonlySet<string>): boolean =>
  [...set].some((known) => known.endsWith(`.${domain}`))

/** Whether a domain or one of its parents is in the set. */
function covered(domain: string, set: ReadonlySet<string>): boolean {
  for (let rest = domain; ; rest = rest.slice(rest.indexOf('.') + 1)) {
    if (set.has(rest)) return true
    if (!rest.includes('.')) return false
  }
}
