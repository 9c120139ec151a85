import { PatternError, placeOf } from './error.ts'

/** Kinds of tokens; keywords and signs are their own kind, spelled as in the grammar. */
export type TokenKind =
  | 'end'
  | 'identifier'
  | 'identifier with hyphen'
  | 'string'
  | 'integer'
  | 'float'
  | 'boolean'
  | 'timestamp'
  | 'hex'
  | 'binary'
  | Keyword
  | Sign

type Keyword =
  | 'AND'
  | 'OR'
  | 'NOT'
  | 'FOLLOWEDBY'
  | 'LIKE'
  | 'MATCHES'
  | 'ISSUPERSET'
  | 'ISSUBSET'
  | 'EXISTS'
  | 'LAST'
  | 'IN'
  | 'START'
  | 'STOP'
  | 'SECONDS'
  | 'WITHIN'
  | 'REPEATS'
  | 'TIMES'
type Sign = '=' | '!=' | '<' | '<=' | '>' | '>=' | ':' | '.' | ',' | '(' | ')' | '[' | ']' | '*'

const KEYWORDS = new Map<string, TokenKind>([
  ...keywords('AND', 'OR', 'NOT', 'FOLLOWEDBY', 'LIKE', 'MATCHES', 'ISSUPERSET', 'ISSUBSET', 'EXISTS', 'LAST', 'IN'),
  ...keywords('START', 'STOP', 'SECONDS', 'WITHIN', 'REPEATS', 'TIMES'),
  ['true', 'boolean'],
  ['false', 'boolean'],
])

const NUMBER = /[+-]?(?:[0-9]*\.[0-9]+|0|[1-9][0-9]*)/y
const TIMESTAMP =
  /t'([0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?Z)'/y
const HEX = /h'((?:[0-9A-Fa-f]{2})*)'/y
const BINARY = /b'((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==))'/y

/**
 * Cuts a pattern into tokens, one at a time: `kind`, `start` and `value` describe the current one.
 *
 * The longest match wins, as in the grammar: `NOTfoo` is an identifier, `a-b` one with a hyphen, `1.5` one float.
 * Keywords are case-sensitive. White space and comments stand anywhere between tokens.
 */
export class Lexer {
  readonly text: string
  kind: TokenKind = 'end'
  start = 0
  /** The content of a string (escapes resolved) or literal, the name of an identifier. */
  value = ''
  private at = 0

  constructor(text: string) {
    this.text = text
    this.next()
  }

  /** Moves to the next token. @throws PatternError PATTERN_SYNTAX */
  next(): void {
    const { text } = this
    this.skipSpace()
    this.start = this.at
    if (this.at >= text.length) {
      this.kind = 'end'
      this.value = ''
      return
    }
    const code = text.charCodeAt(this.at)
    if (code === QUOTE) this.string()
    else if (isLetter(code)) this.word(code)
    else if (
      isDigit(code) ||
      code === PLUS ||
      code === MINUS ||
      (code === DOT && isDigit(text.charCodeAt(this.at + 1)))
    )
      this.number()
    else this.sign(code)
  }

  /** What the current token looks like in a message. */
  describe(): string {
    if (this.kind === 'end') return 'the end of the pattern'
    const shown = this.text.slice(this.start, Math.min(this.at, this.start + 40))
    return this.at - this.start > 40 ? `${shown}…` : shown
  }

  fail(message: string, offset = this.start): never {
    throw new PatternError('PATTERN_SYNTAX', message, placeOf(this.text, offset))
  }

  private skipSpace(): void {
    const { text } = this
    for (;;) {
      const code = text.charCodeAt(this.at)
      if (code === 32 || isSpace(code)) this.at++
      else if (code === SLASH && text.charCodeAt(this.at + 1) === ASTERISK) {
        const end = text.indexOf('*/', this.at + 2)
        if (end === -1) this.fail('This comment has no end: close it with */.', this.at)
        this.at = end + 2
      } else if (code === SLASH && text.charCodeAt(this.at + 1) === SLASH) {
        while (this.at < text.length && !isLineEnd(text.charCodeAt(this.at))) this.at++
      } else return
    }
  }

  private string(): void {
    const { text } = this
    let from = ++this.at
    let value = ''
    for (;;) {
      const code = text.charCodeAt(this.at)
      if (code === QUOTE) break
      if (Number.isNaN(code)) this.fail("This string has no end: close it with '.", this.start)
      if (code === BACKSLASH) {
        const escaped = text.charCodeAt(this.at + 1)
        if (escaped !== QUOTE && escaped !== BACKSLASH)
          this.fail(
            "A backslash in a string stands before ' or another backslash only: write \\\\ for a backslash.",
            this.at,
          )
        value += text.slice(from, this.at)
        from = ++this.at
      }
      this.at++
    }
    this.value = value === '' ? text.slice(from, this.at) : value + text.slice(from, this.at)
    this.at++
    this.kind = 'string'
  }

  private word(first: number): void {
    const { text } = this
    if (text.charCodeAt(this.at + 1) === QUOTE) {
      if (first === SMALL_T) return this.literal('timestamp', TIMESTAMP, "t'2024-01-31T23:59:59.123Z'")
      if (first === SMALL_H) return this.literal('hex', HEX, "h'0a1b', with an even number of digits")
      if (first === SMALL_B) return this.literal('binary', BINARY, "b'aGVsbG8=', base64 with its padding")
    }
    let hyphen = false
    for (this.at++; ; this.at++) {
      const code = text.charCodeAt(this.at)
      if (code === MINUS) hyphen = true
      else if (!isLetter(code) && !isDigit(code)) break
    }
    this.value = text.slice(this.start, this.at)
    const keyword = hyphen ? undefined : KEYWORDS.get(this.value)
    this.kind = keyword ?? (hyphen ? 'identifier with hyphen' : 'identifier')
  }

  private literal(kind: 'timestamp' | 'hex' | 'binary', form: RegExp, example: string): void {
    form.lastIndex = this.at
    const found = form.exec(this.text)
    if (!found) this.fail(`This is not a ${kind} constant: it has the form ${example}.`)
    this.value = found[1] ?? ''
    this.at += found[0].length
    this.kind = kind
  }

  private number(): void {
    NUMBER.lastIndex = this.at
    const found = NUMBER.exec(this.text)
    if (!found) this.fail(`Expected a digit after ${this.text[this.at]}.`)
    if (!Number.isFinite(Number(found[0]))) this.fail('This number is too large to compare with: at most 1.8 × 10^308.')
    this.value = found[0]
    this.at += found[0].length
    this.kind = found[0].includes('.') ? 'float' : 'integer'
  }

  private sign(code: number): void {
    const { text } = this
    const next = text.charCodeAt(this.at + 1)
    this.at++
    const kind = SIGNS[code]
    if (code === LESS && next === GREATER) this.take('!=')
    else if ((code === LESS || code === GREATER) && next === EQUALS) this.take(code === LESS ? '<=' : '>=')
    else if (code === EQUALS && next === EQUALS) this.take('=')
    else if (code === BANG && next === EQUALS) this.take('!=')
    else if (kind) this.kind = kind
    else this.fail(unusable(text, this.start))
    this.value = ''
  }

  private take(kind: Sign): void {
    this.at++
    this.kind = kind
  }
}

const QUOTE = 39
const BACKSLASH = 92
const PLUS = 43
const MINUS = 45
const DOT = 46
const SLASH = 47
const ASTERISK = 42
const LESS = 60
const EQUALS = 61
const GREATER = 62
const BANG = 33
const SMALL_T = 116
const SMALL_H = 104
const SMALL_B = 98

const SIGNS: (Sign | undefined)[] = []
for (const sign of ['=', '<', '>', ':', '.', ',', '(', ')', '[', ']', '*'] as const) SIGNS[sign.charCodeAt(0)] = sign

const isLetter = (code: number) => (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95
const isDigit = (code: number) => code >= 48 && code <= 57
const isLineEnd = (code: number) => code === 10 || code === 13

function isSpace(code: number): boolean {
  if (code < 128) return code === 9 || (code >= 10 && code <= 13)
  if (code >= 0x2000 && code <= 0x200a) return true
  return SPACES.has(code)
}
const SPACES = new Set([0x85, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000])

function unusable(text: string, at: number): string {
  const character = String.fromCodePoint(text.codePointAt(at) ?? 0)
  if (character === '"') return 'A string or key is quoted with \', not with ".'
  if (character === '!') return 'Expected = after !.'
  return `The character ${character} has no meaning here.`
}

function keywords(...words: Keyword[]): [string, TokenKind][] {
  return words.map((word) => [word, word])
}
