import type { JsonObject } from '#base'
import { decodeText } from '../encoding.ts'
import type { Reader } from '../format.ts'
import { isInternalAddress, recognise, type Recognised } from '../indicators/recognise.ts'
import { refang } from '../indicators/refang.ts'
import { toStixObject } from '../indicators/indicator.ts'
import { CONTEXT_MAX_CHARS, OBJECTS_MAX } from '../limits.ts'

/** What separates words: space, quotes, brackets, commas of any script. */
const SEPARATORS = /[\s<>"'`,;|“”‘’«»、。，；（）「」『』【】]+/u
const AT_ENDS = /^[([{*_=]+|[)\]}.:!?*_=]+$/g
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
}

/**
 * Pasted mail or report text. Defanged values are made whole; the line around each is its description. In a text that
 * defangs, addresses and names that are written whole are references, not indicators, and are left out.
 */
export const text: Reader = {
  name: 'text',
  detects: () => true,
  read(bytes, { source, now, losses, encoding }) {
    const decoded = decodeText(bytes, encoding)
    const mentions = mentionsIn(decoded.text)
    const defangs = mentions.some((mention) => mention.defanged)
    const objects = new Map<string, JsonObject>()
    const preview: string[] = []
    for (const mention of mentions) {
      const why = reasonToLeave(mention, defangs)
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
    return { objects: [...objects.values()], preview, notes: [`Text in ${decoded.encoding}.`] }
  },
}

function reasonToLeave(mention: Mention, defangs: boolean): string | undefined {
  if (isInternalAddress(mention)) return 'an address of internal networks'
  if (defangs && !mention.defanged && ALSO_REFERENCE.has(mention.kind))
    return 'written whole in a text that defangs its indicators, so taken as a reference'
  return undefined
}

function mentionsIn(text: string): Mention[] {
  const mentions: Mention[] = []
  const lines = text.split(/\r\n|\n|\r/)
  lines.forEach((line, index) => {
    for (let at = 0; at < line.length; at += LINE_MAX_CHARS) {
      const piece = line.slice(at, at + LINE_MAX_CHARS)
      const context = piece.trim().slice(0, CONTEXT_MAX_CHARS)
      for (const { found, defanged } of valuesIn(piece)) mentions.push({ ...found, line: index + 1, context, defanged })
    }
  })
  return mentions
}

function valuesIn(piece: string): { found: Recognised; defanged: boolean }[] {
  const { text, defanged } = refang(piece)
  const whole = defanged ? new Set(wordsOf(piece)) : undefined
  return wordsOf(text).flatMap((word) => {
    const found = foundIn(word)
    return found ? [{ found, defanged: whole !== undefined && !whole.has(word) }] : []
  })
}

const wordsOf = (text: string) =>
  text
    .split(SEPARATORS)
    .filter((word) => word.length <= WORD_MAX_CHARS)
    .map((word) => word.replace(AT_ENDS, ''))
    .filter((word) => word.length > 3)

/** The value of a word; behind `key=` and `key:` too, and before `:port`. */
function foundIn(word: string): Recognised | undefined {
  const found = recognise(word)
  if (found) return found
  const port = /^([^:]+):\d{1,5}$/.exec(word)?.[1]
  const behind = /^[A-Za-z0-9_-]{1,20}[:=](.+)$/.exec(word)?.[1]
  return (port === undefined ? undefined : recognise(port)) ?? (behind === undefined ? undefined : recognise(behind))
}
