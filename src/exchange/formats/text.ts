import type { JsonObject } from '#base'
import { decodeText } from '../encoding.ts'
import type { Reader } from '../format.ts'
import { asAsn, isInternalAddress, recognise, type Recognised } from '../indicators/recognise.ts'
import { refang } from '../indicators/refang.ts'
import { toStixObject } from '../indicators/indicator.ts'
import { isMail, readMail } from '../mail/mime.ts'
import { CONTEXT_MAX_CHARS, OBJECTS_MAX } from '../limits.ts'

/** What separates words: space, quotes, brackets, commas of any script. */
const SEPARATORS = /[\s<>"'`,;|“”‘’«»、。，；（）「」『』【】]+/u
/** Signs that stand around a word, and are none of it. */
const BEFORE_WORD: ReadonlySet<string> = new Set('([{*_=')
const AFTER_WORD: ReadonlySet<string> = new Set(')]}.:!?*_=')
/** Kinds that a report also names as references, not only as indicators. */
const ALSO_REFERENCE: ReadonlySet<string> = new Set(['url', 'domain', 'email', 'ipv4', 'ipv6'])
/** Characters of a word that is looked at. */
const WORD_MAX_CHARS = 2_048
/** Characters of a line that are looked at as one. */
const LINE_MAX_CHARS = 20_000

interface Mention extends Recognised {
  line: number
  context: string
  defanged: boolean
  isVersion: boolean
}

/**
 * Pasted mail or report text. Defanged values are made whole; the line around each is its description. In a text that
 * defangs, addresses and names that are written whole are references, not indicators, and are left out.
 */
export const text: Reader = {
  name: 'text',
  detects: () => true,
  read(bytes, { source, now, losses, encoding }) {
    const mail = encoding === undefined && isMail(headOf(bytes)) ? readMail(bytes, losses) : undefined
    const decoded = mail ? { text: mail.text, encoding: 'mail' } : decodeText(bytes, encoding)
    const own = ownDomains(decoded.text, mail?.people ?? [])
    const mentions = mentionsIn(decoded.text, (line, word) =>
      losses.add(`line ${line}`, `${word}: it was defanged, but its ending is none of the internet’s`),
    )
    const defangs = mentions.some((mention) => mention.defanged)
    const objects = new Map<string, JsonObject>()
    const preview: string[] = []
    for (const mention of mentions) {
      const why = reasonToLeave(mention, defangs, own)
      if (why !== undefined) {
        losses.add(`line ${mention.line}`, `${mention.value}: ${why}`)
        continue
      }
      const object = toStixObject(mention, { source, at: now, description: mention.context })
      if (objects.has(String(object['id']))) continue
      if (objects.size === OBJECTS_MAX) {
        losses.add(`line ${mention.line}`, `Only ${OBJECTS_MAX} objects are made of one input; split it.`)
        break
      }
      objects.set(String(object['id']), object)
      preview.push(`${mention.kind} ${mention.value} (line ${mention.line})`)
    }
    return {
      objects: [...objects.values()],
      preview,
      notes: [mail ? 'A mail, by its parts.' : `Text in ${decoded.encoding}.`],
    }
  },
}

/** Bytes that hold the headers of a mail. */
const HEAD_BYTES = 65_536
const headOf = (bytes: Uint8Array) => new TextDecoder('latin1').decode(bytes.subarray(0, HEAD_BYTES))

/** Lines of a pasted mail that name its sender and recipients. */
const PEOPLE_LINE = /^[>\s]*(?:from|to|cc|sender|reply-to|差出人|宛先|送信者)\s*[:：]/i
/** Domains of people that are kept; a mail has few. */
const OWN_MAX = 1_000

/** Domains of those who wrote and got the mail. */
function ownDomains(text: string, people: readonly string[]): Set<string> {
  const lines = text.split(/\r\n|\n|\r/).filter((line) => PEOPLE_LINE.test(line))
  const named = lines.flatMap((line) => [...line.slice(0, LINE_MAX_CHARS).matchAll(/@([A-Za-z0-9.-]{1,253})/g)])
  const domains = [...people.map((one) => one.slice(one.indexOf('@') + 1)), ...named.map(([, domain]) => domain ?? '')]
  return new Set(domains.slice(0, OWN_MAX).map((domain) => domain.toLowerCase()))
}

function reasonToLeave(mention: Mention, defangs: boolean, own: ReadonlySet<string>): string | undefined {
  if (isInternalAddress(mention)) return 'an address of internal networks'
  if (mention.kind === 'asn') return 'an autonomous system: context, and no indicator'
  if (mention.isVersion) return 'the number of a version'
  if (!mention.defanged && own.has(hostOf(mention))) return 'it belongs to those who wrote or got the mail'
  if (defangs && !mention.defanged && ALSO_REFERENCE.has(mention.kind))
    return 'written whole in a text that defangs its indicators, so taken as a reference'
  return undefined
}

/** The host that a value is on. */
function hostOf({ kind, value }: Mention): string {
  if (kind === 'email') return value.slice(value.lastIndexOf('@') + 1)
  if (kind === 'url') return /^[a-z]+:\/\/(?:[^/?#@]*@)?([^/?#:]*)/i.exec(value)?.[1]?.toLowerCase() ?? ''
  return kind === 'domain' ? value : ''
}

function mentionsIn(text: string, lost: (line: number, word: string) => void): Mention[] {
  const mentions: Mention[] = []
  const lines = text.split(/\r\n|\n|\r/)
  lines.forEach((line, index) => {
    for (let at = 0; at < line.length; at += LINE_MAX_CHARS) {
      const piece = line.slice(at, at + LINE_MAX_CHARS)
      const context = piece.trim().slice(0, CONTEXT_MAX_CHARS)
      for (const { found, defanged, isVersion } of valuesIn(piece, (word) => lost(index + 1, word)))
        mentions.push({ ...found, line: index + 1, context, defanged, isVersion })
    }
  })
  return mentions
}

/** Words before a number that is a version's. */
const VERSION = /^(?:version|ver|v|build|release|バージョン)\.?$/i

function valuesIn(
  piece: string,
  lost: (word: string) => void,
): { found: Recognised; defanged: boolean; isVersion: boolean }[] {
  const { text, defanged } = refang(piece)
  const whole = defanged ? new Set(wordsOf(piece)) : undefined
  const words = wordsOf(text)
  return words.flatMap((word, index) => {
    if (word.length < SHORTEST) return []
    const isDefanged = whole !== undefined && !whole.has(word)
    const found = foundIn(word, isDefanged)
    const isVersion = found?.kind === 'ipv4' && !isDefanged && VERSION.test(words[index - 1] ?? '')
    if (!found && isDefanged && LIKE_A_HOST.test(word)) lost(word)
    return found ? [{ found, defanged: isDefanged, isVersion }] : []
  })
}

/** What somebody defanged as a host, or as what is on one. */
const LIKE_A_HOST = /^(?:[a-z]+:\/\/|[^@\s]+@)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.[a-z][a-z0-9-]+(?:[:/?#].*)?$/i

/** Characters of the shortest value. */
const SHORTEST = 4

const wordsOf = (text: string) =>
  text
    .split(SEPARATORS)
    .filter((word) => word.length <= WORD_MAX_CHARS)
    .map(bare)
    .filter(Boolean)

/** A word without the signs around it. Read from both ends: a regular expression tries each sign within the word as well. */
function bare(word: string): string {
  let from = 0
  let to = word.length
  while (from < to && BEFORE_WORD.has(word.charAt(from))) from++
  while (to > from && AFTER_WORD.has(word.charAt(to - 1))) to--
  return word.slice(from, to)
}

/** The value of a word; behind `key=` and `key:` too, and before `:port`. */
function foundIn(word: string, isHost: boolean): Recognised | undefined {
  const found = recognise(word, { isHost })
  if (found) return found
  if (/^AS\d{2,10}$/.test(word)) return asAsn(word)
  const port = /^([^:]+):\d{1,5}$/.exec(word)?.[1]
  const behind = /^[A-Za-z0-9_-]{1,20}[:=](.+)$/.exec(word)?.[1]
  return (
    (port === undefined ? undefined : recognise(port, { isHost })) ??
    (behind === undefined ? undefined : recognise(behind, { isHost }))
  )
}
