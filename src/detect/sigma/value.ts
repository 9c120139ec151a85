import { DetectError } from '../error.ts'

/**
 * Sigma string values: `*` any run, `?` any one character, backslash escapes.
 *
 * A single backslash before an ordinary character is a backslash; `\*`, `\?` and `\\` are the plain characters.
 * @see https://sigmahq.io/docs/basics/rules.html (escaping)
 */
export const ANY_RUN = 0
export const ANY_ONE = 1
/** One of the dashes that command lines accept (modifier `windash`). */
export const ANY_DASH = 2

/** A pattern: literal texts and wildcards in order. */
export type Token = string | typeof ANY_RUN | typeof ANY_ONE | typeof ANY_DASH

/** Longest Sigma value taken, in characters. */
export const VALUE_MAX = 65_536
/** Most wildcards in one value: matching takes time in proportion. */
const WILDCARDS_MAX = 64
const DASHES = '-/\u2013\u2014\u2015'

/** Reads a Sigma string into tokens. @throws DetectError SIGMA_VALUE */
export function parseTokens(text: string): Token[] {
  if (text.length > VALUE_MAX)
    throw new DetectError('SIGMA_VALUE', `A value of ${text.length} characters; the limit is ${VALUE_MAX}.`)
  const tokens: Token[] = []
  let literal = ''
  const flush = () => {
    if (literal !== '') tokens.push(literal)
    literal = ''
  }
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!
    const next = text[i + 1]
    if (c === '\\' && (next === '*' || next === '?' || next === '\\')) {
      literal += next
      i++
    } else if (c === '*' || c === '?') {
      flush()
      const token = c === '*' ? ANY_RUN : ANY_ONE
      if (!(token === ANY_RUN && tokens.at(-1) === ANY_RUN)) tokens.push(token)
    } else literal += c
  }
  flush()
  return bounded(tokens)
}

/** The text of tokens without wildcards; `undefined` where there are some. */
export function plainText(tokens: readonly Token[]): string | undefined {
  if (tokens.length === 0) return ''
  return tokens.length === 1 && typeof tokens[0] === 'string' ? tokens[0] : undefined
}

/** Replaces each dash or slash that begins a switch (`windash`) by any dash. */
export function withDashes(tokens: readonly Token[]): Token[] {
  const replaced = tokens.flatMap((token, at) => {
    if (typeof token !== 'string') return [token]
    const parts: Token[] = []
    let literal = ''
    for (let i = 0; i < token.length; i++) {
      const before = i > 0 ? token[i - 1] : undefined
      const starts = /[-/]/.test(token[i]!) && !/\w/.test(before ?? ' ') && /\w/.test(token[i + 1] ?? ' ')
      if (starts && !(i === 0 && typeof tokens[at - 1] === 'string')) {
        if (literal !== '') parts.push(literal)
        literal = ''
        parts.push(ANY_DASH)
      } else literal += token[i]
    }
    if (literal !== '') parts.push(literal)
    return parts
  })
  return bounded(replaced)
}

function bounded(tokens: Token[]): Token[] {
  if (tokens.filter((token) => typeof token !== 'string').length > WILDCARDS_MAX)
    throw new DetectError('SIGMA_VALUE', `More than ${WILDCARDS_MAX} wildcards in one value.`)
  return tokens
}

/**
 * Compiles tokens into a test of a whole text. Time is proportional to text × pattern at worst: each stretch between two
 * `*` is taken at its first place, which is always right since nothing but `*` has a variable length.
 */
export function compileTokens(tokens: readonly Token[]): (text: string) => boolean {
  const plain = plainText(tokens)
  if (plain !== undefined) return (text) => text === plain
  const simple = compileSimple(tokens)
  if (simple) return simple
  const stretches: Token[][] = [[]]
  for (const token of tokens) {
    if (token === ANY_RUN) stretches.push([])
    else stretches.at(-1)!.push(token)
  }
  const first = stretches[0]!
  if (stretches.length === 1) return (text) => text.length === width(first) && fits(first, text, 0)
  const last = stretches.at(-1)!
  const middle = stretches.slice(1, -1)
  return (text) => {
    if (!fits(first, text, 0)) return false
    let at = width(first)
    for (const stretch of middle) {
      at = find(stretch, text, at)
      if (at < 0) return false
      at += width(stretch)
    }
    const end = text.length - width(last)
    return end >= at && fits(last, text, end)
  }
}

/** `x*`, `*x` and `*x*`, by far the most frequent forms, without the general machinery. */
function compileSimple(tokens: readonly Token[]): ((text: string) => boolean) | undefined {
  const [first, second, third] = tokens
  if (tokens.length === 1 && first === ANY_RUN) return () => true
  if (tokens.length === 2 && typeof first === 'string' && second === ANY_RUN) return (text) => text.startsWith(first)
  if (tokens.length === 2 && first === ANY_RUN && typeof second === 'string') return (text) => text.endsWith(second)
  if (tokens.length === 3 && first === ANY_RUN && typeof second === 'string' && third === ANY_RUN)
    return (text) => text.includes(second)
  return undefined
}

const width = (stretch: readonly Token[]): number =>
  stretch.reduce<number>((sum, token) => sum + (typeof token === 'string' ? token.length : 1), 0)

function fits(stretch: readonly Token[], text: string, from: number): boolean {
  let at = from
  for (const token of stretch) {
    if (typeof token === 'string') {
      if (!text.startsWith(token, at)) return false
      at += token.length
    } else {
      if (at >= text.length) return false
      if (token === ANY_DASH && !DASHES.includes(text[at]!)) return false
      at++
    }
  }
  return true
}

function find(stretch: readonly Token[], text: string, from: number): number {
  const first = stretch[0]
  const limit = text.length - width(stretch)
  if (first === undefined) return from
  if (typeof first === 'string') {
    for (let at = text.indexOf(first, from); at >= 0 && at <= limit; at = text.indexOf(first, at + 1))
      if (stretch.length === 1 || fits(stretch, text, at)) return at
    return -1
  }
  for (let at = from; at <= limit; at++) if (fits(stretch, text, at)) return at
  return -1
}
