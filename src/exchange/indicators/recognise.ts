import { createHash } from 'node:crypto'
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
  | 'sha224'
  | 'sha384'
  | 'ssdeep'
  | 'path'
  | 'btc'
  | 'technique'
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
  [56, 'sha224'],
  [64, 'sha256'],
  [96, 'sha384'],
  [128, 'sha512'],
])
/** Suffixes of the internet that are more often the ending of a file's name, where a name has no more than two parts. */
const FILE_ENDINGS = new Set('app cab cat md mov pl ps py rs sh so zip'.split(' '))

/** What else is known of a value. */
export interface Surroundings {
  /** It was defanged, or its column says that it is a host: no file's name, and no end of a sentence. */
  isHost?: boolean
}

/** What a whole value is; nothing where it is none of the kinds. */
export function recognise(text: string, { isHost = false }: Surroundings = {}): Recognised | undefined {
  const value = text.trim()
  if (value === '' || value.length > VALUE_MAX_CHARS || /\s/.test(value)) return undefined
  return (
    asHash(value) ??
    asCve(value) ??
    asUrl(value) ??
    asAddress(value) ??
    asEmail(value) ??
    asMac(value) ??
    asRegistryKey(value) ??
    asPath(value) ??
    asFuzzyHash(value) ??
    asTechnique(value) ??
    asWallet(value) ??
    asDomain(value, isHost)
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

function asDomain(value: string, isHost: boolean): Recognised | undefined {
  const host = value.toLowerCase().replace(/\.$/, '')
  if (!isHostName(host) || (!isHost && isNoHost(value, host))) return undefined
  return { kind: 'domain', value: host }
}

/** Whether a word is rather the name of a file, such as `readme.md`, or the end of a sentence, such as `network.In`. */
function isNoHost(value: string, host: string): boolean {
  const labels = host.split('.')
  const last = labels.at(-1) ?? ''
  return (labels.length === 2 && FILE_ENDINGS.has(last)) || /[a-z]\.[A-Z][a-z]+$/.test(value)
}

const HIVES: ReadonlyMap<string, string> = new Map([
  ['HKLM', 'HKEY_LOCAL_MACHINE'],
  ['HKCU', 'HKEY_CURRENT_USER'],
  ['HKCR', 'HKEY_CLASSES_ROOT'],
  ['HKU', 'HKEY_USERS'],
  ['HKCC', 'HKEY_CURRENT_CONFIG'],
])

function asRegistryKey(value: string): Recognised | undefined {
  const parts = /^(HKEY_[A-Z_]{4,20}|HK(?:LM|CU|CR|U|CC))(:?\\[^<>"|?*]+)$/i.exec(value)
  if (!parts) return undefined
  const hive = (parts[1] ?? '').toUpperCase()
  return { kind: 'regkey', value: `${HIVES.get(hive) ?? hive}${(parts[2] ?? '').replace(/^:/, '')}` }
}

/** A whole path to something that runs; a bare name, such as `setup.exe`, says too little. */
function asPath(value: string): Recognised | undefined {
  const runs = /\.(?:exe|dll|sys|scr|bat|cmd|ps1|vbs|vbe|js|jse|hta|lnk|msi|cpl|ocx)$/i
  return /^(?:[A-Za-z]:|%[A-Za-z()0-9]{2,20}%)\\(?:[^\\/:*?"<>|]{1,100}\\){0,20}[^\\/:*?"<>|]{1,100}$/.test(value) &&
    runs.test(value)
    ? { kind: 'path', value }
    : undefined
}

function asFuzzyHash(value: string): Recognised | undefined {
  return /^\d{1,7}:[A-Za-z0-9+/]{6,64}:[A-Za-z0-9+/]{3,64}$/.test(value) ? { kind: 'ssdeep', value } : undefined
}

/** A technique of ATT&CK. */
function asTechnique(value: string): Recognised | undefined {
  return /^T\d{4}(?:\.\d{3})?$/.test(value) ? { kind: 'technique', value } : undefined
}

/** An address of Bitcoin: in base58 with a checksum that holds, or in bech32. */
function asWallet(value: string): Recognised | undefined {
  if (/^bc1[ac-hj-np-z02-9]{11,71}$/.test(value)) return { kind: 'btc', value }
  return /^[13][1-9A-HJ-NP-Za-km-z]{25,34}$/.test(value) && hasBase58Checksum(value)
    ? { kind: 'btc', value }
    : undefined
}

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

function hasBase58Checksum(value: string): boolean {
  let number = 0n
  for (const char of value) number = number * 58n + BigInt(BASE58.indexOf(char))
  const bytes = Buffer.from(number.toString(16).padStart(50, '0'), 'hex')
  const twice = createHash('sha256')
    .update(createHash('sha256').update(bytes.subarray(0, 21)).digest())
    .digest()
  return bytes.length === 25 && twice.subarray(0, 4).equals(bytes.subarray(21))
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
