import { type Hash64, hashText, hashWords } from './hash.ts'
import { maskWords, type Network, toNetwork } from './address.ts'
import type { ObservableKind } from '../event.ts'

/** Numbers that separate the kinds of keys inside one hash table. They stay in memory only. */
export const KEY_KIND = {
  domain: 1,
  url: 2,
  email: 3,
  'file-md5': 4,
  'file-sha1': 5,
  'file-sha256': 6,
  'file-sha512': 7,
  'cert-md5': 8,
  'cert-sha1': 9,
  'cert-sha256': 10,
  ja3: 11,
  /** Host of an armed URL: tells the scan over raw lines that a URL may follow. */
  urlHost: 12,
  /** Networks: 64 + prefix for IPv4, 128 + prefix for IPv6. */
  network4: 64,
  network6: 128,
} as const

/** Kinds whose key is the hash of a text. */
export type TextKind = Exclude<ObservableKind, 'ipv4' | 'ipv6'>

/** What is indexed: a network (an address is a full-length one) or a text in its compared form. */
export type Atom = { kind: 'network'; network: Network; value: string } | { kind: TextKind; value: string }

/** Hash of a network. */
export function networkKey(network: Network): Hash64 {
  const kind = (network.family === 4 ? KEY_KIND.network4 : KEY_KIND.network6) + network.prefix
  return hashWords(kind, ...network.words)
}

/** Hash under which an atom is filed. */
export function atomKey(atom: Atom): Hash64 {
  return atom.kind === 'network' ? networkKey(atom.network) : hashText(atom.value, KEY_KIND[atom.kind])
}

/** The network of `prefix` bits around an address. */
export const widen = (network: Network, prefix: number): Network => ({
  family: network.family,
  words: maskWords(network.words, prefix),
  prefix,
})

const DOMAIN_MAX = 253
const URL_MAX = 8_192
const EMAIL_MAX = 320
const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/

/** A domain in its compared form: small ASCII letters (A-labels), no trailing dot; `undefined` where it is none. */
export function toDomain(text: string): string | undefined {
  if (text.length === 0 || text.length > DOMAIN_MAX * 4) return undefined
  let domain = text.endsWith('.') ? text.slice(0, -1) : text
  // A full-width or other Unicode dot only counts after mapping, so non-ASCII names go through the URL parser.
  // oxlint-disable-next-line no-control-regex
  if (/[^\x00-\x7f]/.test(domain)) {
    if (/[/?#@:\\\s]/.test(domain) || !URL.canParse(`http://${domain}/`)) return undefined
    domain = new URL(`http://${domain}/`).hostname
  }
  domain = domain.toLowerCase()
  if (domain.length > DOMAIN_MAX) return undefined
  return domain.split('.').every((label) => LABEL.test(label)) ? domain : undefined
}

/** A URL in its compared form: scheme and host small, default port and fragment dropped; `undefined` where it is none. */
export function toUrl(text: string): string | undefined {
  if (text.length > URL_MAX || !URL.canParse(text)) return undefined
  const url = new URL(text)
  if (url.hostname === '') return undefined
  url.hash = ''
  return url.href
}

/** An e-mail address in its compared form: small letters. */
export function toEmail(text: string): string | undefined {
  if (text.length > EMAIL_MAX) return undefined
  const address = text.trim()
  const at = address.lastIndexOf('@')
  const domain = at > 0 ? toDomain(address.slice(at + 1)) : undefined
  // oxlint-disable-next-line no-control-regex
  return domain && !/[\s<>"\x00-\x1f]/.test(address.slice(0, at))
    ? `${address.slice(0, at).toLowerCase()}@${domain}`
    : undefined
}

const HASH_LENGTH: Record<string, number> = { md5: 32, sha1: 40, sha256: 64, sha512: 128, ja3: 32 }

/** Hash digits in their compared form: small, without colons. */
export function toDigest(kind: TextKind, text: string): string | undefined {
  const digits = text.replaceAll(':', '').toLowerCase()
  const length = HASH_LENGTH[kind.slice(kind.indexOf('-') + 1)]
  return digits.length === length && /^[0-9a-f]+$/.test(digits) ? digits : undefined
}

/** The atom of an observed or armed value, or `undefined` where the text is not of that kind. */
export function toAtom(kind: ObservableKind, text: string): Atom | undefined {
  if (kind === 'ipv4' || kind === 'ipv6') {
    const network = toNetwork(text)
    return network && { kind: 'network', network, value: text }
  }
  const value =
    kind === 'domain'
      ? toDomain(text)
      : kind === 'url'
        ? toUrl(text)
        : kind === 'email'
          ? toEmail(text)
          : toDigest(kind, text)
  return value === undefined ? undefined : { kind, value }
}
