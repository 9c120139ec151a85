import { parseNetwork } from '#stix'
import { parse } from 'tldts'

/** What a value is. */
export type IndicatorKind =
  | 'ipv4'
  | 'ipv6'
  | 'domain'
  | 'url'
  | 'email'
  | 'md5'
  | 'sha1'
  | 'sha256'
  | 'sha512'
  | 'asn'
  | 'mac'
  | 'filename'
  | 'mutex'
  | 'regkey'
  | 'cve'

/** A value and what it is, in the form it is compared in. */
export interface Recognised {
  kind: IndicatorKind
  value: string
}

/** Characters of a value that is looked at. */
const VALUE_MAX_CHARS = 2_048
const HASH_KINDS = new Map<number, IndicatorKind>([
  [32, 'md5'],
  [40, 'sha1'],
  [64, 'sha256'],
  [128, 'sha512'],
])
/** Suffixes that are more often the ending of a file's name than of a host's. */
const FILE_ENDINGS = new Set(
  'app bat bin cab cat com.exe cpp css dat dll doc exe gz htm html ini jar java js json lnk log md mov pdf php pl png ps ps1 py rar rs sh so sys tar txt vbs xml zip'.split(
    ' ',
  ),
)

/** What a whole value is; nothing where it is none of the kinds. */
export function recognise(text: string): Recognised | undefined {
  const value = text.trim()
  if (value === '' || value.length > VALUE_MAX_CHARS || /\s/.test(value)) return undefined
  return (
    asHash(value) ??
    asCve(value) ??
    asUrl(value) ??
    asAddress(value) ??
    asEmail(value) ??
    asMac(value) ??
    asDomain(value)
  )
}

/** An autonomous system's number, where a column says that it holds one. */
export function asAsn(value: string): Recognised | undefined {
  const digits = /^(?:AS)?(\d{1,10})$/i.exec(value.trim())?.[1]
  return digits !== undefined && Number(digits) <= 4_294_967_295
    ? { kind: 'asn', value: String(Number(digits)) }
    : undefined
}

function asHash(value: string): Recognised | undefined {
  const kind = HASH_KINDS.get(value.length)
  return kind !== undefined && /^[0-9a-f]+$/i.test(value) ? { kind, value: value.toLowerCase() } : undefined
}

function asCve(value: string): Recognised | undefined {
  return /^CVE-\d{4}-\d{4,19}$/i.test(value) ? { kind: 'cve', value: value.toUpperCase() } : undefined
}

function asUrl(value: string): Recognised | undefined {
  if (!/^(?:https?|ftps?|sftp|tcp|udp|wss?):\/\/[^/\s]/i.test(value)) return undefined
  const host = /^[a-z]+:\/\/(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]*)/i.exec(value)?.[1] ?? ''
  const bare = host.replace(/^\[|\]$/g, '')
  if (!isAddress(bare) && !isHostName(bare)) return undefined
  return { kind: 'url', value: value.replace(/^[a-z]+/i, (scheme) => scheme.toLowerCase()) }
}

function asAddress(value: string): Recognised | undefined {
  const network = parseNetwork(value)
  if (!network) return undefined
  const kind = value.includes(':') ? 'ipv6' : 'ipv4'
  const isWhole = network.prefix === network.words.length * 32
  return { kind, value: (isWhole ? value.replace(/\/.*$/, '') : value).toLowerCase() }
}

/** Whether a text is one whole IPv4 or IPv6 address. */
export const isAddress = (value: string): boolean => !value.includes('/') && parseNetwork(value) !== undefined

function asEmail(value: string): Recognised | undefined {
  const at = value.lastIndexOf('@')
  if (at < 1 || at > 64 || !/^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+$/.test(value.slice(0, at))) return undefined
  return isHostName(value.slice(at + 1))
    ? { kind: 'email', value: value.slice(0, at) + value.slice(at).toLowerCase() }
    : undefined
}

function asMac(value: string): Recognised | undefined {
  return /^[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}$/i.test(value)
    ? { kind: 'mac', value: value.toLowerCase().replaceAll('-', ':') }
    : undefined
}

function asDomain(value: string): Recognised | undefined {
  const host = value.toLowerCase().replace(/\.$/, '')
  if (!isHostName(host) || FILE_ENDINGS.has(host.slice(host.lastIndexOf('.') + 1))) return undefined
  return { kind: 'domain', value: host }
}

/** A name under a suffix that exists. */
function isHostName(host: string): boolean {
  if (host.length > 253 || !host.includes('.') || !/^[^\s/?#@:[\]<>"'`,;|\\^{}%!$&*()+=~]+$/.test(host)) return false
  const { isIcann, isIp, domain } = parse(host, { allowPrivateDomains: false, extractHostname: false })
  return isIp !== true && isIcann === true && domain !== null
}

/** Whether an address is nobody's on the internet: private, loopback, link-local, multicast, unspecified. */
export function isInternalAddress({ kind, value }: Recognised): boolean {
  if (kind === 'ipv4')
    return /^(?:0\.|10\.|127\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|2(?:2[4-9]|[345]\d)\.)/.test(value)
  return kind === 'ipv6' && /^(?:::1?(?:\/|$)|f[cd]|fe[89ab]|ff)/.test(value)
}
