/**
 * What in a text gives a source away: its own names, e-mail addresses, internal addresses and host names, file names,
 * exact times, ids of its objects. Whatever is found is cut out, overlapping finds together.
 *
 * `Ana (ana@bank.example) saw 10.1.2.3 open C:\users\ana\q3.docx` becomes
 * `Ana ([e-mail address]) saw [internal address] open [file name]`.
 * @see SHARING-RULES section 4, "Source protection beyond fields"
 */
import { isIPv6 } from 'node:net'
import { contains, parseNetwork } from '#stix'

/** What a text may give away. */
export type SensitiveKind = 'source' | 'personal' | 'internal-address' | 'host-name' | 'file-name' | 'time' | 'id'

/** One place of a text. */
export interface Sensitive {
  kind: SensitiveKind
  text: string
  from: number
  to: number
}

/** What stands in the place of what was cut out. */
const INSTEAD: Readonly<Record<Exclude<SensitiveKind, 'time'>, string>> = {
  source: '[source]',
  personal: '[e-mail address]',
  'internal-address': '[internal address]',
  'host-name': '[host name]',
  'file-name': '[file name]',
  id: '[object]',
}

/** Letters and digits that a protected term must have: shorter ones are in every text. */
export const TERM_MIN_CHARACTERS = 3
/** Shorter terms count only as words of their own: as parts of words they are everywhere, in hashes too. */
const WORD_CHARACTERS = 5
/** Characters of the longest protected term. */
export const TERM_MAX_CHARACTERS = 200

// Each pattern is tried at few places of a text, or reads few characters at each: a text of any kind takes linear time. What
// stands before a rare sign (`@`, `--`) is read backwards from it, and captured.

// A dot as it is, and as analysts write it so that nobody clicks on it.
const DOT = String.raw`(?:\.|\[\.\]|\(\.\)|\[dot\])`
const AT = String.raw`(?:@|\[at\]|\[@\]|\(at\))`
const IPV4 = new RegExp(String.raw`(?<![\d.])\d{1,3}(?:${DOT}\d{1,3}){3}(?![\d])`, 'gi')
const IPV6 = /(?<![0-9a-f:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![0-9a-f:])/gi
const MAC = /(?<![0-9a-f:-])[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}(?![0-9a-f:-])/gi
const MAIL = new RegExp(
  String.raw`(?=[@[(])(?<=([\p{L}\p{N}_.+%'-]{1,64}))${AT}[\p{L}\p{N}_-]{1,63}(?:${DOT}[\p{L}\p{N}_-]{1,63}){0,8}`,
  'giu',
)
const WINDOWS_PATH =
  /(?:[A-Za-z]:\\|\\\\)(?:[^\\/:*?"<>|\r\n]{1,255}\\){0,32}(?:[^\\/:*?"<>|\r\n]{1,200}?\.[A-Za-z0-9]{1,8}(?![A-Za-z0-9])|[^\s\\/:*?"<>|]{0,255})/g
const UNIX_PATH =
  /(?<![\p{L}\p{N}_/:.-])(?:~|\/(?:home|Users|root|etc|var|usr|opt|srv|mnt|media|data|tmp|export|share|Volumes))\/[^\s"'<>|;,)]{1,512}/gu
const ENDINGS =
  'docx?|docm|xlsx?|xlsm|xlsb|pptx?|pdf|rtf|odt|ods|csv|txt|log|eml|msg|pst|ost|zip|rar|7z|gz|tgz|tar|iso|img|exe|dll|sys|scr|msi|lnk|bat|cmd|ps1|vbs|js|jse|hta|jar|apk|sh|py|php|aspx?|jsp|sql|bak|db|mdb|kdbx|key|pem|pfx|p12|cfg|conf|ini|xml|json|ya?ml|html?|png|jpe?g|gif'
const FILE_NAME = new RegExp(
  String.raw`(?<![\p{L}\p{N}_./-])[\p{L}\p{N}_][\p{L}\p{N}_.()-]{0,127}\.(?:${ENDINGS})(?![\p{L}\p{N}_-])`,
  'giu',
)
const HOST = new RegExp(
  String.raw`(?<![\p{L}\p{N}_.@-])[\p{L}\p{N}_-]{1,63}(?:${DOT}[\p{L}\p{N}_-]{1,63}){1,10}`,
  'giu',
)
const INTERNAL_SUFFIX =
  /\.(?:local|localdomain|internal|intranet|intra|lan|corp|private|home|domain|ad|workgroup|home\.arpa|in-addr\.arpa|ip6\.arpa)$/i
const TIME = /(?<!\d)\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?/g
const STIX_ID =
  /(?=--[0-9a-f]{8}-)(?<=([a-z][a-z0-9-]{0,249}))--[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi

const INTERNAL_NETWORKS = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
].flatMap((text) => parseNetwork(text) ?? [])

/** Terms of a source, as they may be written: any separators between the words, any case. */
export type Terms = readonly RegExp[]

/** Reads protected terms; those that are too short to mean anything are left out. */
export function toTerms(texts: Iterable<string>): Terms {
  return [...new Set(texts)].flatMap((text) => {
    const words = plain(text).match(/[\p{L}\p{N}]+/gu) ?? []
    if (words.join('').length < TERM_MIN_CHARACTERS || text.length > TERM_MAX_CHARACTERS) return []
    const pattern = words.join(String.raw`[^\p{L}\p{N}]{0,5}`)
    const isShort = words.join('').length < WORD_CHARACTERS
    return [new RegExp(isShort ? String.raw`(?<![\p{L}\p{N}])${pattern}(?![\p{L}\p{N}])` : pattern, 'giu')]
  })
}

/** Everything in a text that gives the source away; ascending, without overlaps. The text must be `plain`. */
export function sensitiveIn(text: string, terms: Terms): Sensitive[] {
  const found: Sensitive[] = []
  const add = (kind: SensitiveKind, pattern: RegExp, isMeant?: (match: string) => boolean) => {
    for (const one of findsOf(text, kind, pattern, isMeant)) found.push(one)
  }
  for (const term of terms) add('source', term)
  add('id', STIX_ID)
  add('personal', MAIL)
  add('internal-address', IPV4, isInternalAddress)
  add('internal-address', IPV6, isInternalAddress)
  add('internal-address', MAC)
  add('file-name', WINDOWS_PATH)
  add('file-name', UNIX_PATH)
  add('file-name', FILE_NAME)
  add('host-name', HOST, (host) => INTERNAL_SUFFIX.test(refanged(host).replace(/\.$/, '')))
  add('time', TIME)
  return merged(found)
}

/** The text without what was found; of a time the hour stays. */
export function withoutSensitive(text: string, found: readonly Sensitive[]): string {
  let at = 0
  let result = ''
  for (const { kind, from, to, text: match } of found) {
    result += text.slice(at, from) + (kind === 'time' ? toHour(match) : INSTEAD[kind])
    at = to
  }
  return result + text.slice(at)
}

/** `2026-01-02 03:04:05+08:00` becomes `2026-01-02 03:00+08:00`. */
const toHour = (time: string) => `${time.slice(0, 13)}:00${/(?:Z|[+-]\d{2}:?\d{2})$/.exec(time.slice(16))?.[0] ?? ''}`

/** The text without e-mail addresses, ids of objects and these terms: no consent to be named opens them. */
export function withoutPersonal(text: string, never: Terms): string {
  const found = [...findsOf(text, 'id', STIX_ID), ...findsOf(text, 'personal', MAIL)]
  const named = never.flatMap((term) => findsOf(text, 'source', term))
  return withoutSensitive(text, merged([...found, ...named]))
}

/** Whether a text names the source. */
export const isNaming = (text: string, terms: Terms): boolean =>
  terms.some((term) => findsOf(plain(text), 'source', term).length > 0)

function findsOf(
  text: string,
  kind: SensitiveKind,
  pattern: RegExp,
  isMeant: (match: string) => boolean = () => true,
): Sensitive[] {
  return [...text.matchAll(pattern)].flatMap(({ 0: match, 1: before = '', index }) =>
    isMeant(match) ? [{ kind, text: before + match, from: index - before.length, to: index + match.length }] : [],
  )
}

/** One form for what looks alike: composed letters, no invisible characters. */
export const plain = (text: string): string => text.normalize('NFC').replace(/[\p{Cf}\u034f\ufe00-\ufe0f]/gu, '')

/** Whether an address is one of an internal network. */
export function isInternalAddress(text: string): boolean {
  const address = refanged(text)
  if (address.includes(':') && !isIPv6(address)) return false
  // Some tools write octets with leading zeros.
  const network = parseNetwork(address.includes(':') ? address : address.replace(/(?<!\d)0+(?=\d)/g, ''))
  return network !== undefined && INTERNAL_NETWORKS.some((internal) => contains(internal, network))
}

const refanged = (text: string) => text.replace(/\[dot\]|\[\.\]|\(\.\)/gi, '.')

/** Overlapping finds become one; the source counts before everything else, then who comes first. */
function merged(found: Sensitive[]): Sensitive[] {
  const result: Sensitive[] = []
  for (const one of found.sort((a, b) => a.from - b.from || b.to - a.to)) {
    const last = result.at(-1)
    if (last === undefined || one.from >= last.to) result.push({ ...one })
    else {
      if (one.to > last.to) {
        last.text += one.text.slice(last.to - one.from)
        last.to = one.to
      }
      if (one.kind === 'source' || (one.kind === 'id' && last.kind !== 'source')) last.kind = one.kind
    }
  }
  return result
}
